"""Files of a ShotGrid site, fetched from the signed addresses that it gives.

They lie on other hosts, which are told nothing about our session. What is fetched is untrusted: it is bounded, and a
web page where a movie should be is no movie.
"""

import asyncio
import mimetypes
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import aiohttp

from pegbar.config import settings
from pegbar.core.http.forms import Upload, file_name
from pegbar.core.storage import check_room, disk_errors
from pegbar.exchange.shotgrid.site.client import waits

_PIECE = 256 * 1024
_TRIES = 5
#: A file may be slow as long as some of it comes.
_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=30, sock_read=60)
_MARKUP = re.compile(rb"^(\xef\xbb\xbf)?\s*<(!doctype html|html|\?xml|error)\b", re.IGNORECASE)
#: What stands for a thumbnail that the site has yet to make.
_PENDING = "/images/status/"
_TEXTS = frozenset({"svg", "md", "xml", "html", "htm", "txt"})


class NotFetched(Exception):
    """A file that cannot be had, and why."""


def is_upload(file: Any) -> bool:
    """Whether a field holds a file of the site: links to web pages and to folders of the studio are none."""
    if isinstance(file, str):
        return file.startswith(("http://", "https://")) and _PENDING not in file
    return (
        isinstance(file, Mapping)
        and isinstance(file.get("url"), str)
        and file["url"].startswith(("http://", "https://"))
        and file.get("link_type") in (None, "upload")
    )


def name_of(file: Any) -> str:
    """The name under which a file was uploaded."""
    if isinstance(file, Mapping) and file.get("name"):
        return file_name(str(file["name"]))
    url = file if isinstance(file, str) else file["url"]
    return file_name(unquote(urlsplit(url).path))


@asynccontextmanager
async def fetched(session: aiohttp.ClientSession, file: Any) -> AsyncIterator[Upload]:
    """A file of the site, in the upload folder, until the block ends.

    A connection that drops is taken up where it ended. Raises NotFetched.
    """
    if not is_upload(file):
        raise NotFetched("it is a link, not an uploaded file")
    url = file if isinstance(file, str) else file["url"]
    folder = settings().upload_folder
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"shotgrid-{uuid4()}"
    try:
        content_type = await _fetch(session, url, path)
        name = name_of(file)
        if "." not in name:
            name += mimetypes.guess_extension(content_type) or ""
        upload = Upload("file", name, content_type, path, path.stat().st_size)
        _check(upload)
        yield upload
    finally:
        path.unlink(missing_ok=True)


async def _fetch(session: aiohttp.ClientSession, url: str, path: Path) -> str:
    """Fetch what is at an address into a file; its type."""
    validator: str | None = None
    reason = ""
    for attempt in range(_TRIES):
        received = _size(path)
        headers = {"Range": f"bytes={received}-", "If-Range": validator} if received and validator else {}
        try:
            async with session.get(url, headers=headers, timeout=_TIMEOUT) as response:
                if response.status in (429, 500, 502, 503, 504):
                    reason = f"the address answers {response.status}"
                elif response.status >= 400:
                    raise NotFetched(f"the address answers {response.status}")
                else:
                    validator = response.headers.get("ETag") or response.headers.get("Last-Modified")
                    await _receive(response, path, append=response.status == 206)
                    return response.content_type
        except (aiohttp.ClientError, TimeoutError) as error:
            reason = f"the connection breaks off ({type(error).__name__})"
        await asyncio.sleep(waits(attempt))
    raise NotFetched(reason)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


async def _receive(response: aiohttp.ClientResponse, path: Path, *, append: bool) -> None:
    limit = settings().max_content_length
    size = _size(path) if append else 0
    with path.open("ab" if append else "wb") as target:
        async for piece in response.content.iter_chunked(_PIECE):
            size += len(piece)
            if limit and size > limit:
                raise NotFetched(f"it is larger than {limit} bytes (MAX_CONTENT_LENGTH)")
            check_room(path.parent)
            with disk_errors():
                await asyncio.to_thread(target.write, piece)


def _check(upload: Upload) -> None:
    """Refuse what is certainly not the file."""
    if not upload.size:
        raise NotFetched("it is empty")
    with upload.path.open("rb") as source:
        start = source.read(512)
    if upload.extension not in _TEXTS and _MARKUP.match(start):
        raise NotFetched(f"what comes is a web page, not {upload.name}")

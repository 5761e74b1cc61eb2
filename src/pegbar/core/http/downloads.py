"""Answers that are stored binaries: ranges, validators and names. Source: spec media, "Serving".

Files were uploaded by anybody: but for the kinds that a browser only shows, they are answered as attachments that may
run nothing in the origin of the web UI.
"""

import re
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.utils import formatdate, parsedate_to_datetime
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from litestar import Request
from litestar.datastructures import Headers
from litestar.types import Receive, Scope, Send

from pegbar.config import settings
from pegbar.core.data.database import Database
from pegbar.core.errors import ApiError, NotFound
from pegbar.core.http.routing import Reply
from pegbar.core.storage import Address, Binary, in_memory, located, store

MEDIA_TYPES = {
    "png": "image/png",
    "mp4": "video/mp4",
    "pdf": "application/pdf",
    "hdr": "image/vnd.radiance",
}
#: Kinds that are shown in place. A browser runs nothing that is in them.
_SHOWN = (
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "image/bmp",
    "image/avif",
    "image/vnd.radiance",
    "video/mp4",
)
_IN_PLACE = frozenset({*_SHOWN, "application/pdf"})
#: For the rest, should it be opened all the same.
_INERT = "sandbox; default-src 'none'; frame-ancestors 'self'"
#: Seconds that a signed address of the object store is good.
_SIGNED_FOR = 600
#: A header as it is sent.
_Header = tuple[bytes, bytes]
_RANGES: _Header = (b"accept-ranges", b"bytes")
#: Where the outer shell says that only the head of the answer is wanted.
HEAD_ONLY = "pegbar.head"
#: The key of a request's scope with what takes messages just before the server, for many small pieces of one body: once
#: its start went the usual way, and if it is no answer that is compressed.
LAST_SEND = "pegbar.last_send"
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9._-]+")


class UnsatisfiableRange(ApiError):
    """A range outside the file, or several ranges."""

    status = 416


def media_type(extension: str | None) -> str:
    """The media type of a stored file by its extension."""
    return MEDIA_TYPES.get((extension or "").lower(), "application/octet-stream")


def disposition(name: str, *, attachment: bool) -> str:
    """A Content-Disposition; a name beyond ASCII is given twice."""
    kind = "attachment" if attachment else "inline"
    if not name:
        return kind
    if _PLAIN_NAME.fullmatch(name):
        return f"{kind}; filename={name}"
    plain = re.sub(r'[^\x20-\x7e]|["\\]', "_", name)
    if plain == name:
        return f'{kind}; filename="{name}"'
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


class Download:
    """An ASGI response that is a binary or a range of it."""

    def __init__(self, binary: Binary, status: int, headers: list[_Header], span: tuple[int, int] | None) -> None:
        self._binary, self.status_code, self._headers, self._span = binary, status, headers, span

    @property
    def is_at_hand(self) -> bool:
        """Whether nothing but its client can keep it from being sent: no store is asked for it."""
        return self._span is None or (self.status_code == 200 and self._binary.file is not None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start: Any = {"type": "http.response.start", "status": self.status_code, "headers": self._headers}
        empty: Any = {"type": "http.response.body", "body": b"", "more_body": False}
        if self._span is None or scope.get(HEAD_ONLY):
            await send(start)
            await send(empty)
            return
        extensions = scope.get("extensions") or {}
        if self.is_at_hand and "http.response.pathsend" in extensions:
            assert self._binary.file is not None
            # To open and read it in threads of its own costs the server a third of a thumbnail.
            data = in_memory(self._binary.file, self._binary.size)
            await send(start)
            if data is not None:
                await send({"type": "http.response.body", "body": data, "more_body": False})
            else:
                await send({"type": "http.response.pathsend", "path": self._binary.file})  # type: ignore[arg-type]
            return
        pieces = store().read(self._binary.address, *self._span)
        try:
            await self._stream(pieces, start, send)
        except FileNotFoundError:  # removed since it was looked up
            gone: Any = {"type": "http.response.start", "status": 404, "headers": []}
            await send(gone)
        await send(empty)

    @staticmethod
    async def _stream(pieces: AsyncIterator[bytes], start: Any, send: Send) -> None:
        """The head goes out with the first bytes, so that a store that fails is still answered as an error."""
        begun = False
        try:
            async for piece in pieces:
                if not begun:
                    await send(start)
                    begun = True
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        finally:
            await pieces.aclose()  # type: ignore[attr-defined]
        if not begun:
            await send(start)


async def download(
    request: Request[Any, Any, Any],
    *addresses: Address,
    kind: str,
    name: str = "",
    attachment: bool = False,
    caching: str | None = None,
    size: int | None = None,
    signed: bool = True,
) -> Download | Reply:
    """The first of these binaries that is stored, as an answer; 404 when none is.

    `caching` replaces the usual Cache-Control. A local file of another `size` counts as absent: it is half a file of an
    older server. Without `signed` nobody is sent to the object store, whose addresses are good for a while whatever
    becomes of the right to them. Raises 416 for ranges that cannot be served.
    """
    db: Database = request.app.state.database
    for address in addresses:
        binary = await located(db, address)
        if binary is None or (size and binary.file is not None and binary.size != size):
            continue
        attachment = attachment or kind not in _IN_PLACE
        if signed and settings().s3_redirect and not attachment and not request.scope.get(HEAD_ONLY):
            location = await store().signed(address, seconds=_SIGNED_FOR)
            if location is not None:
                # The address is good for a while only, and so is the answer that names it.
                headers = {"location": location, "cache-control": f"max-age={_SIGNED_FOR // 2}, private"}
                return Reply(status=302, headers=headers)
        named = disposition(name, attachment=attachment) if name or attachment else ""
        return _answer(request, binary, kind, named, caching)
    raise NotFound("there is no such file.")


def _answer(request: Request[Any, Any, Any], binary: Binary, kind: str, named: str, caching: str | None) -> Download:
    sent = request.headers
    modified = _http_date(int(binary.changed))
    headers = [_RANGES, (b"etag", binary.etag.encode("latin-1")), (b"last-modified", modified.encode())]
    if caching is None:
        age = settings().client_cache_max_age
        headers += _kept_for(age, int(time.time()) + age)
    else:
        headers.append((b"cache-control", caching.encode()))
    if _unchanged(sent, binary):
        return Download(binary, 304, headers, None)
    headers.append((b"content-type", kind.encode()))
    if named:
        headers.append((b"content-disposition", named.encode("latin-1")))
    if named.startswith("attachment"):
        headers.append((b"content-security-policy", _INERT.encode()))
    span = _span(sent, binary, modified)
    if span is None:
        headers.append((b"content-length", b"%d" % binary.size))
        return Download(binary, 200, headers, (0, binary.size))
    headers.append((b"content-length", b"%d" % (span[1] - span[0])))
    headers.append((b"content-range", b"bytes %d-%d/%d" % (span[0], span[1] - 1, binary.size)))
    return Download(binary, 206, headers, span)


@lru_cache(4096)
def _http_date(second: int) -> str:
    return formatdate(second, usegmt=True)


@lru_cache(16)
def _kept_for(age: int, until: int) -> tuple[_Header, ...]:
    """How long a browser keeps an answer: the same for all of a second."""
    return (
        (b"cache-control", b"max-age=%d, private" % age),
        (b"expires", _http_date(until).encode()),
    )


def _since(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _unchanged(sent: Headers, binary: Binary) -> bool:
    if (held := sent.get("if-none-match")) is not None:
        return held.strip() == "*" or binary.etag in [tag.strip().removeprefix("W/") for tag in held.split(",")]
    if (since := sent.get("if-modified-since")) is None:
        return False
    moment = _since(since)
    return moment is not None and int(binary.changed) <= moment.timestamp()


def _span(sent: Headers, binary: Binary, modified: str) -> tuple[int, int] | None:
    """The requested bytes, or None for all of them."""
    byte_range = sent.get("range", "").strip()
    if not byte_range.startswith("bytes="):
        return None
    condition = sent.get("if-range")
    if condition is not None and condition.strip() not in (binary.etag, modified):
        return None
    return span_of(byte_range, binary.size)


def span_of(byte_range: str, size: int) -> tuple[int, int]:
    """The half-open span of a single byte range; UnsatisfiableRange (recorded without Content-Range) else."""
    error = UnsatisfiableRange(f"The range {byte_range[:60]!r} cannot be served: the file has {size} bytes.")
    match = _RANGE.fullmatch(byte_range.replace(" ", ""))
    if match is None or not (match[1] or match[2]) or len(byte_range) > 60:
        raise error
    if not match[1]:
        start, end = max(size - int(match[2]), 0), size
    else:
        start, end = int(match[1]), min(int(match[2]) + 1, size) if match[2] else size
    if start >= end:
        raise error
    return start, end

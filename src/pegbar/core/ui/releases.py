"""Where builds of the web UI are published: a list of releases as GitHub tells it, and fetching files.

A release is `{"tag_name": "v1.2.3", "assets": [{"name", "browser_download_url", "digest": "sha256:…"}]}`.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import aiohttp
import msgspec

from pegbar.core.errors import CannotRun
from pegbar.core.ui.archive import LARGEST_ARCHIVE

_ARCHIVE = re.compile(r"\.(?:tgz|tar\.gz|zip)$", re.IGNORECASE)
_VERSION_IN_NAME = re.compile(r"(?<![\w.])v?(\d+(?:\.\d+)+[\w+-]*(?:\.[\w+-]+)*)$")
#: Seconds to connect, and between two pieces.
_PATIENCE = aiohttp.ClientTimeout(total=None, connect=20, sock_connect=20, sock_read=60)
_LARGEST_LIST = 4 * 2**20
OFFLINE = (
    "Without a way to the internet: fetch the build (kitsu-VERSION.tgz of https://github.com/cgwire/kitsu/releases) on "
    "another machine, bring it here and run: pegbar ui install --from FILE"
)


class _Asset(msgspec.Struct):
    name: str
    browser_download_url: str
    digest: str | None = None


class _Release(msgspec.Struct):
    tag_name: str
    assets: list[_Asset]


@dataclass(frozen=True)
class Source:
    """Where a build is, and what it should be."""

    url: str
    version: str | None
    sha256: str | None = None


def version_in(name: str) -> str | None:
    """The version that the name of an archive tells: `kitsu-1.2.3.tgz`."""
    match = _VERSION_IN_NAME.search(_ARCHIVE.sub("", name))
    return match[1] if match else None


def source_of(url: str) -> Source:
    """The build at an address."""
    return Source(url, version_in(unquote(urlsplit(url).path).rpartition("/")[2]))


async def find(releases: str, version: str | None) -> Source:
    """The build of a version, the latest unless one is named, in a list of releases. Raises CannotRun."""
    base = releases.rstrip("/")
    tags = [f"{base}/latest"] if version is None else [f"{base}/tags/{quote(tag)}" for tag in _tags(version)]
    for url in tags:
        content = await _read(url)
        if content is not None:
            return _chosen(url, content)
    raise CannotRun(f"{_host(releases)} knows no release {version or ''}".rstrip() + f" ({tags[0]}).")


def _tags(version: str) -> tuple[str, str]:
    plain = version.removeprefix("v")
    return f"v{plain}", plain


def _chosen(url: str, content: bytes) -> Source:
    try:
        release = msgspec.json.decode(content, type=_Release)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CannotRun(
            f"{url} tells no release: {error}. PEGBAR_UI_RELEASES must be a list as GitHub's API."
        ) from None
    archives = [asset for asset in release.assets if _ARCHIVE.search(asset.name)]
    if len(archives) != 1:
        names = ", ".join(asset.name for asset in archives[:5]) or "none"
        raise CannotRun(
            f"The release {release.tag_name} should hold one archive (tgz, tar.gz, zip) and holds {names}: give the "
            "address of the right one with --from."
        )
    (asset,) = archives
    kind, _, digest = (asset.digest or "").partition(":")
    return Source(
        asset.browser_download_url,
        release.tag_name.removeprefix("v"),
        digest.lower() if kind == "sha256" else None,
    )


async def _read(url: str) -> bytes | None:
    """A small document; None when there is none."""
    async with _answer(url, accept="application/json") as answer:
        if answer.status == 404:
            return None
        _check_status(answer)
        content = await answer.content.read(_LARGEST_LIST)
        while not answer.content.at_eof() and len(content) < _LARGEST_LIST:
            content += await answer.content.read(_LARGEST_LIST - len(content))
        return content


async def fetch(source: Source, into: Path, progress: Callable[[int, int | None], Any]) -> None:
    """Fetch an archive into a file; `progress` hears the bytes that are there and how many there will be.

    Raises CannotRun when it cannot be had, is too large, or is not the one that the release tells of.
    """
    digest, size = hashlib.sha256(), 0
    async with _answer(source.url, accept="*/*") as answer:
        _check_status(answer)
        with into.open("wb") as file:
            async for piece in answer.content.iter_chunked(2**18):
                size += len(piece)
                if size > LARGEST_ARCHIVE:
                    raise CannotRun(f"{_shown(source.url)} has more than the {LARGEST_ARCHIVE} bytes a build may have.")
                digest.update(piece)
                file.write(piece)
                progress(size, answer.content_length)
    if source.sha256 is not None and digest.hexdigest() != source.sha256:
        raise CannotRun(f"{_shown(source.url)} is not the file that its release tells of: its SHA-256 differs.")


@asynccontextmanager
async def _answer(url: str, *, accept: str) -> AsyncIterator[aiohttp.ClientResponse]:
    if urlsplit(url).scheme not in ("http", "https"):
        raise CannotRun(f"{_shown(url)} is no address: it must begin with https:// or http://.")
    headers = {"accept": accept, "user-agent": "pegbar"}
    try:
        async with (
            aiohttp.ClientSession(timeout=_PATIENCE, trust_env=True, headers=headers) as session,
            session.get(url) as answer,
        ):
            if url.startswith("https:") and answer.url.scheme != "https":
                raise CannotRun(f"{_shown(url)} leads to an address without TLS ({_shown(str(answer.url))}): refused.")
            yield answer
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        reason = str(error) or type(error).__name__
        raise CannotRun(f"{_shown(url)} cannot be had: {reason}. {OFFLINE}") from None


def _check_status(answer: aiohttp.ClientResponse) -> None:
    if answer.status != 200:
        raise CannotRun(f"{_shown(str(answer.url))} answers {answer.status} {answer.reason}. {OFFLINE}")


def _host(url: str) -> str:
    return urlsplit(url).hostname or url


def _shown(url: str) -> str:
    """An address without a name and password, and without a query, which may hold a signature."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

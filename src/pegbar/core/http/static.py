"""The built web UI: files of a folder, with validators and caching as browsers want them.

A file that has been compressed beforehand (`app.js.br`, `.zst`, `.gz` beside it) is sent so to whoever takes that.
"""

import hashlib
import mimetypes
import os
import re
from email.utils import formatdate
from pathlib import Path
from stat import S_ISREG
from typing import Any

from litestar.types import ASGIApp, Receive, Send

from pegbar.core.http.compression import accepted, without_coding
from pegbar.core.http.downloads import HEAD_ONLY
from pegbar.core.ui.builds import current_version, versions

#: Names that a bundler gives by content: `index-DkX_9aB2.js`, `app.3f9c2d1e.css`. They never change.
_HASHED = re.compile(r"/[^/]+[.-](?:(?=[\w-]*[\dA-Z_])[\w-]{8}|[0-9a-f]{8,64})\.\w+$")
_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"
#: How files may be compressed beforehand, the smallest first.
_CODINGS = (("br", ".br"), ("zstd", ".zst"), ("gzip", ".gz"))


def etag_of(content: bytes) -> str:
    """The validator of content."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def not_modified(headers: dict[bytes, bytes], etag: str) -> bool:
    """Whether the client has this version already."""
    known = headers.get(b"if-none-match", b"").decode("latin-1")
    return known == "*" or etag in (without_coding(tag.strip().removeprefix("W/")) for tag in known.split(","))


class WebUi:
    """A folder of a built web UI. Files are looked up at each request: a new build is served at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def file(self, path: str) -> ASGIApp | None:
        """The file at a path of the URL; None for anything that is not a plain file inside the folder."""
        if "\0" in path or "\\" in path or path.endswith("/"):
            return None
        # Symbolic links inside the folder may point anywhere: what they point at must be inside, too.
        try:
            wanted = (self._folder / path.lstrip("/")).resolve()
            if not wanted.is_relative_to(self._folder) or any(part.startswith(".") for part in path.split("/")):
                return None
            info = wanted.stat()
        except (OSError, ValueError):
            return None
        return _File(wanted, info, forever=_is_hashed(path)) if S_ISREG(info.st_mode) else None

    def index(self) -> ASGIApp | None:
        """The page that every client-side route starts from."""
        return self.file("/index.html")


class InstalledUi:
    """The builds that `pegbar ui` installs. Which one is served is looked up at each request, too."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._served: tuple[str, WebUi] | None = None

    def _current(self) -> WebUi | None:
        version = current_version(self._folder)
        if version is None:
            return None
        if self._served is None or self._served[0] != version:
            self._served = version, WebUi(self._folder / version)
        return self._served[1]

    def file(self, path: str) -> ASGIApp | None:
        """The file at a path of the URL, in the build that is served.

        A page that was open at a switch still asks for files of the build it came from: those named by their content.
        """
        ui = self._current()
        if ui is None or (file := ui.file(path)) is not None or not _is_hashed(path):
            return None if ui is None else file
        others = (WebUi(self._folder / version).file(path) for version in versions(self._folder))
        return next((file for file in others if file is not None), None)

    def index(self) -> ASGIApp | None:
        """The page that every client-side route starts from."""
        ui = self._current()
        return None if ui is None else ui.index()


def _is_hashed(path: str) -> bool:
    return path.count("/") > 1 and _HASHED.search(path) is not None


def _etag(info: os.stat_result) -> str:
    return f'"{info.st_mtime_ns:x}-{info.st_size:x}"'


class _File:
    """The ASGI response of a file."""

    def __init__(self, path: Path, info: os.stat_result, *, forever: bool) -> None:
        self._path, self._info, self._forever = path, info, forever

    def _sent(self, headers: dict[bytes, bytes]) -> tuple[Path, os.stat_result, str | None]:
        """The file as it is sent: itself, or compressed beforehand, and how."""
        codings = accepted(headers.get(b"accept-encoding", b"").decode("latin-1"))
        for coding, suffix in _CODINGS:
            if coding in codings:
                packed = self._path.with_name(self._path.name + suffix)
                try:
                    info = packed.lstat()
                except OSError:
                    continue
                if S_ISREG(info.st_mode):
                    return packed, info, coding
        return self._path, self._info, None

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        request = dict(scope["headers"])
        path, info, coding = self._sent(request)
        kind, packed = mimetypes.guess_type(self._path.name)
        kind = kind if kind and not packed else "application/octet-stream"
        if kind.startswith("text/") or kind in ("application/javascript", "application/json"):
            kind += "; charset=utf-8"
        etag = _etag(info)
        headers = [
            (b"content-type", kind.encode()),
            (b"etag", etag.encode()),
            (b"last-modified", formatdate(self._info.st_mtime, usegmt=True).encode()),
            (b"cache-control", (_FOR_EVER if self._forever else _ASK_AGAIN).encode()),
            (b"vary", b"Accept-Encoding"),
        ]
        fresh = not_modified(request, etag)
        if coding is not None:
            headers.append((b"content-encoding", coding.encode()))
        if not fresh:
            headers.append((b"content-length", str(info.st_size).encode()))
        await send({"type": "http.response.start", "status": 304 if fresh else 200, "headers": headers})
        if fresh or scope.get(HEAD_ONLY):
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        elif "http.response.pathsend" in scope.get("extensions", {}):
            await send({"type": "http.response.pathsend", "path": str(path)})  # type: ignore[arg-type]
        else:
            await send({"type": "http.response.body", "body": path.read_bytes(), "more_body": False})

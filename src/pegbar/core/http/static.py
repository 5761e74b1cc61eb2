"""The built web UI: files of a folder, with validators and caching as browsers want them."""

import hashlib
import mimetypes
import os
import re
from email.utils import formatdate
from pathlib import Path
from stat import S_ISREG
from typing import Any

from litestar.types import ASGIApp, Receive, Send

from pegbar.core.http.downloads import HEAD_ONLY

#: Names that a bundler gives by content: `index-DkX_9aB2.js`, `app.3f9c2d1e.css`. They never change.
_HASHED = re.compile(r"/[^/]+[.-](?:(?=[\w-]*[\dA-Z_])[\w-]{8}|[0-9a-f]{8,64})\.\w+$")
_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"


def etag_of(content: bytes) -> str:
    """The validator of content."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def not_modified(headers: dict[bytes, bytes], etag: str) -> bool:
    """Whether the client has this version already."""
    known = headers.get(b"if-none-match", b"").decode("latin-1")
    return known == "*" or etag in (tag.strip().removeprefix("W/") for tag in known.split(","))


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
        hashed = path.count("/") > 1 and _HASHED.search(path) is not None
        return _File(wanted, info, forever=hashed) if S_ISREG(info.st_mode) else None

    def index(self) -> ASGIApp | None:
        """The page that every client-side route starts from."""
        return self.file("/index.html")


class _File:
    """The ASGI response of a file."""

    def __init__(self, path: Path, info: os.stat_result, *, forever: bool) -> None:
        self._path, self._size, self._forever = path, info.st_size, forever
        self._etag = f'"{info.st_mtime_ns:x}-{info.st_size:x}"'
        self._modified = formatdate(info.st_mtime, usegmt=True)

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        kind = mimetypes.guess_type(self._path.name)[0] or "application/octet-stream"
        if kind.startswith("text/") or kind in ("application/javascript", "application/json"):
            kind += "; charset=utf-8"
        headers = [
            (b"content-type", kind.encode()),
            (b"etag", self._etag.encode()),
            (b"last-modified", self._modified.encode()),
            (b"cache-control", (_FOR_EVER if self._forever else _ASK_AGAIN).encode()),
        ]
        fresh = not_modified(dict(scope["headers"]), self._etag)
        if not fresh:
            headers.append((b"content-length", str(self._size).encode()))
        await send({"type": "http.response.start", "status": 304 if fresh else 200, "headers": headers})
        if fresh or scope.get(HEAD_ONLY):
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        elif "http.response.pathsend" in scope.get("extensions", {}):
            await send({"type": "http.response.pathsend", "path": str(self._path)})  # type: ignore[arg-type]
        else:
            await send({"type": "http.response.body", "body": self._path.read_bytes(), "more_body": False})

"""The outer shell of the application: what every answer has, and what is not the API.

The API answers at `/` and under `/api`; sockets at `/socket.io`; HEAD on every GET route; OPTIONS and CORS; the built
web UI, when there is one. Source: spec accounts, "HTTP conventions".
"""

import asyncio
import re
from pathlib import Path
from typing import Any

from litestar.types import ASGIApp, Receive, Send

from pegbar.config import settings
from pegbar.core.errors import HungUp, NotFound, Unavailable
from pegbar.core.http.answers import answer, error_answer
from pegbar.core.http.compression import Compressing
from pegbar.core.http.downloads import HEAD_ONLY, LAST_SEND
from pegbar.core.http.pages import Pages
from pegbar.core.http.received import ReceivedBody, too_large
from pegbar.core.http.routing import Operation, Reply
from pegbar.core.http.static import InstalledUi, WebUi
from pegbar.core.ui.builds import folder_of

_SECURITY_HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"SAMEORIGIN",
    b"content-security-policy": b"frame-ancestors 'self'",
    b"referrer-policy": b"strict-origin-when-cross-origin",
}
_EVERY_HEADER = list(_SECURITY_HEADERS.items())
#: Headers of answers that scripts of other origins may read.
_EXPOSED = (
    b"Content-Disposition, Content-Range, ETag, Idempotency-Replayed, Location, Retry-After, Tus-Checksum-Algorithm,"
    b" Tus-Extension, Tus-Max-Size, Tus-Resumable, Tus-Version, Upload-Expires, Upload-Length, Upload-Metadata,"
    b" Upload-Offset"
)
_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"


class Front:
    """An ASGI application around the API."""

    def __init__(self, api: ASGIApp, sockets: ASGIApp, operations: list[Operation]) -> None:
        self._api, self._sockets = api, sockets
        self._origins = [re.compile(f"(?:{origin})$") for origin in settings().cors_allowed_origins]
        self._plain_origins = frozenset(settings().cors_allowed_origins)
        self._longest = settings().max_content_length
        self._compresses = settings().compression
        self._allowed = _allowed_methods(operations)
        self._headers = [
            (_pattern(operation.path), operation.headers()) for operation in operations if operation.headers is not None
        ]
        self._pages = Pages(operations)
        slots = settings().media_max_concurrent_requests
        self._media = _MediaSlots(slots, settings().media_slot_wait_timeout) if slots else None
        chosen = settings().ui_folder
        self._ui = WebUi(Path(chosen)) if chosen else InstalledUi(folder_of(settings().data_folder))

    async def __call__(self, scope: Any, receive: Receive, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._api(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if scope["type"] == "http" and ReceivedBody.expected(headers):
            body = ReceivedBody(headers, receive, send, self._longest)
            receive = body.receive
            if scope["http_version"].startswith("1"):  # from version 2 on, requests do not share what is left over
                send = body.send
        try:
            await self._dispatch(scope, headers, receive, send)
        except HungUp:
            return

    async def _dispatch(self, scope: Any, headers: dict[bytes, bytes], receive: Receive, send: Any) -> None:
        path: str = scope["path"]
        if path.startswith(("/socket.io", "/api/socket.io")):
            scope["path"] = path.removeprefix("/api")
            await self._sockets(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 4404})
            return
        under_api = path == "/api" or path.startswith("/api/")
        if under_api:
            scope["path"] = path[4:] or "/"
            scope["raw_path"] = scope["path"].encode()
        await self._answer(scope, headers, receive, send, under_api=under_api)

    async def _answer(
        self, scope: Any, headers: dict[bytes, bytes], receive: Receive, send: Send, *, under_api: bool
    ) -> None:
        cors = self._cors_headers(headers)
        method = scope["method"]
        scope[LAST_SEND] = send
        sender: Send = _Sender(send, cors, drop_body=method == "HEAD")
        if self._compresses and method != "HEAD":
            sender = Compressing(sender, headers.get(b"accept-encoding", b""))
        if method == "OPTIONS":
            await self._options(scope, headers, receive, sender)
            return
        if method == "HEAD":
            scope["method"], scope[HEAD_ONLY] = "GET", True
        if scope["method"] == "GET" and (page := self._page(scope["path"], headers, under_api=under_api)) is not None:
            await page(scope, receive, sender)
            return
        if self._longest:
            length = headers.get(b"content-length", b"")
            if length.isdigit() and int(length) > self._longest:
                await error_answer(too_large(self._longest))(scope, receive, sender)
                return
        if self._media is not None and scope["method"] == "GET" and _MEDIA.match(scope["path"]):
            await self._media.answer(self._api, scope, receive, sender)
        else:
            await self._api(scope, receive, sender)

    def _page(self, path: str, headers: dict[bytes, bytes], *, under_api: bool) -> ASGIApp | None:
        """What is not the API: its documentation, and the web UI."""
        if (reply := self._pages.find(path, headers)) is not None:
            return answer(reply)
        if not under_api and path != "/" and (file := self._ui.file(path)) is not None:
            return file
        # A browser that goes to a page: the web UI's own routes all start from its index.
        if b"text/html" not in headers.get(b"accept", b""):
            return None
        index = None if under_api else self._ui.index()
        if index is not None and (path == "/" or self._methods_of(path) is None):
            return index
        return answer(self._pages.landing(headers)) if path == "/" else None

    def _methods_of(self, path: str) -> str | None:
        """The methods that a path of the API takes; None when it is none."""
        path = path.rstrip("/") or "/"
        return next((methods for pattern, methods in self._allowed if pattern.fullmatch(path)), None)

    def _headers_of(self, path: str) -> dict[str, str]:
        """The headers that the routes of a path declare."""
        path = path.rstrip("/") or "/"
        fitting = (headers for pattern, headers in self._headers if pattern.fullmatch(path))
        return {name: value for headers in fitting for name, value in headers.items()}

    async def _options(self, scope: Any, headers: dict[bytes, bytes], receive: Receive, send: Send) -> None:
        allowed = self._methods_of(scope["path"])
        if allowed is None and self._pages.find(scope["path"], {}) is not None:
            allowed = "GET, HEAD, OPTIONS"
        if allowed is None:
            await error_answer(NotFound("there is no such route."))(scope, receive, send)
            return
        extra = {"allow": allowed, **self._headers_of(scope["path"])}
        if b"access-control-request-method" in headers:
            extra["access-control-allow-methods"] = _METHODS
            wanted = headers.get(b"access-control-request-headers", b"")
            extra["access-control-allow-headers"] = wanted.decode("latin-1")
        await answer(Reply(b"", status=200, media_type="text/html", headers=extra))(scope, receive, send)

    def _cors_headers(self, headers: dict[bytes, bytes]) -> list[tuple[bytes, bytes]]:
        origin = headers.get(b"origin")
        if origin is None or not self._origins:
            return []
        text = origin.decode("latin-1")
        if text not in self._plain_origins and not any(pattern.match(text) for pattern in self._origins):
            return [(b"vary", b"Origin")]
        return [
            (b"access-control-allow-origin", origin),
            (b"access-control-allow-credentials", b"true"),
            (b"access-control-expose-headers", _EXPOSED),
            (b"vary", b"Origin"),
        ]


#: Pictures and movies, those of share links too.
_MEDIA = re.compile(r"(?:/shared/playlists/[^/]+)?/(?:pictures|movies)/")


class _MediaSlots:
    """How many pictures and movies are sent at once; others wait a while, then they are to come again (503)."""

    def __init__(self, slots: int, patience: float) -> None:
        self._slots = asyncio.Semaphore(slots)
        self._patience = patience

    async def answer(self, api: ASGIApp, scope: Any, receive: Receive, send: Any) -> None:
        """Answer a request for a file once there is a slot."""
        try:
            async with asyncio.timeout(self._patience):
                await self._slots.acquire()
        except TimeoutError:
            busy = Unavailable("Too many pictures and movies are being sent. Try again in a moment.")
            busy.headers["cache-control"] = "no-store"
            await error_answer(busy)(scope, receive, send)
            return
        try:
            await api(scope, receive, send)
        finally:
            self._slots.release()


class _Sender:
    """Adds the headers that every answer has, and drops the body of a HEAD."""

    def __init__(self, send: Send, extra: list[tuple[bytes, bytes]], *, drop_body: bool) -> None:
        self._send, self._extra, self._drop_body = send, extra, drop_body

    async def __call__(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            sent = message["headers"]
            present = [name for name, _ in sent if name in _SECURITY_HEADERS]
            security = [header for header in _EVERY_HEADER if header[0] not in present] if present else _EVERY_HEADER
            message = {**message, "headers": [*sent, *security, *self._extra]}
        elif self._drop_body:
            message = {"type": "http.response.body", "body": b"", "more_body": message.get("more_body", False)}
        await self._send(message)


def _allowed_methods(operations: list[Operation]) -> list[tuple[re.Pattern[str], str]]:
    """For each path, the methods it takes; static paths before those with parameters."""
    methods: dict[str, set[str]] = {}
    for operation in operations:
        methods.setdefault(operation.path, set()).add(operation.method)
    patterns = []
    for path, known in sorted(methods.items(), key=lambda item: item[0].count("{")):
        if "GET" in known:
            known.add("HEAD")
        patterns.append((_pattern(path), ", ".join(sorted(known | {"OPTIONS"}))))
    return patterns


def _pattern(path: str) -> re.Pattern[str]:
    """What addresses of a route look like."""
    return re.compile(re.sub(r"\\{[^}]*?:path\\}", ".+", re.sub(r"\\{[^}]+\\}", "[^/]+", re.escape(path))))

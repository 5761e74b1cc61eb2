"""Live sockets with several API workers: one process holds them all, every worker forwards to it.

A long-polling client's requests reach any worker, so no worker can hold its connection. The process listens on a Unix
socket in a folder that only its owner enters.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import aiohttp
import structlog
from litestar.types import ASGIApp, Receive, Send

from pegbar.core.errors import TooLarge, Unavailable
from pegbar.core.http.answers import error_answer

log = structlog.get_logger()

_LONGEST_MESSAGE = 1_000_000
#: Headers about one connection, not about the request.
_HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"content-length",
        b"host",
        b"keep-alive",
        b"proxy-authorization",
        b"sec-websocket-accept",
        b"sec-websocket-extensions",
        b"sec-websocket-key",
        b"sec-websocket-version",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
_REFUSED, _AGAIN_LATER = 4403, 1013


def _passed_on(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in headers if name.lower() not in _HOP_BY_HOP
    ]


class SocketForwarder:
    """An ASGI application in place of the sockets of this process."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._session: aiohttp.ClientSession | None = None
        self.asgi: ASGIApp = self._forward

    #: The process of the sockets counts them.
    connected = 0

    async def start(self) -> None:
        """Get ready to forward."""
        self._session = aiohttp.ClientSession(
            "http://sockets",
            connector=aiohttp.UnixConnector(self._path, limit=0),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=5),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )

    async def stop(self) -> None:
        """Hang up."""
        if self._session is not None:
            await self._session.close()

    async def _forward(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._forward_websocket(scope, receive, send)
            return
        try:
            await self._forward_request(scope, receive, send)
        except TooLarge as error:
            await error_answer(error)(scope, receive, send)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("the process of the live sockets does not answer", error=str(error))
            unavailable = Unavailable("Live events are not available. Try again in a moment.")
            await error_answer(unavailable)(scope, receive, send)

    def _url(self, scope: Any) -> str:
        query = scope["query_string"].decode("latin-1")
        return f"{scope['path']}?{query}" if query else str(scope["path"])

    async def _forward_request(self, scope: Any, receive: Receive, send: Any) -> None:
        """An HTTP request of long polling: answered when there is something to tell, or given up with its client."""
        body = await _whole_body(receive)
        asking = asyncio.create_task(self._ask(scope, body))
        gone = asyncio.create_task(_disconnected(receive))
        await asyncio.wait({asking, gone}, return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        if not asking.done():
            asking.cancel()
            return
        status, headers, content = await asking
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content, "more_body": False})

    async def _ask(self, scope: Any, body: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        assert self._session is not None
        request = self._session.request(
            scope["method"], self._url(scope), headers=_passed_on(scope["headers"]), data=body or None
        )
        async with request as response:
            content = await response.read()
            headers = [(name.lower(), value) for name, value in response.raw_headers if name.lower() not in _HOP_BY_HOP]
            return response.status, [*headers, (b"content-length", str(len(content)).encode())], content

    async def _forward_websocket(self, scope: Any, receive: Receive, send: Any) -> None:
        assert self._session is not None
        await receive()  # the client's wish to connect
        try:
            inner = await self._session.ws_connect(
                self._url(scope), headers=_passed_on(scope["headers"]), max_msg_size=_LONGEST_MESSAGE, compress=0
            )
        except aiohttp.WSServerHandshakeError:
            await send({"type": "websocket.close", "code": _REFUSED})
            return
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("the process of the live sockets does not answer", error=str(error))
            await send({"type": "websocket.close", "code": _AGAIN_LATER})
            return
        await send({"type": "websocket.accept"})
        pumps = [asyncio.create_task(_upwards(receive, inner)), asyncio.create_task(_downwards(inner, send))]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            await inner.close()
            with suppress(Exception):  # the client may be gone already
                await send({"type": "websocket.close", "code": 1000})


async def _whole_body(receive: Receive) -> bytes:
    parts, size, more = [], 0, True
    while more:
        message: Any = await receive()
        if message["type"] != "http.request":
            break
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > _LONGEST_MESSAGE:
            raise TooLarge(f"A message is limited to {_LONGEST_MESSAGE} bytes.")
        more = message.get("more_body", False)
    return b"".join(parts)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _upwards(receive: Receive, inner: aiohttp.ClientWebSocketResponse) -> None:
    """What the client says."""
    while True:
        message: Any = await receive()
        if message["type"] != "websocket.receive":
            return
        if message.get("text") is not None:
            await inner.send_str(message["text"])
        else:
            await inner.send_bytes(message.get("bytes") or b"")


async def _downwards(inner: aiohttp.ClientWebSocketResponse, send: Any) -> None:
    """What the client is told."""
    async for message in inner:
        if message.type is aiohttp.WSMsgType.TEXT:
            await send({"type": "websocket.send", "text": message.data})
        elif message.type is aiohttp.WSMsgType.BINARY:
            await send({"type": "websocket.send", "bytes": message.data})

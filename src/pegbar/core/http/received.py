"""The body of a request as it arrives: how much of it came, whether its sender is still there, what is left of it.

An answer that goes out before the body was read would leave its rest in the connection: a short rest is read, for a
long one the answer says that the connection ends, so that the client does not send its next request into it.
"""

import asyncio
from typing import Any

from litestar.types import Receive, Send

from pegbar.core.errors import HungUp, TooLarge

#: Bytes of a body that nobody wants and that are read all the same, to keep the connection.
SHORT = 64 * 1024
#: Seconds that it may take to come.
_PATIENCE = 5.0


def too_large(limit: int) -> TooLarge:
    """The 413 for a body of more than `limit` bytes."""
    return TooLarge(f"A request body is limited to {limit} bytes.")


class ReceivedBody:
    """`receive` and `send` of a request that has a body.

    Receiving raises TooLarge beyond `limit` bytes (0: none), and HungUp when the caller leaves before the end.
    """

    def __init__(self, headers: dict[bytes, bytes], receive: Receive, send: Send, limit: int = 0) -> None:
        self._receive, self._send, self._limit = receive, send, limit
        length = headers.get(b"content-length", b"")
        self._announced = int(length) if length.isdigit() else None
        self._waits = b"expect" in headers  # the caller sends its body once it is asked for
        self._received = 0
        self._whole = False
        self._turn = asyncio.Lock()

    @staticmethod
    def expected(headers: dict[bytes, bytes]) -> bool:
        """Whether the request has a body."""
        return headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers

    async def receive(self) -> Any:
        """The next message of the request."""
        async with self._turn:
            message: Any = await self._receive()
            if message["type"] == "http.request":
                self._received += len(message.get("body", b""))
                self._whole = not message.get("more_body", False)
                if self._limit and self._received > self._limit:
                    raise too_large(self._limit)
            elif not self._whole:
                raise HungUp("The caller hung up in the middle of the body.")
            return message

    async def send(self, message: Any) -> None:
        """Send a message of the answer."""
        if message["type"] == "http.response.start" and not self._whole and not await self._read_rest():
            message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
        await self._send(message)

    async def _read_rest(self) -> bool:
        """Read what is left of a short body; whether it came to its end."""
        if self._announced is None or self._announced > SHORT or self._waits:
            return False
        try:
            async with asyncio.timeout(_PATIENCE):
                while not self._whole:
                    await self.receive()
        except (HungUp, TooLarge, TimeoutError):
            return False
        return True


__all__ = ["SHORT", "ReceivedBody", "too_large"]

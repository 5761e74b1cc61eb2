"""Answers that are files made for them: sent in pieces, gone once they are sent or their client is."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import BinaryIO

import structlog
from litestar.types import Receive, Scope, Send

from pegbar.config import settings
from pegbar.core.http.downloads import HEAD_ONLY, disposition
from pegbar.core.http.spool import in_thread

log = structlog.get_logger()

_PIECE = 2**18


async def _send_pieces(pieces: AsyncIterator[bytes], scope: Scope, send: Send) -> None:
    """Send a body. A client that takes nothing for `PEGBAR_STREAM_PATIENCE` is given up."""
    try:
        async for piece in pieces:
            async with asyncio.timeout(settings().stream_patience):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
    except TimeoutError:  # without its end the transfer is broken, and the client knows it
        log.warning("an answer broke off: its client took nothing", path=scope["path"])
        return
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _headers(kind: str, name: str, *, attachment: bool, size: int | None = None) -> list[tuple[bytes, bytes]]:
    headers = {
        "content-type": kind,
        "content-disposition": disposition(name, attachment=attachment),
        "cache-control": "no-cache",
    }
    if size is not None:
        headers["content-length"] = str(size)
    return [(key.encode(), value.encode("latin-1")) for key, value in headers.items()]


class MadeFile:
    """An ASGI response that is a file, open from now on: its name may be removed from the disk before it is sent.

    It is not to be kept by caches.
    """

    def __init__(self, path: Path, *, kind: str, name: str, attachment: bool = False) -> None:
        self._file = path.open("rb")
        self._size = os.fstat(self._file.fileno()).st_size
        self._headers = _headers(kind, name, attachment=attachment, size=self._size)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._file:
            await send({"type": "http.response.start", "status": 200, "headers": self._headers})
            await _send_pieces(self._pieces(0 if scope.get(HEAD_ONLY) else self._size), scope, send)

    async def _pieces(self, left: int) -> AsyncIterator[bytes]:
        while left > 0:
            piece = await asyncio.to_thread(self._file.read, _PIECE)
            left -= len(piece)
            yield piece


class Growing:
    """A file that is being written: how far of it is as it stays."""

    def __init__(self) -> None:
        self._file: BinaryIO | None = None
        self._whole = self._read = 0
        self.changed = asyncio.Event()

    def reach(self, path: Path, position: int) -> None:
        """Nothing is written before this position of the file any more. Its name may be removed from now on."""
        if self._file is None:
            self._file = path.open("rb")
        self._whole = max(self._whole, position)
        self.changed.set()

    async def read(self) -> bytes:
        """Some more of what stays; nothing when there is no more of it yet."""
        if self._read == self._whole:
            return b""
        assert self._file is not None, "what has grown is there"
        length = min(_PIECE, self._whole - self._read)
        piece = await in_thread(os.pread, self._file.fileno(), length, self._read)
        self._read += len(piece)
        return piece

    def close(self) -> None:
        """End with the file."""
        if self._file is not None:
            self._file.close()


class GrowingFile:
    """An ASGI response that is a file which is made while it is sent; `make` is cancelled when its client hangs up.

    It waits for no client: what one has not taken is in the file. What `make` raises before the first bytes is raised.
    """

    def __init__(
        self, make: Callable[[Growing], Awaitable[None]], *, kind: str, name: str, attachment: bool = False
    ) -> None:
        self._make, self._headers = make, _headers(kind, name, attachment=attachment)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        growing = Growing()
        making = asyncio.ensure_future(self._make(growing))
        making.add_done_callback(lambda _: growing.changed.set())
        gone = asyncio.create_task(_hung_up(receive))
        gone.add_done_callback(lambda _: making.cancel())
        try:
            await self._send(self._pieces(growing, making), scope, send)
        except asyncio.CancelledError:
            if not gone.done():
                raise
        finally:
            for task in (gone, making):
                task.cancel()
            await asyncio.gather(gone, making, return_exceptions=True)
            growing.close()

    async def _send(self, pieces: AsyncIterator[bytes], scope: Scope, send: Send) -> None:
        first = await anext(pieces, b"")
        await send({"type": "http.response.start", "status": 200, "headers": self._headers})

        async def body() -> AsyncIterator[bytes]:
            if scope.get(HEAD_ONLY):
                return
            yield first
            async for piece in pieces:
                yield piece

        await _send_pieces(body(), scope, send)

    @staticmethod
    async def _pieces(growing: Growing, making: asyncio.Future[None]) -> AsyncIterator[bytes]:
        while True:
            growing.changed.clear()
            is_made = making.done()
            if is_made:
                making.result()
            if piece := await growing.read():
                yield piece
            elif is_made:
                return
            else:
                await growing.changed.wait()


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

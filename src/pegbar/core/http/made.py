"""Answers that are files made for them: sent in pieces, gone once they are sent or their client is."""

import asyncio
import os
from pathlib import Path

import structlog
from litestar.types import Receive, Scope, Send

from pegbar.config import settings
from pegbar.core.http.downloads import HEAD_ONLY, disposition

log = structlog.get_logger()

_PIECE = 2**18


class MadeFile:
    """An ASGI response that is a file, open from now on: its name may be removed from the disk before it is sent.

    It is not to be kept by caches. A client that takes nothing for `PEGBAR_STREAM_PATIENCE` is given up.
    """

    def __init__(self, path: Path, *, kind: str, name: str, attachment: bool = False) -> None:
        self._file = path.open("rb")
        self._size = os.fstat(self._file.fileno()).st_size
        headers = {
            "content-type": kind,
            "content-length": str(self._size),
            "content-disposition": disposition(name, attachment=attachment),
            "cache-control": "no-cache",
        }
        self._headers = [(key.encode(), value.encode("latin-1")) for key, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._file:
            await send({"type": "http.response.start", "status": 200, "headers": self._headers})
            left = 0 if scope.get(HEAD_ONLY) else self._size
            try:
                while left > 0:
                    piece = await asyncio.to_thread(self._file.read, _PIECE)
                    left -= len(piece)
                    async with asyncio.timeout(settings().stream_patience):
                        await send({"type": "http.response.body", "body": piece, "more_body": True})
            except TimeoutError:  # without its end the transfer is broken, and the client knows it
                log.warning("an answer broke off: its client took nothing", path=scope["path"])
                return
            await send({"type": "http.response.body", "body": b"", "more_body": False})

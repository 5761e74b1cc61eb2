"""Bytes that arrive are written behind: a piece of the file is written by a thread while the next one comes in.

So a body takes as long as the slower of its connection and the disk, not as long as both; and no more of it than two
pieces, and what the connection holds, is in memory.
"""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from pegbar.core.storage.local import check_room, disk_errors

#: Bytes that are gathered before they are written.
_PIECE = 1024**2
#: Buffers that the system takes in one call, at the least.
_MOST_BUFFERS = 1000


class WrittenBehind:
    """Writes to an open file from a position on. What cannot be written is told by a later call.

    `write`, `flush` and `abandon` follow one another; the file may be closed after one of the last two.
    """

    def __init__(self, handle: int, folder: Path, position: int = 0) -> None:
        self._handle, self._folder, self._position = handle, folder, position
        self._pieces: list[bytes | bytearray] = []
        self._gathered = 0
        self._writing: asyncio.Task[None] | None = None

    async def write(self, data: bytes | bytearray) -> None:
        """Take some more, which nobody changes from now on. Raises what was wrong with the disk."""
        self._pieces.append(data)
        self._gathered += len(data)
        if self._gathered >= _PIECE or len(self._pieces) >= _MOST_BUFFERS:
            await self._begin()

    async def flush(self) -> int:
        """Have everything written; the position behind it."""
        if self._pieces:
            await self._begin()
        await self._settled()
        return self._position

    async def abandon(self) -> None:
        """Write nothing more; what is being written comes to its end."""
        self._pieces.clear()
        if self._writing is not None:
            await asyncio.wait({self._writing})

    async def _begin(self) -> None:
        await self._settled()
        pieces, size = self._pieces, self._gathered
        self._pieces, self._gathered = [], 0
        with disk_errors():
            check_room(self._folder)
        self._writing = asyncio.create_task(asyncio.to_thread(_write, self._handle, pieces, self._position))
        self._position += size

    async def _settled(self) -> None:
        if self._writing is not None:
            with disk_errors():
                # Cancelled or not, the thread goes on: whoever abandons the file waits for it.
                await asyncio.shield(self._writing)
            self._writing = None


def _write(handle: int, pieces: Sequence[bytes | bytearray], position: int) -> None:
    left = [memoryview(piece) for piece in pieces]
    while left:
        done = os.pwritev(handle, left, position)
        position += done
        while left and done >= len(left[0]):
            done -= len(left.pop(0))
        if done:
            left[0] = left[0][done:]

"""What a reader has not taken yet: a little of it in memory, the rest in a file without a name.

A writer that is quicker than its reader ends when it has written, not when the other has read: nobody waits for a
socket with a connection to the database in hand. A reader that keeps up meets neither file nor wait. What the files of
a process hold is bounded, in all and by caller.
"""

import asyncio
import os
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import BinaryIO, ParamSpec, TypeVar

from pegbar.core.turns import Allowance, Holder

P = ParamSpec("P")
T = TypeVar("T")
#: Bytes a spool holds in memory before it writes to its file.
_IN_MEMORY = 3 * 2**17
#: Bytes that a reader gets from the file at a time: so little that a slow one is seen to go on.
_FROM_FILE = 2**16


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run off the event loop; whoever is cancelled meanwhile waits, since a file must not be closed under it."""
    running = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise


class NotKept(Exception):
    """What a reader has not taken cannot be kept: it is more than it may be, or the disk does not take it."""


class Spool:
    """Pieces of bytes from one writer to one reader, in their order. Close it when it is not read to its end."""

    def __init__(self, allowance: Allowance, holder: Holder, folder: Path) -> None:
        self._allowance, self._holder, self._folder = allowance, holder, folder
        self._pieces: deque[bytes] = deque()
        self._in_memory = 0
        self._file: BinaryIO | None = None
        self._written = self._read = 0  #: how far the file is written and read
        self._changed = asyncio.Event()
        self._ended = False
        self.error: BaseException | None = None  #: what made the writer fail
        self._when_failed: Callable[[], object] | None = None

    async def fill(self, pieces: AsyncIterator[bytes]) -> None:
        """Put all pieces, then end; an error of theirs, or of the disk, is raised to the reader."""
        try:
            async for piece in pieces:
                await self.put(piece)
        except Exception as error:
            self.fail(error)
        else:
            self._ended = True
            self._changed.set()

    async def put(self, piece: bytes) -> None:
        """Add a piece. Raises NotKept."""
        if self._written and self._written == self._read:
            assert self._file is not None
            await in_thread(self._file.truncate, 0)
            self._let_go()
        if not self._written and (not self._pieces or self._in_memory + len(piece) <= _IN_MEMORY):
            self._pieces.append(piece)
            self._in_memory += len(piece)
        else:
            if not self._allowance.take(self._holder, len(piece)):
                raise NotKept("more is waiting for slow readers than may be kept on disk")
            try:
                await in_thread(self._write, piece)
            except BaseException as error:
                self._allowance.give_back(self._holder, len(piece))
                if isinstance(error, OSError):
                    raise NotKept(str(error)) from error
                raise
            self._written += len(piece)
        self._changed.set()

    def _write(self, piece: bytes) -> None:
        if self._file is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._file = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115 - `close` does
        view, position = memoryview(piece), self._written
        while view:
            count = os.pwrite(self._file.fileno(), view, position)
            view, position = view[count:], position + count

    def _let_go(self) -> None:
        """Give back what the file took."""
        if self._written:
            self._allowance.give_back(self._holder, self._written)
            self._written = self._read = 0

    async def get(self) -> bytes | None:
        """The next piece; None at the end. Raises what made the writer fail, without what is left before it."""
        while self.error is None:
            if self._pieces:
                piece = self._pieces.popleft()
                self._in_memory -= len(piece)
                return piece
            if self._read < self._written:
                return await self._from_file()
            if self._ended:
                return None
            self._changed.clear()
            await self._changed.wait()
        raise self.error

    async def _from_file(self) -> bytes:
        assert self._file is not None
        length = min(_FROM_FILE, self._written - self._read)
        piece = await in_thread(os.pread, self._file.fileno(), length, self._read)
        if len(piece) < length:
            raise NotKept("it cannot be read back")
        self._read += length
        return piece

    def fail(self, error: BaseException) -> None:
        """Let the reader have this error instead of what it has not taken."""
        if self.error is None:
            self.error = error
            self._changed.set()
            if self._when_failed is not None:
                self._when_failed()

    def when_failed(self, do: Callable[[], object]) -> None:
        """Call this when the writer fails, also if it has failed already: a reader may be busy with what it has."""
        self._when_failed = do
        if self.error is not None:
            do()

    def close(self) -> None:
        """Give the space back; nobody may be writing or reading any more."""
        self._pieces.clear()
        if self._file is not None:
            self._file.close()
            self._file = None
        self._let_go()

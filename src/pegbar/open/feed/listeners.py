"""Those who listen to the feed of a process, and what they have not taken yet.

A listener that takes less than it is told is left behind: what was kept for it is let go, and it reads on from the
database at its own pace. So a slow one costs no memory, and holds nobody up.
"""

import asyncio
from collections import deque
from uuid import UUID

from pegbar.core.http.access import Token
from pegbar.core.live.cursors import Cursor, written
from pegbar.open.feed.filters import Filter
from pegbar.open.feed.outlet import Outlet

#: Bytes that wait for one listener.
_WAITING = 2**20
#: Bytes that are sent at once.
_AT_ONCE = 2**18


class Listener:
    """Somebody who is told events as they happen: those that the filter lets through and that they may see.

    What comes while it waits goes straight to its outlet, if it has one; else it is kept until it is taken.
    """

    def __init__(self, token: Token, only: Filter, outlet: Outlet | None = None) -> None:
        self.token, self.only = token, only
        self._outlet = outlet
        self._waits = False  #: has taken everything, and nothing else goes to the outlet
        self.awake = asyncio.Event()
        self.behind = False  #: was told more than it took
        self.ended = ""  #: why it is told nothing any more
        self.cursor: Cursor | None = None  #: after what was taken or sent
        self._waiting: deque[tuple[bytes, Cursor]] = deque()
        self._size = 0

    def tell(self, frames: bytes, after: Cursor) -> None:
        """Send frames, or keep them until they are taken; their reader goes on from `after`."""
        if self._waits and self._outlet is not None and not self.behind:
            self.cursor = after
            if not self._outlet.is_sent_at_once(frames):
                self._waits = False
                self.awake.set()
            return
        if self.behind or self._size + len(frames) > _WAITING:
            self.leave_behind()
            return
        self._waiting.append((frames, after))
        self._size += len(frames)
        self.awake.set()

    def leave_behind(self) -> None:
        """Have it read on by itself, from what it took last."""
        self.behind = True
        self._waiting.clear()
        self._size = 0
        self.awake.set()

    def keep_alive(self, cursor: Cursor) -> None:
        """Say that there was nothing, to one that has taken all: the connection lives, and the cursor has moved."""
        if not self._waiting and not self.behind:
            self.tell(f": nothing new\nid: {written(cursor)}\n\n".encode(), cursor)

    def end(self, reason: str) -> None:
        """Tell it nothing more."""
        self.ended = self.ended or reason
        self.awake.set()

    async def taken(self) -> bytes:
        """The next frames; nothing when it was left behind or has ended. Raises what the outlet does."""
        while not self._waiting:
            if self.behind or self.ended:
                return b""
            self.awake.clear()
            self._waits = True
            try:
                await self.awake.wait()
            finally:
                self._waits = False
            if self._outlet is not None:
                await self._outlet.finish()
        pieces = []
        size = 0
        while self._waiting and size < _AT_ONCE:
            frames, self.cursor = self._waiting.popleft()
            pieces.append(frames)
            size += len(frames)
        self._size -= size
        return b"".join(pieces)


class Waiter(Listener):
    """A worker that waits for any event that the filter lets through, and reads it from the database."""

    def __init__(self, token: Token, only: Filter, consumer_id: UUID) -> None:
        super().__init__(token, only)
        self.consumer_id = consumer_id

    def tell(self, frames: bytes, after: Cursor) -> None:
        """There is something."""
        self.awake.set()

    def leave_behind(self) -> None:
        """There is something."""
        self.awake.set()

    def keep_alive(self, cursor: Cursor) -> None:
        """Nothing to keep alive."""

"""What all callers share, so that none takes the whole of it: places in turn, and amounts with a bound by caller.

Everything here is of one process and its event loop, and holds nothing that another process needs.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

from pegbar.core.errors import TooManyRequests

#: A caller; None for the server itself.
Holder = UUID | None


class Busy(TooManyRequests):
    """A caller has as much under way as one may have: 429, to be sent again after `seconds`."""

    def __init__(self, message: str, *, seconds: int = 5) -> None:
        super().__init__(message)
        self.headers = {"retry-after": str(seconds)}


@dataclass(eq=False)
class _Waiting:
    holder: Holder
    rank: int
    granted: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Turns:
    """Places that callers take in turn.

    `places` are taken at the most, `by_holder` of them by one caller, so that a place is left for the next one. Of
    those who wait, the lowest rank comes first, then who holds the fewest, then who came first. More than
    `most_waiting` of one caller are refused with Busy.
    """

    def __init__(self, places: int, by_holder: int, *, most_waiting: int = 0, what: str = "requests") -> None:
        self._free, self._by_holder = places, by_holder
        self._most_waiting, self._what = most_waiting, what
        self._held: Counter[Holder] = Counter()
        self._queue: list[_Waiting] = []

    @asynccontextmanager
    async def place(self, holder: Holder, rank: int = 0) -> AsyncIterator[None]:
        """Wait for a place and keep it for the block. Raises Busy."""
        await self.take(holder, rank)
        try:
            yield
        finally:
            self.give_back(holder)

    def take_at_once(self, holder: Holder) -> bool:
        """Take a place if that needs no waiting; whoever takes it so gives it back."""
        held = self._held.get(holder, 0)
        if self._free <= 0 or held >= self._by_holder:
            return False
        self._free -= 1
        self._held[holder] = held + 1
        return True

    async def take(self, holder: Holder, rank: int = 0) -> None:
        """Wait for a place; whoever takes it so gives it back. Raises Busy."""
        if self.take_at_once(holder):
            return
        if self._most_waiting and sum(other.holder == holder for other in self._queue) >= self._most_waiting:
            raise Busy(f"{self._most_waiting} of your {self._what} wait for their turn already. Try again in a moment.")
        waiting = _Waiting(holder, rank)
        self._queue.append(waiting)
        try:
            await waiting.granted
        except asyncio.CancelledError:
            if waiting in self._queue:
                self._queue.remove(waiting)
            else:  # cancelled in the moment it was granted
                self.give_back(holder)
            raise

    def give_back(self, holder: Holder) -> None:
        """Give back a place; who waits gets it."""
        self._free += 1
        left = self._held[holder] - 1
        if left:
            self._held[holder] = left
        else:
            del self._held[holder]
        while self._queue and self._free > 0 and (following := self._next()) is not None:
            self._queue.remove(following)
            self._free -= 1
            self._held[following.holder] += 1
            following.granted.set_result(None)

    def _next(self) -> _Waiting | None:
        """Who comes next of those that may take another place; the queue is in order of arrival."""
        able = [waiting for waiting in self._queue if self._held[waiting.holder] < self._by_holder]
        return min(able, key=lambda waiting: (waiting.rank, self._held[waiting.holder]), default=None)


class Rate:
    """So many a minute for each holder, and as many at once after a minute without; 0 is no bound."""

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        #: When each holder has its whole minute again. Who has it is not kept.
        self._whole_at: dict[Holder, float] = {}
        self._tidied_at = 0.0

    def wait(self, holder: Holder, now: float) -> float:
        """The seconds until a holder may take one more; 0 when it may."""
        if not self.per_minute:
            return 0.0
        if now > self._tidied_at + 60:
            self._whole_at = {other: at for other, at in self._whole_at.items() if at > now}
            self._tidied_at = now
        return max(0.0, self._whole_at.get(holder, now) + 60 / self.per_minute - now - 60)

    def take(self, holder: Holder, now: float) -> None:
        """Take one."""
        if self.per_minute:
            self._whole_at[holder] = max(now, self._whole_at.get(holder, now)) + 60 / self.per_minute


class Allowance:
    """An amount that callers take from and give back: `total` in all, `by_holder` by one caller; 0 is no bound."""

    def __init__(self, total: int, by_holder: int) -> None:
        self.total, self.by_holder = total, by_holder
        self._taken: Counter[Holder] = Counter()
        self._in_all = 0

    def take(self, holder: Holder, amount: int = 1) -> bool:
        """Take so much more; False, and nothing is taken, when that is over a bound."""
        if self.total and self._in_all + amount > self.total:
            return False
        if self.by_holder and self._taken[holder] + amount > self.by_holder:
            return False
        self._in_all += amount
        self._taken[holder] += amount
        return True

    def give_back(self, holder: Holder, amount: int = 1) -> None:
        """Give back what was taken."""
        self._in_all -= amount
        self._taken[holder] -= amount
        if not self._taken[holder]:
            del self._taken[holder]

"""Work that blocks, in bounded threads of its own, so that requests go on and no client has all of them."""

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from pegbar.core.errors import Unavailable

T = TypeVar("T")
_RETRY_AFTER = 5


class Threads:
    """So many threads, and at the most so many pieces of work under way or waiting, half of them of one client."""

    def __init__(self, name: str, threads: int, most: int, begin: Callable[[], None] | None = None) -> None:
        self._threads = ThreadPoolExecutor(threads, name, begin)
        self._most = most
        self._pending: Counter[str | None] = Counter()

    async def run(self, client: str | None, work: Callable[..., T], *arguments: object) -> T:
        """What the work returns. Raises Unavailable when too much is waiting, or too much of this client's.

        Who gives up waiting for it leaves it where it is until it ends: it counts as long as it has a thread.
        """
        if self._pending.total() >= self._most or (client is not None and self._pending[client] >= self._most // 2):
            # Gazu takes a 503 for a success unless `login` is false (spec clients).
            raise Unavailable("Too many sign-ins at once. Try again in a moment.", seconds=_RETRY_AFTER, login=False)
        self._pending[client] += 1
        future = asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)
        future.add_done_callback(lambda _: self._ended(client))
        return await asyncio.shield(future)

    def _ended(self, client: str | None) -> None:
        self._pending[client] -= 1
        if not self._pending[client]:
            del self._pending[client]

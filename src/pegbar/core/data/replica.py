"""A copy of the database that only reads: streams and searches go there, so that the server has room for the rest.

Nobody sees less there than here. Before each read the server is asked how far its log was written, and the copy is used
once it has come as far: whatever was committed before the read began is in it, whoever committed it. A copy that does
not come so far at once, or is away, is left alone for a while; the server answers then.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg
import structlog

from pegbar.core.data.faults import CONNECTION_ERRORS
from pegbar.core.data.pools import make_pool

log = structlog.get_logger()

#: Seconds that a read waits for the copy, those between two looks, and those for which it is left alone afterwards.
_PATIENCE, _LOOK_EVERY, _REST = 0.25, 0.005, 5.0

#: How far the server's log is written: no commit is visible before, unless they are set not to wait for the disk.
POSITION = """
SELECT CASE WHEN current_setting('synchronous_commit') = 'off' THEN pg_current_wal_insert_lsn()
            ELSE pg_current_wal_flush_lsn() END::text
"""
#: A copy that was made a server of its own is a copy no more.
_REACHED = "SELECT pg_is_in_recovery() AND pg_last_wal_replay_lsn() >= $1::text::pg_lsn"

#: What befalls a read on a copy and not on the server: it went away, or had to apply what the read still needed. A read
#: that takes longer than it may takes as long on the server.
FAILURES = (
    *(error for error in CONNECTION_ERRORS if not issubclass(asyncpg.QueryCanceledError, error)),
    asyncpg.exceptions.AdminShutdownError,
    asyncpg.exceptions.CrashShutdownError,
    asyncpg.exceptions.CannotConnectNowError,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
)


class Replica:
    """The copy, as this process knows it."""

    def __init__(self, url: str, size: int) -> None:
        self._url, self._size = url, size
        self.pool: asyncpg.Pool | None = None
        self._rest_until = 0.0

    async def open(self) -> None:
        """Make its pool: connections come with the reads."""
        self.pool = await make_pool(self._url, self._size, "pegbar replica", smallest=0)

    async def close(self) -> None:
        """Disconnect."""
        if self.pool is not None:
            try:
                await asyncio.wait_for(self.pool.close(), timeout=10)
            except TimeoutError:
                self.pool.terminate()

    @asynccontextmanager
    async def reached(self, server: Any) -> AsyncIterator[Any]:
        """A connection to it, once it has come as far as the server is now; None when it does not, or is away."""
        async with AsyncExitStack() as stack:
            yield await self._come_after(server, stack)

    async def _come_after(self, server: Any, stack: AsyncExitStack) -> Any:
        if self.pool is None or time.monotonic() < self._rest_until:
            return None
        position = (await server.fetchrow(POSITION))[0]
        try:
            async with asyncio.timeout(_PATIENCE):
                connection = await stack.enter_async_context(self.pool.acquire())
                while not await connection.fetchval(_REACHED, position):  # noqa: ASYNC110 - another server's progress
                    await asyncio.sleep(_LOOK_EVERY)
                return connection
        except (TimeoutError, asyncpg.PostgresError, *CONNECTION_ERRORS) as error:
            self.leave_alone(error)
            await stack.aclose()
            return None

    def leave_alone(self, error: BaseException) -> None:
        """Use it no more for a while."""
        if time.monotonic() >= self._rest_until:
            reason = str(error) or "it is behind the server"
            log.warning("the replica is not used for now", reason=reason, seconds=_REST)
        self._rest_until = time.monotonic() + _REST

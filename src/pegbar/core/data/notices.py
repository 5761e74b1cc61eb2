"""Telling other processes, after a commit, that it left something for them.

A NOTIFY inside a transaction makes all commits that have one wait for each other, for as long as the disk takes: at 16
writers that is more than half of the commits. So what a transaction has to tell is sent once it is committed, by one
connection of the process, for all that committed since the last time: at once after a rest, and some hundred times a
second where one commit follows the other, since each time wakes everybody who listens. Nothing depends on it: what is
told of is rows, which are also looked for once a second: by whoever listens, or for all job queues by one duty of their
worker (core/work/worker.py).
"""

import asyncio
import time
from collections.abc import Iterable
from contextlib import suppress

import asyncpg
import structlog

from pegbar.core.data.faults import CONNECTION_ERRORS, answer_to, connect

log = structlog.get_logger()

#: A channel of PostgreSQL's, and what is said on it.
Notice = tuple[str, str]

#: Seconds between two times at least.
_APART = 0.01
#: Seconds that a database may take to be told something, and that it is left alone when it took longer.
_PATIENCE, _REST = 2.0, 5.0

_TELL = "SELECT count(pg_notify(channel, said)) FROM unnest($1::text[], $2::text[]) AS notices (channel, said)"


class Notices:
    """What this process has to tell, sent together."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: asyncpg.Connection | None = None
        self._waiting: dict[Notice, None] = {}
        self._sending = asyncio.Lock()
        self._rest_until = 0.0
        self._next_at = 0.0  #: when others may be told again
        self._later: asyncio.Task[None] | None = None

    async def tell(self, notices: Iterable[Notice]) -> None:
        """Tell others: now, or with what follows in the next moment.

        Where the database cannot be told, they find out later.
        """
        self._waiting.update(dict.fromkeys(notices))
        if self._later is not None:
            return
        if (seconds := self._next_at - time.monotonic()) > 0:
            self._later = asyncio.create_task(self._send_after(seconds))
            return
        # Whoever hangs up now takes nobody else's notices along.
        await asyncio.shield(self._send_all())

    async def _send_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._later = None
        await self._send_all()

    async def _send_all(self) -> None:
        async with self._sending:
            together, self._waiting = list(self._waiting), {}
            now = time.monotonic()
            self._next_at = now + _APART
            if together and now >= self._rest_until:
                await self._send(together)

    async def _send(self, notices: list[Notice]) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                try:
                    await self._say(notices)
                except CONNECTION_ERRORS:  # it was lost since the last time
                    self._let_go()
                    await self._say(notices)
        except Exception as error:
            self._rest_until = time.monotonic() + _REST
            self._let_go()
            if answer_to(error) is None and not isinstance(error, TimeoutError):
                log.error("others could not be told of a commit; they find out", exc_info=error)
            else:
                log.warning("others could not be told of a commit; they find out", error=str(error))

    async def _say(self, notices: list[Notice]) -> None:
        if self._connection is None:
            self._connection = await connect(
                self._url,
                # Nothing is written, so there is no disk to wait for.
                server_settings={"application_name": "pegbar notices", "synchronous_commit": "off"},
            )
        await self._connection.fetchval(_TELL, [channel for channel, _ in notices], [said for _, said in notices])

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def close(self) -> None:
        """Disconnect, once all is told."""
        if self._later is not None:
            self._later.cancel()
            self._later = None
            await self._send_all()
        async with self._sending:
            if self._connection is not None:
                with suppress(Exception):
                    await self._connection.close(timeout=2)

"""Connections to the database, in pools: to the server itself, or to a pooler in front of it.

What keeps a session takes the server's own address: LISTEN, the job queue, migrations, backups. Requests are
transactions, and may be given another connection for each: by PgBouncer in transaction mode, for one.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any

import asyncpg
import msgspec

from pegbar.core.data.bounds import Bounds
from pegbar.core.data.faults import connect
from pegbar.core.turns import Holder, Turns

#: How many rows a stream asks for first, and about how many characters from then on.
_FIRST_ROWS, _PIECE = 50, 2**18

#: Connections that one caller leaves for others, whatever it asks for.
_LEFT = 2

#: Told the name of a pool and the seconds that were waited for one of its connections.
Waited = Callable[[str, float], None]


def _encode_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


async def _prepare_connection(connection: asyncpg.Connection) -> None:
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(
            kind, schema="pg_catalog", encoder=_encode_json, decoder=msgspec.json.decode, format="text"
        )


async def _keep_session(_: asyncpg.Connection) -> None:
    """Sessions are never changed, so a connection goes back to the pool without a round trip."""


async def make_pool(
    url: str, size: int, name: str, *, smallest: int = 1, through_pooler: bool = False, prepared: bool = True
) -> asyncpg.Pool:
    """A pool of connections to an address.

    A pooler passes on only settings that every client has. One that keeps no prepared statements is given each anew.
    """
    session = {"application_name": name, "timezone": "UTC"}
    return await asyncpg.create_pool(
        url,
        connect=connect,
        min_size=smallest,
        max_size=size,
        init=_prepare_connection,
        reset=_keep_session,
        statement_cache_size=1000 if prepared else 0,
        max_cached_statement_lifetime=0,
        max_cacheable_statement_size=0,
        server_settings=session if through_pooler else {**session, "jit": "off"},
    )


#: The caller whose request this task answers; None for what the server does itself.
_holder: ContextVar[Holder] = ContextVar("holder", default=None)


@contextmanager
def on_behalf_of(holder: Holder) -> Iterator[None]:
    """What is asked of the database in the block is asked for a caller."""
    before = _holder.set(holder)
    try:
        yield
    finally:
        _holder.reset(before)


class SharedPool:
    """A pool whose connections callers take in turn: one with many requests leaves some, and waits longest for more."""

    def __init__(self, pool: asyncpg.Pool, size: int) -> None:
        self._pool = pool
        self._turns = Turns(size, max(size - _LEFT, (size + 1) // 2))
        self.waited: Waited | None = None

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Any]:
        """A connection."""
        started = time.perf_counter()
        holder = _holder.get()
        turn = nullcontext() if holder is None else self._turns.place(holder)
        async with turn, self._pool.acquire() as connection:
            if self.waited is not None:
                self.waited("requests", time.perf_counter() - started)
            yield connection

    async def fetch(self, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        """The rows of a statement."""
        rows: list[asyncpg.Record] = await self._run("fetch", sql, arguments)
        return rows

    async def fetchrow(self, sql: str, *arguments: Any) -> asyncpg.Record | None:
        """The first row of a statement."""
        row: asyncpg.Record | None = await self._run("fetchrow", sql, arguments)
        return row

    async def _run(self, method: str, sql: str, arguments: Sequence[Any]) -> Any:
        holder = _holder.get()
        if self.waited is None and holder is not None and self._turns.take_at_once(holder):
            # As nearly always: `acquire` would cost a third of a short statement.
            try:
                return await getattr(self._pool, method)(sql, *arguments)
            finally:
                self._turns.give_back(holder)
        async with self.acquire() as connection:
            return await getattr(connection, method)(sql, *arguments)


async def chunks(
    connection: Any, sql: str, arguments: Sequence[Any], bounds: Bounds | None = None
) -> AsyncGenerator[list[str], None]:
    """The rows of one column of text, from a cursor, in chunks of about a quarter of a megabyte.

    The next chunk is fetched while one is used.
    """
    if bounds is None:
        cursor = await connection.cursor(sql, *arguments)
    else:
        cursor = await bounds.cursor(connection, sql, arguments)
    wanted = _FIRST_ROWS
    ahead: asyncio.Future[list[asyncpg.Record]] | None = asyncio.ensure_future(cursor.fetch(wanted))
    try:
        while ahead is not None:
            chunk = [row[0] for row in await ahead]
            ahead, requested = None, wanted
            if len(chunk) == requested:
                wanted = max(len(chunk) * _PIECE // (sum(map(len, chunk)) or 1), 1)
                wanted = min(wanted, 8 * requested)
                ahead = asyncio.ensure_future(cursor.fetch(wanted))
            if chunk:
                yield chunk
    finally:
        if ahead is not None:
            ahead.cancel()
            await asyncio.gather(ahead, return_exceptions=True)

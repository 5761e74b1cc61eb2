"""Connections to the database, in pools: to the server itself, or to a pooler in front of it.

What keeps a session takes the server's own address: LISTEN, the job queue, migrations, backups. Requests are
transactions, and may be given another connection for each: by PgBouncer in transaction mode, for one.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, nullcontext
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
#: Seconds after which connections at hand are given back to the driver's pool.
_AT_HAND = 60.0

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


class OnBehalfOf:
    """What is asked of the database in the block is asked for a caller.

    Written out, as `contextmanager` takes three times as long: every request goes through it.
    """

    def __init__(self, holder: Holder) -> None:
        self._holder = holder

    def __enter__(self) -> None:
        self._before = _holder.set(self._holder)

    def __exit__(self, *error: object) -> None:
        _holder.reset(self._before)


class SharedPool:
    """A pool whose connections callers take in turn: one with many requests leaves some, and waits longest for more.

    A connection that was given back in order stays at hand for the next statement, and is the driver's again when
    somebody waits for one, or after a minute: to take one from the driver's pool and give it back costs as much as a
    short statement (`python -m bench.cost`).
    """

    def __init__(self, pool: asyncpg.Pool, size: int) -> None:
        self._pool = pool
        self._turns = Turns(size, max(size - _LEFT, (size + 1) // 2))
        self.waited: Waited | None = None
        #: Those last used at the end.
        self._at_hand: list[Any] = []
        self._waiting = 0
        self._giving_back: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def at_hand(self) -> int:
        """How many connections are kept from the driver's pool and not in use."""
        return len(self._at_hand)

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Any]:
        """A connection."""
        started = time.perf_counter()
        holder = _holder.get()
        turn = nullcontext() if holder is None else self._turns.place(holder)
        async with turn:
            connection = self._take_at_hand() or await self._take()
            in_order = False
            try:
                if self.waited is not None:
                    self.waited("requests", time.perf_counter() - started)
                yield connection
                in_order = True
            finally:
                if not in_order or not self._keep(connection):
                    await self._pool.release(connection)

    async def fetch(self, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        """The rows of a statement."""
        rows: list[asyncpg.Record] = await self._run("fetch", sql, arguments)
        return rows

    async def fetchrow(self, sql: str, *arguments: Any) -> asyncpg.Record | None:
        """The first row of a statement."""
        row: asyncpg.Record | None = await self._run("fetchrow", sql, arguments)
        return row

    async def close(self) -> None:
        """Give all connections back, those in use as soon as they are not."""
        self._waiting += 1  # for the rest of its life
        if self._giving_back is not None:
            self._giving_back.cancel()
        await self._give_back()

    async def _run(self, method: str, sql: str, arguments: Sequence[Any]) -> Any:
        """The answer of a connection, as in a block of `acquire`, which would cost a third of a short statement."""
        started = time.perf_counter()
        holder = _holder.get()
        if holder is not None and not self._turns.take_at_once(holder):
            await self._turns.take(holder)
        try:
            connection = self._take_at_hand() or await self._take()
            try:
                if self.waited is not None:
                    self.waited("requests", time.perf_counter() - started)
                answer = await getattr(connection, method)(sql, *arguments)
            except BaseException:
                # It may be broken, or still busy with what nobody waits for any more: that is the driver's to see.
                await self._pool.release(connection)
                raise
            if not self._keep(connection):
                await self._pool.release(connection)
            return answer
        finally:
            if holder is not None:
                self._turns.give_back(holder)

    def _take_at_hand(self) -> Any | None:
        """The connection that was used last of those at hand that are still connected."""
        while self._at_hand:
            connection = self._at_hand.pop()
            if _is_open(connection):
                return connection
            self._soon(self._pool.release(connection))  # it broke meanwhile
        return None

    async def _take(self) -> Any:
        self._waiting += 1
        try:
            return await self._pool.acquire()
        finally:
            self._waiting -= 1

    def _keep(self, connection: Any) -> bool:
        """Have a connection at hand, unless it is not in order or somebody waits for one of the driver's."""
        if self._waiting or not _is_open(connection) or connection.is_in_transaction():
            return False
        self._at_hand.append(connection)
        if self._giving_back is None:
            self._giving_back = asyncio.get_running_loop().call_later(_AT_HAND, self._return_soon)
        return True

    def _return_soon(self) -> None:
        self._giving_back = None
        self._soon(self._give_back())

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _give_back(self) -> None:
        """Give back all that is at hand, so that the driver closes what was idle long or has run many statements."""
        connections, self._at_hand = self._at_hand, []
        for connection in connections:
            await self._pool.release(connection)


def _is_open(connection: Any) -> bool:
    try:
        return not connection.is_closed()
    except asyncpg.InterfaceError:  # the driver noticed its end, and took it back
        return False


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

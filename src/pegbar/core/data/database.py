"""The database: a pool, statements, transactions.

A statement is a SQLAlchemy Core expression (or `text()`); it is compiled once and run by asyncpg. Statements that
differ between requests come from functions cached by their shape, so that they too are compiled once.

A mutation is one `Transaction`. What it keeps (events, jobs) is written just before the commit, so that rows, events
and jobs appear together or not at all. What can be kept is none of its business: whoever declares it says how it is
written (`Kept`).
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Protocol, TypeVar
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy import Executable, Table, bindparam, delete, insert, update

from pegbar.core.data.bounds import Bounds
from pegbar.core.data.causes import NOTE_ALONE, facts
from pegbar.core.data.compiled import compiled
from pegbar.core.data.notices import Notice, Notices
from pegbar.core.data.pools import SharedPool, Waited, chunks, make_pool
from pegbar.core.data.replica import FAILURES, Replica
from pegbar.core.data.schema import OWN_SCHEMA, default_of, utc_now
from pegbar.core.data.unnest import array_for, rows_of
from pegbar.core.errors import Unavailable
from pegbar.core.hooks import Hook
from pegbar.core.turns import Holder, Turns

T = TypeVar("T")
#: How often a mutation is run when others hold the same rows in another order.
_ATTEMPTS = 4

#: Counts the statements of the request under way, for the tests that bound them.
statement_count: ContextVar[list[str] | None] = ContextVar("statement_count", default=None)


class Json(bytes):
    """A JSON document, ready to send."""


#: SQL NULL is None; this is the JSON value null.
JSON_NULL = msgspec.Raw(b"null")


#: Two requests that wait for each other: one is rolled back and can be run again.
CONFLICT_ERRORS = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)


class Reader:
    """Runs statements on one connection or on the pool."""

    def _executor(self) -> Any:
        raise NotImplementedError

    def _bind(self, statement: Executable, params: Mapping[str, Any]) -> tuple[str, list[Any]]:
        ready = compiled(statement)
        if (counted := statement_count.get()) is not None:
            counted.append(ready.sql)
        return ready.sql, ready.arguments(params)

    async def rows(self, statement: Executable, **params: Any) -> list[asyncpg.Record]:
        """All rows."""
        sql, arguments = self._bind(statement, params)
        rows: list[asyncpg.Record] = await self._executor().fetch(sql, *arguments)
        return rows

    async def row(self, statement: Executable, **params: Any) -> asyncpg.Record | None:
        """The first row, or None."""
        sql, arguments = self._bind(statement, params)
        row: asyncpg.Record | None = await self._executor().fetchrow(sql, *arguments)
        return row

    async def value(self, statement: Executable, **params: Any) -> Any:
        """The first column of the first row, or None."""
        row = await self.row(statement, **params)
        return None if row is None else row[0]

    async def column(self, statement: Executable, **params: Any) -> list[Any]:
        """The first column of all rows."""
        return [row[0] for row in await self.rows(statement, **params)]

    async def json(self, statement: Executable, **params: Any) -> Json:
        """A JSON array of the rows; the statement selects one column of JSON text."""
        return json_array(await self.rows(statement, **params))

    async def json_row(self, statement: Executable, **params: Any) -> Json | None:
        """The JSON text of the first row, or None."""
        row = await self.row(statement, **params)
        return None if row is None else Json(row[0].encode())


def json_array(rows: Iterable[asyncpg.Record]) -> Json:
    """A JSON array of rows of one column of JSON text."""
    return Json(f"[{','.join([row[0] for row in rows])}]".encode())


class Kept(Protocol):
    """Something that is written at the end of a transaction, together with all others of its kind."""

    #: Kinds are written by rank, lowest first.
    rank: ClassVar[int]

    @staticmethod
    async def write(tx: "Transaction", kept: Sequence[Any]) -> None:
        """Write all that a transaction kept of this kind."""


K = TypeVar("K", bound=Kept)


@dataclass
class Wanted:
    """A row that is read by another statement, if there is one: what selects its JSON text, and by what."""

    statement: Executable
    key: str
    value: Any
    answer: str | None = None


class Emits(Protocol):
    """A declared event (core/live/events.py)."""

    def emission(
        self,
        payload: dict[str, Any],
        *,
        project_id: UUID | str | None,
        to: UUID | None,
        author_id: UUID | None,
        heard_by: UUID | None = None,
    ) -> Kept:
        """The event with a payload."""


class Defers(Protocol):
    """A declared job (core/work/jobs.py)."""

    def deferral(self, arguments: dict[str, Any]) -> Kept:
        """The job with its arguments."""


class Transaction(Reader):
    """A unit of work on one connection: what it writes, emits and defers is kept together or not at all."""

    def __init__(self, connection: Any, author_id: UUID | None = None) -> None:
        self._connection = connection
        self.author_id = author_id
        self.has_deleted = False  #: a statement was run that deletes rows, if there were any
        self.deletes_for_good = False  #: nobody may want back what it deletes
        self._kept: list[Kept] = []
        #: What others are told once it is committed.
        self.notices: list[Notice] = []
        #: What its changes are a part of, by kind, besides what they come from (core/data/causes.py).
        self.parts: dict[str, str] = {}
        #: Whether something may have changed since it was noted by whom.
        self._has_written = False
        #: It is a part of a longer one, that others go on with.
        self.is_part = False
        #: What is read by the statement that writes what was kept.
        self.wanted: Wanted | None = None

    def _executor(self) -> Any:
        return self._connection

    def _bind(self, statement: Executable, params: Mapping[str, Any]) -> tuple[str, list[Any]]:
        ready = compiled(statement)
        self._has_written = self._has_written or ready.writes
        self.has_deleted = self.has_deleted or ready.deletes
        return super()._bind(statement, params)

    async def execute(self, statement: Executable, **params: Any) -> int:
        """Run a statement; the number of rows it touched."""
        sql, arguments = self._bind(statement, params)
        status: str = await self._connection.execute(sql, *arguments)
        return int(status.rpartition(" ")[2]) if status[-1:].isdigit() else 0

    async def insert(self, table: Table, **values: Any) -> UUID | None:
        """Insert a row, with the application's default in every column left out; its id, if it has one."""
        row = with_defaults(table, values)
        await self.execute(_insert(table, tuple(row)), **{f"v_{name}": value for name, value in row.items()})
        return row.get("id")

    async def insert_many(self, table: Table, rows: Sequence[Mapping[str, Any]], *, skip_existing: bool = False) -> int:
        """Insert rows of the same columns in one statement; the number inserted."""
        if not rows:
            return 0
        complete = [with_defaults(table, row) for row in rows]
        columns = tuple(complete[0])
        self._has_written = True
        sql = _insert_many(table, columns, skip_existing)
        if (counted := statement_count.get()) is not None:
            counted.append(sql)
        by_column = [array_for(table.c[name].type, [row[name] for row in complete]) for name in columns]
        status: str = await self._connection.execute(sql, *by_column)
        return int(status.rpartition(" ")[2])

    async def update(self, table: Table, row_id: UUID, **values: Any) -> bool:
        """Change columns of one row, and its `updated_at`; whether the row exists."""
        if "updated_at" in table.c:
            values.setdefault("updated_at", utc_now())
        params = {f"v_{name}": value for name, value in values.items()}
        return bool(await self.execute(_update(table, tuple(values)), row_id=row_id, **params))

    async def update_many(
        self, table: Table, rows: Sequence[Mapping[str, Any]], *, by: tuple[str, ...] = ("id",)
    ) -> int:
        """Change the same columns of rows, which the columns `by` name, in one statement; the number changed.

        Unlike `update` it leaves `updated_at` as it is unless the rows say it.
        """
        names = tuple(name for name in rows[0] if name not in by) if rows else ()
        if not names:
            return 0
        self._has_written = True
        sql = _update_many(table, names, by)
        if (counted := statement_count.get()) is not None:
            counted.append(sql)
        by_column = [array_for(table.c[name].type, [row[name] for row in rows]) for name in (*by, *names)]
        status: str = await self._connection.execute(sql, *by_column)
        return int(status.rpartition(" ")[2])

    async def delete(self, table: Table, **where: Any) -> int:
        """Delete the rows whose columns equal these values; their number."""
        assert where, "a delete without a condition would empty the table"
        return await self.execute(_delete(table, tuple(where)), **{f"v_{name}": value for name, value in where.items()})

    def emit(
        self,
        event: Emits,
        *,
        project_id: UUID | str | None = None,
        to: UUID | None = None,
        heard_by: UUID | None = None,
        **payload: Any,
    ) -> None:
        """Emit an event with this commit; `to` narrows it to one person.

        `heard_by` is the production whose team hears an event that the log keeps without one, since it outlives it.
        """
        self._kept.append(
            event.emission(payload, project_id=project_id, to=to, author_id=self.author_id, heard_by=heard_by)
        )

    def defer(self, job: Defers, **arguments: Any) -> None:
        """Enqueue a job with this commit."""
        self._kept.append(job.deferral(arguments))

    def notify(self, channel: str, said: str) -> None:
        """Tell whoever listens on a channel, after the commit (core/data/notices.py)."""
        self.notices.append((channel, said))

    def part_of(self, kind: str, part_id: UUID) -> None:
        """Tell with its changes what they are a part of; what was told first stays."""
        self.parts.setdefault(kind, str(part_id))

    def keep(self, item: Kept) -> None:
        """Keep something else with this transaction."""
        self._kept.append(item)

    def kept(self, kind: type[K]) -> list[K]:
        """What is kept so far of a kind."""
        return [item for item in self._kept if isinstance(item, kind)]

    def drop(self, kind: type[K], unwanted: Callable[[K], bool]) -> None:
        """Keep no longer what is unwanted of a kind."""
        self._kept = [item for item in self._kept if not (isinstance(item, kind) and unwanted(item))]

    @asynccontextmanager
    async def attempt(self) -> AsyncIterator[None]:
        """What the block writes, emits and defers goes again when it raises; the transaction itself goes on."""
        before, parts = len(self._kept), dict(self.parts)
        try:
            async with self._connection.transaction():
                yield
        except BaseException:
            del self._kept[before:]
            self.parts = parts
            self._has_written = True  # what was noted in the block went with it
            raise

    @asynccontextmanager
    async def step(self, author_id: UUID | None) -> AsyncIterator["Transaction"]:
        """A part of this transaction in somebody's name, which goes again when the block raises."""
        part = Transaction(self._connection, author_id)
        part.is_part = True
        try:
            async with self._connection.transaction():
                yield part
            self._kept += part._kept
            self.parts = {**part.parts, **self.parts}
        finally:
            self._has_written = True

    async def answer(self, statement: Executable, key: str, value: Any) -> Json:
        """The JSON text of a row whose `key` has this value, as the transaction leaves it: the last thing that it does.

        It is read by the statement that writes what was kept, where that is one, and costs no round trip then.
        """
        if not self.is_part:
            wanted = self.wanted = Wanted(statement, key, value)
            await self.flush()
            self.wanted = None
            if wanted.answer is not None:
                return Json(wanted.answer.encode())
        row = await self.json_row(statement, **{key: value})
        assert row is not None, "what was just written"
        return row

    async def flush(self) -> None:
        """Write what was kept so far; the commit does it last."""
        if self.has_deleted and not self.deletes_for_good:
            await ROWS_DELETED.run(self)
        kept, self._kept = self._kept, []
        for kind in sorted({type(item) for item in kept}, key=lambda kind: kind.rank):
            await kind.write(self, [item for item in kept if type(item) is kind])
        if self._has_written:
            await self.execute(NOTE_ALONE, **facts(self.author_id, self.parts))
            self.noted()

    def noted(self) -> None:
        """It is written who makes the changes so far: another statement did it along with its own."""
        self._has_written = False


#: A transaction that may have deleted rows is about to commit: all is written but what it keeps.
ROWS_DELETED: Hook[Transaction] = Hook("a transaction that deleted rows is about to commit")


def with_defaults(table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a new row: those given, and the application's default in every other column that has one."""
    row = dict(values)
    for column in table.columns:
        if column.name not in row and column.default is not None:
            row[column.name] = default_of(column)
    return row


@lru_cache(4096)
def _insert(table: Table, names: tuple[str, ...]) -> Executable:
    return insert(table).values({name: bindparam(f"v_{name}", type_=table.c[name].type) for name in names})


@lru_cache(4096)
def _update(table: Table, names: tuple[str, ...]) -> Executable:
    values = {name: bindparam(f"v_{name}", type_=table.c[name].type) for name in names}
    return update(table).where(table.c.id == bindparam("row_id")).values(values)


@lru_cache(4096)
def _delete(table: Table, names: tuple[str, ...]) -> Executable:
    return delete(table).where(*[table.c[name] == bindparam(f"v_{name}") for name in names])


@lru_cache(4096)
def _insert_many(table: Table, names: tuple[str, ...], skip_existing: bool) -> str:
    """`INSERT … SELECT … FROM unnest(…)`: one statement whatever the number of rows."""
    columns = ", ".join(f'"{name}"' for name in names)
    conflict = " ON CONFLICT DO NOTHING" if skip_existing else ""
    return f"INSERT INTO {table.fullname} ({columns}) {_rows_of(table, names)}{conflict}"


@lru_cache(4096)
def _update_many(table: Table, names: tuple[str, ...], by: tuple[str, ...]) -> str:
    """`UPDATE … FROM unnest(…)`, likewise."""
    where = " AND ".join(f't."{name}" = new."{name}"' for name in by)
    values = ", ".join(f'"{name}" = new."{name}"' for name in names)
    return f"UPDATE {table.fullname} AS t SET {values} FROM ({_rows_of(table, (*by, *names))}) AS new WHERE {where}"  # noqa: S608


def _rows_of(table: Table, names: tuple[str, ...]) -> str:
    return rows_of({name: table.c[name].type for name in names}, lambda place, _: f"${place + 1}")


class _Reading(Reader):
    """Reads on one connection."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def _executor(self) -> Any:
        return self._connection


class Database(Reader):
    """The pool of one process; a second, small one is for streams, so that long answers hold up no short ones."""

    def __init__(
        self,
        url: str,
        *,
        size: int = 10,
        streams: int = 8,
        pooler: str = "",
        pooler_prepares: bool = True,
        replica: str = "",
    ) -> None:
        """`url` is the server's own address; `pooler` is one in front of it, `replica` that of a copy."""
        self.url = url
        self._size, self._streams = size, streams
        self._pooler, self._pooler_prepares = pooler, pooler_prepares
        #: Two boards that are read keep a worker busy: one caller gets no more at once, the rest is for others.
        self._turns = Turns(streams, min(2, streams))
        self._pool: asyncpg.Pool | None = None
        self._stream_pool: asyncpg.Pool | None = None
        self._shared: SharedPool | None = None
        self._notices = Notices(url)
        self._replica = Replica(replica, size + streams) if replica else None

    def pools(self) -> dict[str, asyncpg.Pool]:
        """The pools, by name: `requests`, `streams` and, where there is one, `replica`."""
        replica = None if self._replica is None else self._replica.pool
        pools = {"requests": self._pool, "streams": self._stream_pool, "replica": replica}
        return {name: pool for name, pool in pools.items() if pool is not None}

    def idle(self, name: str) -> int:
        """How many connections of a pool are not in use."""
        at_hand = self._shared.at_hand if name == "requests" and self._shared is not None else 0
        return at_hand + self.pools()[name].get_idle_size()

    def watch(self, waited: Waited) -> None:
        """Have it told of each statement how long it waited for a connection."""
        self._executor().waited = waited

    async def open(self) -> None:
        """Connect."""
        through_pooler, prepared = bool(self._pooler), self._pooler_prepares or not self._pooler
        self._pool = await make_pool(
            self._pooler or self.url, self._size, "pegbar", through_pooler=through_pooler, prepared=prepared
        )
        self._shared = SharedPool(self._pool, self._size)
        # A stream keeps its connection for many statements, all prepared: a pooler must know how to do that.
        through_pooler = through_pooler and prepared
        address = self._pooler if through_pooler else self.url
        self._stream_pool = await make_pool(
            address, self._streams, "pegbar streams", smallest=0, through_pooler=through_pooler
        )
        if self._replica is not None:
            await self._replica.open()

    async def close(self) -> None:
        """Let requests under way finish, then disconnect."""
        if self._shared is not None:
            await self._shared.close()
        for pool in (self._pool, self._stream_pool):
            if pool is not None:
                try:
                    await asyncio.wait_for(pool.close(), timeout=10)
                except TimeoutError:
                    pool.terminate()
        await self._notices.close()
        if self._replica is not None:
            await self._replica.close()

    def _executor(self) -> Any:
        assert self._shared is not None, "the database is not open"
        return self._shared

    @asynccontextmanager
    async def transaction(self, author_id: UUID | None = None) -> AsyncIterator[Transaction]:
        """A transaction that commits, with its events and jobs, when the block ends without an exception."""
        async with self._executor().acquire() as connection, connection.transaction():
            transaction = Transaction(connection, author_id)
            yield transaction
            await transaction.flush()
        if transaction.notices:
            await self._notices.tell(transaction.notices)

    async def write(self, author_id: UUID | None, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """What `work` returns once its transaction is committed.

        It runs again when others hold the same rows in another order; Unavailable when that does not help.
        """
        for _ in range(_ATTEMPTS):
            try:
                async with self.transaction(author_id) as transaction:
                    return await work(transaction)
            except CONFLICT_ERRORS:
                continue
        raise Unavailable("Other requests keep changing the same rows. Nothing was changed.")

    async def reading(self, read: Callable[[Reader], Awaitable[T]]) -> T:
        """What `read` returns, on a copy of the database if there is one that is up to date.

        It has one connection for all it asks: to take one for each statement costs as much as to send it.
        """
        if self._replica is not None:
            async with self._replica.reached(self._executor()) as connection:
                if connection is not None:
                    try:
                        return await read(_Reading(connection))
                    except FAILURES as error:
                        self._replica.leave_alone(error)
        async with self._executor().acquire() as connection:
            return await read(_Reading(connection))

    async def texts(
        self, holder: Holder, statement: Executable, bounds: Bounds | None = None, **params: Any
    ) -> AsyncIterator[list[str]]:
        """The rows of one column of text, from one statement, in chunks of about a quarter of a megabyte.

        It has a connection until its end: use it without waiting for sockets. `holder` is the caller that it reads for;
        each gets connections in turn. `bounds` are what the statement may cost.
        """
        sql, arguments = self._bind(statement, params)
        started = time.perf_counter()
        async with self._turns.place(holder):
            for copy in (self._replica, None) if self._replica is not None else (None,):
                begun = False
                async with self._for_stream(copy) as connection:
                    if connection is None:
                        continue
                    if (waited := self._executor().waited) is not None:
                        waited("streams", time.perf_counter() - started)
                    try:
                        async with (
                            connection.transaction(readonly=True),
                            aclosing(chunks(connection, sql, arguments, bounds)) as read,
                        ):
                            async for chunk in read:
                                begun = True
                                yield chunk
                        return
                    except FAILURES as error:
                        if copy is None or begun:
                            raise
                        copy.leave_alone(error)

    @asynccontextmanager
    async def _for_stream(self, copy: Replica | None) -> AsyncIterator[Any]:
        """A connection of the server; or of a copy that is up to date, None without one."""
        assert self._stream_pool is not None, "the database is not open"
        if copy is not None:
            async with copy.reached(self._executor()) as connection:
                yield connection
        else:
            async with self._stream_pool.acquire() as connection:
                yield connection


__all__ = [
    "CONFLICT_ERRORS",
    "JSON_NULL",
    "OWN_SCHEMA",
    "ROWS_DELETED",
    "Database",
    "Json",
    "Reader",
    "Transaction",
    "json_array",
    "statement_count",
    "with_defaults",
]

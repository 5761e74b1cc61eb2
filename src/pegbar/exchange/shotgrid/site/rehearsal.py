"""A database on which everything is done and nothing is kept: what an import would do, told by doing it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from pegbar.core.data.database import Database, Transaction
from pegbar.core.data.parameters import sql

#: Whoever holds a row is waited for so long, in milliseconds: a rehearsal holds rows itself meanwhile.
_PATIENCE = sql("SET LOCAL lock_timeout = 5000")


class Rehearsal(Database):
    """One transaction on one connection, rolled back in the end; the transactions asked for are steps of it."""

    _connection: Any

    def _executor(self) -> Any:
        return self._connection

    @asynccontextmanager
    async def transaction(self, author_id: UUID | None = None) -> AsyncIterator[Transaction]:
        """A step. Its events and jobs are not written: they would keep others waiting, and nobody gets them."""
        async with self._connection.transaction():
            yield Transaction(self._connection, author_id)


@asynccontextmanager
async def rehearsal(db: Database) -> AsyncIterator[Database]:
    """A database for the block, which sees what `db` holds and leaves it as it was."""
    async with db._executor().acquire() as connection:
        outer = connection.transaction()
        await outer.start()
        try:
            stage = Rehearsal(db.url)
            stage._connection = connection
            await Transaction(connection).execute(_PATIENCE)
            yield stage
        finally:
            await outer.rollback()

"""A database that is a transaction under way: what is read sees what it wrote, what is written is a part of it.

For whoever runs code that opens transactions of its own (`db.write`, `db.transaction`) as a part of a larger one.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Executable

from pegbar.core.data.bounds import Bounds
from pegbar.core.data.database import Database, Reader, Transaction
from pegbar.core.errors import BadRequest
from pegbar.core.turns import Holder

T = TypeVar("T")


class Joined(Database):
    """The database `db` as the transaction `tx` sees it; a transaction asked for is a step of `tx`."""

    def __init__(self, db: Database, tx: Transaction) -> None:
        super().__init__(db.url)
        self._tx = tx

    def _executor(self) -> Any:
        return self._tx._executor()

    @asynccontextmanager
    async def transaction(self, author_id: UUID | None = None) -> AsyncIterator[Transaction]:
        """A step: what it writes, emits and defers is kept with the transaction, or goes when the block raises."""
        async with self._tx.step(author_id) as step:
            yield step

    async def write(self, author_id: UUID | None, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """What `work` returns. When others hold the same rows in another order, the whole transaction is run again."""
        async with self.transaction(author_id) as step:
            return await work(step)

    async def reading(self, read: Callable[[Reader], Awaitable[T]]) -> T:
        """What `read` returns of the transaction."""
        return await read(self)

    def texts(
        self, holder: Holder, statement: Executable, bounds: Bounds | None = None, **params: Any
    ) -> AsyncIterator[list[str]]:
        """Refused: a stream is read while it is sent, when the transaction has ended."""
        raise BadRequest("An answer that is streamed cannot be a part of a transaction.")


__all__ = ["Joined"]

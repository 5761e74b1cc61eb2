"""Restoring and purging entries of the trash, in the request or, what is large, by a job."""

from dataclasses import dataclass
from uuid import UUID

import asyncpg

from pegbar.core.data.database import Database, Transaction
from pegbar.core.errors import BadRequest, NotFound
from pegbar.core.http.access import Caller
from pegbar.core.storage import purge_held
from pegbar.open.trash import queries
from pegbar.open.trash.jobs import RESTORE
from pegbar.open.trash.noting import EMPTYING, RESTORING, WHOLE
from pegbar.open.trash.restoring import CannotRestore, Restoration, Restored

#: The most rows that a request restores itself: some seconds' work.
IN_A_REQUEST = 5000


class _Tried(Exception):
    """Rolls back what was only tried."""


@dataclass(frozen=True)
class Outcome:
    """What became of a request to restore: what came back, or nothing yet, when a job does it."""

    restored: Restored | None


async def _taken(tx: Transaction, trash_id: UUID) -> asyncpg.Record:
    """An entry, which nobody else restores or purges meanwhile."""
    if not await tx.value(queries.TAKE, trash_id=trash_id):
        raise CannotRestore("It is being restored or purged by another request.")
    row = await tx.row(queries.STATE, trash_id=trash_id)
    if row is None:
        raise NotFound(f"There is no entry {trash_id} in the trash.")
    if row["state"] == EMPTYING:
        raise CannotRestore("It is still being deleted: its rows go batch by batch.")
    if row["state"] == RESTORING:
        raise CannotRestore("It is being restored already.")
    assert row["state"] == WHOLE
    return row


async def _told_nobody(_: str) -> None:
    """A request tells how far it is by its answer."""


async def restore(db: Database, caller: Caller, trash_id: UUID, *, dry_run: bool) -> Outcome:
    """Bring back what an entry holds; a dry run does it and takes it back. Raises NotFound, CannotRestore."""

    async def work(tx: Transaction) -> Outcome:
        entry = await _taken(tx, trash_id)
        if entry["row_count"] > IN_A_REQUEST:
            if dry_run:
                raise BadRequest(f"dry_run: {entry['row_count']} rows are too many to try. Restored is all or nothing.")
            await tx.execute(queries.BEGIN, trash_id=trash_id)
            tx.defer(RESTORE, trash_id=trash_id, person_id=caller.id)
            return Outcome(None)
        restored = Restored()
        try:
            async with tx.attempt():
                restored = await Restoration(tx, trash_id, _told_nobody).run(caller)
                if dry_run:
                    raise _Tried
        except _Tried:
            pass
        return Outcome(restored)

    return await db.write(caller.id, work)


async def purge(tx: Transaction, trash_id: UUID) -> None:
    """Let what an entry holds go for good: its rows, also out of the history, and its files."""
    await _taken(tx, trash_id)
    await tx.execute(queries.ERASE, trash_id=trash_id)
    await tx.execute(queries.FORGET_REMAINDERS_OF, ids=[trash_id])
    await purge_held(tx, trash_id)
    await tx.execute(queries.DROP, trash_id=trash_id)

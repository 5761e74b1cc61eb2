"""The job that empties a production which a request hid (actions.py).

It works for a few seconds and hands over to the next job in the transaction of its last batch, so that a worker that
stops is never held up and other jobs get their turn. A worker that is killed loses the batch under way and nothing
else: what is left to do is what is left in the tables. The removal's row is locked by every batch, so that two jobs,
when the first one was only thought dead, take turns.
"""

import time
from datetime import timedelta
from uuid import UUID

import structlog

from pegbar.core.data.database import Database, Transaction
from pegbar.core.data.schema import utc_now
from pegbar.core.live.events import event
from pegbar.core.storage import PURGE
from pegbar.core.work.jobs import Deferral, job
from pegbar.productions.deletion import queries
from pegbar.productions.deletion.emptying import remove_rest, remove_row, remove_some

log = structlog.get_logger()

EMPTY = job("productions.empty", retries=6)
#: Errors that outlast the retries of a job, such as a table of somebody else that refers to a production, may pass.
RESUME = job("productions.resume_removals", cron="*/10 * * * *")

#: For whoever asked for the deletion.
PROGRESS = event(
    "project-removal:update",
    "project_id",
    "removed",
    "total",
    "done",
    scoped=False,
    logged=False,
    text="A deleted production loses its rows; live, for whoever deleted it.",
)

#: Seconds that a job works, within what a stopping worker grants.
_TURN = 2.0
_ABANDONED_AFTER = timedelta(minutes=5)


@EMPTY.task
async def empty(db: Database, *, project_id: str) -> None:
    """Remove batches of a hidden production until it is empty and gone, or until the next job's turn."""
    until, removal = time.monotonic() + _TURN, UUID(project_id)
    try:
        while await db.write(None, lambda tx: _one_batch(tx, removal, until)):
            pass
    except Exception as error:
        async with db.transaction() as tx:
            await tx.execute(queries.FAIL, project_id=removal, error=str(error), now=utc_now())
        raise


async def _one_batch(tx: Transaction, project_id: UUID, until: float) -> bool:
    """Remove a batch and note the progress; whether this job goes on."""
    removal = await tx.row(queries.LOCK, project_id=project_id)
    if removal is None:
        return False
    author = tx.author_id = removal["author_id"]
    removed = await remove_some(tx, project_id)
    if removed is None:
        await remove_rest(tx, project_id)
        await remove_row(tx, project_id)
        await tx.execute(queries.FORGET, project_id=project_id)
        total = max(removal["total"], removal["removed"])
        tx.emit(PROGRESS, to=author, project_id=project_id, removed=total, total=total, done=True)
        log.info("a production is deleted", project=str(project_id), rows=total)
        return False
    doing = removed.part.what
    now = await tx.row(queries.ADVANCE, project_id=project_id, rows=removed.rows, doing=doing, now=utc_now())
    assert now is not None
    tx.emit(PROGRESS, to=author, project_id=project_id, removed=now["removed"], total=now["total"], done=False)
    # Binaries are removed once a turn: every batch asks for it.
    tx.drop(Deferral, lambda deferral: deferral.job is PURGE)
    if time.monotonic() < until:
        return True
    tx.defer(PURGE)
    tx.defer(EMPTY, project_id=project_id)
    return False


@RESUME.task
async def resume_removals(db: Database) -> None:
    """Continue the removals that nobody has worked on for a while."""
    async with db.transaction() as tx:
        for project_id in await tx.column(queries.ABANDONED, before=utc_now() - _ABANDONED_AFTER):
            tx.defer(EMPTY, project_id=project_id)

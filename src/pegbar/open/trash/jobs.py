"""What the trash does by itself: large restorations, and the end of what is kept no longer."""

from datetime import timedelta
from uuid import UUID

import structlog

from pegbar.accounts.administration import OPERATOR
from pegbar.config import settings
from pegbar.core.data.database import Database, Transaction
from pegbar.core.data.schema import utc_now
from pegbar.core.errors import ApiError
from pegbar.core.storage import release
from pegbar.core.work.jobs import LONG_QUEUE, job
from pegbar.open.trash import queries
from pegbar.open.trash.restoring import Restoration

log = structlog.get_logger()

#: One transaction: a worker that is killed leaves all in the trash, and the next one begins anew.
RESTORE = job("trash.restore", retries=3, queue=LONG_QUEUE)
SWEEP = job("trash.sweep", cron="33 * * * *")

#: What no entry claims is left alone for as long as a transaction may take that might still make one.
_UNCLAIMED = timedelta(days=1)


@RESTORE.task
async def restore(db: Database, *, trash_id: str, person_id: str) -> None:
    """Bring back what an entry holds; what keeps it from that is told with the entry."""
    entry_id = UUID(trash_id)

    async def doing(what: str) -> None:
        # By another connection: it is seen while this transaction goes on.
        async with db.transaction() as tx:
            await tx.execute(queries.DOING, trash_id=entry_id, doing=what)

    async def work(tx: Transaction) -> None:
        await tx.row(queries.TAKE_IN_TURN, trash_id=entry_id)
        if await tx.row(queries.STATE, trash_id=entry_id) is not None:
            restored = await Restoration(tx, entry_id, doing).run(OPERATOR)
            log.info("an entry of the trash is restored", entry=trash_id, rows=sum(restored.rows.values()))

    try:
        await db.write(UUID(person_id), work)
    except ApiError as refused:
        await give_up(db, trash_id=trash_id, person_id=person_id, reason=refused.message)


@RESTORE.given_up
async def give_up(db: Database, *, trash_id: str, person_id: str, reason: str = "It failed; see the log.") -> None:
    """The entry stays, with the reason."""
    async with db.transaction() as tx:
        await tx.execute(queries.FAIL, trash_id=UUID(trash_id), error=reason)


def kept_days() -> int:
    """How long entries are kept: no longer than the history, which has their rows."""
    days, of_history = settings().trash_days, settings().history_days
    return min(days, of_history) if of_history else days


@SWEEP.task
async def sweep(db: Database) -> None:
    """End what is kept no longer; its files go, as their deletion and the settings had it."""
    before, more = utc_now() - timedelta(days=kept_days()), True
    while more:
        async with db.transaction() as tx:
            gone = await tx.column(queries.EXPIRED, before=before)
            await release(tx, gone)
            more = bool(gone)
    async with db.transaction() as tx:
        await tx.execute(queries.FORGET_REMAINDERS, before=utc_now() - _UNCLAIMED)

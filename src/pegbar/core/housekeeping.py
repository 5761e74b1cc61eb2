"""What the core tidies up by itself."""

from sqlalchemy import text

from pegbar.core.database import Database
from pegbar.core.jobs import job

PRUNE_OUTBOX = job("core.prune_outbox", cron="17 * * * *")

#: A node that lost its connection catches up within minutes; a day is plenty. In batches, so that locks stay short.
_PRUNE = text(
    """
    DELETE FROM pegbar.outbox WHERE position IN (
      SELECT position FROM pegbar.outbox WHERE created_at < timezone('utc', now()) - interval '1 day'
       ORDER BY created_at LIMIT 10000)
    """
)


@PRUNE_OUTBOX.task
async def prune_outbox(db: Database) -> None:
    """Remove the events that every node has delivered long ago."""
    removed = 1
    while removed:
        async with db.transaction() as tx:
            removed = await tx.execute(_PRUNE)

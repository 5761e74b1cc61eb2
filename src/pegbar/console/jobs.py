"""Keeps small what is kept for the console, and counts once a day what is stored."""

from pegbar.console import queries
from pegbar.core.data.database import Database
from pegbar.core.data.parameters import sql
from pegbar.core.work.jobs import job

#: What is kept: for how long, and how many rows at most.
_SWEEPS = tuple(
    sql(statement)
    for statement in (
        """
        DELETE FROM pegbar.log_line
         WHERE at < timezone('utc', now()) - interval '1 hour'
            OR number <= (SELECT max(number) - 20000 FROM pegbar.log_line)
        """,
        """
        DELETE FROM pegbar.slow_request
         WHERE at < timezone('utc', now()) - interval '7 days'
            OR number <= (SELECT max(number) - 10000 FROM pegbar.slow_request)
        """,
        """
        DELETE FROM pegbar.mail_refusal
         WHERE at < timezone('utc', now()) - interval '30 days'
            OR number <= (SELECT max(number) - 5000 FROM pegbar.mail_refusal)
        """,
        """
        DELETE FROM pegbar.session_use
         WHERE expires_at < timezone('utc', now()) OR seen_at < timezone('utc', now()) - interval '400 days'
        """,
        "DELETE FROM pegbar.storage_census WHERE day < current_date - 800",
    )
)

SWEEP = job("console.sweep", cron="*/5 * * * *", priority=-1)
#: At night, when it slows nobody down; and when somebody asks for it.
COUNT_STORAGE = job("console.count_storage", cron="25 3 * * *", priority=-1, retries=1)


@SWEEP.task
async def sweep(db: Database) -> None:
    """Forget what is too old, and what is too much."""
    for statement in _SWEEPS:
        async with db.transaction() as tx:
            await tx.execute(statement)


@COUNT_STORAGE.task
async def count_storage(db: Database) -> None:
    """Count what is stored; one report a day is kept."""
    async with db.transaction() as tx:
        await tx.execute(queries.count_storage)

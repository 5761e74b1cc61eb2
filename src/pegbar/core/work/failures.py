"""Why jobs failed: the words of their last failed attempt, beside the queue, which keeps none."""

from contextlib import suppress

from pegbar.core.data.database import Database
from pegbar.core.data.parameters import sql
from pegbar.core.data.schema import TIMESTAMP, BigInteger, Column, Text, own_table
from pegbar.core.work.log_lines import without_secrets

_LONGEST = 1000

job_failure = own_table(
    "job_failure",
    Column("job_id", BigInteger, primary_key=True, autoincrement=False),
    Column("cause", Text, nullable=False),
    Column("failed_at", TIMESTAMP, nullable=False),
)

_NOTE = sql(
    """
    INSERT INTO pegbar.job_failure (job_id, cause, failed_at)
    VALUES (:job_id ::bigint, :cause ::text, timezone('utc', now()))
    ON CONFLICT (job_id) DO UPDATE SET cause = EXCLUDED.cause, failed_at = EXCLUDED.failed_at
    """
)


def words(error: BaseException) -> str:
    """What an error is, in a line without secrets."""
    said = " ".join(str(error).split())
    return without_secrets(f"{type(error).__name__}: {said}" if said else type(error).__name__)[:_LONGEST]


async def note(db: Database, job_id: int | None, error: BaseException) -> None:
    """Keep why an attempt at a job failed. What keeps that from being written must not hide the failure itself."""
    if job_id is None:
        return
    with suppress(Exception):
        async with db.transaction() as tx:
            await tx.execute(_NOTE, job_id=job_id, cause=words(error))

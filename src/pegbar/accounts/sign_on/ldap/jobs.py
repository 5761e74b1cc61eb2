"""Runs over the directories: by hand, and by the clock where the studio wants it (PEGBAR_DIRECTORY_SYNC_EVERY)."""

from datetime import timedelta

import structlog
from sqlalchemy import Text, select

from pegbar.accounts.sign_on.ldap import sync
from pegbar.accounts.sign_on.ldap.outcomes import DirectoryAway
from pegbar.accounts.sign_on.providers import Ldap, sign_on
from pegbar.accounts.sign_on.tables import directory_run
from pegbar.config import settings
from pegbar.core.data.database import Database
from pegbar.core.data.parameters import sql
from pegbar.core.data.schema import JSONB, utc_now
from pegbar.core.work.jobs import job

log = structlog.get_logger()

SYNC_DIRECTORIES = job("accounts.sync_directories", cron="*/5 * * * *", retries=1)

#: The clock strikes a little early or late.
_LEEWAY = timedelta(minutes=1)
_BEGIN = sql(
    """
    INSERT INTO pegbar.directory_run (directory, began_at) VALUES (:directory, :now)
    ON CONFLICT (directory) DO UPDATE
       SET began_at = excluded.began_at, ended_at = NULL, problem = NULL, counts = NULL
     WHERE directory_run.began_at <= :due_at
    RETURNING 1
    """,
    directory=Text,
)
_END = sql(
    """
    UPDATE pegbar.directory_run SET ended_at = :now, problem = :problem, counts = :counts WHERE directory = :directory
    """,
    directory=Text,
    problem=Text,
    counts=JSONB,
)
RUNS = select(directory_run).order_by(directory_run.c.directory)


async def run(
    db: Database, directory: Ldap, *, force: bool = False, after: timedelta = timedelta()
) -> sync.Report | None:
    """A run over a directory, noted; None when the last one is not so long ago. Raises DirectoryAway, TooMany."""
    now = utc_now()
    async with db.transaction() as tx:
        if await tx.value(_BEGIN, directory=directory.name, now=now, due_at=now - after) is None:
            return None
    problem: str | None = "It was interrupted."
    counts = None
    try:
        report = await sync.run(db, directory, force=force)
        problem, counts = None, report.counts
    except (DirectoryAway, sync.TooMany) as error:
        problem = str(error)
        raise
    finally:
        async with db.transaction() as tx:
            await tx.execute(_END, directory=directory.name, now=utc_now(), problem=problem, counts=counts)
    return report


@SYNC_DIRECTORIES.task
async def sync_directories(db: Database) -> None:
    """Run over each directory that is due. One that is away, or would switch off too many, holds up no other."""
    minutes = settings().directory_sync_every
    for directory in sign_on().ldap if minutes else ():
        try:
            report = await run(db, directory, after=timedelta(minutes=minutes) - _LEEWAY)
        except (DirectoryAway, sync.TooMany) as error:
            log.error("a directory was not gone through", directory=directory.name, reason=str(error))
        else:
            if report is not None:
                log.info("people of a directory came over", directory=directory.name, **report.counts)

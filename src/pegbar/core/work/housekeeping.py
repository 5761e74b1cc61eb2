"""What the core tidies up by itself."""

from sqlalchemy import Executable, text

from pegbar.config import settings
from pegbar.core.data import tallies
from pegbar.core.data.database import Database
from pegbar.core.http.idempotency import HOURS
from pegbar.core.live.events import KEPT_DAYS
from pegbar.core.work.jobs import job

PRUNE_OUTBOX = job("core.prune_outbox", cron="17 * * * *")
PRUNE_IDEMPOTENT = job("core.prune_idempotent_requests", cron="27 * * * *")
PRUNE_JOBS = job("core.prune_jobs", cron="47 * * * *")
KEEP_HISTORY = job("core.keep_history", cron="27 3 * * *")
FOLD_TALLIES = job("core.fold_tallies", cron="*/2 * * * *")


async def _repeat(db: Database, batch: Executable) -> None:
    """Run a statement until it finds nothing more: in batches, so that locks stay short."""
    while await db.write(None, lambda tx: tx.execute(batch)):
        pass


_PRUNE = text(
    """
    DELETE FROM pegbar.outbox WHERE position IN (
      SELECT position FROM pegbar.outbox WHERE created_at < timezone('utc', now()) - make_interval(days => :days)
       ORDER BY created_at LIMIT 10000)
    """
).bindparams(days=KEPT_DAYS)


@PRUNE_OUTBOX.task
async def prune_outbox(db: Database) -> None:
    """Remove the events that no cursor asks for any more."""
    await _repeat(db, _PRUNE)


_PRUNE_IDEMPOTENT = text(
    """
    DELETE FROM pegbar.idempotent_request WHERE digest IN (
      SELECT digest FROM pegbar.idempotent_request
       WHERE created_at < timezone('utc', now()) - make_interval(hours => :hours) ORDER BY created_at LIMIT 1000)
    """
).bindparams(hours=HOURS)


@PRUNE_IDEMPOTENT.task
async def prune_idempotent_requests(db: Database) -> None:
    """Forget the keys of requests whose day is over, with their answers."""
    await _repeat(db, _PRUNE_IDEMPOTENT)


#: Ended jobs are there to be looked at for a week: the arguments of mails name people.
_PRUNE_JOBS = text(
    """
    DELETE FROM pegbar.procrastinate_jobs WHERE id IN (
      SELECT j.id FROM pegbar.procrastinate_jobs j
       WHERE j.status IN ('succeeded', 'failed', 'cancelled', 'aborted')
         AND NOT EXISTS (SELECT 1 FROM pegbar.procrastinate_events e
                          WHERE e.job_id = j.id AND e.at > now() - interval '7 days')
       LIMIT 10000)
    """
)


_PRUNE_FAILURES = text(
    """
    DELETE FROM pegbar.job_failure f
     WHERE NOT EXISTS (SELECT 1 FROM pegbar.procrastinate_jobs j WHERE j.id = f.job_id AND j.status <> 'succeeded')
    """
)


@PRUNE_JOBS.task
async def prune_jobs(db: Database) -> None:
    """Remove the jobs that ended more than a week ago, and why jobs failed that are gone or done."""
    await _repeat(db, _PRUNE_JOBS)
    async with db.transaction() as tx:
        await tx.execute(_PRUNE_FAILURES)


@FOLD_TALLIES.task
async def fold_tallies(db: Database) -> None:
    """Make one row of the many that tallies have of a key since the last time."""
    for of in tallies.TALLIES:
        async with db.transaction() as tx:
            await tx.execute(tallies.fold(of))


#: Partitions of the history that are made before they are needed.
_MONTHS_AHEAD = 2
#: Who reads or writes is waited for, but not for long: others wait behind, and there is a next time.
_PATIENCE = text("SET LOCAL lock_timeout = '5s'")
_MAKE_PARTITIONS = text("SELECT pegbar.make_history_partitions(:ahead)").bindparams(ahead=_MONTHS_AHEAD)
_DROP_PARTITIONS = text("SELECT pegbar.drop_history(now() - make_interval(days => :days))")
_PRUNE_CHANGES = text(
    """
    DELETE FROM pegbar.change WHERE id IN (
      SELECT id FROM pegbar.change WHERE at < (SELECT at FROM pegbar.history_start) ORDER BY at LIMIT 10000)
    """
)


@KEEP_HISTORY.task
async def keep_history(db: Database) -> None:
    """Make the partitions of the months to come, and remove what is older than PEGBAR_HISTORY_DAYS."""
    async with db.transaction() as tx:
        await tx.execute(_PATIENCE)
        await tx.value(_MAKE_PARTITIONS)
    if not settings().history_days:
        return
    async with db.transaction() as tx:
        await tx.execute(_PATIENCE)
        await tx.value(_DROP_PARTITIONS, days=settings().history_days)
    await _repeat(db, _PRUNE_CHANGES)

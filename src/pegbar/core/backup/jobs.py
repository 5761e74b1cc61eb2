"""The backups that the server makes by itself, in a process of their own."""

import asyncio
from datetime import UTC, datetime, timedelta

import structlog

from pegbar.config import settings
from pegbar.core.backup import apart
from pegbar.core.backup.archive import HEAD, Archive
from pegbar.core.backup.log.shipping import state_of
from pegbar.core.backup.saving import NAMED
from pegbar.core.backup.vault import vault_of
from pegbar.core.data.database import Database
from pegbar.core.data.embedded import EmbeddedPostgres
from pegbar.core.errors import CannotRun
from pegbar.core.work.jobs import BACKUP_QUEUE, job

log = structlog.get_logger()

BACK_UP = job("core.back_up", retries=2, cron="11 * * * *", queue=BACKUP_QUEUE)
#: The clock comes by once an hour: a backup that began a little late the last time is not put off by an hour.
_LEEWAY = timedelta(minutes=30)


@BACK_UP.task
async def back_up(_db: Database | None) -> None:
    """Make a backup when one is due. Raises CannotRun when it fails; the next hour tries again."""
    if not settings().backup_to or not settings().backup_every:
        return
    await asyncio.to_thread(_check_place)
    last = await asyncio.to_thread(last_backup)
    if last is not None and datetime.now(UTC) - last < timedelta(hours=settings().backup_every) - _LEEWAY:
        return
    try:
        result = await apart.back_up()
    except CannotRun as reason:
        log.error("no backup was made", to=settings().backup_to, last=last and last.isoformat(), reason=str(reason))
        raise
    log.info("a backup was made", to=settings().backup_to, result=result)


def _check_place() -> None:
    """Raise CannotRun where the copies of the log have been and no archive is any more: a disk that is not mounted."""
    state = state_of(EmbeddedPostgres(settings().data_folder).log_folder)
    was_there = state is not None and state.segment and state.place == settings().backup_to
    if was_there and not Archive(vault_of(settings().backup_to), None).has(HEAD):
        raise CannotRun(f"No backup was made: those that were in {settings().backup_to} are not there.")


def last_backup() -> datetime | None:
    """When the last backup in PEGBAR_BACKUP_TO began; None when there is none. Blocking. Raises CannotRun."""
    # Names can be read without the key.
    names = Archive(vault_of(settings().backup_to), None).names()
    return datetime.strptime(names[-1], NAMED).replace(tzinfo=UTC) if names else None

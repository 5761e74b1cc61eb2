"""The log of the embedded database: whether its copies arrive where the backups are."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from pegbar.cli.doctor.checks import Finding, Findings, Visit, check, fault, note, warning

AREA = "Stored files"
_MB = 2**20
#: What is not late yet: segments are looked for every second, and sent within the next.
_LEEWAY = timedelta(minutes=2)
_ARCHIVER = """
    SELECT last_failed_wal, last_failed_time > coalesce(last_archived_time, '-infinity') AS failing,
           last_failed_time, current_setting('archive_mode') AS mode
      FROM pg_stat_archiver
"""


@check("Way to any moment", about="whether the log of the database is copied to the backups", area=AREA)
def log_copy(visit: Visit) -> Findings:
    """It arrives, and a backup leads to it."""
    from pegbar.core.backup.log.shipping import state_of, waiting
    from pegbar.core.data.embedded import EmbeddedPostgres

    minutes = visit.settings.backup_log_every
    folder = EmbeddedPostgres(visit.settings.data_folder).log_folder
    if not minutes or not folder.is_dir():
        yield from _not_kept(visit, minutes)
        return
    if visit.url:
        yield from _archiver(visit)
    paths, state = waiting(folder), state_of(folder)
    now = datetime.now(UTC)
    if state is not None and state.error and state.failing_since is not None:
        yield fault(
            f"Nothing arrives since {state.failing_since:%Y-%m-%d %H:%M} UTC, {len(paths)} segments wait: "
            f"{state.error}",
            mend="PEGBAR_BACKUP_TO and what it needs to be reached; it goes on by itself",
        )
    elif paths and now - _since(paths[0].stat().st_mtime) > timedelta(minutes=minutes) + _LEEWAY:
        size = sum(path.stat().st_size for path in paths) / _MB
        yield fault(
            f"{len(paths)} segments ({size:,.0f} MB) wait in {folder}, the oldest since "
            f"{_since(paths[0].stat().st_mtime):%Y-%m-%d %H:%M} UTC.",
            mend="Start pegbar serve; its log tells why the copying stopped",
        )
    elif visit.url and (state is None or now - state.at > timedelta(minutes=minutes) + _LEEWAY):
        yield fault("Nobody copies the log.", mend="Restart pegbar serve; its log tells why the copying stopped")
    elif state is not None and state.until is not None:
        yield note(f"Up to {state.until:%Y-%m-%d %H:%M:%S} UTC; `pegbar backups list` says from which moment on.")


def _since(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _not_kept(visit: Visit, minutes: int) -> Iterator[Finding]:
    if not minutes:
        yield note("Backups are of moments; PEGBAR_BACKUP_LOG_EVERY leads to those between.")
    elif not visit.embedded:
        yield warning(
            "PEGBAR_BACKUP_LOG_EVERY is for the embedded database: the log of this one is kept by its own tools.",
            mend="Unset PEGBAR_BACKUP_LOG_EVERY",
        )
    else:
        yield warning("It is not copied yet.", mend="Restart pegbar serve, which begins it")


def _archiver(visit: Visit) -> Iterator[Finding]:
    row = visit.rows(_ARCHIVER)[0]
    if row["mode"] != "on":
        yield warning("The database was started without it.", mend="Restart pegbar serve")
    elif row["failing"]:
        yield fault(
            f"PostgreSQL cannot put {row['last_failed_wal']} aside since {row['last_failed_time']:%Y-%m-%d %H:%M} UTC; "
            "it keeps its log until it can, which fills the disk.",
            mend="Make room on the disk of --data (PEGBAR_DATA); postgresql.log tells more",
        )

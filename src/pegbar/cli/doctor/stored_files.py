"""The stored files: where they go, how much room there is, and whether files and rows fit together."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from pegbar.cli.doctor.checks import PATIENCE, Findings, Visit, check, fault, note, skip, warning
from pegbar.core.data.schema import utc_now

AREA = "Stored files"
#: How many files and rows are looked at.
_SAMPLE = 200
_BUCKETS = ("pictures", "movies", "files")
_GB = 2**30


def _disk(folder: Path) -> Path:
    """The folder, or the next one above that is there."""
    return next(path for path in (folder, *folder.parents) if path.exists())


@check("Storage", about="whether files can be stored", area=AREA)
def storage(visit: Visit) -> Findings:
    """The folder can be written; the object store answers."""
    if visit.settings.fs_backend != "local":
        yield from _object_store()
        return
    folder = visit.settings.storage_folder
    place = _disk(folder)
    if not os.access(place, os.W_OK | os.X_OK):
        yield fault(f"{place} cannot be written.", mend="chown it to the server's user, or set PREVIEW_FOLDER")
    elif not folder.exists():
        yield note(f"{folder} is made with the first file.")
    else:
        yield note(str(folder))


def _object_store() -> Findings:
    """Each bucket is asked for an object that is not there."""
    from pegbar.core.errors import ApiError
    from pegbar.core.storage import Address, store

    async def ask(bucket: Any) -> str:
        try:
            async with asyncio.timeout(PATIENCE):
                await store().stat(Address(bucket, "doctor", "nothing"))
        except ApiError as refused:
            return refused.message
        except TimeoutError:
            return "it does not answer"
        return ""

    for bucket in _BUCKETS:
        if problem := asyncio.run(ask(bucket)):
            yield fault(f"{bucket}: {problem}", mend="FS_S3_ENDPOINT, FS_S3_REGION, FS_S3_ACCESS_KEY, FS_S3_SECRET_KEY")
            return
    yield note("The object store answers.")


@check("Uploads under way", about="the folder where uploads wait until they are stored", area=AREA)
def uploads(visit: Visit) -> Findings:
    """It can be written and has room."""
    folder = visit.settings.upload_folder
    place = _disk(folder)
    if not os.access(place, os.W_OK | os.X_OK):
        yield fault(f"{place} cannot be written.", mend="chown it to the server's user, or set TMP_DIR")
        return
    free = shutil.disk_usage(place).free
    if free < 5 * _GB:
        yield warning(
            f"{free / _GB:.1f} GB are free in {place}; movies are larger than people think.",
            mend="Set TMP_DIR to a larger disk",
        )


@check("Room", about="space left, against how fast files and database grow", area=AREA)
def room(visit: Visit) -> Findings:
    """Enough for months."""
    places = {visit.settings.storage_folder: "PREVIEW_FOLDER"} if visit.settings.fs_backend == "local" else {}
    if visit.embedded:
        places[visit.settings.data_folder.resolve()] = "--data (PEGBAR_DATA)"
    seen: set[int] = set()
    growth = _growth(visit)
    for folder, setting in places.items():
        place = _disk(folder)
        if place.stat().st_dev in seen:
            continue
        seen.add(place.stat().st_dev)
        disk = shutil.disk_usage(place)
        mend = f"Remove old productions' files, enlarge the disk of {place}, or move it with {setting}"
        shown = f"{disk.free / _GB:,.1f} of {disk.total / _GB:,.1f} GB are free in {place}"
        days = disk.free / growth if growth else float("inf")
        if disk.free < min(_GB, disk.total * 0.05):
            yield fault(f"{shown}: uploads are refused.", mend=mend)
        elif days < 7:
            yield fault(f"{shown}: full in {days:.0f} days, as it grew in the last 30.", mend=mend)
        elif days < 60 or disk.free < disk.total * 0.05:
            when = f": full in {days:.0f} days, as it grew in the last 30" if days < 60 else ""
            yield warning(f"{shown}{when}.", mend=mend)
        else:
            yield note(f"{shown}{f'; {growth / 2**20:,.0f} MB more a day' if growth else ''}.")


def _growth(visit: Visit) -> float:
    """Bytes of files a day, over a month."""
    if visit.state != "ours":
        return 0.0
    stored = "SELECT coalesce(sum(size), 0)::float FROM stored_file WHERE created_at > now() - interval '30 days'"
    return float(visit.value(stored)) / 30


@check(
    "Missing files", about=f"{_SAMPLE} files that rows say are stored, taken at random", area=AREA, needs_database=True
)
def missing(visit: Visit) -> Findings:
    """All are there."""
    from pegbar.core.storage import Address, store

    rows = visit.rows(
        """
        WITH stored AS (SELECT * FROM stored_file WHERE deleted_at IS NULL AND size IS NOT NULL)
        SELECT bucket, prefix, file_id, key FROM (
          (SELECT * FROM stored WHERE id >= CAST(:place AS uuid) ORDER BY id LIMIT :sample)
          UNION ALL (SELECT * FROM stored WHERE id < CAST(:place AS uuid) ORDER BY id LIMIT :sample)) AS taken
         LIMIT :sample
        """,
        sample=_SAMPLE,
        place=str(uuid4()),
    )

    async def look() -> list[str]:
        turns = asyncio.Semaphore(20)

        async def is_there(row: Any) -> bool:
            async with turns:
                return await store().stat(Address(row["bucket"], row["prefix"], row["file_id"])) is not None

        async with asyncio.timeout(2 * PATIENCE):
            there = await asyncio.gather(*[is_there(row) for row in rows])
        return [f"{row['bucket']}/{row['key']}" for row, found in zip(rows, there, strict=True) if not found]

    gone = asyncio.run(look()) if rows else []
    if gone:
        mend = "Restore them from a backup, or check that PREVIEW_FOLDER (FS_BUCKET_PREFIX) names the right place"
        yield fault(f"{len(gone)} of {len(rows)} are missing: {', '.join(gone[:3])}.", mend=mend)
    else:
        yield note(f"{len(rows)} of {len(rows)} are there." if rows else "Nothing is stored yet.")


@check("Files of nobody", about=f"{_SAMPLE} stored files, and whether a row knows them", area=AREA, needs_database=True)
def orphans(visit: Visit) -> Findings:
    """All belong to something."""
    if visit.settings.fs_backend != "local":
        yield skip("Object stores are not listed: it may take hours.")
        return
    files = list(islice(_walk(visit.settings.storage_folder, visit.settings.fs_bucket_prefix), _SAMPLE))
    if not files:
        yield note("Nothing is stored yet.")
        return
    keys, ids = [key for key, _ in files], [file_id for _, file_id in files]
    unknown = visit.value(
        """
        SELECT count(*) FROM unnest(CAST(:keys AS text[]), CAST(:ids AS text[])) AS stored (key, file_id)
         WHERE NOT EXISTS (SELECT FROM stored_file s WHERE s.key = stored.key AND s.purged_at IS NULL)
           AND NOT EXISTS (SELECT FROM preview_file p WHERE p.id::text = left(stored.file_id, 36))
           AND NOT EXISTS (SELECT FROM attachment_file a WHERE a.id::text = left(stored.file_id, 36))
           AND NOT EXISTS (SELECT FROM person o WHERE o.id::text = left(stored.file_id, 36))
           AND NOT EXISTS (SELECT FROM project o WHERE o.id::text = left(stored.file_id, 36))
           AND NOT EXISTS (SELECT FROM organisation o WHERE o.id::text = left(stored.file_id, 36))
           AND NOT EXISTS (SELECT FROM working_file w WHERE w.id::text = left(stored.file_id, 36))
        """,
        keys=keys,
        ids=ids,
    )
    if unknown > len(files) // 10:
        mend = "They do no harm but take room: what REMOVE_FILES=true removes from now on does not come back for them"
        yield warning(f"{unknown} of {len(files)} belong to no row.", mend=mend)
    else:
        yield note(f"{len(files) - unknown} of {len(files)} belong to a row.")


def _walk(folder: Path, prefix: str) -> Iterator[tuple[str, str]]:
    """The keys and ids of stored files, each bucket from a random place on."""
    import random

    share = _SAMPLE // len(_BUCKETS) + 1
    for bucket in _BUCKETS:
        yield from islice(_files_below(folder / f"{prefix}{bucket}", random.Random()), share)  # noqa: S311 - a sample


def _files_below(folder: Path, chance: Any, kind: str = "") -> Iterator[tuple[str, str]]:
    try:
        entries = list(islice(os.scandir(folder), 5000))
    except (FileNotFoundError, PermissionError):
        return
    chance.shuffle(entries)
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _files_below(Path(entry.path), chance, kind or entry.name)
        elif kind and _is_id(entry.name):
            yield f"{kind}-{entry.name}", entry.name


def _is_id(name: str) -> bool:
    try:
        UUID(name[:36])
    except ValueError:
        return False
    return True


@check("Trash", about="what was deleted and can still be restored", area=AREA, needs_database=True)
def trash(visit: Visit) -> Findings:
    """How much it holds; nothing is stuck in it."""
    from pegbar.open.trash.jobs import kept_days

    row = visit.rows(
        """
        SELECT count(*) AS entries, coalesce(sum(row_count), 0)::bigint AS rows, min(deleted_at) AS oldest,
               count(*) FILTER (WHERE error IS NOT NULL) AS failed,
               (SELECT count(s.size) FROM pegbar.held_file h JOIN stored_file s USING (bucket, key)) AS files,
               (SELECT coalesce(sum(s.size), 0)::bigint FROM pegbar.held_file h JOIN stored_file s USING (bucket, key))
               AS size
          FROM pegbar.trash
        """
    )[0]
    days = kept_days()
    held = (
        f"{row['entries']:,} entries of {row['rows']:,} rows and {row['files']:,} files ({row['size'] / _GB:,.1f} GB)"
    )
    if not days:
        yield note("Nothing is kept of what is deleted (PEGBAR_TRASH_DAYS=0).")
    elif row["oldest"] is not None and row["oldest"] < utc_now() - timedelta(days=days + 2):
        yield warning(f"{held}, the oldest of {row['oldest']:%Y-%m-%d}: it should be gone.", mend="Start pegbar worker")
    elif row["failed"]:
        yield warning(f"{held}; {row['failed']} could not be restored.", mend="GET /open/v1/trash tells why")
    else:
        yield note(f"{held} can be restored, each for {days} days.")


@check("Removals of files", about="deleted files that could not be removed", area=AREA, needs_database=True)
def purges(visit: Visit) -> Findings:
    """None."""
    row = visit.rows(
        """
        SELECT count(*) AS files, max(last_error) AS error FROM stored_file
         WHERE deleted_at IS NOT NULL AND purged_at IS NULL AND purge_attempts > 3
        """
    )[0]
    if row["files"]:
        yield warning(
            f"{row['files']} files could not be removed: {row['error']}",
            mend="Give the server the right to delete in its storage; it tries again by itself",
        )


@check("Backups", about="whether somebody keeps a copy", area=AREA)
def backups(visit: Visit) -> Findings:
    """The server makes them, and the last one is not old."""
    from pegbar.core.backup.jobs import last_backup
    from pegbar.core.errors import CannotRun

    to, hours = visit.settings.backup_to, visit.settings.backup_every
    if not to:
        yield note("The server makes none by itself (PEGBAR_BACKUP_TO).")
        return
    try:
        last = last_backup()
    except CannotRun as refused:
        yield fault(str(refused), mend="PEGBAR_BACKUP_TO, and what it needs to be reached")
        return
    if last is None:
        yield warning(f"There is no backup in {to}.", mend="pegbar backup; the log tells why none was made")
    elif hours and datetime.now(UTC) - last > timedelta(hours=2 * hours):
        yield fault(
            f"The last backup is of {last:%Y-%m-%d %H:%M} UTC; there should be one every {hours} hours.",
            mend="pegbar backup; the log tells why none was made",
        )
    else:
        yield note(f"The last one is of {last:%Y-%m-%d %H:%M} UTC.")

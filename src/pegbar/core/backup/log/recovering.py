"""Bringing a moment back: a base, the log since, and the files as rows of that moment name them.

All is made in a folder beside (`recovering`), and the database has its place at the very end: what broke off is begun
anew, but for the files that are there.
"""

import asyncio
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from pegbar.config import settings
from pegbar.core.backup import restoring
from pegbar.core.backup.archive import Archive, Backup, File
from pegbar.core.backup.log.base import members, unpack
from pegbar.core.backup.log.segments import write_sparse
from pegbar.core.backup.log.shelf import Moments, Shelf, bases, shown
from pegbar.core.backup.sealing import Damaged
from pegbar.core.data.embedded import CannotStart, EmbeddedPostgres
from pegbar.core.errors import CannotRun
from pegbar.core.privacy import make_folder
from pegbar.core.storage import chosen

_FOLDER = "recovering"
#: Seconds that PostgreSQL may take to go through the log.
_PATIENCE = 6 * 3600.0
#: Room that must be left on the disk, and what a compressed segment takes unpacked, at a guess.
_LEFT, _UNPACKED = 512 * 1024**2, 8
#: Of what was deleted, the trash may give it back.
_STORED = """
    SELECT bucket, key, size, updated_at, deleted_at IS NULL FROM stored_file
     WHERE size IS NOT NULL AND purged_at IS NULL
"""
_GONE = "SELECT bucket, key FROM stored_file WHERE purged_at IS NOT NULL"


def possible(archive: Archive) -> list[Moments]:
    """The moments that can be restored, by base, oldest first. Raises CannotRun, Damaged."""
    reached = []
    for backup in bases(archive):
        assert backup.base is not None
        reached.append(Shelf(archive, backup.base.system).moments(backup))
    return reached


def verify(archive: Archive, backup: Backup, checked: Callable[[str], object]) -> list[str]:
    """Read back a base and the log that leads on from it; what is wrong with them."""
    if backup.base is None:
        return []
    faults = []
    shelf = Shelf(archive, backup.base.system)
    try:
        for member in members(archive, backup.name, backup.base.digest):
            checked(member.name)
    except Damaged as damaged:
        faults.append(str(damaged))
    for name in shelf.moments(backup).segments:
        try:
            shelf.read(name)
        except Damaged as damaged:
            faults.append(str(damaged))
        checked(name)
    return faults


def find(archive: Archive, moment: datetime, name: str | None) -> Moments:
    """The base from which a moment is reached the soonest. Raises CannotRun, which says which moments are possible."""
    reached = [one for one in possible(archive) if name in (None, one.backup.name)]
    if not reached:
        which = f"The backup {name}" if name else "None of these backups"
        raise CannotRun(
            f"{which} leads to no moment: that takes the log of an embedded database, which is kept with "
            "PEGBAR_BACKUP_LOG_EVERY. Without --at a backup is restored as it is."
        )
    for one in reversed(reached):
        if one.lead_to(moment):
            return one
    ranges = [str(one) for one in reached if one.until is not None]
    before = [one for one in reached if one.base.ended_at <= moment]
    if not before:
        reason = "is before the first backup that leads to a moment"
    elif before[-1].broken:
        linked = before[-1].segments[-1] if before[-1].segments else before[-1].base.stop
        reason = f"is behind a gap in the log, after {linked}"
    else:
        reason = "is after all that has arrived of the log"
    choice = (
        f"Possible: {'; '.join(ranges)}." if ranges else "No moment is possible yet: nothing of the log has arrived."
    )
    raise CannotRun(f"{shown(moment)} {reason}. {choice} Nothing was changed.")


async def recover(
    archive: Archive,
    reached: Moments,
    moment: datetime,
    *,
    with_files: bool = True,
    ready: Callable[[str], object] = lambda _: None,
    progress: Callable[[str], object] = lambda _: None,
) -> list[File]:
    """Restore a moment into the data folder; the files that rows of it name and no backup has.

    `ready` is called with the URL of the database, before it has its place. Raises CannotRun naming what is there
    already; then nothing is written.
    """
    embedded = EmbeddedPostgres(settings().data_folder, settings().postgres_options)
    if embedded.exists():
        raise CannotRun(
            f"There is a database already in {embedded.data.parent}. Restore into an empty folder (--data)."
        )
    _check_major(reached.backup)
    restoring.check_small_files(reached.backup)
    versions = _versions(archive, reached, moment) if with_files else {}
    if with_files:
        await restoring.check_store(chosen(), [file for listed in versions.values() for _, file in listed])
    embedded.claim()
    folder = embedded.data.parent / _FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    _check_room(folder.parent, archive, reached)
    try:
        beside = EmbeddedPostgres(folder, settings().postgres_options)
        make_folder(folder)
        url = await asyncio.to_thread(_recovered, archive, reached, moment, beside, progress)
        try:
            files, missing = _files_then(
                url, versions, datetime.fromisoformat(reached.backup.ended_at), with_files=with_files
            )
            await restoring.put_files(chosen(), archive, files, progress)
            if with_files:
                restoring.correct_sizes(url, files)
            ready(url)
        finally:
            beside.stop()
        restoring.put_small_files(reached.backup)
        beside.data.replace(embedded.data)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        embedded.stop()
    return missing


def _check_major(backup: Backup) -> None:
    theirs, ours = backup.database.postgresql.partition(".")[0], EmbeddedPostgres.major()
    if theirs != ours:
        raise CannotRun(
            f"The log of {backup.name} is PostgreSQL {theirs}'s; this Pegbar brings {ours}, which does not read it. "
            "Install the Pegbar of then, or restore the backup as it is, without --at."
        )


def _check_room(folder: Path, archive: Archive, reached: Moments) -> None:
    make_folder(folder)
    base = reached.backup.base
    assert base is not None
    names = set(reached.segments)
    log = sum(kept.size for kept in archive.listed(f"log/{base.system}") if kept.path.rpartition("/")[2] in names)
    needed, free = base.unpacked + log * _UNPACKED + _LEFT, shutil.disk_usage(folder).free
    if free < needed:
        raise CannotRun(
            f"It takes about {needed / 2**30:,.1f} GB in {folder}, where {free / 2**30:,.1f} are free. "
            "Nothing was changed."
        )


def _recovered(
    archive: Archive, reached: Moments, moment: datetime, beside: EmbeddedPostgres, progress: Callable[[str], object]
) -> str:
    """Lay base and log into a folder, and have PostgreSQL go through them; the URL of what runs then."""
    base = reached.backup.base
    assert base is not None
    progress("The base…")
    make_folder(beside.data)
    unpack(archive, reached.backup.name, base.digest, beside.data)
    log = beside.data.parent / "log"
    make_folder(log)
    shelf = Shelf(archive, base.system)
    for name in _needed(shelf, reached, moment, progress):
        _, content = shelf.read(name)
        write_sparse(log / name, content)
    progress("PostgreSQL goes through the log…")
    try:
        url = beside.recover(log, moment, patience=_PATIENCE)
    except CannotStart as error:
        raise CannotRun(f"The log does not lead to {shown(moment)}. {error}") from None
    shutil.rmtree(log)
    return url


def _needed(shelf: Shelf, reached: Moments, moment: datetime, progress: Callable[[str], object]) -> Iterator[str]:
    """The segments up to the first with a later commit, and what tells of timelines: a new one takes another number."""
    yield from shelf.histories()
    for number, name in enumerate(reached.segments, 1):
        progress(f"The log: {number:,} of at most {len(reached.segments):,}")
        yield name
        last = shelf.head(name).last
        if last is not None and last > moment:
            return


_Versions = dict[tuple[str, str], list[tuple[datetime, File]]]


def _versions(archive: Archive, reached: Moments, moment: datetime) -> _Versions:
    """The files that may be wanted: each with when it was copied, in order. Raises Damaged."""
    base = reached.backup.base
    assert base is not None
    versions: _Versions = defaultdict(list)
    listed: list[tuple[datetime, Iterable[File]]] = []
    later = None
    for backup in map(archive.backup, archive.names()):
        if backup.files is None:
            continue
        ended = datetime.fromisoformat(backup.ended_at)
        if ended <= datetime.fromisoformat(reached.backup.ended_at):
            listed = [(ended, archive.files_of(backup))]  # the last one that has files
        elif ended > moment and later is None:
            later = (ended, archive.files_of(backup))
    shelf = Shelf(archive, base.system)
    since = listed[0][0] - timedelta(days=1) if listed else datetime.min.replace(tzinfo=UTC)
    listed += [(at, shelf.files(name)) for at, name in shelf.file_lists() if since <= at]
    listed += [later] if later is not None else []
    for at, files in sorted(listed, key=lambda one: one[0]):
        for file in files:
            versions[file.bucket, file.key].append((at, file))
    return versions


def _files_then(
    url: str, versions: _Versions, base_ended: datetime, *, with_files: bool
) -> tuple[list[File], list[File]]:
    """The files of the moment that the database at `url` is at; those that are nowhere."""
    if not with_files:
        return [], []
    with psycopg.connect(url) as connection:
        stored = connection.execute(_STORED).fetchall()
        gone = {(bucket, key) for bucket, key in connection.execute(_GONE).fetchall()}
    files, missing = [], []
    for bucket, key, size, at, wanted in stored:
        file = _version(versions.get((bucket, key), []), size, at.replace(tzinfo=UTC))
        if file is not None:
            files.append(file)
        elif wanted:
            missing.append(File(bucket, key, size, "", ""))
    # Another server stores files without registering them: those of the backup come back.
    known = {(bucket, key) for bucket, key, *_ in stored} | gone
    files += [copies[0][1] for place, copies in versions.items() if place not in known and copies[0][0] <= base_ended]
    return files, missing


def _version(copies: list[tuple[datetime, File]], size: int, at: datetime) -> File | None:
    """Of the copies of a file, the one that was there: the first made after it was written, if its size is right."""
    fitting = [(copied, file) for copied, file in copies if file.size == size]
    after = [file for copied, file in fitting if copied >= at]
    return after[0] if after else fitting[-1][1] if fitting else copies[-1][1] if copies else None

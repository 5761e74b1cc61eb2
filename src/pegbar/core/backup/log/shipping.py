"""Bringing the log of the embedded database into the vault, with the files that are stored: a process of its own.

What cannot be brought stays in the folder, packed so that it takes little room, and is tried again. A segment is
removed from there when it was read back from the vault. A process that was killed in between finds it in both places.
"""

import asyncio
import os
import re
import subprocess
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import psycopg
import structlog

from pegbar.core.backup import apart
from pegbar.core.backup.archive import BRIEF, Archive, File
from pegbar.core.backup.log.segments import after, is_kept, is_segment, packed, timeline_of
from pegbar.core.backup.log.shelf import Conflict, Shelf, bases
from pegbar.core.backup.saving import Copying
from pegbar.core.data.embedded import binary
from pegbar.core.errors import ApiError, CannotRun
from pegbar.core.storage import Address, chosen
from pegbar.core.storage.binaries import Bucket

log = structlog.get_logger()

_PACKED = ".packed"
#: Seconds between looks into the folder, and the longest wait after a failure.
_LOOK_EVERY, _LONGEST_WAIT = 1.0, 60.0
#: A transaction that registers a file may take so long until its commit.
_OVERLAP = timedelta(minutes=10)
#: After a backup that failed, the next one waits so many seconds; so long a stop waits for the last segment.
_BACKUP_AGAIN, _LAST = 3600.0, 5.0
_COMMITTED = re.compile(rb"(?:COMMIT|ABORT)[A-Z_ ]* (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+) UTC")
_WHICH = "SELECT (SELECT system_identifier::text FROM pg_control_system()), timeline_id FROM pg_control_checkpoint()"
_STORED = """
    SELECT bucket, prefix, file_id FROM stored_file
     WHERE updated_at >= %s AND deleted_at IS NULL AND size IS NOT NULL
"""
#: What keeps segments where they are, and passes.
_PASSING = (CannotRun, Conflict, ApiError, OSError, psycopg.Error)


class State(msgspec.Struct):
    """How the copying of the log stands: for `pegbar doctor`. `segment` is the last one that arrived in `place`."""

    at: datetime
    segment: str = ""
    place: str = ""
    until: datetime | None = None
    error: str = ""
    failing_since: datetime | None = None


def state_of(folder: Path) -> State | None:
    """How it stands with the log of a folder (`EmbeddedPostgres.log_folder`); None when nothing was said yet."""
    try:
        return msgspec.json.decode(_state_path(folder).read_bytes(), type=State)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def _state_path(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.json")


def waiting(folder: Path) -> list[Path]:
    """The segments that wait there, oldest first, packed or not."""
    names = {path.name.removesuffix(_PACKED): path for path in sorted(folder.iterdir(), reverse=True)}
    return [names[name] for name in sorted(names) if is_kept(name)]


def last_commit(segment: Path) -> datetime | None:
    """When the last transaction of a segment ended; None when none did."""
    command = [str(binary("pg_waldump")), "--rmgr=Transaction", str(segment)]
    # It ends with an error, since the last record goes on in the next segment.
    output = subprocess.run(command, capture_output=True, check=False, env={"TZ": "UTC", "LC_ALL": "C"}).stdout
    moments = _COMMITTED.findall(output)
    return max(map(_moment, moments)) if moments else None


def _moment(text: bytes) -> datetime:
    return datetime.fromisoformat(text.decode()).replace(tzinfo=UTC)


class Shipping:
    """Brings what the database at `url` leaves in `folder` into the archive at `place`.

    Files are brought at least every so many seconds.
    """

    def __init__(self, archive: Archive, place: str, folder: Path, url: str, seconds: float) -> None:
        self._place = place
        self._archive, self._folder, self._url, self._seconds = archive, folder, url, seconds
        self._state = state_of(folder) or State(datetime.now(UTC))
        self._shelf: Shelf | None = None
        self._system, self._timeline = "", 0
        self._expected = ""  #: a later segment than this one comes after a gap
        self._files_at: datetime | None = None
        self._copied: dict[tuple[str, str], str] = {}
        self._backup: asyncio.Task[None] | None = None
        self._backup_at = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Do it until told to stop. What fails is said once, and when it is over."""
        failures = 0
        while not stop.is_set():
            try:
                await self._begin()
                await self._turn()
                self._note("")
                failures = 0
            except _PASSING as error:
                failures += 1
                self._note(" ".join(str(error).split()))
            wait = min(_LOOK_EVERY * 2.0 ** min(failures, 10), _LONGEST_WAIT)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), wait)
        with suppress(*_PASSING):
            await self._end()
        if self._backup is not None:
            self._backup.cancel()
            await asyncio.gather(self._backup, return_exceptions=True)

    def _note(self, error: str) -> None:
        if error and not self._state.error:
            self._state.failing_since = datetime.now(UTC)
            log.error("the copy of the database's log is held up; segments are kept until it goes on", reason=error)
        elif self._state.error and not error:
            self._state.failing_since = None
            log.info("the copy of the database's log goes on")
        changed = error != self._state.error
        self._state.error = error
        if changed or datetime.now(UTC) - self._state.at > timedelta(seconds=_LONGEST_WAIT):
            self._tell()

    def _tell(self) -> None:
        self._state.at = datetime.now(UTC)
        path = _state_path(self._folder)
        fresh = path.with_name(f"{path.name}.{os.getpid()}")
        with suppress(OSError):  # it would say so of the segments
            fresh.write_bytes(msgspec.json.encode(self._state))
            fresh.replace(path)

    async def _begin(self) -> None:
        """Learn which log it is, and what the vault has of it."""
        if self._shelf is not None:
            return
        self._system, self._timeline, history = await asyncio.to_thread(self._ask)
        # Where something has arrived before, an empty place is one that is not there.
        was_there = self._state.segment and self._state.place == self._place
        await asyncio.to_thread(self._archive.check if was_there else self._archive.begin)
        shelf = Shelf(self._archive, self._system)
        for name, content in history:
            await asyncio.to_thread(shelf.keep, name, b"".join(packed(name, content)))
        there = await asyncio.to_thread(shelf.segments, self._timeline)
        lists = [at for at, _ in await asyncio.to_thread(lambda: list(shelf.file_lists()))]
        backups = await asyncio.to_thread(lambda: [self._archive.backup(name) for name in self._archive.names()])
        began = [datetime.fromisoformat(backup.began_at) for backup in backups if backup.files is not None]
        self._files_at = max([*lists, *began], default=None)
        base = await asyncio.to_thread(self._has_base, shelf)
        self._expected = after(there[-1]) if there else base or ""
        self._shelf = shelf
        if not base:
            self._make_backup()

    def _ask(self) -> tuple[str, int, list[tuple[str, bytes]]]:
        """The number of the database, its timeline, and what tells where this one left others."""
        histories = (
            "SELECT name, pg_read_binary_file('pg_wal/' || name) FROM pg_ls_waldir() WHERE name LIKE '%%.history'"
        )
        with psycopg.connect(self._url, connect_timeout=10) as connection:
            row = connection.execute(_WHICH).fetchone()
            assert row is not None
            return str(row[0]), int(row[1]), [(str(n), bytes(c)) for n, c in connection.execute(histories).fetchall()]

    def _has_base(self, shelf: Shelf) -> str:
        """The segment from which on the log leads from a base to now; empty when none does."""
        for backup in reversed(bases(self._archive)):
            assert backup.base is not None
            if (backup.base.system, backup.base.timeline) == (self._system, self._timeline):
                return "" if shelf.moments(backup).broken else backup.base.stop
        return ""

    async def _turn(self) -> None:
        """Bring what waits, and the files that rows of it name before."""
        assert self._shelf is not None
        paths = await asyncio.to_thread(waiting, self._folder)
        if paths or self._files_are_due():
            await asyncio.to_thread(self._check_place)
            await self._copy_files(self._shelf)
        for path in paths:
            try:
                await asyncio.to_thread(self._bring, self._shelf, path)
            except _PASSING:
                await asyncio.to_thread(self._make_room)
                raise
        await asyncio.to_thread(self._sweep_folder)
        if self._backup_is_due():
            self._make_backup()

    def _check_place(self) -> None:
        """Raise CannotRun unless the backups are where they were: a disk that is not there leaves an empty folder."""
        try:
            self._archive.check()
        except CannotRun:
            self._make_room()
            raise

    def _bring(self, shelf: Shelf, path: Path) -> None:
        name = path.name.removesuffix(_PACKED)
        self._archive.check()
        shelf.keep(name, self._packed(path))
        self._archive.check()  # a disk that went away meanwhile has not got it
        for kept in (name, f"{name}{_PACKED}"):
            (self._folder / kept).unlink(missing_ok=True)
        if not is_segment(name) or timeline_of(name) != self._timeline:
            return
        if self._expected and name > self._expected:
            log.warning("the log of the database has a gap; a new backup begins after it", before=name)
            self._backup_at = 1.0
        self._expected = max(self._expected, after(name))
        self._state.place = self._place
        self._state.segment, self._state.until = name, shelf.head(name).last or self._state.until
        self._tell()

    @staticmethod
    def _packed(path: Path) -> bytes:
        content = path.read_bytes()
        if path.name.endswith(_PACKED):
            return content
        last = last_commit(path) if is_segment(path.name) else None
        return b"".join(packed(path.name, content, last))

    def _make_room(self) -> None:
        """Pack what waits: hours of it then take the room of minutes. Where there is no room for that, it stays."""
        for path in waiting(self._folder):
            if path.name.endswith(_PACKED):
                continue
            target = path.with_name(f"{path.name}{_PACKED}")
            part = path.with_name(f".{target.name}")
            try:
                with part.open("wb") as file:
                    file.write(self._packed(path))
                    file.flush()
                    os.fsync(file.fileno())
            except OSError:
                part.unlink(missing_ok=True)
                return
            part.replace(target)
            path.unlink()

    def _sweep_folder(self) -> None:
        """Remove what PostgreSQL puts there that is of no use: notes of base copies."""
        for path in self._folder.glob("*.backup"):
            path.unlink(missing_ok=True)

    def _files_are_due(self) -> bool:
        return self._files_at is not None and (datetime.now(UTC) - self._files_at).total_seconds() >= self._seconds

    async def _copy_files(self, shelf: Shelf) -> None:
        """Copy the files that were stored since the last time; not while a backup does it."""
        if self._files_at is None:
            return
        now = datetime.now(UTC)
        since = (self._files_at - _OVERLAP).replace(tzinfo=None)
        fresh = []
        for bucket, prefix, file_id in await asyncio.to_thread(self._stored, since):
            stored = await chosen().stat(Address(bucket, prefix, file_id))
            if stored is not None and self._copied.get((bucket, stored.address.key)) != stored.etag:
                fresh.append(stored)
        if not fresh:
            self._files_at = now
            return
        try:
            with self._archive.held(BRIEF):
                copying = Copying(self._archive, "incremental", {}, {}, lambda _: None)
                for stored in fresh:
                    await copying.one(stored)
                files: list[File] = list(copying.copied.values())
                await asyncio.to_thread(shelf.list_files, now, files)
        except CannotRun as refused:
            log.debug("new files are copied later", reason=str(refused))
            return
        self._copied.update({(file.bucket, file.key): file.version for file in files})
        self._files_at = now

    def _stored(self, since: datetime) -> list[tuple[Bucket, str, str]]:
        with psycopg.connect(self._url, connect_timeout=10) as connection:
            return list(connection.execute(_STORED, (since,)).fetchall())

    def _backup_is_due(self) -> bool:
        return 0 < self._backup_at <= asyncio.get_running_loop().time() and self._backup is None

    def _make_backup(self) -> None:
        """Have a backup made, with a base to which the log belongs: beside the copying, which goes on."""
        self._backup_at = 0.0
        self._backup = asyncio.create_task(self._back_up())

    async def _back_up(self) -> None:
        began = datetime.now(UTC)
        try:
            result = await apart.back_up()
        except CannotRun as error:
            log.error("no backup was made, with which the copy of the log begins", reason=str(error))
            self._backup_at = asyncio.get_running_loop().time() + _BACKUP_AGAIN
        else:
            log.info("a backup was made, with which the copy of the log begins", result=result)
            self._files_at = self._files_at or began
        self._backup = None

    async def _end(self) -> None:
        """Bring what was written up to now."""
        if self._shelf is None or self._state.error:
            return
        last = await asyncio.to_thread(self._switch)
        deadline = asyncio.get_running_loop().time() + _LAST
        # Other processes put it there; its name is that of one to come when there was nothing to switch.
        while last > self._state.segment and asyncio.get_running_loop().time() < deadline:
            if (self._folder / last).exists():
                break
            await asyncio.sleep(0.05)
        await self._turn()

    def _switch(self) -> str:
        with psycopg.connect(self._url, connect_timeout=5) as connection:
            row = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
        return str(row[0]) if row else ""

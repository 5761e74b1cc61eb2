"""The log in a vault: what is there, which moments it leads to, and what nobody needs any more. Blocking."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from pegbar.core.backup.archive import Archive, Backup, Base, File
from pegbar.core.backup.log.segments import Head, chain, head_of, is_segment, packed, timeline_of, unpacked

FOLDER = "log"
_NAMED = "%Y%m%dT%H%M%S%fZ"


class Conflict(Exception):
    """Another database has written its log under the same names."""


@dataclass(frozen=True)
class Moments:
    """The moments that a base leads to: from its end to the last commit that is there."""

    backup: Backup
    base: Base
    segments: list[str]  #: that follow each other
    broken: bool  #: there are more, after a gap
    until: datetime | None  #: None when nothing was committed since, or has arrived

    def lead_to(self, moment: datetime) -> bool:
        """Whether a moment is one of them."""
        return self.until is not None and self.base.ended_at <= moment < self.until

    @property
    def since(self) -> str:
        """The first whole second of them, as `--at` takes it."""
        return shown(self.base.ended_at + timedelta(seconds=1))

    def __str__(self) -> str:
        assert self.until is not None
        return f"{self.since} to {shown(self.until)}"


def shown(moment: datetime) -> str:
    """A moment as `--at` takes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Shelf:
    """The log of one database in an archive."""

    def __init__(self, archive: Archive, system: str) -> None:
        self._archive, self._folder = archive, f"{FOLDER}/{system}"

    def _path(self, name: str) -> str:
        return f"{self._folder}/{name}"

    def names(self) -> list[str]:
        """The segments and histories, in order."""
        prefix = f"{self._folder}/"
        listed = (kept.path.removeprefix(prefix) for kept in self._archive.listed(self._folder))
        return sorted(name for name in listed if "/" not in name)

    def segments(self, timeline: int) -> list[str]:
        """The segments of a timeline, in order."""
        return [name for name in self.names() if is_segment(name) and timeline_of(name) == timeline]

    def histories(self) -> list[str]:
        """What tells of timelines."""
        return [name for name in self.names() if not is_segment(name)]

    def head(self, name: str) -> Head:
        """What a segment says of itself. Raises Damaged."""
        return head_of(self._archive.opened(self._path(name)), self._path(name))

    def read(self, name: str) -> tuple[Head, bytes]:
        """A segment. Raises Damaged."""
        return unpacked(self._archive.opened(self._path(name)), self._path(name))

    def keep(self, name: str, whole: bytes) -> None:
        """Keep a packed segment, and read it back. Raises Conflict over another content, Damaged, CannotRun."""
        path = self._path(name)
        if self._archive.has(path):
            if self.head(name).digest == head_of([whole], path).digest:
                return
            raise Conflict(
                f"{path} is there already and is of another database that was copied from this one, or was restored "
                "from the same backups. Give one of them another place (PEGBAR_BACKUP_TO)"
            )
        digest = self._archive.write(path, [whole])[1]
        self._archive.verify_object(path, digest)

    def list_files(self, at: datetime, files: list[File]) -> None:
        """Keep a list of files, whose contents are kept already."""
        name = f"files/{at.astimezone(UTC).strftime(_NAMED)}"
        content = b"".join(msgspec.json.encode(file) + b"\n" for file in files)
        whole = b"".join(packed(name, content))
        digest = self._archive.write(self._path(name), [whole])[1]
        self._archive.verify_object(self._path(name), digest)

    def file_lists(self) -> Iterator[tuple[datetime, str]]:
        """When lists of files were made, and their names, in order."""
        prefix = f"{self._folder}/"
        for path in sorted(kept.path for kept in self._archive.listed(f"{self._folder}/files")):
            at = datetime.strptime(path.rpartition("/")[2], _NAMED).replace(tzinfo=UTC)
            yield at, path.removeprefix(prefix)

    def files(self, name: str) -> list[File]:
        """The files of a list. Raises Damaged."""
        _, content = self.read(name)
        return [msgspec.json.decode(line, type=File) for line in content.splitlines()]

    def drop(self, name: str) -> None:
        """Remove a segment or a list."""
        self._archive.drop(self._path(name))

    def moments(self, backup: Backup) -> Moments:
        """The moments that a backup with a base leads to. Raises Damaged."""
        base = backup.base
        assert base is not None
        there = self.segments(base.timeline)
        linked = chain(base.stop, there)
        broken = bool(there) and there[-1] > (linked[-1] if linked else base.stop)
        until = next((head.last for head in map(self.head, reversed(linked)) if head.last is not None), None)
        if until is not None and until <= base.ended_at:
            until = None
        return Moments(backup, base, linked, broken, until)


def systems(archive: Archive) -> list[str]:
    """The databases of which there is a log."""
    return sorted({kept.path.split("/")[1] for kept in archive.listed(FOLDER)})


def bases(archive: Archive) -> list[Backup]:
    """The backups with a base, oldest first. Raises CannotRun, Damaged."""
    return [backup for backup in map(archive.backup, archive.names()) if backup.base is not None]


def sweep(archive: Archive) -> tuple[int, int]:
    """Remove what no backup needs, of the log too; how many objects and bytes went.

    Raises Damaged, removing nothing.
    """
    needed: dict[str, list[Backup]] = defaultdict(list)
    for backup in bases(archive):
        assert backup.base is not None
        needed[backup.base.system].append(backup)
    named: set[str] = set()
    unneeded: list[tuple[Shelf, str]] = []
    for system in systems(archive):
        shelf = Shelf(archive, system)
        unneeded += [(shelf, name) for name in _unneeded(shelf, needed[system])]
        first = min((backup.began_at for backup in needed[system]), default=None)
        for at, name in shelf.file_lists():
            if first is None or shown(at) < first:
                unneeded.append((shelf, name))
            else:
                named |= {file.digest for file in shelf.files(name)}
    went, size = archive.sweep(named)
    for shelf, name in unneeded:
        shelf.drop(name)
    return went + len(unneeded), size


def _unneeded(shelf: Shelf, backups: list[Backup]) -> list[str]:
    """The segments before the first base of their timeline. Histories stay: no two timelines may have one number."""
    first: dict[int, str] = {}
    for backup in backups:
        assert backup.base is not None
        timeline, start = backup.base.timeline, backup.base.start
        first[timeline] = min(first.get(timeline, start), start)
    return [name for name in shelf.names() if is_segment(name) and name < first.get(timeline_of(name), "G")]

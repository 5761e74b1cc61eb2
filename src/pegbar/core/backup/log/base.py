"""The base of a way to later moments: the files of the embedded database's folder, copied while it runs. Blocking."""

import tarfile
import tempfile
from collections.abc import Iterator
from datetime import UTC
from io import RawIOBase
from pathlib import Path
from re import search

import psycopg

from pegbar.core.backup import rows
from pegbar.core.backup.archive import Archive, Base
from pegbar.core.backup.sealing import Damaged
from pegbar.core.data.embedded import binary
from pegbar.core.errors import CannotRun

#: The folder as a packed tar; where it begins and ends is told.
_OPTIONS = (
    "--pgdata=-", "--format=tar", "--wal-method=fetch", "--gzip", "--checkpoint=fast", "--verbose", "--label=pegbar",
    "--no-password",
)  # fmt: skip
_WHICH = """
    SELECT (SELECT system_identifier::text FROM pg_control_system()), pg_walfile_name(%s), pg_walfile_name(%s),
           clock_timestamp()
"""


def copy(archive: Archive, name: str, url: str) -> Base:
    """Copy the database's folder into an archive, with the log that it needs to start. Raises CannotRun."""
    path = f"backups/{name}.base"
    with tempfile.TemporaryFile("w+b") as messages:
        command = [str(binary("pg_basebackup")), *_OPTIONS]
        size, digest = archive.write(path, rows.output(command, url, messages))
        messages.seek(0)
        text = messages.read().decode(errors="replace")
    start, stop = (search(rf"{word} point: (\S+)(?: on timeline (\d+))?", text) for word in ("start", "end"))
    if start is None or stop is None:
        raise CannotRun(f"pg_basebackup does not tell where the copy begins and ends: {text.strip()}")
    with psycopg.connect(url, connect_timeout=10) as connection:
        row = connection.execute(_WHICH, (start[1], stop[1])).fetchone()
    assert row is not None
    system, first, last, ended_at = row
    unpacked = sum(member.size for member in members(archive, name, digest))
    return Base(
        size=size,
        digest=digest,
        unpacked=unpacked,
        system=system,
        timeline=int(start[2]),
        start=first,
        stop=last,
        ended_at=ended_at.astimezone(UTC),
    )


class _Stream(RawIOBase):
    """Chunks as a file."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._left = chunks, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        while not self._left:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._left = chunk
        taken = self._left[: len(view)]
        view[: len(taken)] = taken
        self._left = self._left[len(taken) :]
        return len(taken)

    def finish(self) -> None:
        """Read what is left, so that all is judged."""
        for _ in self._chunks:
            pass


def members(archive: Archive, name: str, digest: str) -> Iterator[tarfile.TarInfo]:
    """What is in a base, read to its end. Raises Damaged."""
    yield from _walked(archive, name, digest, None)


def unpack(archive: Archive, name: str, digest: str, folder: Path) -> None:
    """Lay a base into an empty folder. Raises Damaged; then what is there is not whole."""
    for _ in _walked(archive, name, digest, folder):
        pass


def _walked(archive: Archive, name: str, digest: str, folder: Path | None) -> Iterator[tarfile.TarInfo]:
    path = f"backups/{name}.base"
    stream = _Stream(archive.read(path, digest))
    try:
        with tarfile.open(fileobj=stream, mode="r|gz") as tar:
            for member in tar:
                if folder is not None:
                    tar.extract(member, folder, filter="data")
                yield member
        stream.finish()
    except (tarfile.TarError, EOFError) as error:
        raise Damaged(f"{path} of the archive is damaged: {error}") from None

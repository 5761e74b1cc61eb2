"""Making a backup: rows of one snapshot, then the files, each read back, then the line that lists it."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BufferedReader
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from pegbar import __version__
from pegbar.config import settings
from pegbar.core.backup import rows
from pegbar.core.backup.archive import Archive, Backup, File, Rows
from pegbar.core.backup.log import base as log_base
from pegbar.core.backup.sealing import Damaged
from pegbar.core.errors import CannotRun
from pegbar.core.privacy import make_folder
from pegbar.core.storage import Binary, chosen, fetch

#: `incremental` reads what is new, by what its store says of a file; `whole` reads all, and what is kept of it too.
Files = Literal["incremental", "whole", "none"]
_AT_ONCE = 4
_CHUNK = 1024**2
#: Small files of the data folder without which a restored server signs everybody out, or knows no provider.
KEPT = ("secret.key", "sign-on.toml")
#: Seconds that a backup waits for the copying of new files.
_PATIENCE = 60.0
NAMED = "%Y%m%dT%H%M%SZ"


@dataclass
class Copying:
    """Copies files into an archive."""

    archive: Archive
    how: Files
    before: dict[tuple[str, str], File]
    contents: dict[str, int]
    progress: Callable[[str], object]
    copied: dict[tuple[str, str], File] = field(default_factory=dict)

    async def everything(self) -> None:
        """All that is stored, some files at a time."""
        under_way: set[asyncio.Task[None]] = set()
        try:
            async for binary in chosen().listed():
                if len(under_way) == _AT_ONCE:
                    done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        task.result()
                under_way.add(asyncio.create_task(self.one(binary)))
            while under_way:
                await under_way.pop()
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    async def one(self, binary: Binary) -> None:
        """A file, unless the archive has it; nothing when it is gone."""
        key = (binary.address.bucket, binary.address.key)
        known = self.before.get(key)
        if self.how == "incremental" and known is not None and known.version == binary.etag and self._has(known.digest):
            self.copied[key] = known
            return
        async with _on_disk(binary) as file:
            if file is not None:
                size, digest = await asyncio.to_thread(self._keep, file)
                self.copied[key] = File(*key, size, binary.etag, digest)
        self.progress(f"Files: {len(self.copied):,}")

    def _has(self, digest: str) -> bool:
        return self.archive.path_of(digest) in self.contents

    def _keep(self, file: BufferedReader) -> tuple[int, str]:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        size, path = file.tell(), self.archive.path_of(digest)
        if self.contents.get(path) == self.archive.size_of(size) and not (self.how == "whole" and self._spoilt(digest)):
            return size, digest
        file.seek(0)
        self.archive.write(path, iter(lambda: file.read(_CHUNK), b""))
        self.archive.verify_object(path, digest)
        self.contents[path] = self.archive.size_of(size)
        return size, digest

    def _spoilt(self, digest: str) -> bool:
        try:
            self.archive.verify_object(self.archive.path_of(digest), digest)
        except Damaged:
            return True
        return False


@asynccontextmanager
async def _on_disk(binary: Binary) -> AsyncIterator[BufferedReader | None]:
    """A stored file, opened: one that is replaced meanwhile stays as it was. None when it is gone."""
    if binary.path is not None:
        try:
            file = await asyncio.to_thread(binary.path.open, "rb")
        except FileNotFoundError:
            yield None
            return
        with file:
            yield file
        return
    make_folder(settings().upload_folder)
    with TemporaryDirectory(prefix="derive-", dir=settings().upload_folder) as folder:
        path = Path(folder, "file")
        if not await fetch(binary.address, path):
            yield None
            return
        with await asyncio.to_thread(path.open, "rb") as file:
            yield file


async def save(
    url: str,
    archive: Archive,
    *,
    files: Files = "incremental",
    with_base: bool = False,
    progress: Callable[[str], object] = lambda _: None,
) -> Backup:
    """Make a backup of a database and of the files that go with it. Raises CannotRun; then none is listed.

    With a base, where the log is kept too, it leads to later moments.

    Source: spec operations, "Retention", for what may be removed meanwhile.
    """
    began = datetime.now(UTC)
    name = began.strftime(NAMED)
    with archive.held("backup", patience=_PATIENCE):
        names = archive.names()
        if name in names:
            raise CannotRun("There is a backup of this second already.")
        copying = Copying(archive, files, _files_before(archive, names), archive.contents(), progress)
        with rows.snapshot_of(url) as snapshot:
            registered = snapshot.registered()
            progress("The database…")
            path = f"backups/{name}.database"
            size, digest = await asyncio.to_thread(archive.write, path, snapshot.dump())
            snapshot.release()
            await asyncio.to_thread(rows.readable, archive.read(path, digest))
            base = await asyncio.to_thread(log_base.copy, archive, name, url) if with_base else None
            # Last: what rows name that were committed meanwhile is there too.
            if files != "none":
                await copying.everything()
        copied = [copying.copied[key] for key in sorted(copying.copied)]
        listing = archive.write_files(name, copied) if files != "none" else ""
        backup = Backup(
            name=name,
            began_at=began.strftime("%Y-%m-%dT%H:%M:%SZ"),
            ended_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            pegbar=__version__,
            database=Rows(size, digest, snapshot.postgresql, snapshot.revision),
            files=len(copied) if files != "none" else None,
            file_bytes=sum(file.size for file in copied),
            files_digest=listing,
            missing=len(registered - copying.copied.keys()) if files != "none" else 0,
            kept=dict(_small_files()),
            base=base,
        )
        if len(list(archive.files_of(backup))) != len(copied):
            raise Damaged("The list of the files does not read back as it was written.")
        archive.list_backup(backup)
    return backup


def _files_before(archive: Archive, names: list[str]) -> dict[tuple[str, str], File]:
    """The files of the last backup that has some and can be read."""
    for name in reversed(names):
        try:
            files = {(file.bucket, file.key): file for file in archive.files_of(archive.backup(name))}
        except Damaged:
            continue
        if files:
            return files
    return {}


def _small_files() -> Iterator[tuple[str, str]]:
    for name, path in kept_paths().items():
        if path.is_file():
            yield name, path.read_text()


def kept_paths() -> dict[str, Path]:
    """Where the small files are."""
    return dict(zip(KEPT, (settings().data_folder / "secret.key", settings().sign_on_path), strict=True))

"""Bringing a backup back, onto a place that is empty.

Files come first and rows last, in one transaction: a restore that broke off is run again, and passes over the files
that are there as the backup has them.
"""

import asyncio
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import psycopg

from pegbar.config import settings
from pegbar.core.backup import rows
from pegbar.core.backup.archive import Archive, Backup, File
from pegbar.core.backup.saving import kept_paths
from pegbar.core.errors import CannotRun
from pegbar.core.privacy import make_folder
from pegbar.core.storage import Address, Store, address_of, chosen

Part = Literal["database", "files"]
_AT_ONCE = 4
_TABLES = """
    SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
     ORDER BY 1
"""
#: A file that was replaced between the snapshot and its copy is larger or smaller than its row says.
_SIZES = """
    UPDATE stored_file s SET size = f.size
      FROM unnest(%s::text[], %s::text[], %s::bigint[]) AS f (bucket, key, size)
     WHERE s.bucket = f.bucket AND s.key = f.key AND s.size <> f.size
"""


async def restore(
    url: str | None,
    archive: Archive,
    backup: Backup,
    *,
    only: Part | None = None,
    progress: Callable[[str], object] = lambda _: None,
) -> None:
    """Bring a backup back, or a part of it. Raises CannotRun naming what is there already; then nothing is written."""
    store = chosen()
    files = list(archive.files_of(backup)) if only != "database" else []
    if only != "database" and backup.files is None:
        raise CannotRun(
            f"The backup {backup.name} holds no files: it was made with --files none. Give --only database."
        )
    if only != "files":
        assert url is not None
        _check_database(url)
        check_small_files(backup)
    if only != "database":
        await check_store(store, files)
        await put_files(store, archive, files, progress)
    if only != "files":
        assert url is not None
        put_small_files(backup)
        progress("The database…")
        dump = archive.read(f"backups/{backup.name}.database", backup.database.digest)
        await asyncio.to_thread(rows.restore, url, dump)
        correct_sizes(url, files)


def _check_database(url: str) -> None:
    with psycopg.connect(url) as connection:
        tables = [str(row[0]) for row in connection.execute(_TABLES).fetchall()]
    if tables:
        raise CannotRun(
            f"The database is not empty: it holds {len(tables)} tables ({_some(tables)}). Restore into a new folder "
            "(--data) or a new database (--database-url). Nothing was changed."
        )


def check_small_files(backup: Backup) -> None:
    """Raise CannotRun when one is there already, and another."""
    for name, path in kept_paths().items():
        if name in backup.kept and path.exists() and path.read_text() != backup.kept[name]:
            raise CannotRun(f"{path} is there already, and is another than in the backup. Nothing was changed.")


async def check_store(store: Store, files: Iterable[File]) -> None:
    """Refuse a store that holds something, unless that is of this backup: a restore that broke off is run again."""
    known = {(file.bucket, file.key, file.size) for file in files}
    others = [
        f"{binary.address.bucket}/{binary.address.key}"
        async for binary in store.listed()
        if (binary.address.bucket, binary.address.key, binary.size) not in known
    ]
    if others:
        where = settings().storage_folder if settings().fs_backend == "local" else "the object store"
        raise CannotRun(
            f"There are files already in {where}: {len(others)} that are not of this backup ({_some(sorted(others))}). "
            "Restore into an empty place. Nothing was changed."
        )


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")


async def put_files(store: Store, archive: Archive, files: list[File], progress: Callable[[str], object]) -> None:
    """Store files of an archive; those that are there already stay."""
    make_folder(settings().upload_folder)
    turns, done = asyncio.Semaphore(_AT_ONCE), 0
    with TemporaryDirectory(prefix="derive-", dir=settings().upload_folder) as folder:

        async def one(number: int, file: File) -> None:
            nonlocal done
            async with turns:
                await _put_file(store, archive, file, Path(folder, str(number)))
            done += 1
            progress(f"Files: {done:,} of {len(files):,}")

        numbered = iter(enumerate(files))
        while some := list(islice(numbered, 1000)):
            async with asyncio.TaskGroup() as group:
                for number, file in some:
                    group.create_task(one(number, file))


async def _put_file(store: Store, archive: Archive, file: File, part: Path) -> None:
    address = address_of(file.bucket, file.key)  # type: ignore[arg-type]
    if address is None:
        raise CannotRun(f"The backup names a file that no store would have: {file.bucket}/{file.key!r}.")
    binary = await store.stat(address)
    if binary is not None and binary.size == file.size and await _digest(store, address) == file.digest:
        return
    await asyncio.to_thread(_unpack, part, archive.read(archive.path_of(file.digest), file.digest))
    await store.put(address, part)
    await asyncio.to_thread(part.unlink)


def _unpack(part: Path, chunks: Iterator[bytes]) -> None:
    with part.open("wb") as file:
        for chunk in chunks:
            file.write(chunk)


async def _digest(store: Store, address: Address) -> str:
    seen = hashlib.sha256()
    async for chunk in store.read(address):
        seen.update(chunk)
    return seen.hexdigest()


def put_small_files(backup: Backup) -> None:
    """Write those that are not there."""
    for name, path in kept_paths().items():
        if name in backup.kept and not path.exists():
            make_folder(path.parent)
            fresh = path.with_name(f"{path.name}.{os.getpid()}")
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(backup.kept[name])
            fresh.replace(path)


def correct_sizes(url: str, files: list[File]) -> None:
    """Have the rows say how large the files are that were put."""
    remaining = iter(files)
    with psycopg.connect(url) as connection:
        while some := list(islice(remaining, 10_000)):
            columns = [file.bucket for file in some], [file.key for file in some], [file.size for file in some]
            connection.execute(_SIZES, columns)

"""The files of rows: where they lie here, and where another server serves them.

Paths are made of ids and extensions that are known here, never of what the other server says. Files are streamed to the
disk, some at once, and stored when they are whole; what is stored already, for the same version of its row, is not
asked for again.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

import asyncpg
from sqlalchemy import Executable

from pegbar.config import settings
from pegbar.core.data.database import Database
from pegbar.core.data.parameters import sql
from pegbar.core.data.schema import Boolean
from pegbar.core.storage import Address, check_room, record, store
from pegbar.exchange.sync import queries
from pegbar.exchange.sync.peers import Peer
from pegbar.exchange.sync.remote import Digest, Refusal, Remote, together
from pegbar.exchange.sync.report import Report, Watcher
from pegbar.media import addresses
from pegbar.tasks.comments import attachments

#: Files on their way at once, and the longest one that is taken.
_AT_ONCE, _LONGEST = 6, 512 * 1024**3
#: Rows read at a time.
_ROWS = 2000


@dataclass(frozen=True)
class File:
    """A file of a row: its address here, its path there, and the version of the row."""

    address: Address
    path: str
    version: str
    #: Whether a row says that it is there; others are looked for.
    is_certain: bool = False

    @property
    def key(self) -> str:
        """What its progress is kept under."""
        return f"{self.address.bucket}/{self.address.key}"


_AVATARS = {"person": "persons", "project": "projects", "organisation": "organisations"}
_PICTURES = {
    "thumbnails": "/pictures/thumbnails/preview-files/{}.png",
    "thumbnails-square": "/pictures/thumbnails-square/preview-files/{}.png",
    "previews": "/pictures/previews/preview-files/{}.png",
    "original": "/pictures/originals/preview-files/{}.png",
}
_MOVIES = {
    "previews": "/movies/originals/preview-files/{}.mp4",
    "lowdef": "/movies/low/preview-files/{}.mp4",
    "source": "/movies/source/preview-files/{}.mp4",
}


def _of_preview(row: asyncpg.Record) -> list[File]:
    preview_id, extension, version = row["id"], (row["extension"] or "").lower(), row["version"]
    files = [File(addresses.picture(p, preview_id), path.format(preview_id), version) for p, path in _PICTURES.items()]
    # Large: they are not copied again because somebody drew on them.
    content = row["content"]
    if extension in addresses.MOVIES:
        known = row["movie_prefixes"]
        prefixes = [prefix for prefix in _MOVIES if not isinstance(known, list) or prefix in known]
        files += [File(addresses.movie(p, preview_id), _MOVIES[p].format(preview_id), content) for p in prefixes]
        tiles = f"/movies/tiles/preview-files/{preview_id}.png"
        files.append(File(addresses.picture("tiles", preview_id), tiles, version))
    elif extension in addresses.OTHERS:
        path = f"/pictures/originals/preview-files/{preview_id}.{extension}"
        files.append(File(addresses.other(preview_id), path, content, is_certain=True))
    return files


def _of_background(row: asyncpg.Record) -> list[File]:
    extension = (row["extension"] or "").lower()
    thumbnail = f"/pictures/thumbnails/preview-background-files/{row['id']}.png"
    files = [File(addresses.picture("thumbnails", row["id"]), thumbnail, row["version"])]
    if extension.isalnum() and extension.isascii():
        path = f"/pictures/preview-background-files/{row['id']}.{extension}"
        files.append(File(addresses.picture("preview-backgrounds", row["id"]), path, row["version"]))
    return files


def _of_attachment(row: asyncpg.Record) -> list[File]:
    path = f"/data/attachment-files/{row['id']}/file/{quote((row['name'] or '').replace('/', '_') or 'file', safe='')}"
    return [File(attachments.address(row["id"]), path, row["version"], is_certain=True)]


def _of_working_file(row: asyncpg.Record) -> list[File]:
    return [File(Address("files", "working", row["id"]), f"/data/working-files/{row['id']}/file", row["version"])]


def _avatar(plural: str) -> Callable[[asyncpg.Record], list[File]]:
    def of_row(row: asyncpg.Record) -> list[File]:
        path = f"/pictures/thumbnails/{plural}/{row['id']}.png"
        return [File(addresses.picture("thumbnails", row["id"]), path, row["version"], is_certain=True)]

    return of_row


_FROM = """
  FROM public.{table} t
 WHERE {condition} AND (:is_everything OR id = ANY(:ids))
   AND EXISTS (SELECT 1 FROM pegbar.sync_row s
                WHERE s.peer_id = :peer_id AND s.table_name = '{table}' AND s.row_id = t.id)
"""
_CONTENT = "concat_ws(' ', extension, file_size, status, width, height, duration, data->>'movie_prefixes')"


@dataclass(frozen=True)
class Kind:
    """A table whose rows have files."""

    table: str
    columns: str
    of_row: Callable[[asyncpg.Record], list[File]]
    condition: str = "true"

    @cached_property
    def rows(self) -> Executable:
        """The rows that came from a peer, some at a time."""
        columns = f"id, date_trunc('second', updated_at)::text AS version, {self.columns}"
        tail = f"AND id > :after_id ORDER BY id LIMIT {_ROWS}"
        return sql(f"SELECT {columns} {self._from} {tail}", is_everything=Boolean)

    @cached_property
    def count(self) -> Executable:
        """How many they are."""
        return sql(f"SELECT count(*) {self._from}", is_everything=Boolean)

    @property
    def _from(self) -> str:
        return _FROM.format(table=self.table, condition=self.condition)


_KINDS = (
    *(Kind(table, "has_avatar", _avatar(plural), "has_avatar") for table, plural in _AVATARS.items()),
    Kind("preview_background_file", "extension", _of_background),
    Kind("attachment_file", "name", _of_attachment),
    Kind("working_file", "name", _of_working_file),
    Kind(
        "preview_file",
        f"extension, data->'movie_prefixes' AS movie_prefixes, {_CONTENT} AS content",
        _of_preview,
    ),
)


async def row_count(db: Database, peer: Peer, ids: Sequence[UUID] | None = None) -> int:
    """How many rows that came from a peer have files."""
    chosen = {"peer_id": peer.id, "is_everything": ids is None, "ids": list(ids or ())}
    return sum([await db.value(kind.count, **chosen) for kind in _KINDS])


async def rows_with_files(
    db: Database, peer: Peer, ids: Sequence[UUID] | None = None
) -> AsyncIterator[list[list[File]]]:
    """The files of each row that came from a peer, or of some of these rows; some rows at a time."""
    chosen = {"peer_id": peer.id, "is_everything": ids is None, "ids": list(ids or ())}
    for kind in _KINDS:
        after = UUID(int=0)
        while rows := await db.rows(kind.rows, after_id=after, **chosen):
            yield [kind.of_row(row) for row in rows]
            after = rows[-1]["id"]


async def at_once(rows: Sequence[list[File]], work: Callable[[list[File]], Awaitable[None]]) -> None:
    """Do something with the files of every row, some rows at once."""
    waiting = list(reversed(rows))

    async def worker() -> None:
        while waiting:
            await work(waiting.pop())

    await together(worker() for _ in range(min(_AT_ONCE, len(waiting))))


@dataclass
class Copier:
    """Copies the files of another server."""

    db: Database
    remote: Remote
    peer: Peer
    report: Report
    watcher: Watcher
    _known: dict[str, tuple[str, int | None]] = field(default_factory=dict)
    _again: frozenset[UUID] = frozenset()
    _folder: Path = Path()

    async def copy(self, ids: Sequence[UUID] | None = None, *, again: frozenset[UUID] = frozenset()) -> None:
        """Copy what is missing here of the rows that came, or of some of them; all files of those to copy `again`."""
        self._again = again
        settings().upload_folder.mkdir(parents=True, exist_ok=True)
        self.watcher.begin("files", await row_count(self.db, self.peer, ids))
        with tempfile.TemporaryDirectory(prefix="upload-", dir=settings().upload_folder) as folder:
            self._folder = Path(folder)
            async for batch in rows_with_files(self.db, self.peer, ids):
                keys = [file.key for files in batch for file in files]
                known = await self.db.rows(queries.known_files, peer_id=self.peer.id, files=keys)
                self._known = {row["key"]: (row["version"], row["size"]) for row in known}
                await at_once(batch, self._copy_row)
        self.watcher.end("files")

    async def _copy_row(self, files: list[File]) -> None:
        for file in files:
            if file.address.file_id not in self._again and await self._is_here(file):
                self.report.files_known += 1
            else:
                await self._copy_one(file)
        self.watcher.advance("files", 1)

    async def _is_here(self, file: File) -> bool:
        version, size = self._known.get(file.key, ("", None))
        if version != file.version:
            return False
        if size is None:
            return True  # it was looked for
        stored = await store().stat(file.address)
        return stored is not None and stored.size == size

    async def _copy_one(self, file: File) -> None:
        target = self._folder / file.address.key
        try:
            check_room(self._folder)
            size = await self.remote.download(file.path, target, _LONGEST)
            if size is not None:
                stored = await store().put(file.address, target)
                assert stored == size, f"{file.key}: {stored} of {size} bytes are stored"
        except Refusal as refusal:
            self.report.problem(str(refusal))
            return
        finally:
            target.unlink(missing_ok=True)
        async with self.db.transaction() as tx:
            if size is not None:
                await record(tx, file.address, size)
            await tx.execute(queries.note_file, peer_id=self.peer.id, file=file.key, version=file.version, size=size)
        if size is not None:
            self.report.files += 1
            self.report.bytes += size
        elif file.is_certain:
            self.report.files_missing += 1
            self.report.problem(f"{file.path} is not on the other server")


async def digest_here(file: File) -> Digest | None:
    """The size and sum of a file here, or None."""
    if await store().stat(file.address) is None:
        return None
    digest = Digest()
    async for piece in store().read(file.address):
        digest.add(piece)
    return digest


@dataclass
class FilesCompared:
    """How files differ."""

    same: int = 0
    differing: list[str] = field(default_factory=list)


async def compare_files(db: Database, remote: Remote, peer: Peer, watcher: Watcher) -> FilesCompared:
    """Compare the files of the rows that came with those there, by size and sum."""
    compared = FilesCompared()
    watcher.begin("files", await row_count(db, peer))

    async def look(files: list[File]) -> None:
        for file in files:
            here, there = await asyncio.gather(digest_here(file), remote.digest(file.path))
            if here == there:
                compared.same += here is not None
            else:
                compared.differing.append(f"{file.path}: {_described(there)} there, {_described(here)} here")
        watcher.advance("files", 1)

    async for batch in rows_with_files(db, peer):
        await at_once(batch, look)
    watcher.end("files")
    return compared


def _described(digest: Digest | None) -> str:
    return "none" if digest is None else f"{digest.size} bytes ({digest.text[:12]})"

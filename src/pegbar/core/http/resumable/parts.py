"""Where the bytes of unfinished uploads lie, so that every node reaches them.

With local storage it is one file an upload, in the folder of stored files: all nodes have that one, and a finished
file becomes a stored one by a second name, without a copy. With an object store each piece is an object of its own;
they are put together on the machine of the request that uses the upload.

What counts as received is in the database, written after the bytes are on the disk or in the store: what a killed
server left beyond that is dropped when the upload goes on.
"""

import asyncio
import fcntl
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from uuid import UUID, uuid4

import asyncpg

from pegbar.config import settings
from pegbar.core.data.database import Database, Transaction
from pegbar.core.errors import ApiError
from pegbar.core.http.resumable import queries
from pegbar.core.storage import Address, check_room, disk_errors, link_or_copy, store
from pegbar.core.storage.behind import WrittenBehind

#: Bytes gathered before they are written into a piece, off the event loop.
_WRITTEN_AT_ONCE = 1024**2


class Locked(ApiError):
    """Somebody else writes to the upload: 423."""

    status = 423


class Gone(ApiError):
    """The bytes of an upload are not there: 410."""

    status = 410


class Sink(Protocol):
    """Takes the bytes of an upload from where it stands.

    `cut`, `settle`, `record` and `stored` follow one another for one cut at a time; more may be written meanwhile.
    """

    async def begin(self) -> None:
        """Go on from where the upload stands, which nobody changes while the sink is open."""
        ...

    async def write(self, data: bytes) -> None:
        """Take some more."""
        ...

    async def cut(self) -> int:
        """Where the upload stands with all that was written."""
        ...

    async def settle(self) -> None:
        """Make what was written before the cut stay."""
        ...

    async def record(self, tx: Transaction) -> None:
        """What else to write in the transaction that records the cut."""
        ...

    async def stored(self) -> None:
        """The cut is recorded."""
        ...


class LocalSink:
    """Appends to the file of an upload, which it alone has open."""

    def __init__(self, handle: int, start: int) -> None:
        self._handle, self._recorded, self._cut = handle, start, start
        self._behind = WrittenBehind(handle, settings().storage_folder, start)
        self._begun = False

    async def begin(self) -> None:
        """Raises Gone when less is there than was recorded."""
        if os.fstat(self._handle).st_size < self._recorded:
            raise Gone("Bytes of this upload were lost; start it anew.")
        await self._drop_rest()
        self._begun = True

    async def _drop_rest(self) -> None:
        """What nobody recorded is not part of the upload."""
        await asyncio.to_thread(os.ftruncate, self._handle, self._recorded)

    async def close(self) -> None:
        try:
            await self._behind.abandon()
            if self._begun:
                await self._drop_rest()
        finally:
            os.close(self._handle)

    async def write(self, data: bytes) -> None:
        await self._behind.write(data)

    async def cut(self) -> int:
        self._cut = await self._behind.flush()
        return self._cut

    async def settle(self) -> None:
        with disk_errors():
            await asyncio.to_thread(os.fsync, self._handle)

    async def record(self, tx: Transaction) -> None:
        return

    async def stored(self) -> None:
        self._recorded = self._cut


class LocalParts:
    """A file for each upload."""

    @staticmethod
    def path(upload_id: UUID) -> Path:
        """The file of an upload."""
        return settings().storage_folder / "uploads" / str(upload_id)

    async def begin(self, upload_id: UUID) -> None:
        """Make the file."""
        with disk_errors():
            await asyncio.to_thread(self._begin, self.path(upload_id))

    @staticmethod
    def _begin(path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(exist_ok=False)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @asynccontextmanager
    async def sink(self, _: Database, upload_id: UUID, received: int) -> AsyncIterator[Sink]:
        """Go on at `received`. Raises Locked while another request does."""
        sink = LocalSink(self._open(upload_id), received)
        try:
            yield sink
        finally:
            await sink.close()

    def _open(self, upload_id: UUID) -> int:
        try:
            handle = os.open(self.path(upload_id), os.O_RDWR)
        except FileNotFoundError:
            message = "The bytes of this upload are not here. Are PREVIEW_FOLDERs of several nodes the same folder?"
            raise Gone(message) from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise Locked("Another request writes to this upload.") from None
        return handle

    async def whole(self, _: Database, upload_id: UUID) -> Path:
        """A file of its own with all bytes."""
        target = self.path(upload_id).with_name(f"{upload_id}.{uuid4()}")
        try:
            with disk_errors():
                await asyncio.to_thread(link_or_copy, self.path(upload_id), target)
        except FileNotFoundError:
            raise Gone("The bytes of this upload are not here any more; send it anew.") from None
        return target

    async def remove(self, _: Database, upload_ids: Iterable[UUID]) -> None:
        """Remove the bytes of uploads that nobody knows any more."""
        for upload_id in upload_ids:
            await asyncio.to_thread(self.path(upload_id).unlink, missing_ok=True)

    async def remove_strays(self, db: Database) -> None:
        """Remove the files that belong to no upload: a killed server left them."""
        folder = settings().storage_folder / "uploads"
        if not folder.is_dir():
            return
        by_upload: dict[UUID, list[Path]] = {}
        for path in await asyncio.to_thread(lambda: list(folder.iterdir())):
            try:
                by_upload.setdefault(UUID(path.name.partition(".")[0]), []).append(path)
            except ValueError:
                continue
        known = set(await db.column(queries.known, ids=list(by_upload)))
        for upload_id in by_upload.keys() - known:
            for path in by_upload[upload_id]:
                await asyncio.to_thread(path.unlink, missing_ok=True)


class ObjectSink:
    """Gathers bytes in a file of this machine, and stores what is cut off as one object."""

    def __init__(self, db: Database, upload_id: UUID, start: int, folder: Path) -> None:
        self._db, self._upload_id, self._folder = db, upload_id, folder
        self._start, self._size = start, 0
        self._pending = bytearray()
        self._path = self._new_path()
        self._piece: _Piece | None = None

    async def begin(self) -> None:
        return

    def _new_path(self) -> Path:
        return self._folder / uuid4().hex

    async def write(self, data: bytes) -> None:
        self._pending += data
        if len(self._pending) >= _WRITTEN_AT_ONCE:
            await self._flush()

    async def _flush(self) -> None:
        data, self._pending = self._pending, bytearray()
        with disk_errors():
            check_room(self._folder)
            await asyncio.to_thread(_append, self._path, data)
        self._size += len(data)

    async def cut(self) -> int:
        await self._flush()
        self._piece = _Piece(self._path, self._start, self._size) if self._size else None
        self._start, self._size, self._path = self._start + self._size, 0, self._new_path()
        return self._start

    async def settle(self) -> None:
        if (piece := self._piece) is None:
            return
        async with self._db.transaction() as tx:
            await tx.execute(
                queries.reserve_part,
                upload_id=self._upload_id,
                name=piece.name,
                start=piece.start,
                size=piece.size,
            )
        await store().put(part_address(self._upload_id, piece.name), piece.path)

    async def record(self, tx: Transaction) -> None:
        if self._piece is not None:
            await tx.execute(queries.part_stored, upload_id=self._upload_id, name=self._piece.name)

    async def stored(self) -> None:
        if self._piece is not None:
            await asyncio.to_thread(self._piece.path.unlink)


@dataclass(frozen=True)
class _Piece:
    path: Path
    start: int
    size: int

    @property
    def name(self) -> str:
        """Of its object."""
        return self.path.name


def _append(path: Path, data: bytearray) -> None:
    with path.open("ab") as file:
        file.write(data)


def part_address(upload_id: UUID, name: str) -> Address:
    """Where a piece lies in the object store."""
    return Address("files", "uploads", f"{upload_id}.{name}")


class ObjectParts:
    """An object for each piece."""

    async def begin(self, upload_id: UUID) -> None:
        """Nothing is there yet."""

    @asynccontextmanager
    async def sink(self, db: Database, upload_id: UUID, received: int) -> AsyncIterator[Sink]:
        """Go on at `received`. Of several requests that do, the first to record its bytes wins."""
        parent = settings().upload_folder
        with disk_errors():
            parent.mkdir(parents=True, exist_ok=True)
            folder = Path(await asyncio.to_thread(tempfile.mkdtemp, dir=parent, prefix="pieces-"))
        try:
            yield ObjectSink(db, upload_id, received, folder)
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def whole(self, db: Database, upload_id: UUID) -> Path:
        """A file of this machine with all bytes."""
        parent = settings().upload_folder
        with disk_errors():
            parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=parent, prefix="upload-")
        path = Path(name)
        try:
            with disk_errors(), os.fdopen(handle, "wb") as file:
                for row in await db.rows(queries.parts, upload_id=upload_id):
                    check_room(parent)
                    async for data in store().read(part_address(upload_id, row["name"])):
                        await asyncio.to_thread(file.write, data)
        except FileNotFoundError:
            await asyncio.to_thread(path.unlink)
            raise Gone("Bytes of this upload are not in the object store any more; send it anew.") from None
        except BaseException:
            await asyncio.to_thread(path.unlink)
            raise
        return path

    async def remove(self, db: Database, upload_ids: Iterable[UUID]) -> None:
        """Remove the bytes of uploads that nobody knows any more."""
        for upload_id in upload_ids:
            await self._remove(db, [(upload_id, row["name"]) for row in await self._all(db, upload_id)])

    @staticmethod
    async def _all(db: Database, upload_id: UUID) -> list[asyncpg.Record]:
        return await db.rows(queries.all_parts, upload_id=upload_id)

    @staticmethod
    async def _remove(db: Database, pieces: Sequence[tuple[UUID, str]]) -> None:
        """The row goes after the object, so that none is forgotten."""
        for upload_id, name in pieces:
            await store().remove(part_address(upload_id, name))
            async with db.transaction() as tx:
                await tx.execute(queries.forget_part, upload_id=upload_id, name=name)

    async def remove_strays(self, db: Database) -> None:
        """Remove the pieces that belong to no upload: their owner is gone, or whoever stored them broke off."""
        while rows := await db.rows(queries.stray_parts):
            await self._remove(db, [(row["upload_id"], row["name"]) for row in rows])


def parts() -> LocalParts | ObjectParts:
    """Where this server keeps unfinished uploads."""
    return LocalParts() if settings().fs_backend == "local" else ObjectParts()

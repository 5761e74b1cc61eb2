"""Uploads that arrive in pieces: begun, continued, removed. Standard: tus 1.0 (core protocol and its extensions)."""

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID, uuid4

import asyncpg

from pegbar.config import settings
from pegbar.core.data.database import Database
from pegbar.core.errors import ApiError, HungUp, NotFound, StorageFull, TooLarge, TooManyRequests
from pegbar.core.http.received import too_large
from pegbar.core.http.resumable import queries
from pegbar.core.http.resumable.parts import Locked, Sink, parts
from pegbar.core.storage import check_room, disk_errors

ALGORITHMS = ("sha1", "sha256", "md5")
#: Bytes after which what has come is made to stay, while more comes.
_CHECKPOINT = 32 * 1024**2
#: Seconds without a byte after which a writer makes way for another one, and after which it is taken for gone.
_QUIET, _SILENCE = 2.0, 60.0


class Elsewhere(ApiError):
    """The upload does not stand where the request goes on: 409."""

    status = 409


class Corrupted(ApiError):
    """The bytes are not those of the checksum: 460, as tus has it."""

    status = 460


class Silent(ApiError):
    """Nothing came any more: 408."""

    status = 408


@dataclass(frozen=True)
class NewUpload:
    """What is told of a file before it comes."""

    name: str
    content_type: str
    metadata: str
    length: int


@dataclass(frozen=True)
class Checksum:
    """What the bytes of a request must add up to."""

    algorithm: str
    digest: bytes


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


async def begin(db: Database, person_id: UUID, new: NewUpload) -> asyncpg.Record:
    """Make an upload of no bytes yet. Raises TooLarge, TooManyRequests and StorageFull."""
    longest = settings().max_content_length
    if longest and new.length > longest:
        raise too_large(longest)
    _check_free(new.length)
    upload_id = uuid4()
    async with db.transaction(person_id) as tx:
        await tx.row(queries.lock_owner, person_id=person_id)
        held = await tx.row(queries.held_by_person, person_id=person_id)
        assert held is not None, "an aggregate has a row"
        _check_share(held["number"], held["bytes"] + new.length)
        row = await tx.row(
            queries.create,
            id=upload_id,
            person_id=person_id,
            name=new.name,
            content_type=new.content_type,
            metadata=new.metadata,
            length=new.length,
            hours=settings().upload_expiry,
        )
        assert row is not None, "an insert has a row"
        await parts().begin(upload_id)
    return row


def _check_free(length: int) -> None:
    """Refuse what the disk cannot hold."""
    folder = settings().storage_folder if settings().fs_backend == "local" else settings().upload_folder
    with disk_errors():
        folder.mkdir(parents=True, exist_ok=True)
        check_room(folder)
        if length > shutil.disk_usage(folder).free:
            raise StorageFull(f"The server has no room for a file of {length} bytes.")


def _check_share(number: int, size: int) -> None:
    """Refuse what is more than one person may have waiting."""
    most, most_bytes = settings().uploads_per_person, settings().upload_bytes_per_person
    if number >= most:
        raise TooManyRequests(f"{most} of your uploads are unfinished or unused. Use or delete one of them first.")
    if most_bytes and size > most_bytes:
        raise TooLarge(f"Your unfinished and unused uploads are limited to {most_bytes} bytes. Use or delete some.")


async def find(db: Database, person_id: UUID, upload_id: UUID) -> asyncpg.Record:
    """An upload of a person; NotFound when it is somebody else's, expired or none."""
    row = await db.row(queries.one, id=upload_id, person_id=person_id)
    if row is None:
        raise NotFound(f"There is no upload {upload_id}.")
    return row


async def remove(db: Database, person_id: UUID, upload_id: UUID) -> None:
    """Remove an upload and what came of it. Raises NotFound, and Elsewhere while a request uses it."""
    await find(db, person_id, upload_id)
    async with db.transaction(person_id) as tx:
        if not await tx.execute(queries.remove, id=upload_id, person_id=person_id):
            raise Elsewhere("A request uses this upload at the moment.")
    await parts().remove(db, [upload_id])


class _Recorder:
    """Records what a sink has kept, one cut at a time, while more is written."""

    def __init__(self, db: Database, upload_id: UUID, sink: Sink, received: int) -> None:
        self._db, self._upload_id, self._sink = db, upload_id, sink
        self.received = received
        self._running: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Record all that was written so far, beside what follows."""
        await self.wait()
        self._running = asyncio.create_task(self._record(await self._sink.cut()))

    async def wait(self) -> None:
        """Wait for what was begun."""
        if self._running is not None:
            running, self._running = self._running, None
            await running

    async def finish(self) -> int:
        """Record all; where the upload stands."""
        await self.begin()
        await self.wait()
        return self.received

    async def _record(self, upto: int) -> None:
        if upto == self.received:
            return
        await self._sink.settle()
        async with self._db.transaction() as tx:
            changed = await tx.execute(
                queries.advance,
                id=self._upload_id,
                before=self.received,
                received=upto,
                hours=settings().upload_expiry,
            )
            if not changed:
                raise Elsewhere("The upload was continued or deleted by another request.")
            await self._sink.record(tx)
        await self._sink.stored()
        self.received = upto


async def append(
    db: Database,
    person_id: UUID,
    upload_id: UUID,
    offset: int,
    pieces: AsyncIterator[bytes],
    *,
    announced: int | None = None,
    checksum: Checksum | None = None,
) -> int:
    """Add bytes to an upload at `offset`; where it stands then, with everything before it on disk.

    When the caller leaves in the middle, what came is kept, unless it was to be checked. Raises NotFound, Elsewhere
    when the upload stands somewhere else, Locked while another request writes, TooLarge for more bytes than the
    upload has, Corrupted when they are not those of the checksum.
    """
    row = await find(db, person_id, upload_id)
    _check_offset(offset, row["received"])
    left = row["length"] - offset
    if announced is not None and announced > left:
        raise TooLarge(f"The upload has {left} bytes left, the body has {announced}.")
    async with _open_sink(db, upload_id, offset) as sink:
        # Looked at again, as whoever wrote before may have gone on since.
        _check_offset(offset, (await find(db, person_id, upload_id))["received"])
        await sink.begin()
        recorder = _Recorder(db, upload_id, sink, offset)
        try:
            await _take(recorder, sink, _audible(db, upload_id, pieces), left, checksum)
        except (HungUp, Silent):
            if checksum is None:
                await recorder.finish()
            raise
        finally:
            await recorder.wait()
        return await recorder.finish()


@asynccontextmanager
async def _open_sink(db: Database, upload_id: UUID, offset: int) -> AsyncIterator[Sink]:
    try:
        async with parts().sink(db, upload_id, offset) as sink:
            yield sink
    except Locked:
        async with db.transaction() as tx:
            await tx.execute(queries.want, id=upload_id)
        raise


def _check_offset(offset: int, received: int) -> None:
    if offset != received:
        raise Elsewhere(f"The upload stands at {received}, not at {offset}.")


async def _take(
    recorder: _Recorder, sink: Sink, pieces: AsyncIterator[bytes], left: int, checksum: Checksum | None
) -> None:
    digest: _Hash | None = None if checksum is None else hashlib.new(checksum.algorithm, usedforsecurity=False)
    unrecorded = 0
    async for piece in pieces:
        left -= len(piece)
        if left < 0:
            raise TooLarge("The body has more bytes than the upload has left.")
        await sink.write(piece)
        unrecorded += len(piece)
        if digest is not None:
            digest.update(piece)
        elif unrecorded >= _CHECKPOINT:
            await recorder.begin()
            unrecorded = 0
    if checksum is not None and digest is not None and digest.digest() != checksum.digest:
        raise Corrupted(f"The bytes do not have this {checksum.algorithm}; send them again.")


async def _audible(db: Database, upload_id: UUID, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The pieces, as long as they come. Raises Silent.

    A connection that broke without a word would keep its client from going on by another one: once nothing comes any
    more, whoever wants to write (`wanted`) may.
    """
    while True:
        coming = asyncio.ensure_future(anext(pieces, None))
        try:
            quiet = 0.0
            while not (await asyncio.wait({coming}, timeout=_QUIET))[0]:
                quiet += _QUIET
                if quiet >= _SILENCE or await db.value(queries.is_wanted, id=upload_id, quiet=quiet):
                    raise Silent("No more bytes came.")
            piece = await coming
        finally:
            coming.cancel()
        if piece is None:
            return
        if piece:
            yield piece


async def expire(db: Database) -> None:
    """Remove the uploads that nobody continued or used in time, and bytes that belong to none."""
    removed = True
    while removed:
        async with db.transaction() as tx:
            upload_ids = await tx.column(queries.expire)
        removed = bool(upload_ids)
        await parts().remove(db, upload_ids)
    await parts().remove_strays(db)

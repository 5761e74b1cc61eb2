"""Binaries: a local folder or an S3-compatible object store behind one interface.

    await store().put(Address("pictures", "original", preview_id), path)
    await record(tx, address, size)

Local files lie where an existing Kitsu installation keeps them, so its PREVIEW_FOLDER is served as it is; objects
have the key `{prefix}-{id}` in the buckets `pictures`, `movies` and `files`. `stored_file` registers them: writes and
deletions are recorded in the transaction that causes them, and a deletion that must take effect is done by a job after
the commit. Source: spec media, "Storage"; spec operations, "Retention".
"""

import asyncio
import errno
import os
import re
import shutil
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal, Protocol, cast
from uuid import UUID, uuid4

import obstore
import structlog
from obstore.exceptions import BaseError, NotFoundError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store
from sqlalchemy import Index, UniqueConstraint, text

from pegbar.config import InvalidSetting, settings
from pegbar.core.data.database import Database, Transaction
from pegbar.core.data.faults import FULL
from pegbar.core.data.parameters import sql
from pegbar.core.data.schema import (
    JSONB,
    TIMESTAMP,
    BigInteger,
    Boolean,
    Column,
    Integer,
    String,
    Text,
    flag,
    table,
    utc_now,
)
from pegbar.core.errors import ApiError, StorageFull
from pegbar.core.work.jobs import job

log = structlog.get_logger()

Bucket = Literal["pictures", "movies", "files"]
_SAFE_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,199}")
#: Bytes read from a file, or gathered from an object store, at a time.
CHUNK = 256 * 1024
#: And of a local file: the server holds some eight of them for a client that is slow to take them.
_LOCAL = 64 * 1024
#: Bytes that files leave free on a disk, and the share of a small disk.
_LEFT_FREE, _LEFT_FREE_SHARE = 1024**3, 0.05

stored_file = table(
    "stored_file",
    Column("bucket", String(20), nullable=False),
    Column("key", String(255), nullable=False),
    Column("prefix", String(40), nullable=False),
    Column("file_id", String(200), nullable=False, index=True),
    Column("size", BigInteger),
    Column("deleted_at", TIMESTAMP),
    flag("purge_forced", nullable=False, in_database=True),
    Column("purged_at", TIMESTAMP),
    Column("purge_attempts", Integer, default=0, server_default="0", nullable=False),
    Column("last_error", Text),
    Column("journal", JSONB, default=list, server_default="[]", nullable=False),
    UniqueConstraint("bucket", "key", name="stored_file_uc"),
    Index(
        "ix_stored_file_to_purge",
        "purge_forced",
        "deleted_at",
        postgresql_where=text("((deleted_at IS NOT NULL) AND (purged_at IS NULL))"),
    ),
)


class StorageUnavailable(ApiError):
    """The store does not answer or refuses: 503."""

    status = 503


def check_room(folder: Path) -> None:
    """Raise StorageFull when files would take the last room of a disk: the database that may share it needs some."""
    disk = shutil.disk_usage(folder)
    if disk.free < min(_LEFT_FREE, disk.total * _LEFT_FREE_SHARE):
        raise _full(folder, f"{disk.free // 2**20} MB are free")


def _full(folder: object, reason: str) -> StorageFull:
    log.error("a disk is full: files are refused", folder=str(folder), reason=reason)
    return StorageFull("The disk that keeps uploaded files is full; nothing was stored.")


@contextmanager
def disk_errors() -> Iterator[None]:
    """Tell a full disk, or a folder that cannot be written, in words."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise _full(error.filename or "", error.strerror or "") from None
        log.error("a file cannot be stored", exc_info=error)
        if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
            message = "The folder of uploaded files cannot be written; see the server's log."
            raise StorageUnavailable(message) from None
        raise


@dataclass(frozen=True)
class Address:
    """Where a binary lies: a bucket, and the key made of a prefix and the id of what it belongs to."""

    bucket: Bucket
    prefix: str
    file_id: UUID | str

    def __post_init__(self) -> None:
        if not _SAFE_ID.fullmatch(str(self.file_id)):
            raise ValueError(f"{self.file_id!r} is not a safe name for a file")

    @property
    def key(self) -> str:
        """The key of the object."""
        return f"{self.prefix}-{self.file_id}"


@dataclass(frozen=True)
class Binary:
    """What is known of a stored binary."""

    address: Address
    size: int
    etag: str
    modified: datetime
    path: Path | None = None  #: the file, when it is local


class Store(Protocol):
    """Keeps binaries."""

    async def put(self, address: Address, source: Path) -> int:
        """Store a file under this address, replacing what was there, all or nothing; its size."""
        ...

    async def stat(self, address: Address) -> Binary | None:
        """What is stored there, or None."""
        ...

    def read(self, address: Address, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from `start` up to `end` (excluded), in pieces."""
        ...

    async def signed(self, address: Address, *, seconds: int) -> str | None:
        """An address by which anybody gets the binary for a while; None where there are none."""
        ...

    async def copy(self, source: Address, target: Address) -> int | None:
        """Store the same under another address; its size, or None when there is nothing to copy."""
        ...

    async def remove(self, address: Address) -> None:
        """Remove what is stored there, if anything is."""
        ...


class LocalStore:
    """A folder. Files lie in `{bucket}/{A}/{B[0:3]}/{B[3:6]}/{B}` where A-B is the key, cut at its first dash."""

    def __init__(self, folder: Path, bucket_prefix: str = "") -> None:
        self._folder, self._bucket_prefix = folder, bucket_prefix

    def path(self, address: Address) -> Path:
        """The file of an address."""
        first, _, rest = address.key.partition("-")
        return self._folder / f"{self._bucket_prefix}{address.bucket}" / first / rest[:3] / rest[3:6] / rest

    async def put(self, address: Address, source: Path) -> int:
        """Write beside the target, flush to the disk, then rename."""
        with disk_errors():
            return await asyncio.to_thread(self._put, self.path(address), source)

    @staticmethod
    def _put(target: Path, source: Path) -> int:
        target.parent.mkdir(parents=True, exist_ok=True)
        check_room(target.parent)
        part = target.with_name(f".{target.name}.{uuid4().hex}.part")
        try:
            link_or_copy(source, part)
            with part.open("rb+") as file:
                os.fsync(file.fileno())
                size = os.fstat(file.fileno()).st_size
            part.replace(target)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return size

    async def stat(self, address: Address) -> Binary | None:
        path = self.path(address)
        try:
            info = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        modified = datetime.fromtimestamp(info.st_mtime, UTC)
        return Binary(address, info.st_size, f'"{info.st_mtime_ns:x}-{info.st_size:x}"', modified, path)

    async def read(self, address: Address, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        read = partial(asyncio.get_running_loop().run_in_executor, _readers())
        file = await read(partial(self.path(address).open, "rb", buffering=0))
        try:
            while end is None or start < end:
                piece = await read(os.pread, file.fileno(), _LOCAL if end is None else min(_LOCAL, end - start), start)
                if not piece:
                    return
                start += len(piece)
                yield piece
        finally:
            file.close()

    async def signed(self, address: Address, *, seconds: int) -> str | None:
        return None

    async def copy(self, source: Address, target: Address) -> int | None:
        try:
            return await self.put(target, self.path(source))
        except (FileNotFoundError, NotADirectoryError):
            return None

    async def remove(self, address: Address) -> None:
        await asyncio.to_thread(self.path(address).unlink, missing_ok=True)


@cache
def _readers() -> ThreadPoolExecutor:
    """Threads of their own: many readers of a slow disk hold nobody up who writes or computes."""
    return ThreadPoolExecutor(4, "stored-files")


def link_or_copy(source: Path, target: Path) -> None:
    """A second name for the file where the file system allows, else a copy. A stored file is never written again."""
    try:
        target.hardlink_to(source)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EACCES):
            raise
        shutil.copyfile(source, target)


class ObjectStore:
    """An S3-compatible store: a bucket for each kind, and the key as it is."""

    def __init__(self) -> None:
        self._stores = {name: self._connect(name) for name in ("pictures", "movies", "files")}

    @staticmethod
    def _connect(bucket: str) -> S3Store:
        config = {
            "endpoint": settings().fs_s3_endpoint or None,
            "region": settings().fs_s3_region or "us-east-1",
            "access_key_id": settings().fs_s3_access_key or None,
            "secret_access_key": settings().fs_s3_secret_key or None,
        }
        return S3Store(
            f"{settings().fs_bucket_prefix}{bucket}",
            config=cast("Any", {name: value for name, value in config.items() if value is not None}),
            # A transfer may take hours; silence may not.
            client_options={
                "allow_http": settings().fs_s3_endpoint.startswith("http://"),
                "connect_timeout": timedelta(seconds=5),
                "read_timeout": timedelta(seconds=30),
                "timeout": timedelta(hours=12),
            },
            retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=20)},
        )

    async def put(self, address: Address, source: Path) -> int:
        """Multipart for what is large; an upload that breaks off leaves nothing under the key."""
        size = (await asyncio.to_thread(source.stat)).st_size
        with _store_errors(address):
            try:
                await self._put(address, source)
            except (NotFoundError, FileNotFoundError):
                bucket = f"{settings().fs_bucket_prefix}{address.bucket}"
                message = f"The object store has no bucket {bucket!r}; make it, or change FS_BUCKET_PREFIX."
                raise StorageUnavailable(message) from None
        return size

    async def _put(self, address: Address, source: Path) -> None:
        bucket, attributes = self._stores[address.bucket], _attributes(address)
        try:
            await obstore.put_async(bucket, address.key, source, attributes=attributes)
        except (NotFoundError, FileNotFoundError):
            if not settings().fs_s3_create_bucket:
                raise
            await _create_bucket(bucket)
            await obstore.put_async(bucket, address.key, source, attributes=attributes)

    async def stat(self, address: Address) -> Binary | None:
        with _store_errors(address):
            try:
                meta = await obstore.head_async(self._stores[address.bucket], address.key)
            except (NotFoundError, FileNotFoundError):
                return None
        etag = meta["e_tag"] or f'"{meta["last_modified"].timestamp():.0f}-{meta["size"]:x}"'
        return Binary(address, meta["size"], etag, meta["last_modified"])

    async def read(self, address: Address, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        options: Any = {}
        if end is not None:
            options["range"] = (start, end)
        elif start:
            options["range"] = {"offset": start}
        with _store_errors(address):
            download = await obstore.get_async(self._stores[address.bucket], address.key, options=options)
            async for piece in download.stream(min_chunk_size=CHUNK):
                yield bytes(piece)

    async def signed(self, address: Address, *, seconds: int) -> str | None:
        store = self._stores[address.bucket]
        with _store_errors(address):
            return await obstore.sign_async(store, "GET", address.key, timedelta(seconds=seconds))

    async def copy(self, source: Address, target: Address) -> int | None:
        binary = await self.stat(source)
        if binary is None:
            return None
        assert source.bucket == target.bucket, "objects are copied inside a bucket"
        with _store_errors(target):
            await obstore.copy_async(self._stores[source.bucket], source.key, target.key)
        return binary.size

    async def remove(self, address: Address) -> None:
        with _store_errors(address):
            try:
                await obstore.delete_async(self._stores[address.bucket], address.key)
            except (NotFoundError, FileNotFoundError):
                return


async def _create_bucket(bucket: S3Store) -> None:
    """Make a bucket: a signed request for no key at all. One that is refused is told by the next to use it."""
    import aiohttp
    from yarl import URL

    region = settings().fs_s3_region or "us-east-1"
    place = f"<CreateBucketConfiguration><LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
    url = await obstore.sign_async(bucket, "PUT", "", timedelta(seconds=60))
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session,
        session.put(URL(url, encoded=True), data=b"" if region == "us-east-1" else place.encode()) as answer,
    ):
        log.info("made a bucket", status=answer.status, answer=(await answer.text())[:500])


def _attributes(address: Address) -> Any:
    """What an object is said to be, for those who get it by a signed address."""
    if address.bucket == "movies":
        return {"Content-Type": "video/mp4"}
    if address.bucket == "pictures" and address.prefix != "preview-backgrounds":
        return {"Content-Type": "image/png"}
    return None


@contextmanager
def _store_errors(address: Address) -> Iterator[None]:
    try:
        yield
    except (NotFoundError, FileNotFoundError):
        raise
    except (UnauthenticatedError, PermissionDeniedError) as error:
        log.error("the object store refuses", key=address.key, exc_info=error)
        message = "The object store refuses the server's key (FS_S3_ACCESS_KEY, FS_S3_SECRET_KEY)."
        raise StorageUnavailable(message) from None
    except (BaseError, OSError) as error:
        log.error("the object store does not answer", key=address.key, exc_info=error)
        where = settings().fs_s3_endpoint or f"region {settings().fs_s3_region}"
        message = f"The object store ({where}) does not take or give files; see the server's log."
        raise StorageUnavailable(message) from None


@cache
def store() -> Store:
    """The store of this process."""
    if settings().fs_backend == "local":
        return LocalStore(settings().storage_folder, settings().fs_bucket_prefix)
    if settings().fs_backend == "s3":
        return ObjectStore()
    raise InvalidSetting(f"FS_BACKEND={settings().fs_backend!r} is neither local nor s3")


#: Absences that a process remembers.
_MOST_ABSENT = 20_000
_VERSION = sql("SELECT updated_at FROM stored_file WHERE bucket = :bucket AND key = :key", bucket=Text, key=Text)


class Absences:
    """What an object store did not have, until its register changes: asking the store takes longer.

    The register is read before the store is asked the last time, so whatever is recorded later is seen at once.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._known: OrderedDict[Address, tuple[float, datetime | None]] = OrderedDict()

    async def look(self, db: Database, address: Address) -> Binary | None:
        """What is stored there, or None."""
        known = self._known.get(address)
        if known is None:
            binary = await store().stat(address)
            if binary is not None or not self._seconds:
                return binary
        version = await db.value(_VERSION, bucket=address.bucket, key=address.key)
        if known is not None and known[1] == version and time.monotonic() - known[0] < self._seconds:
            return None
        binary = await store().stat(address)
        self._known.pop(address, None)
        if binary is None:
            self._known[address] = (time.monotonic(), version)
            if len(self._known) > _MOST_ABSENT:
                self._known.popitem(last=False)
        return binary


@cache
def _absences() -> Absences:
    return Absences(settings().missing_file_recheck_delay)


async def located(db: Database, address: Address) -> Binary | None:
    """What is stored there, or None; an object store is not asked again and again for what it does not have."""
    if settings().fs_backend == "local":
        return await store().stat(address)
    return await _absences().look(db, address)


async def fetch(address: Address, target: Path) -> bool:
    """Copy a binary into a file of this machine; False when there is none."""
    if await store().stat(address) is None:
        return False
    with disk_errors(), target.open("wb") as file:
        async for piece in store().read(address):
            await asyncio.to_thread(file.write, piece)
    return True


# The register

_JOURNAL = """(SELECT coalesce(jsonb_agg(kept.entry ORDER BY kept.n), '[]'::jsonb)
                 FROM (SELECT entry, n FROM jsonb_array_elements(stored_file.journal || EXCLUDED.journal)
                         WITH ORDINALITY AS entries (entry, n) ORDER BY n DESC LIMIT 50) AS kept)"""

_RECORD = sql(
    f"""
    INSERT INTO stored_file (id, created_at, updated_at, bucket, key, prefix, file_id, size, journal)
    VALUES (:id, :now, :now, :bucket, :key, :prefix, :file_id, :size, :journal)
    ON CONFLICT (bucket, key) DO UPDATE
       SET size = EXCLUDED.size, updated_at = EXCLUDED.updated_at, deleted_at = NULL, purge_forced = false,
           purged_at = NULL, purge_attempts = 0, last_error = NULL, journal = {_JOURNAL}
    """,  # noqa: S608 - a constant
    key=Text,
    file_id=Text,
    size=BigInteger,
    journal=JSONB,
)

_MARK = sql(
    f"""
    INSERT INTO stored_file
           (id, created_at, updated_at, bucket, key, prefix, file_id, deleted_at, purge_forced, journal)
    SELECT gen_random_uuid(), :now, :now, bucket, prefix || '-' || file_id, prefix, file_id, :now, :forced, :journal
      FROM unnest(:buckets ::text[], :prefixes ::text[], :file_ids ::text[]) AS removed (bucket, prefix, file_id)
     WHERE :forced OR EXISTS (SELECT 1 FROM stored_file s
                               WHERE s.bucket = removed.bucket AND s.key = prefix || '-' || removed.file_id)
    ON CONFLICT (bucket, key) DO UPDATE
       SET deleted_at = coalesce(stored_file.deleted_at, EXCLUDED.deleted_at), updated_at = EXCLUDED.updated_at,
           purge_forced = stored_file.purge_forced OR EXCLUDED.purge_forced, journal = {_JOURNAL}
    """,  # noqa: S608 - a constant
    journal=JSONB,
    forced=Boolean,
)

_TO_PURGE = sql(
    """
    SELECT id, bucket, prefix, file_id FROM stored_file
     WHERE deleted_at IS NOT NULL AND purged_at IS NULL AND (purge_forced OR :everything)
       AND purge_attempts < :most
     ORDER BY deleted_at LIMIT 500 FOR UPDATE SKIP LOCKED
    """,
    everything=Boolean,
)

_PURGED = sql(
    """
    UPDATE stored_file SET purged_at = CASE WHEN tried.error IS NULL THEN :now END, last_error = tried.error,
           purge_attempts = purge_attempts + 1, updated_at = :now
      FROM unnest(:ids ::uuid[], :errors ::text[]) AS tried (id, error)
     WHERE stored_file.id = tried.id
    """
)

#: What only a forced deletion registered, in case something was there, is of no interest once nothing is.
_FORGET_UNWRITTEN = text(
    "DELETE FROM stored_file WHERE id = ANY(:ids ::uuid[]) AND size IS NULL AND purged_at IS NOT NULL"
)

_MOST_PURGE_ATTEMPTS = 20


def _entry(tx: Transaction, operation: str) -> list[dict[str, Any]]:
    author = str(tx.author_id) if tx.author_id else None
    return [{"operation": operation, "date": utc_now().strftime("%Y-%m-%dT%H:%M:%S"), "person_id": author}]


async def record(tx: Transaction, address: Address, size: int) -> None:
    """Register a binary that was written. One marked for removal is kept again."""
    await tx.execute(
        _RECORD,
        id=uuid4(),
        now=utc_now(),
        bucket=address.bucket,
        key=address.key,
        prefix=address.prefix,
        file_id=str(address.file_id),
        size=size,
        journal=_entry(tx, "write"),
    )


async def mark_deleted(tx: Transaction, addresses: Iterable[Address], *, force: bool = False) -> None:
    """Mark binaries as deleted; they are removed after the commit when forced, or with REMOVE_FILES."""
    listed = list(addresses)
    if not listed:
        return
    await tx.execute(
        _MARK,
        now=utc_now(),
        forced=force,
        journal=_entry(tx, "delete"),
        buckets=[address.bucket for address in listed],
        prefixes=[address.prefix for address in listed],
        file_ids=[str(address.file_id) for address in listed],
    )
    if force or settings().remove_files:
        tx.defer(PURGE)


async def mark_missing(tx: Transaction, address: Address) -> None:
    """Register that a new row's binary never came. There is nothing to purge, so that this stays known."""
    now = utc_now()
    await tx.insert(
        stored_file,
        bucket=address.bucket,
        key=address.key,
        prefix=address.prefix,
        file_id=str(address.file_id),
        deleted_at=now,
        purged_at=now,
        journal=_entry(tx, "delete"),
    )


#: Nobody waits for it.
PURGE = job("storage.purge", retries=8, priority=-1)
#: Binaries removed at the same time.
_AT_ONCE = 10


@PURGE.task
async def purge(db: Database) -> None:
    """Remove the binaries that deletions left for removal. Those that fail are tried again."""
    turns = asyncio.Semaphore(_AT_ONCE)
    failures: list[ApiError] = []

    async def remove(address: Address) -> str | None:
        async with turns:
            try:
                await store().remove(address)
            except ApiError as refused:
                failures.append(refused)
                return refused.message
        return None

    more = True
    while more and not failures:
        async with db.transaction() as tx:
            rows = await tx.rows(_TO_PURGE, everything=settings().remove_files, most=_MOST_PURGE_ATTEMPTS)
            more = bool(rows)
            errors = await asyncio.gather(
                *[remove(Address(row["bucket"], row["prefix"], row["file_id"])) for row in rows]
            )
            ids = [row["id"] for row in rows]
            await tx.execute(_PURGED, ids=ids, errors=errors, now=utc_now())
            await tx.execute(_FORGET_UNWRITTEN, ids=ids)
    if failures:
        raise failures[0]


__all__ = [
    "Address",
    "Binary",
    "LocalStore",
    "ObjectStore",
    "StorageFull",
    "StorageUnavailable",
    "Store",
    "check_room",
    "disk_errors",
    "fetch",
    "link_or_copy",
    "located",
    "mark_deleted",
    "mark_missing",
    "purge",
    "record",
    "store",
    "stored_file",
]

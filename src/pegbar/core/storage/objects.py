"""Binaries in an S3-compatible object store."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import obstore
import structlog
from obstore.exceptions import BaseError, NotFoundError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from pegbar.config import settings
from pegbar.core.storage.binaries import BUCKETS, CHUNK, Address, Binary, StorageUnavailable, address_of

log = structlog.get_logger()


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
        return _binary(address, meta)

    async def listed(self) -> AsyncIterator[Binary]:
        """Bucket by bucket; one that is not there holds nothing."""
        for bucket in BUCKETS:
            with _store_errors(Address(bucket, "", "listing")), suppress(NotFoundError, FileNotFoundError):
                async for batch in obstore.list(self._stores[bucket]):
                    for meta in batch:
                        if (address := address_of(bucket, meta["path"])) is not None:
                            yield _binary(address, meta)

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


def _binary(address: Address, meta: Any) -> Binary:
    changed = meta["last_modified"].timestamp()
    return Binary(address, meta["size"], meta["e_tag"] or f'"{changed:.0f}-{meta["size"]:x}"', changed)


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

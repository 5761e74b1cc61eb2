"""Binaries in a folder, and the room of its disk."""

import asyncio
import errno
import os
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache, partial
from pathlib import Path
from uuid import uuid4

import structlog

from pegbar.core.data.faults import FULL
from pegbar.core.errors import StorageFull
from pegbar.core.storage.binaries import BUCKETS, Address, Binary, StorageUnavailable, address_of

log = structlog.get_logger()

#: Bytes of a file that are read at a time: the server holds some eight of them for a client that is slow.
_LOCAL = 64 * 1024
#: Has a read fail that would wait for the disk (Linux).
_NO_WAITING: int | None = getattr(os, "RWF_NOWAIT", None)
#: Bytes that files leave free on a disk, and the share of a small disk.
_LEFT_FREE, _LEFT_FREE_SHARE = 1024**3, 0.05


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


def sweep(folder: Path) -> None:
    """Remove what requests left in the upload folder whose process was killed: all that nobody wrote for a day."""
    for prefix in ("upload-", "render-", "derive-", "pieces-"):
        for path in folder.glob(f"{prefix}*"):
            with suppress(OSError):  # somebody else's, or gone
                if path.stat().st_mtime < time.time() - 86400:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()


class LocalStore:
    """A folder. Files lie in `{bucket}/{A}/{B[0:3]}/{B[3:6]}/{B}` where A-B is the key, cut at its first dash."""

    def __init__(self, folder: Path, bucket_prefix: str = "") -> None:
        self._folder, self._bucket_prefix = folder, bucket_prefix
        self._before_bucket = f"{folder}/{bucket_prefix}"

    def path(self, address: Address) -> Path:
        """The file of an address."""
        return Path(self._file(address))

    def _file(self, address: Address) -> str:
        # As text: a page of thumbnails asks for hundreds.
        first, _, rest = address.key.partition("-")
        return f"{self._before_bucket}{address.bucket}/{first}/{rest[:3]}/{rest[3:6]}/{rest}"

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
        file = self._file(address)
        try:
            info = os.stat(file)  # noqa: PTH116 - a path that is text
        except (FileNotFoundError, NotADirectoryError):
            return None
        return Binary(address, info.st_size, f'"{info.st_mtime_ns:x}-{info.st_size:x}"', info.st_mtime, file)

    async def listed(self) -> AsyncIterator[Binary]:
        """A folder at a time; what does not lie where a file of ours does is passed over."""
        for bucket in BUCKETS:
            root = self._folder / f"{self._bucket_prefix}{bucket}"
            walk = os.walk(root)
            while (place := await asyncio.to_thread(next, walk, None)) is not None:
                first = Path(place[0]).relative_to(root).parts[:1]
                for name in place[2]:
                    address = address_of(bucket, f"{first[0]}-{name}") if first else None
                    if address is not None and self.path(address) == Path(place[0], name):
                        binary = await self.stat(address)
                        if binary is not None:
                            yield binary

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
        file = self.path(source)
        if not await asyncio.to_thread(file.is_file):
            return None  # most of what might be stored for a preview is not
        try:
            return await self.put(target, file)
        except (FileNotFoundError, NotADirectoryError):
            return None

    async def remove(self, address: Address) -> None:
        await asyncio.to_thread(self.path(address).unlink, missing_ok=True)


@cache
def _readers() -> ThreadPoolExecutor:
    """Threads of their own: many readers of a slow disk hold nobody up who writes or computes."""
    return ThreadPoolExecutor(4, "stored-files")


def in_memory(file: str, size: int) -> bytes | None:
    """The bytes of a file of this size, if it is small and the system holds them; None where a disk is waited for."""
    if size > _LOCAL or _NO_WAITING is None:
        return None
    try:
        handle = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        data = bytearray(size + 1)  # one more tells a file that is longer by now
        read = os.preadv(handle, [data], 0, _NO_WAITING)
    except OSError:  # it is not in memory, or the file system cannot tell
        return None
    finally:
        os.close(handle)
    return bytes(memoryview(data)[:size]) if read == size else None


def link_or_copy(source: Path, target: Path) -> None:
    """A second name for the file where the file system allows, else a copy. A stored file is never written again."""
    try:
        target.hardlink_to(source)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EACCES):
            raise
        shutil.copyfile(source, target)

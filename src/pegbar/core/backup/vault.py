"""Where archives lie: a folder, or a bucket of an S3-compatible store. Blocking: for threads."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, cast
from uuid import uuid4

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError
from obstore.store import S3Store

from pegbar.config import settings
from pegbar.core.backup.sealing import pieces_of
from pegbar.core.data.faults import FULL
from pegbar.core.errors import CannotRun

_CHUNK = 1024**2
#: Bytes that are sent at a time; S3 takes 10,000 of them an object.
_PART = 16 * 1024**2


@dataclass(frozen=True)
class Kept:
    """An object in a vault."""

    path: str
    size: int
    modified: datetime


class Vault(Protocol):
    """Keeps objects by their paths."""

    def put(self, path: str, chunks: Iterable[bytes]) -> int:
        """Keep an object, whole or not at all; its size."""
        ...

    def create(self, path: str, content: bytes) -> bool:
        """Keep a small object unless one is there; whether it was kept."""
        ...

    def get(self, path: str) -> Iterator[bytes]:
        """The bytes of an object. Raises KeyError when there is none."""
        ...

    def listed(self, folder: str) -> Iterator[Kept]:
        """The objects below a folder."""
        ...

    def remove(self, path: str) -> None:
        """Remove an object, if it is there."""
        ...


def vault_of(address: str) -> Vault:
    """The vault that `s3://bucket/folder` or a path names. Raises CannotRun."""
    scheme, separator, rest = address.partition("://")
    if not separator:
        return FolderVault(Path(address).absolute())
    if scheme != "s3":
        raise CannotRun(f"{scheme}://… is no place for backups: give a folder or s3://bucket/folder.")
    bucket, _, folder = rest.partition("/")
    if not bucket:
        raise CannotRun("s3:// names no bucket: give s3://bucket or s3://bucket/folder.")
    return BucketVault(bucket, folder.strip("/"))


class FolderVault:
    """A folder that only its owner enters. What is kept is flushed to the disk before it has its name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, path: str, chunks: Iterable[bytes]) -> int:
        target = self._folder / path
        with self._errors():
            self._make(target.parent)
            part = target.with_name(f".{target.name}.{uuid4().hex}.part")
            try:
                size = _write(part, chunks)
                part.replace(target)
            except BaseException:
                part.unlink(missing_ok=True)
                raise
            _flush_folder(target.parent)
        return size

    def create(self, path: str, content: bytes) -> bool:
        target = self._folder / path
        with self._errors():
            self._make(target.parent)
            part = target.with_name(f".{target.name}.{uuid4().hex}.part")
            try:
                _write(part, [content])
                target.hardlink_to(part)
            except FileExistsError:
                return False
            finally:
                part.unlink(missing_ok=True)
            _flush_folder(target.parent)
        return True

    def _make(self, folder: Path) -> None:
        if not folder.is_dir():
            if folder != self._folder:
                self._make(folder.parent)
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def get(self, path: str) -> Iterator[bytes]:
        try:
            file = (self._folder / path).open("rb")
        except (FileNotFoundError, NotADirectoryError):
            raise KeyError(path) from None
        with file:
            while chunk := file.read(_CHUNK):
                yield chunk

    def listed(self, folder: str) -> Iterator[Kept]:
        for place, _, names in os.walk(self._folder / folder):
            for name in names:
                path = Path(place, name)
                with suppress(FileNotFoundError):
                    info = path.stat()
                    if name.endswith(".part"):
                        self._sweep(path, info.st_mtime)
                    else:
                        modified = datetime.fromtimestamp(info.st_mtime, UTC)
                        yield Kept(path.relative_to(self._folder).as_posix(), info.st_size, modified)

    @staticmethod
    def _sweep(part: Path, modified: float) -> None:
        """Remove what a backup left that was killed."""
        if modified < datetime.now(UTC).timestamp() - 86400:
            part.unlink(missing_ok=True)

    def remove(self, path: str) -> None:
        (self._folder / path).unlink(missing_ok=True)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in FULL:
                raise CannotRun(f"The disk of the backups is full ({self._folder}); this backup is not kept.") from None
            raise


def _write(part: Path, chunks: Iterable[bytes]) -> int:
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        for chunk in chunks:
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
        return file.tell()


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class BucketVault:
    """A folder of a bucket, which must be there. Its store is that of the settings PEGBAR_BACKUP_S3_*, else FS_S3_*."""

    def __init__(self, bucket: str, folder: str) -> None:
        current = settings()
        endpoint = current.backup_s3_endpoint or current.fs_s3_endpoint
        config = {
            "endpoint": endpoint,
            "region": current.backup_s3_region or current.fs_s3_region or "us-east-1",
            "access_key_id": current.backup_s3_access_key or current.fs_s3_access_key,
            "secret_access_key": current.backup_s3_secret_key or current.fs_s3_secret_key,
        }
        self._place = f"s3://{bucket}{f'/{folder}' if folder else ''}"
        self._store = S3Store(
            bucket,
            prefix=folder or None,
            config=cast("Any", {name: value for name, value in config.items() if value}),
            client_options={
                "allow_http": endpoint.startswith("http://"),
                "connect_timeout": timedelta(seconds=5),
                "read_timeout": timedelta(seconds=60),
                "timeout": timedelta(hours=12),
            },
            retry_config={"max_retries": 4, "retry_timeout": timedelta(seconds=60)},
        )

    def put(self, path: str, chunks: Iterable[bytes]) -> int:
        size = 0

        def counted() -> Iterator[bytes]:
            nonlocal size
            for part in pieces_of(chunks, _PART):
                size += len(part)
                yield part

        with self._errors():
            obstore.put(self._store, path, counted(), use_multipart=True, chunk_size=_PART, max_concurrency=2)
        return size

    def create(self, path: str, content: bytes) -> bool:
        with self._errors():
            try:
                obstore.put(self._store, path, content, mode="create", use_multipart=False)
            except AlreadyExistsError:
                return False
        return True

    def get(self, path: str) -> Iterator[bytes]:
        with self._errors():
            try:
                download = obstore.get(self._store, path)
            except (NotFoundError, FileNotFoundError):
                raise KeyError(path) from None
            for chunk in download.stream(min_chunk_size=_CHUNK):
                yield bytes(chunk)

    def listed(self, folder: str) -> Iterator[Kept]:
        with self._errors():
            for batch in obstore.list(self._store, f"{folder}/", chunk_size=1000):
                for meta in batch:
                    yield Kept(meta["path"], meta["size"], meta["last_modified"])

    def remove(self, path: str) -> None:
        with self._errors(), suppress(NotFoundError, FileNotFoundError):
            obstore.delete(self._store, path)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (BaseError, OSError) as error:
            reason = " ".join(str(error).split())[:300]
            raise CannotRun(f"{self._place} does not take or give backups: {reason}") from None

"""What is stored: addresses, what is known of a binary, and what a store does."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Protocol
from uuid import UUID

import msgspec

from pegbar.core.errors import ApiError

Bucket = Literal["pictures", "movies", "files"]
BUCKETS: tuple[Bucket, ...] = ("pictures", "movies", "files")
_SAFE_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,199}")
#: Bytes read from a file, or gathered from an object store, at a time.
CHUNK = 256 * 1024


class StorageUnavailable(ApiError):
    """The store does not answer or refuses: 503."""

    status = 503


@dataclass(frozen=True)
class Address:
    """Where a binary lies: a bucket, and the key made of a prefix and the id of what it belongs to."""

    bucket: Bucket
    prefix: str
    file_id: UUID | str

    def __post_init__(self) -> None:
        if not isinstance(self.file_id, UUID) and not _SAFE_ID.fullmatch(self.file_id):
            raise ValueError(f"{self.file_id!r} is not a safe name for a file")

    @property
    def key(self) -> str:
        """The key of the object."""
        return f"{self.prefix}-{self.file_id}"


#: Prefixes with a dash of their own: any other ends at the first dash of the key.
_LONG_PREFIXES = ("preview-backgrounds", "thumbnails-square")


def address_of(bucket: Bucket, key: str) -> Address | None:
    """The address of an object's key; None where it is none of ours."""
    prefix = next((long for long in _LONG_PREFIXES if key.startswith(f"{long}-")), key.partition("-")[0])
    try:
        return Address(bucket, prefix, key.removeprefix(f"{prefix}-"))
    except ValueError:
        return None


class Binary(msgspec.Struct, frozen=True):
    """What is known of a stored binary: made for every thumbnail of a page, so of nothing that costs to make."""

    address: Address
    size: int
    etag: str
    changed: float  #: seconds since the epoch
    file: str | None = None  #: the path of the file, when it is local

    @property
    def modified(self) -> datetime:
        """When it was stored."""
        return datetime.fromtimestamp(self.changed, UTC)

    @property
    def path(self) -> Path | None:
        """The file, when it is local."""
        return None if self.file is None else Path(self.file)


class Store(Protocol):
    """Keeps binaries."""

    async def put(self, address: Address, source: Path) -> int:
        """Store a file under this address, replacing what was there, all or nothing; its size."""
        ...

    async def stat(self, address: Address) -> Binary | None:
        """What is stored there, or None."""
        ...

    def listed(self) -> AsyncIterator[Binary]:
        """Everything that is stored."""
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

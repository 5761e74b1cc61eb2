"""The store that the settings choose, and what it is known not to have."""

import asyncio
import time
from collections import OrderedDict
from datetime import datetime
from functools import cache
from pathlib import Path

from pegbar.config import settings
from pegbar.core.data.database import Database
from pegbar.core.data.parameters import sql
from pegbar.core.data.schema import (
    Text,
)
from pegbar.core.storage.binaries import Address, Binary, Store
from pegbar.core.storage.local import LocalStore, disk_errors
from pegbar.core.storage.objects import ObjectStore
from pegbar.environment import InvalidSetting


@cache
def store() -> Store:
    """The store of this process."""
    return chosen()


def chosen() -> Store:
    """The store that the settings name at this moment."""
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

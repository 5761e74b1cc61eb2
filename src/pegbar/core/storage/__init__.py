"""Binaries: a local folder or an S3-compatible object store behind one interface.

    await store().put(Address("pictures", "original", preview_id), path)
    await record(tx, address, size)

Local files lie where an existing Kitsu installation keeps them, so its PREVIEW_FOLDER is served as it is; objects
have the key `{prefix}-{id}` in the buckets `pictures`, `movies` and `files`. `stored_file` registers them: writes and
deletions are recorded in the transaction that causes them, and a deletion that must take effect is done by a job after
the commit. Source: spec media, "Storage"; spec operations, "Retention".
"""

from pegbar.core.errors import StorageFull
from pegbar.core.storage.binaries import Address, Binary, StorageUnavailable, Store, address_of
from pegbar.core.storage.choice import chosen, fetch, located, store
from pegbar.core.storage.local import LocalStore, check_room, disk_errors, in_memory, link_or_copy, sweep
from pegbar.core.storage.objects import ObjectStore
from pegbar.core.storage.register import (
    PURGE,
    Discarded,
    held_file,
    mark_deleted,
    mark_missing,
    purge,
    purge_held,
    record,
    release,
    revive,
    stored_file,
)

__all__ = [
    "PURGE",
    "Address",
    "Binary",
    "Discarded",
    "LocalStore",
    "ObjectStore",
    "StorageFull",
    "StorageUnavailable",
    "Store",
    "address_of",
    "check_room",
    "chosen",
    "disk_errors",
    "fetch",
    "held_file",
    "in_memory",
    "link_or_copy",
    "located",
    "mark_deleted",
    "mark_missing",
    "purge",
    "purge_held",
    "record",
    "release",
    "revive",
    "store",
    "stored_file",
    "sweep",
]

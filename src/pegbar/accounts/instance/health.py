"""How the instance is, asked of the database once a second however many ask. Source: spec accounts, /status."""

import asyncio
import os
import shutil
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, TypeVar

import asyncpg
import psutil

from pegbar import __version__
from pegbar.accounts.instance import queries
from pegbar.config import settings
from pegbar.core.data import migrations
from pegbar.core.data.database import Database
from pegbar.core.data.faults import CONNECTION_ERRORS
from pegbar.core.http.routing import operations

NAME = "Pegbar"
_LONGEST_WAIT = 5.0
_KEPT = 1.0
T = TypeVar("T")


class Kept(Generic[T]):
    """An observation of the moment, shared by those who ask within a second."""

    def __init__(self, observe: Callable[[Database], Awaitable[T]]) -> None:
        self._observe = observe
        self._lock = asyncio.Lock()
        self._at = float("-inf")
        self._seen: T | None = None

    async def __call__(self, db: Database) -> T:
        async with self._lock:
            if self._seen is None or time.monotonic() - self._at > _KEPT:
                self._seen = await self._observe(db)
                self._at = time.monotonic()
            return self._seen


def has_search() -> bool:
    """Whether this server searches: whether it has a route for it."""
    return any(operation.path == "/data/search" for operation in operations)


async def _parts(db: Database) -> dict[str, bool]:
    try:
        row = await asyncio.wait_for(db.row(queries.health), _LONGEST_WAIT)
    except (*CONNECTION_ERRORS, TimeoutError):
        row = None
    up = row is not None
    return {
        "database-up": up,
        "key-value-store-up": up,  # tokens, codes and locks are in the database
        "event-stream-up": row is not None and row["events"],
        "job-queue-up": row is not None and row["jobs"],
        "indexer-up": up and has_search(),  # it would run in the database
    }


async def _resources(db: Database) -> dict[str, Any]:
    memory = psutil.virtual_memory()
    load = dict(zip(("last 1 min", "last 5 min", "last 10 min"), os.getloadavg(), strict=True))
    try:
        running = await asyncio.wait_for(db.value(queries.running_jobs), _LONGEST_WAIT)
    except (*CONNECTION_ERRORS, TimeoutError):
        running = 0
    return {
        "date": datetime.now().isoformat(),
        "cpu": {"percent": psutil.cpu_percent(percpu=True), "loadavg": load},
        "memory": {
            "total": memory.total,
            "used": memory.used,
            "available": memory.available,
            "percent": memory.percent,
        },
        "jobs": {"running_jobs": running},
    }


async def _readiness(db: Database) -> dict[str, str]:
    """What requests need, each `ok` or what it lacks. Nothing of the machine is told: strangers may ask."""
    try:
        revision = await asyncio.wait_for(db.value(queries.schema_revision), _LONGEST_WAIT)
        database = "ok"
    except asyncpg.UndefinedTableError:
        database, revision = "ok", None
    except (*CONNECTION_ERRORS, TimeoutError):
        return {"database": "away", "schema": "unknown", "storage": _storage()}
    # A newer schema is no reason to stop: the next version runs beside this one while nodes are upgraded.
    schema = "ok" if revision is not None and revision >= migrations.head() else "old"
    return {"database": database, "schema": schema, "storage": _storage()}


def _storage() -> str:
    """Whether the folder of files can be written. An object store has its own monitoring, and is not asked here."""
    if settings().fs_backend != "local":
        return "ok"
    folder = settings().storage_folder
    place: Path = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(place, os.W_OK | os.X_OK):
        return "read-only"
    # A full disk refuses uploads; all else goes on, so that the node stays.
    return "ok" if shutil.disk_usage(place).free else "full"


#: Parts whose lack makes a node useless.
NEEDED = {"database": {"ok"}, "schema": {"ok"}, "storage": {"ok", "full"}}

readiness = Kept(_readiness)
parts = Kept(_parts)
resources = Kept(_resources)
IDENTITY = {"name": NAME, "version": __version__}

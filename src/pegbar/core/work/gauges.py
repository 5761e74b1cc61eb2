"""Metrics that are read when they are asked for: the queue, the database, storage, the processes of this node.

What all nodes share (queue, database, storage) every node tells: take the `max` of them, not the sum.
"""

import asyncio
import os
import shutil
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import psutil
from sqlalchemy import text

from pegbar.config import settings
from pegbar.core.data.database import Database
from pegbar.core.data.faults import CONNECTION_ERRORS
from pegbar.core.work.processes import SUPERVISED

if TYPE_CHECKING:
    from prometheus_client import Metric

#: Seconds that the database may take, and that what takes it long to add up is kept.
_LONGEST_WAIT, _KEPT = 3.0, 300.0

#: By job: how many wait, run and failed, and how long the oldest that is due waits.
QUEUE = text(
    """
    SELECT j.task_name AS job,
           count(*) FILTER (WHERE j.status = 'todo') AS todo,
           count(*) FILTER (WHERE j.status = 'doing') AS doing,
           count(*) FILTER (WHERE j.status = 'failed') AS failed,
           coalesce(max(extract(epoch FROM now() - greatest(j.scheduled_at, e.at)))
                      FILTER (WHERE j.status = 'todo' AND (j.scheduled_at IS NULL OR j.scheduled_at <= now())),
                    0)::float AS oldest
      FROM pegbar.procrastinate_jobs j
      LEFT JOIN LATERAL (SELECT max(at) AS at FROM pegbar.procrastinate_events e
                          WHERE e.job_id = j.id AND j.status = 'todo') e ON true
     WHERE j.status IN ('todo', 'doing', 'failed') GROUP BY 1
    """
)
DATABASE = text(
    """
    SELECT (SELECT count(*) FROM pegbar.procrastinate_workers WHERE last_heartbeat > now() - interval '1 minute')
             AS workers,
           (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()) AS connections,
           current_setting('max_connections')::int AS most_connections,
           (SELECT coalesce(max(extract(epoch FROM now() - xact_start)), 0)::float FROM pg_stat_activity
             WHERE datname = current_database() AND backend_type = 'client backend') AS longest
    """
)
_SIZES = text(
    """
    SELECT pg_database_size(current_database()) AS database,
           (SELECT coalesce(sum(size), 0)::bigint FROM stored_file WHERE purged_at IS NULL) AS files
    """
)


class _Sizes:
    """What takes long to add up, kept for some minutes."""

    def __init__(self) -> None:
        self._at, self._row = float("-inf"), {"database": 0, "files": 0}

    async def __call__(self, db: Database) -> Mapping[str, int]:
        if time.monotonic() - self._at > _KEPT:
            self._at = time.monotonic()
            self._row = dict(await db.row(_SIZES) or self._row)
        return self._row


sizes = _Sizes()


async def observed(db: Database) -> list["Metric"]:
    """The metrics of this moment; without those of the database when it is away."""
    metrics = [*_processes(), *_storage()]
    try:
        async with asyncio.timeout(_LONGEST_WAIT):
            metrics += [*_queue(await db.rows(QUEUE)), *_of_database(await db.row(DATABASE), await sizes(db))]
        up = 1
    except (*CONNECTION_ERRORS, TimeoutError):
        up = 0
    return [*metrics, _gauge("pegbar_database_up", "Whether the database answers", up)]


def _gauge(name: str, documentation: str, value: float) -> "Metric":
    from prometheus_client.core import GaugeMetricFamily

    return GaugeMetricFamily(name, documentation, value=value)


def _queue(rows: list[Any]) -> Iterator["Metric"]:
    from prometheus_client.core import GaugeMetricFamily

    jobs = GaugeMetricFamily("pegbar_jobs", "Jobs in the queue, and failed ones of a week", labels=("task", "state"))
    oldest = GaugeMetricFamily(
        "pegbar_job_oldest_seconds", "How long the oldest job that is due waits", labels=("task",)
    )
    for row in rows:
        for state in ("todo", "doing", "failed"):
            jobs.add_metric((row["job"], state), row[state])
        oldest.add_metric((row["job"],), max(row["oldest"], 0))
    yield jobs
    yield oldest


def _of_database(row: Any, sizes: Mapping[str, int]) -> Iterator["Metric"]:
    yield _gauge("pegbar_job_workers", "Queues that workers tend", row["workers"])
    yield _gauge("pegbar_database_connections", "Connections to the database", row["connections"])
    yield _gauge("pegbar_database_max_connections", "Connections that it allows", row["most_connections"])
    yield _gauge("pegbar_database_longest_transaction_seconds", "Age of its oldest transaction", row["longest"])
    yield _gauge("pegbar_database_bytes", "Size of the database", sizes["database"])
    yield _gauge("pegbar_stored_bytes", "Size of all stored files, as registered", sizes["files"])


def _storage() -> Iterator["Metric"]:
    """The disks of local storage and of uploads under way."""
    from prometheus_client.core import GaugeMetricFamily

    free = GaugeMetricFamily("pegbar_disk_free_bytes", "Room left on a disk", labels=("of",))
    total = GaugeMetricFamily("pegbar_disk_bytes", "Size of a disk", labels=("of",))
    for name, disk in disks().items():
        free.add_metric((name,), disk.free)
        total.add_metric((name,), disk.total)
    yield free
    yield total


class Disk(NamedTuple):
    """A folder, and the disk that it is on."""

    folder: Path
    free: int
    total: int


def disks() -> dict[str, Disk]:
    """The disks of this node by what they are for: `uploads` under way, `data`, and `storage` when it is local."""
    folders = {"uploads": settings().upload_folder, "data": settings().data_folder.absolute()}
    if settings().fs_backend == "local":
        folders["storage"] = settings().storage_folder
    found = {}
    for name, folder in folders.items():
        with suppress(OSError):
            usage = shutil.disk_usage(next(path for path in (folder, *folder.parents) if path.exists()))
            found[name] = Disk(folder, usage.free, usage.total)
    return found


#: How the processes of a node are known by their titles (cli/forking.py): what they start counts as theirs.
_ROLES = ("api", "worker", "sockets")


def _role(process: psutil.Process, above: str) -> str:
    with suppress(psutil.Error):
        match process.name().split():
            case ["postgres", *_]:
                return "postgresql"
            case ["pegbar", role, *_] if role in _ROLES:
                return role
    return above


def _processes() -> Iterator["Metric"]:
    """Memory, processor time, open files and number of the processes of this node, by what they are."""
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    root = int(os.environ.get(SUPERVISED) or os.getpid())
    figures: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0, 0.0])

    def add(process: psutil.Process, role: str) -> None:
        with suppress(psutil.Error):
            with process.oneshot():
                times, memory = process.cpu_times(), process.memory_info().rss
            files = 0
            with suppress(psutil.Error):  # another user's
                files = process.num_fds()
            for place, value in enumerate((1, memory, times.user + times.system, files)):
                figures[role][place] += value

    with suppress(psutil.Error):
        supervisor = psutil.Process(root)
        roles = {root: "supervisor"}
        add(supervisor, "supervisor")
        for child in supervisor.children(recursive=True):  # parents first
            with suppress(psutil.Error):
                roles[child.pid] = _role(child, roles.get(child.ppid(), "supervisor"))
                add(child, roles[child.pid])
    count = GaugeMetricFamily("pegbar_processes", "Processes of this node", labels=("process",))
    memory = GaugeMetricFamily("pegbar_process_resident_memory_bytes", "Their memory", labels=("process",))
    seconds = CounterMetricFamily("pegbar_process_cpu_seconds", "Their processor time", labels=("process",))
    files = GaugeMetricFamily("pegbar_process_open_fds", "Their open files and sockets", labels=("process",))
    families: tuple[Any, ...] = (count, memory, seconds, files)
    for role, values in sorted(figures.items()):
        for family, value in zip(families, values, strict=True):
            family.add_metric((role,), value)
    yield from families

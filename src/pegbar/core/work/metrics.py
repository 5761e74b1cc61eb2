"""Prometheus metrics, off unless asked for. Source: spec accounts, "Not in the operation list"; docs/operating.md.

The processes of a node add theirs up through files in the data folder, so that any API worker answers for all. What
is read at the moment of the question (the queue, the database, storage, processes) is in gauges.py.
"""

import asyncio
import os
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from litestar import Request
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from pegbar import __version__
from pegbar.config import settings
from pegbar.core.data.database import Database
from pegbar.core.data.schema import utc_now
from pegbar.core.http.routing import Answering, Operation

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Metric
    from prometheus_client.registry import Collector

OWN_PREFIX = "pegbar_"
#: The names that dashboards of existing studios read.
KNOWN_PREFIX = "zou_"

#: What dashboards of existing studios know.
_KNOWN = ("pegbar_http_request", "pegbar_http_request_duration_seconds", "pegbar_http_request_inflight", "pegbar")
#: Seconds between two looks at what has no moment of its own: pools and sockets.
_SAMPLED_EVERY = 5.0
#: Bounds of times, in seconds: waits and delays are short, jobs may take an hour.
_SHORT = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_LONG = (0.05, 0.25, 1, 5, 15, 60, 300, 900, 3600)


class Connected(Protocol):
    """What holds live sockets, or passes them on."""

    @property
    def connected(self) -> int: ...


class _Instruments:
    """What is counted."""

    def __init__(self, registry: "CollectorRegistry") -> None:
        from prometheus_client import Counter, Gauge, Histogram

        labels = ("method", "path", "status")
        self.seconds = Histogram(
            "pegbar_http_request_duration_seconds", "Time to answer requests", labels, registry=registry
        )
        self.total = Counter("pegbar_http_request", "Requests answered", labels, registry=registry)
        self.under_way = Gauge(
            "pegbar_http_request_inflight",
            "Requests under way",
            ("method", "path"),
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.waits = Histogram(
            "pegbar_pool_wait_seconds",
            "Time that statements waited for a connection to the database",
            ("pool",),
            buckets=_SHORT,
            registry=registry,
        )
        self.connections = Gauge(
            "pegbar_pool_connections",
            "Connections of API workers to the database",
            ("pool", "state"),
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.sockets = Gauge(
            "pegbar_sockets", "Live sockets of clients", registry=registry, multiprocess_mode="livesum"
        )
        self.delays = Histogram(
            "pegbar_event_delay_seconds",
            "Time from the writing of an event, before its commit, to its sending to sockets",
            buckets=_SHORT,
            registry=registry,
        )
        self.jobs = Histogram(
            "pegbar_job_duration_seconds",
            "Time that jobs took, by how they ended",
            ("task", "outcome"),
            buckets=_LONG,
            registry=registry,
        )


class _Both:
    """The metrics of a collector, under our names and under those that existing dashboards read."""

    def __init__(self, inner: "Collector") -> None:
        self._inner = inner

    def collect(self) -> Iterator["Metric"]:
        from prometheus_client.core import InfoMetricFamily

        own = [InfoMetricFamily("pegbar", "The server", {"version": __version__}), *self._inner.collect()]
        yield from own
        yield from (_renamed(metric) for metric in own if metric.name in _KNOWN)


def _renamed(metric: "Metric") -> "Metric":
    from prometheus_client import Metric

    def known(name: str) -> str:
        return KNOWN_PREFIX + name.removeprefix(OWN_PREFIX)

    copy = Metric(metric.name.replace("pegbar", "zou", 1), metric.documentation, metric.type)
    copy.samples = [sample._replace(name=known(sample.name)) for sample in metric.samples]
    return copy


def _folder() -> Path:
    return settings().data_folder / "metrics"


def forget() -> None:
    """Begin at nought: for the process that starts all others of a node."""
    for file in _folder().glob("*.db"):
        file.unlink(missing_ok=True)


def _share_folder() -> None:
    """Have the processes of this node add up their metrics; what those that are gone counted stays."""
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("gauge_live*.db"):
        number = file.stem.rpartition("_")[2]
        if number.isdigit() and not Path(f"/proc/{number}").exists() and Path("/proc/self").exists():
            file.unlink(missing_ok=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


@cache
def _instruments() -> tuple[_Instruments, "Collector"]:
    _share_folder()
    # Imported late: the library decides at its import whether processes add up.
    from prometheus_client import CollectorRegistry
    from prometheus_client.multiprocess import MultiProcessCollector

    return _Instruments(CollectorRegistry()), MultiProcessCollector(None)  # type: ignore[no-untyped-call]


def text(observed: Iterable["Metric"]) -> bytes:
    """The metrics, as Prometheus reads them, with what was observed at this moment."""
    from prometheus_client import CollectorRegistry, generate_latest

    class Observed:
        def collect(self) -> Iterable["Metric"]:
            return observed

    registry = CollectorRegistry()
    registry.register(_Both(_instruments()[1]))
    registry.register(Observed())
    return generate_latest(registry)


async def sample(database: Database, sockets: Connected) -> None:
    """Look at the pools and sockets of this process, again and again; watch how long statements wait."""
    instruments = _instruments()[0]
    waits = {name: instruments.waits.labels(name) for name in database.pools()}
    database.watch(lambda pool, seconds: waits[pool].observe(seconds))
    while True:
        for name, pool in database.pools().items():
            idle = database.idle(name)
            instruments.connections.labels(name, "idle").set(idle)
            instruments.connections.labels(name, "used").set(pool.get_size() - idle)
            instruments.connections.labels(name, "allowed").set(pool.get_max_size())
        instruments.sockets.set(sockets.connected)
        await asyncio.sleep(_SAMPLED_EVERY)


def delivered(since: datetime) -> None:
    """Take note that an event that was written then goes to its sockets."""
    if settings().metrics_enabled:
        _instruments()[0].delays.observe(max((utc_now() - since).total_seconds(), 0.0))


def job_ended(job: str, outcome: str, seconds: float) -> None:
    """Take note of how a job ended, and how long it took."""
    if settings().metrics_enabled:
        _instruments()[0].jobs.labels(job, outcome).observe(seconds)


def measured(operation: Operation, endpoint: Answering) -> Answering:
    """The endpoint, with its requests measured when metrics are on."""
    if not settings().metrics_enabled:
        return endpoint
    instruments = _instruments()[0]

    async def answer(request: Request[Any, Any, Any]) -> ASGIApp:
        started = time.perf_counter()
        # Not before its first request: most routes have none.
        under_way = instruments.under_way.labels(operation.method, operation.path)
        under_way.inc()
        try:
            inner = await endpoint(request)
        except BaseException:
            under_way.dec()
            raise

        async def timed(scope: Scope, receive: Receive, send: Send) -> None:
            status = "499"  # the caller hung up before the answer began

            async def sending(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = str(message["status"])
                await send(message)

            try:
                await inner(scope, receive, sending)
            finally:
                labels = (operation.method, operation.path, status)
                instruments.seconds.labels(*labels).observe(time.perf_counter() - started)
                instruments.total.labels(*labels).inc()
                under_way.dec()

        return timed

    return answer

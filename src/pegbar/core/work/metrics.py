"""Prometheus metrics of the requests, off unless asked for. Source: spec accounts, "Not in the operation list".

Several API workers add theirs up through files in the data folder, so that any of them answers for all.
"""

import os
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from litestar import Request
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from pegbar import __version__
from pegbar.config import settings
from pegbar.core.http.routing import Operation

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Metric
    from prometheus_client.registry import Collector

OWN_PREFIX = "pegbar_"
#: The names that dashboards of existing studios read.
KNOWN_PREFIX = "zou_"

Answering = Callable[[Request[Any, Any, Any]], Awaitable[ASGIApp]]


class _Instruments:
    """What is counted of a request."""

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


class _Both:
    """The metrics of a collector, under our names and under those that existing dashboards read."""

    def __init__(self, inner: "Collector") -> None:
        self._inner = inner

    def collect(self) -> Iterator["Metric"]:
        from prometheus_client.core import InfoMetricFamily

        own = [InfoMetricFamily("pegbar", "The server", {"version": __version__}), *self._inner.collect()]
        yield from own
        for metric in own:
            yield _renamed(metric)


def _renamed(metric: "Metric") -> "Metric":
    from prometheus_client import Metric

    def known(name: str) -> str:
        return KNOWN_PREFIX + name.removeprefix(OWN_PREFIX)

    copy = Metric(metric.name.replace("pegbar", "zou", 1), metric.documentation, metric.type)
    copy.samples = [sample._replace(name=known(sample.name)) for sample in metric.samples]
    return copy


def _share_folder() -> None:
    """Have the workers of this server add up their metrics; files of workers that are gone are removed."""
    folder = settings().data_folder / "metrics"
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("*.db"):
        number = file.stem.rpartition("_")[2]
        if number.isdigit() and not Path(f"/proc/{number}").exists() and Path("/proc/self").exists():
            file.unlink(missing_ok=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


@cache
def _instruments() -> tuple[_Instruments, "Collector"]:
    if settings().workers > 1:
        _share_folder()
    # Imported late: the library decides at its import whether processes add up.
    from prometheus_client import CollectorRegistry
    from prometheus_client.multiprocess import MultiProcessCollector

    registry = CollectorRegistry()
    instruments = _Instruments(registry)
    if settings().workers > 1:
        return instruments, MultiProcessCollector(None)  # type: ignore[no-untyped-call]
    return instruments, registry


def text() -> bytes:
    """The metrics, as Prometheus reads them."""
    from prometheus_client import CollectorRegistry, generate_latest

    registry = CollectorRegistry()
    registry.register(_Both(_instruments()[1]))
    return generate_latest(registry)


def measured(operation: Operation, endpoint: Answering) -> Answering:
    """The endpoint, with its requests measured when metrics are on."""
    if not settings().metrics_enabled:
        return endpoint
    instruments = _instruments()[0]
    under_way = instruments.under_way.labels(operation.method, operation.path)

    async def answer(request: Request[Any, Any, Any]) -> ASGIApp:
        started = time.perf_counter()
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

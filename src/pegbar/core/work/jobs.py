"""Background jobs: enqueued in the transaction that needs them, run by `pegbar worker`, retried with backoff.

    SEND = job("accounts.send_mail", retries=8)

    @SEND.task
    async def send_mail(db: Database, *, to: str, subject: str) -> None: ...

    tx.defer(SEND, to=…, subject=…)

The queue is Procrastinate's, in the PostgreSQL schema `pegbar`. A worker that dies leaves its jobs with an old
heartbeat; the others give them back to the queue.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

import msgspec
import procrastinate
import structlog
from sqlalchemy import text

from pegbar.config import settings
from pegbar.core.data.database import Database, Transaction
from pegbar.core.data.faults import DatabaseAway
from pegbar.core.data.schema import OWN_SCHEMA

log = structlog.get_logger()


Task = Callable[..., Awaitable[None]]


class Job:
    """A declared job. `task` binds the coroutine that does it."""

    def __init__(self, name: str, *, retries: int, priority: int, cron: str | None) -> None:
        self.name, self.retries, self.priority, self.cron = name, retries, priority, cron
        self.run: Task | None = None

    def task(self, function: Task) -> Task:
        """Bind the coroutine `(db, **arguments)` that does the job."""
        assert self.run is None, f"{self.name} is bound twice"
        self.run = function
        return function

    def deferral(self, arguments: dict[str, Any]) -> "Deferral":
        """This job with its arguments (JSON values and UUIDs)."""
        return Deferral(
            self, {key: str(value) if isinstance(value, UUID) else value for key, value in arguments.items()}
        )


@dataclass(frozen=True)
class Deferral:
    """A job about to be enqueued."""

    job: Job
    arguments: dict[str, Any]

    rank: ClassVar[int] = 1

    @staticmethod
    async def write(tx: Transaction, kept: Sequence["Deferral"]) -> None:
        """Enqueue jobs in their transaction, in one statement."""
        await tx.row(
            _ENQUEUE,
            names=[deferral.job.name for deferral in kept],
            priorities=[deferral.job.priority for deferral in kept],
            arguments=[msgspec.json.encode(deferral.arguments).decode() for deferral in kept],
        )


#: Every job declared, by name.
declared: dict[str, Job] = {}


def job(name: str, *, retries: int = 5, priority: int = 0, cron: str | None = None) -> Job:
    """Declare a job; it is tried again `retries` times, after 2, 4, 8… seconds.

    With `cron` it also runs by the clock (UTC).
    """
    assert name not in declared, f"{name} is declared twice"
    declared[name] = Job(name, retries=retries, priority=priority, cron=cron)
    return declared[name]


_ENQUEUE = text(
    """
    SELECT pegbar.procrastinate_defer_jobs_v1(array_agg(
      ROW('default', name, priority, NULL, NULL, arguments::jsonb, NULL)::pegbar.procrastinate_job_to_defer_v1
      ORDER BY n))
      FROM unnest(:names ::text[], :priorities ::int[], :arguments ::text[])
           WITH ORDINALITY AS jobs (name, priority, arguments, n)
    """
)


def queue(url: str, db: Database) -> procrastinate.App:
    """The job queue with every declared job, for a worker."""
    connector = procrastinate.PsycopgConnector(
        conninfo=url,
        kwargs={"options": f"-c search_path={OWN_SCHEMA},public", "application_name": "pegbar worker"},
        max_size=8,
    )
    app = procrastinate.App(connector=connector)
    for declared_job in declared.values():
        _register(app, db, declared_job)

    return app


def _register(app: procrastinate.App, db: Database, declared_job: Job) -> None:
    assert declared_job.run is not None, f"{declared_job.name} has no task"
    run = declared_job.run

    async def perform(timestamp: int | None = None, **arguments: Any) -> None:
        # The clock gives its jobs the time they were due; ours take no notice.
        await run(db, **arguments)

    retry = procrastinate.RetryStrategy(max_attempts=declared_job.retries, exponential_wait=2)
    lock = declared_job.name if declared_job.cron else None
    task = app.task(name=declared_job.name, retry=retry, queueing_lock=lock)(perform)
    if declared_job.cron is not None:
        app.periodic(cron=declared_job.cron)(task)


async def _give_back(app: procrastinate.App, stalled_after: float) -> None:
    """Put the jobs of workers that stopped giving signs of life back in the queue, again and again."""
    while True:
        for stalled in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=stalled_after):
            log.warning("a job lost its worker and goes back to the queue", job=stalled.id, task=stalled.task_name)
            await app.job_manager.retry_job(stalled)
        await asyncio.sleep(stalled_after / 3)


async def work(url: str, db: Database, *, concurrency: int, stop: asyncio.Event) -> None:
    """Run jobs until `stop` is set; the jobs under way then finish or go back to the queue. Raises DatabaseAway."""
    app = queue(url, db)
    stalled_after = settings().job_stalled_after
    async with app.open_async():
        worker = asyncio.create_task(
            app.run_worker_async(
                concurrency=concurrency,
                install_signal_handlers=False,
                update_heartbeat_interval=stalled_after / 6,
                stalled_worker_timeout=stalled_after,
                shutdown_graceful_timeout=5,
                name=f"pegbar-{os.getpid()}",
            )
        )
        others = [asyncio.create_task(stop.wait()), asyncio.create_task(_give_back(app, stalled_after))]
        done, _ = await asyncio.wait({worker, *others}, return_when=asyncio.FIRST_COMPLETED)
        for task in (worker, *others):
            task.cancel()
        await asyncio.gather(worker, *others, return_exceptions=True)
        for task in done:
            try:
                task.result()
            except procrastinate.exceptions.ConnectorException as error:
                raise DatabaseAway(f"the job queue lost it: {error.__cause__ or error}") from error

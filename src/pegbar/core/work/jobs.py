"""Background jobs: enqueued in the transaction that needs them, run by `pegbar worker`, retried with backoff.

    SEND = job("accounts.send_mail", retries=8)

    @SEND.task
    async def send_mail(db: Database, *, to: str, subject: str) -> None: ...

    tx.defer(SEND, to=…, subject=…)

The queue is Procrastinate's, in the PostgreSQL schema `pegbar`; what runs it is in worker.py.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

import msgspec
from sqlalchemy import text

from pegbar.core.data.database import Transaction

Task = Callable[..., Awaitable[None]]
DEFAULT_QUEUE, LONG_QUEUE, BACKUP_QUEUE = "default", "long", "backup"


#: What Procrastinate's workers are told of jobs; they look for them, whatever their number.
INSERTED = '{"type": "job_inserted", "job_id": 0}'


def channel_of(queue: str) -> str:
    """Where Procrastinate's workers listen for jobs of a queue."""
    return f"procrastinate_queue_v1#{queue}"


class Job:
    """A declared job. `task` binds the coroutine that does it."""

    def __init__(self, name: str, *, retries: int, priority: int, cron: str | None, queue: str, outward: bool) -> None:
        self.name, self.retries, self.priority, self.cron, self.queue = name, retries, priority, cron, queue
        #: Whether it does nothing but speak to people or programs outside.
        self.outward = outward
        self.run: Task | None = None
        self.give_up: Task | None = None
        self.take_up: Task | None = None

    def task(self, function: Task) -> Task:
        """Bind the coroutine `(db, **arguments)` that does the job."""
        assert self.run is None, f"{self.name} is bound twice"
        self.run = function
        return function

    def given_up(self, function: Task) -> Task:
        """Bind the coroutine `(db, **arguments)` that says what becomes of it when the last attempt failed too."""
        assert self.give_up is None, f"{self.name} is given up twice"
        self.give_up = function
        return function

    def taken_up(self, function: Task) -> Task:
        """Bind the coroutine `(tx, **arguments)` that readies what it is about when somebody has it tried again."""
        assert self.take_up is None, f"{self.name} is taken up twice"
        self.take_up = function
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
            queues=[deferral.job.queue for deferral in kept],
            arguments=[msgspec.json.encode(deferral.arguments).decode() for deferral in kept],
        )
        for queue in sorted({deferral.job.queue for deferral in kept}):
            tx.notify(channel_of(queue), INSERTED)


#: Every job declared, by name.
declared: dict[str, Job] = {}


def job(
    name: str,
    *,
    retries: int = 5,
    priority: int = 0,
    cron: str | None = None,
    queue: str = DEFAULT_QUEUE,
    outward: bool = False,
) -> Job:
    """Declare a job; it is tried again `retries` times, after 2, 4, 8… seconds.

    With `cron` it also runs by the clock (UTC). Jobs that take long have a queue of their own (`LONG_QUEUE`), so that
    others do not wait behind them. `outward` ones do nothing but speak to people or programs outside: a restored
    server does not do those that waited.
    """
    assert name not in declared, f"{name} is declared twice"
    declared[name] = Job(name, retries=retries, priority=priority, cron=cron, queue=queue, outward=outward)
    return declared[name]


_ENQUEUE = text(
    """
    SELECT pegbar.procrastinate_defer_jobs_v1(array_agg(
      ROW(queue, name, priority, NULL, NULL, arguments::jsonb, NULL)::pegbar.procrastinate_job_to_defer_v1
      ORDER BY n))
      FROM unnest(:names ::text[], :priorities ::int[], :queues ::text[], :arguments ::text[])
           WITH ORDINALITY AS jobs (name, priority, queue, arguments, n)
    """
)

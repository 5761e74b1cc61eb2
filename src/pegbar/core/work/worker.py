"""Running background jobs. A worker that dies leaves its jobs with an old heartbeat; the others give them back."""

import asyncio
import os
import time
from typing import Any
from uuid import uuid4

import procrastinate
import psycopg
import structlog

from pegbar.config import settings
from pegbar.core.data.causes import Cause, begin
from pegbar.core.data.database import Database
from pegbar.core.data.faults import DatabaseAway
from pegbar.core.data.parameters import sql
from pegbar.core.data.schema import OWN_SCHEMA
from pegbar.core.work import duties, failures, metrics
from pegbar.core.work.jobs import BACKUP_QUEUE, DEFAULT_QUEUE, INSERTED, LONG_QUEUE, Job, channel_of, declared

log = structlog.get_logger()

#: Seconds between looks for jobs that nobody told of, all queues at once; and between those of each queue's own.
_LOOK_EVERY, _EACH_LOOKS_EVERY = 1.0, 30.0

#: Workers are told of jobs that are due: of those to be tried again, and those whose word was lost.
_TELL_OF_DUE = sql(
    """
    SELECT pg_notify(queue.channel, :said)
      FROM unnest(:queues ::text[], :channels ::text[]) AS queue (name, channel)
     WHERE EXISTS (SELECT 1 FROM pegbar.procrastinate_jobs j
                    WHERE j.status = 'todo' AND j.queue_name = queue.name AND coalesce(j.scheduled_at, now()) <= now())
    """
)


def queue(url: str, db: Database) -> procrastinate.App:
    """The job queue with every declared job, for a worker."""
    connector = procrastinate.PsycopgConnector(
        conninfo=url,
        kwargs={"options": f"-c search_path={OWN_SCHEMA},public", "application_name": "pegbar worker"},
        configure=_transact_by_statement,
        max_size=8,
    )
    app = procrastinate.App(connector=connector)
    for job in declared.values():
        _register(app, db, job)
    return app


async def _transact_by_statement(connection: psycopg.AsyncConnection) -> None:
    """Each statement is a transaction of its own, without BEGIN and COMMIT."""
    await connection.set_autocommit(True)


def _register(app: procrastinate.App, db: Database, job: Job) -> None:
    assert job.run is not None, f"{job.name} has no task"
    run = job.run

    async def perform(context: procrastinate.JobContext, /, timestamp: int | None = None, **arguments: Any) -> None:
        # The clock gives its jobs the time they were due; ours take no notice.
        started, outcome = time.monotonic(), "succeeded"
        begin(Cause(origin="job", request_id=uuid4(), route=job.name))
        try:
            await run(db, **arguments)
        except Exception as error:
            outcome = "failed"
            await failures.note(db, context.job.id, error)
            if job.give_up is not None and context.job.attempts >= job.retries:
                await job.give_up(db, **arguments)
            raise
        except BaseException:
            outcome = "cancelled"
            raise
        finally:
            metrics.job_ended(job.name, outcome, time.monotonic() - started)

    retry = procrastinate.RetryStrategy(max_attempts=job.retries, exponential_wait=2)
    lock = job.name if job.cron else None
    task = app.task(name=job.name, queue=job.queue, retry=retry, queueing_lock=lock, pass_context=True)(perform)
    if job.cron is not None:
        app.periodic(cron=job.cron)(task)


async def _give_back(app: procrastinate.App, stalled_after: float) -> None:
    """Put the jobs of workers that stopped giving signs of life back in the queue, again and again."""
    while True:
        for stalled in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=stalled_after):
            log.warning("a job lost its worker and goes back to the queue", job=stalled.id, task=stalled.task_name)
            await app.job_manager.retry_job(stalled)
        await asyncio.sleep(stalled_after / 3)


@duties.duty("core.jobs")
async def tell_of_due(db: Database) -> None:
    """Tell workers of jobs that are due: this costs an idle server less than if each of them looked."""
    queues = sorted({job.queue for job in declared.values()})
    channels = [channel_of(queue) for queue in queues]
    while True:
        await db.rows(_TELL_OF_DUE, queues=queues, channels=channels, said=INSERTED)
        await asyncio.sleep(_LOOK_EVERY)


async def work(url: str, db: Database, *, concurrency: int, long_concurrency: int, stop: asyncio.Event) -> None:
    """Run jobs and do the duties until `stop` is set; the jobs under way then finish or go back to the queue.

    Raises DatabaseAway. So many of them at once, and so many of those that take long.
    """
    app = queue(url, db)
    stalled_after = settings().job_stalled_after
    async with app.open_async():
        workers = {
            asyncio.create_task(
                app.run_worker_async(
                    queues=[name],
                    concurrency=at_once,
                    fetch_job_polling_interval=_EACH_LOOKS_EVERY,
                    install_signal_handlers=False,
                    update_heartbeat_interval=stalled_after / 6,
                    stalled_worker_timeout=stalled_after,
                    shutdown_graceful_timeout=5,
                    name=f"pegbar-{os.getpid()}-{name}",
                )
            )
            for name, at_once in ((DEFAULT_QUEUE, concurrency), (LONG_QUEUE, long_concurrency), (BACKUP_QUEUE, 1))
        }
        others = [
            asyncio.create_task(stop.wait()),
            asyncio.create_task(_give_back(app, stalled_after)),
            asyncio.create_task(duties.attend(db)),
        ]
        done, _ = await asyncio.wait({*workers, *others}, return_when=asyncio.FIRST_COMPLETED)
        for task in (*workers, *others):
            task.cancel()
        await asyncio.gather(*workers, *others, return_exceptions=True)
        for task in done:
            try:
                task.result()
            except procrastinate.exceptions.ConnectorException as error:
                raise DatabaseAway(f"the job queue lost it: {error.__cause__ or error}") from error

"""Background jobs are never lost: neither with the request that enqueues them, nor with the worker that runs them."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from pegbar.core.work.jobs import INSERTED, LONG_QUEUE, channel_of
from tests.server import Server
from tests.workers import wait_for, worker_of

WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%DELETE FROM pegbar.outbox%'"
ENQUEUE = """
SELECT pegbar.procrastinate_defer_jobs_v1(ARRAY[
  ROW('default', 'core.prune_outbox', 0, NULL, NULL, '{}', NULL)::pegbar.procrastinate_job_to_defer_v1])
"""
OLD_EVENT = """
INSERT INTO pegbar.outbox (name, payload, created_at) VALUES ('old', '{}', timezone('utc', now()) - interval '20 days')
RETURNING position
"""


@contextmanager
def a_job_under_way(server: Server, watcher: psycopg.Connection) -> Iterator[int]:
    """A job that waits for a row we hold, until the block ends; the row's position."""
    (position,) = wait_for(watcher, OLD_EVENT)
    with psycopg.connect(server.database_url) as holder:
        holder.execute("SELECT 1 FROM pegbar.outbox WHERE position = %s FOR UPDATE", (position,))
        watcher.execute(ENQUEUE)
        wait_for(watcher, WAITING)
        yield int(str(position))
        holder.rollback()


DONE = """
SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM pegbar.outbox WHERE position = %s)
  AND NOT EXISTS (SELECT 1 FROM pegbar.procrastinate_jobs
                   WHERE task_name = 'core.prune_outbox' AND status IN ('todo', 'doing', 'failed', 'aborted'))
"""


def test_a_job_survives_its_worker_being_killed(mortal: Server) -> None:
    with psycopg.connect(mortal.database_url, autocommit=True) as watcher:
        with a_job_under_way(mortal, watcher) as position:
            worker = worker_of(mortal)
            os.kill(worker.pid, signal.SIGKILL)
            worker.wait(10)
        wait_for(watcher, DONE, position)


def test_a_job_goes_back_to_the_queue_when_the_server_stops(mortal: Server) -> None:
    # Its database is ours to keep running: the second server is the one that stops.
    key = (mortal.folder / "secret.key").read_text()
    with psycopg.connect(mortal.database_url, autocommit=True) as watcher:
        worker_of(mortal).suspend()
        try:
            second = Server(None, DATABASE_URL=mortal.database_url, SECRET_KEY=key, PEGBAR_JOB_STALLED_AFTER="1.5")
            with second, a_job_under_way(mortal, watcher) as position:
                assert second.stop() == 0
        finally:
            worker_of(mortal).resume()
        wait_for(watcher, DONE, position)


def test_workers_are_told_of_jobs_that_nobody_told_of(mortal: Server) -> None:
    with (
        psycopg.connect(mortal.database_url, autocommit=True) as watcher,
        psycopg.connect(mortal.database_url) as holder,
    ):
        watcher.execute(f'LISTEN "{channel_of(LONG_QUEUE)}"')
        ((job_id,),) = wait_for(watcher, ENQUEUE.replace("'default'", f"'{LONG_QUEUE}'"))
        # Until this ends nobody takes it.
        holder.execute("SELECT 1 FROM pegbar.procrastinate_jobs WHERE id = %s FOR UPDATE", (job_id,))
        assert [notice.payload for notice in watcher.notifies(timeout=60, stop_after=1)] == [INSERTED]
        holder.rollback()
        wait_for(watcher, "SELECT 1 FROM pegbar.procrastinate_jobs WHERE id = %s AND status = 'succeeded'", job_id)

"""What the core tidies up by itself."""

import psycopg

from tests.accounts.people import wait_until_none
from tests.server import Server

ENQUEUE = """
SELECT unnest(pegbar.procrastinate_defer_jobs_v1(ARRAY[
  ROW('by hand', 'core.prune_jobs', 0, NULL, NULL, '{}', '2099-01-01')::pegbar.procrastinate_job_to_defer_v1,
  ROW('by hand', 'core.prune_jobs', 0, NULL, NULL, '{}', '2099-01-01')::pegbar.procrastinate_job_to_defer_v1,
  ROW('by hand', 'core.prune_jobs', 0, NULL, NULL, '{}', '2099-01-01')::pegbar.procrastinate_job_to_defer_v1]))
"""
RUN = """
SELECT pegbar.procrastinate_defer_jobs_v1(ARRAY[
  ROW('default', 'core.prune_jobs', 0, NULL, NULL, '{}', NULL)::pegbar.procrastinate_job_to_defer_v1])
"""
STATUS = "UPDATE pegbar.procrastinate_jobs SET status = %s WHERE id = %s"
OLD = "UPDATE pegbar.procrastinate_events SET at = now() - interval '8 days' WHERE job_id = ANY(%s)"


def test_only_jobs_that_ended_long_ago_are_removed(server: Server) -> None:
    with psycopg.connect(server.database_url) as connection:
        ended, waiting, recent = (row[0] for row in connection.execute(ENQUEUE).fetchall())
        for job in (ended, recent):
            for status in ("doing", "succeeded"):
                connection.execute(STATUS, (status, job))
        connection.execute(OLD, ([ended, waiting],))
        connection.execute(RUN)
    wait_until_none(server, f"SELECT count(*) FROM pegbar.procrastinate_jobs WHERE id = {ended}")
    with psycopg.connect(server.database_url) as connection:
        left = connection.execute("DELETE FROM pegbar.procrastinate_jobs WHERE queue_name = 'by hand' RETURNING id")
        assert {row[0] for row in left} == {waiting, recent}

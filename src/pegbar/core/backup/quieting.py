"""What a restored server would say to the outside that the server it was copied from says, too.

    quieted("webhooks paused", "UPDATE …")     # beside what it is about: %(reason)s is told to people

Jobs say of themselves that they speak to the outside (`job(…, outward=True)`).
"""

import psycopg
from psycopg import sql

from pegbar.core.work import jobs

#: Statements by what they do, for the count of their rows. Each names a table that an older database may lack.
_statements: dict[str, tuple[str, str]] = {}
_CANCEL = """
    UPDATE pegbar.procrastinate_jobs
       SET status = CASE status WHEN 'todo' THEN 'cancelled' ELSE 'aborted' END::pegbar.procrastinate_job_status
     WHERE status IN ('todo', 'doing') AND task_name = ANY(%(names)s)
"""


def quieted(what: str, table: str, statement: str) -> None:
    """Declare a statement that makes something silent, on a table; with the parameter `reason` (text)."""
    assert what not in _statements, f"{what} is declared twice"
    _statements[what] = table, statement


def quiet(url: str, reason: str) -> dict[str, int]:
    """Make a restored database silent, in one transaction; how many of what. All domains must be loaded."""
    counts: dict[str, int] = {}
    names = sorted(name for name, job in jobs.declared.items() if job.outward)
    assert names, "no domain is loaded"
    everything = {
        "waiting messages cancelled": ("pegbar.procrastinate_jobs", _CANCEL),
        **_statements,
    }
    with psycopg.connect(url, connect_timeout=10) as connection:
        for what, (table, statement) in everything.items():
            there = connection.execute("SELECT to_regclass(%s) IS NOT NULL", (table,)).fetchone()
            if there == (True,):
                params = {"reason": reason, "names": names}
                counts[what] = connection.execute(sql.SQL(statement), params).rowcount
    return counts

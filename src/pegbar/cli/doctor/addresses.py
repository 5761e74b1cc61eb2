"""Other ways to the database: a pooler of connections, a replica."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pegbar.cli.doctor.checks import Findings, Visit, check, fault, note, skip, warning
from pegbar.config import postgresql

AREA = "Database"
_MB = 2**20

_WHICH = "SELECT system_identifier::text, current_database()::text FROM pg_control_system()"
_BEHIND = "SELECT greatest(pg_wal_lsn_diff(%s::pg_lsn, pg_last_wal_replay_lsn()), 0)::bigint"


class _CannotAsk(Exception):
    """An address does not answer."""


@contextmanager
def _asking(url: str) -> Iterator[Any]:
    """A connection to an address. Raises _CannotAsk."""
    import psycopg

    try:
        # A pooler may keep no prepared statements.
        with psycopg.connect(
            postgresql(url),
            connect_timeout=10,
            autocommit=True,
            prepare_threshold=None,
            application_name="pegbar doctor",
        ) as connection:
            yield connection
    except psycopg.Error as error:
        raise _CannotAsk(" ".join(str(error).split())) from None


def _is_the_same(visit: Visit, connection: Any) -> bool:
    (here,) = visit.rows(_WHICH)
    return tuple(here.values()) == tuple(connection.execute(_WHICH).fetchone())


@check("Pooler", about="whether requests reach the database through it", area=AREA)
def pooler(visit: Visit) -> Findings:
    """It leads to the same database, and does not have it compile statements."""
    url = visit.settings.pooler_url
    if not url:
        yield skip("None is set (PEGBAR_POOLED_DATABASE_URL).")
        return
    try:
        with _asking(url) as connection:
            if not _is_the_same(visit, connection):
                yield fault("It leads to another database.", mend="Correct PEGBAR_POOLED_DATABASE_URL, or the pooler")
                return
            (jit,) = connection.execute("SHOW jit").fetchone()
            if jit != "off":
                yield warning(
                    "Statements are compiled (jit), which takes longer than most of them.",
                    mend="connect_query = 'SET jit = off' in pgbouncer.ini, or ALTER ROLE … SET jit = off",
                )
    except _CannotAsk as error:
        yield fault(str(error), mend="Start the pooler, or correct PEGBAR_POOLED_DATABASE_URL")
        return
    yield note(f"It answers; statements are {'prepared' if visit.settings.pooler_prepares else 'not prepared'} there.")


@check("Replica", about="whether it follows the database", area=AREA)
def replica(visit: Visit) -> Findings:
    """It is a copy of this database, and close behind it."""
    url = visit.settings.replica_url
    if not url:
        yield skip("None is set (PEGBAR_REPLICA_URL).")
        return
    try:
        with _asking(url) as connection:
            if not _is_the_same(visit, connection):
                yield fault("It is a copy of another database.", mend="Correct PEGBAR_REPLICA_URL")
                return
            (in_recovery,) = connection.execute("SELECT pg_is_in_recovery()").fetchone()
            if not in_recovery:
                yield fault(
                    "It follows no server, so it is not used.",
                    mend="Correct PEGBAR_REPLICA_URL, or make it a replica again (pg_basebackup --write-recovery-conf)",
                )
                return
            position = visit.value("SELECT pg_current_wal_flush_lsn()::text")
            behind = connection.execute(_BEHIND, (position,)).fetchone()[0] / _MB
            if behind > 16:
                yield warning(
                    f"It is {behind:.0f} MB behind: reads go to the server meanwhile.",
                    mend="Look at pg_stat_replication on the server; a larger machine, or a nearer one",
                )
            if connection.execute("SHOW hot_standby_feedback").fetchone()[0] == "off":
                yield note("hot_standby_feedback is off: long lists may be read again from the server.")
    except _CannotAsk as error:
        yield fault(str(error), mend="Start the replica, or correct PEGBAR_REPLICA_URL; the server answers meanwhile")
        return
    yield note(f"It answers, {behind:.1f} MB behind.")

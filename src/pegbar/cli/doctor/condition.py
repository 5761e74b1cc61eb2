"""The database's condition: what grows, waits, ages or runs away while it works."""

import time
from datetime import UTC, datetime

from pegbar.cli.doctor.checks import PATIENCE, Findings, Visit, check, fault, note, skip, warning

AREA = "Database's condition"


@check("Connections", about="whether there are enough for all processes", area=AREA)
def connections(visit: Visit) -> Findings:
    """Neither used up now, nor too few for what the settings allow."""
    row = visit.rows(
        """
        SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS most,
               (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS used
        """
    )[0]
    now = visit.settings
    # A worker has its pool, one for streams and one that listens; the job worker eight and four.
    needed = now.workers * (now.db_pool_size + 8 + 1) + 13
    raise_ = (
        "max_connections=400 (ALTER SYSTEM SET, or PEGBAR_POSTGRES_OPTIONS), or lower DB_POOL_SIZE or PEGBAR_WORKERS"
    )
    if row["used"] > 0.9 * row["most"]:
        yield fault(f"{row['used']} of {row['most']} connections are used.", mend=raise_)
    elif row["used"] > 0.75 * row["most"]:
        yield warning(f"{row['used']} of {row['most']} connections are used.", mend=raise_)
    if needed > row["most"]:
        yield warning(f"This node alone may open {needed} connections; PostgreSQL allows {row['most']}.", mend=raise_)
    yield note(f"{row['used']} of {row['most']} are used; this node opens {needed} at the most.")


@check("Long transactions", about="transactions that keep the database from tidying up", area=AREA)
def long_transactions(visit: Visit) -> Findings:
    """None is older than ten minutes."""
    rows = visit.rows(
        """
        SELECT pid, coalesce(nullif(application_name, ''), 'a client') AS application, state, usename::text AS who,
               extract(epoch FROM now() - xact_start)::int AS seconds
          FROM pg_stat_activity
         WHERE xact_start < now() - interval '10 minutes' AND backend_type = 'client backend'
           AND datname = current_database() ORDER BY xact_start LIMIT 5
        """
    )
    for row in rows:
        who = f"{row['application']} ({row['who']}, process {row['pid']})"
        shown = f"{who} is in a transaction for {row['seconds'] // 60} minutes, {row['state']}."
        severe = fault if row["seconds"] > 4 * 3600 else warning
        yield severe(shown, mend=f"End it if it is forgotten: SELECT pg_terminate_backend({row['pid']})")


@check("Waiting for locks", about="statements that wait for others", area=AREA)
def locks(visit: Visit) -> Findings:
    """None waits for more than half a minute."""
    rows = visit.rows(
        """
        SELECT pid, pg_blocking_pids(pid)::text AS holders, extract(epoch FROM now() - query_start)::int AS seconds
          FROM pg_stat_activity
         WHERE wait_event_type = 'Lock' AND query_start < now() - interval '30 seconds' AND datname = current_database()
         ORDER BY query_start LIMIT 5
        """
    )
    for row in rows:
        shown = f"Process {row['pid']} waits for {row['seconds']} s for processes {row['holders']}."
        yield warning(shown, mend="Look at them in pg_stat_activity; pg_terminate_backend(PID) ends one")


@check("Age of transactions", about="how far PostgreSQL is from running out of transaction numbers", area=AREA)
def wraparound(visit: Visit) -> Findings:
    """Far."""
    row = visit.rows(
        """
        SELECT age(datfrozenxid)::bigint AS transactions, mxid_age(datminmxid)::bigint AS members
          FROM pg_database WHERE datname = current_database()
        """
    )[0]
    oldest = max(row["transactions"], row["members"])
    mend = "VACUUM FREEZE, and find what keeps autovacuum from it: long transactions, replication slots, autovacuum off"
    if oldest > 1_500_000_000:
        yield fault(f"{oldest:,} of 2,100,000,000 numbers are used: PostgreSQL will stop.", mend=mend)
    elif oldest > 600_000_000:
        yield warning(f"{oldest:,} of 2,100,000,000 numbers are used.", mend=mend)
    else:
        yield note(f"{oldest:,} of 2,100,000,000 are used.")


@check("Dead rows", about="tables that vacuum has not tidied up", area=AREA)
def bloat(visit: Visit) -> Findings:
    """No table is mostly of rows that are gone."""
    rows = visit.rows(
        """
        SELECT relid::regclass::text AS name, n_dead_tup AS dead, n_live_tup AS live
          FROM pg_stat_user_tables
         WHERE n_dead_tup > 50000 AND n_dead_tup > 0.4 * n_live_tup ORDER BY n_dead_tup DESC LIMIT 5
        """
    )
    for row in rows:
        yield warning(
            f"{row['name']} holds {row['dead']:,} dead rows beside {row['live']:,}.",
            mend=f"VACUUM (ANALYZE) {row['name']}",
        )


@check("Statistics", about="whether PostgreSQL knows its tables", area=AREA)
def statistics(visit: Visit) -> Findings:
    """Each table of some size was analyzed, so plans are good."""
    rows = visit.rows(
        """
        SELECT s.relid::regclass::text AS name FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid
         WHERE s.n_live_tup > 10000 AND c.reltuples < 0
            OR s.n_mod_since_analyze > 50000 AND s.n_mod_since_analyze > s.n_live_tup
         ORDER BY s.n_live_tup DESC LIMIT 20
        """
    )
    if rows:
        names = ", ".join(row["name"] for row in rows[:5])
        yield warning(
            f"{len(rows)} tables were never analyzed or changed much since: {names}. Reads of them may be slow.",
            mend="ANALYZE",
        )


@check("Clock", about="whether this machine and the database tell the same time", area=AREA)
def clock(visit: Visit) -> Findings:
    """They do; tokens end and jobs begin by it."""
    before = time.time()
    told = float(visit.value("SELECT extract(epoch FROM clock_timestamp())::float"))
    after = time.time()
    skew = max(before - told, told - after, 0.0)
    mend = "Let both machines set their clocks by the network (systemctl enable --now systemd-timesyncd, or chrony)"
    if skew > 30:
        yield fault(f"They are {skew:.0f} s apart: tokens and jobs go wrong.", mend=mend)
    elif skew > 2:
        yield warning(f"They are {skew:.1f} s apart.", mend=mend)
    if datetime.now(UTC).year < 2024:
        yield fault("This machine's clock is years behind.", mend=mend)


@check("Replication slots", about="slots that keep old log files for nobody", area=AREA)
def slots(visit: Visit) -> Findings:
    """None is left over."""
    rows = visit.rows(
        """
        SELECT slot_name::text AS name, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint AS kept
          FROM pg_replication_slots
         WHERE NOT active AND restart_lsn IS NOT NULL AND NOT pg_is_in_recovery()
        """
    )
    for row in rows:
        kept = row["kept"] or 0
        severe = fault if kept > 10 * 2**30 else warning
        yield severe(
            f"Nobody reads the replication slot {row['name']}, which keeps {kept / 2**20:,.0f} MB of log.",
            mend=f"Start its replica, or SELECT pg_drop_replication_slot('{row['name']}')",
        )


@check(
    "Tallies", about="whether the counts and sums that are kept are what the rows say", area=AREA, needs_database=True
)
def tallies(visit: Visit) -> Findings:
    """They are; where counting takes long, it is left to the command that has the time."""
    from sqlalchemy import text
    from sqlalchemy.exc import OperationalError

    from pegbar.core.data.migrations.schemas import declared_metadata
    from pegbar.core.data.tallies import differences

    declared_metadata()  # they are declared with the tables
    connection = visit.connection
    with connection.begin():
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        connection.execute(text(f"SET LOCAL statement_timeout = {int(PATIENCE * 1000)}"))
        try:
            wrong = differences(connection)
        except OperationalError:  # it was cancelled
            yield skip("There are too many rows to count them here: pegbar db tallies does.")
            return
    for name, count in wrong.items():
        yield fault(f"{count:,} rows of {name} are not as the rows counted say.", mend="pegbar db tallies --recount")

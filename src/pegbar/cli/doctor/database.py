"""The database: whether it is there, what it is, and how it is set up."""

import time

from pegbar.cli.doctor.checks import Away, Findings, Visit, check, fault, note, skip, warning
from pegbar.core.data import migrations

AREA = "Database"
_OLDEST, _UNSUPPORTED_SOON = 14, 14
_MB = 2**20


@check("Connection", about="whether the database answers", area=AREA)
def answers(visit: Visit) -> Findings:
    """It answers."""
    if not visit.url and visit.embedded:
        folder = visit.settings.data_folder.resolve()
        if not (folder / "postgresql" / "PG_VERSION").exists():
            yield fault(f"There is no database in {folder}.", mend="pegbar serve makes one (or choose --data)")
        else:
            yield fault(f"The embedded database in {folder} does not run.", mend="pegbar serve")
        return
    started = time.monotonic()
    try:
        visit.value("SELECT 1")
    except Away as error:
        yield fault(str(error), mend="Start PostgreSQL, or correct DATABASE_URL (DB_HOST, DB_PORT, DB_PASSWORD)")
        return
    began = time.monotonic()
    visit.value("SELECT 1")
    trip = (time.monotonic() - began) / 4  # begin, two settings, and the statement
    if trip > 0.02:
        where = "Put the server and its database into the same network: each request waits for it several times"
        yield warning(f"A statement takes {trip * 1000:.0f} ms to go there and back.", mend=where)
    yield note(f"Connected in {(began - started) * 1000:.0f} ms.")


@check("Version of PostgreSQL", about="whether it is one that Pegbar supports", area=AREA)
def version(visit: Visit) -> Findings:
    """PostgreSQL 14 or newer; the folder's is the one that Pegbar brings."""
    if visit.embedded:
        yield from _embedded_version(visit)
    number = int(visit.value("SELECT current_setting('server_version_num')::int"))
    shown = f"PostgreSQL {visit.value('SHOW server_version')}."
    if number // 10000 < _OLDEST:
        yield fault(
            f"{shown} Pegbar needs {_OLDEST} or newer.", mend="Upgrade PostgreSQL (pg_upgrade, or dump and restore)"
        )
    elif number // 10000 == _UNSUPPORTED_SOON:
        yield warning(f"{shown} Its makers no longer mend it.", mend="Upgrade PostgreSQL to 16 or newer")
    else:
        yield note(shown)


def _embedded_version(visit: Visit) -> Findings:
    """A new Pegbar may bring a newer PostgreSQL than the one that made the folder."""
    from pegbar.core.data.embedded import EmbeddedPostgres

    made_by = visit.settings.data_folder / "postgresql" / "PG_VERSION"
    if not made_by.exists():
        return
    try:
        theirs = made_by.read_text().strip()
    except PermissionError:
        return
    ours = EmbeddedPostgres.major()
    if theirs != ours:
        mend = "Stop the server; pegbar db upgrade-postgres --plan, then without --plan"
        yield fault(f"The data folder was made by PostgreSQL {theirs}; this Pegbar brings {ours}.", mend=mend)


@check("Schema", about="whether its tables are those that this Pegbar needs", area=AREA)
def schema(visit: Visit) -> Findings:
    """At the revision of this version."""
    state = visit.state
    if state == "away":
        yield skip("It needs the database.")
        return
    if state != "ours":
        yield fault(
            migrations.NOT_OURS[state].partition(" Run:")[0], mend=migrations.NOT_OURS[state].partition("Run: ")[2]
        )
        return
    with visit.connection.begin():
        current, runs = migrations.revision(visit.connection), migrations.runs_on_newer(visit.connection)
    known, needed = migrations.revisions(), migrations.head()
    if current == needed:
        yield note(f"Revision {current}.")
    elif current not in known and runs:
        yield warning(
            f"Revision {current} is a newer Pegbar's. This one runs on it, but lacks what is new.",
            mend="Upgrade this node, too",
        )
    elif current not in known:
        yield fault(
            f"Revision {current} was made by a newer Pegbar.", mend=f"Install that one again (this one knows {needed})"
        )
    else:
        waiting = len(known) - known.index(current) - 1
        yield fault(
            f"{waiting} migrations wait: it is at {current} of {needed}.",
            mend="pegbar db upgrade --plan, then pegbar db upgrade",
        )


@check("Extensions", about="pg_trgm, which makes looking for similar words quick", area=AREA, needs_database=True)
def extensions(visit: Visit) -> Findings:
    """Search works without, more slowly."""
    rows = visit.rows("SELECT name, installed_version FROM pg_available_extensions WHERE name = 'pg_trgm'")
    if rows and rows[0]["installed_version"]:
        yield note(f"pg_trgm {rows[0]['installed_version']}.")
    elif rows:
        yield warning(
            "pg_trgm is not installed: searches for similar words read whole tables.",
            mend="CREATE EXTENSION pg_trgm SCHEMA pegbar, as an owner of the database; then pegbar search reset",
        )
    else:
        yield warning(
            "PostgreSQL has no pg_trgm: searches for similar words read whole tables.",
            mend="Install PostgreSQL's contrib package (apt-get install postgresql-contrib)",
        )


@check("Encoding", about="whether names in every script can be stored", area=AREA)
def encoding(visit: Visit) -> Findings:
    """UTF-8."""
    name = visit.value("SHOW server_encoding")
    if name != "UTF8":
        yield fault(
            f"The database's encoding is {name}.",
            mend="Make a new one (createdb --encoding UTF8 --template template0), dump and restore",
        )


@check("Indexes", about="whether the indexes are there that reads and deletions need", area=AREA, needs_database=True)
def indexes(visit: Visit) -> Findings:
    """None is missing or broken."""
    from pegbar.core.data.migrations.schemas import existing, missing_indexes
    from pegbar.core.data.migrations.versions.m0004_indexes import HOT_READS

    with visit.connection.begin():
        missing = [index.name for index in missing_indexes(existing(visit.connection), HOT_READS)]
    if missing:
        yield warning(
            f"{len(missing)} indexes are missing: {_some(missing)}.", mend="pegbar db adopt adds them while people work"
        )
    invalid = visit.rows(
        """
        SELECT indexrelid::regclass::text AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
         WHERE NOT i.indisvalid AND c.relnamespace IN ('public'::regnamespace, 'pegbar'::regnamespace) ORDER BY 1
        """
    )
    for row in invalid[:5]:
        yield warning(
            f"The index {row['name']} is invalid: its making was cut short.",
            mend=f"REINDEX INDEX CONCURRENTLY {row['name']}",
        )


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


#: Setting -> whether its value is bad, how grave, what it does, what to set.
_DURABILITY = {
    "fsync": ("a crash of the machine may destroy the database", "fault"),
    "full_page_writes": ("a crash of the machine may destroy the database", "fault"),
    "autovacuum": ("tables and indexes grow without end, and the database stops in the end", "fault"),
    "synchronous_commit": ("a crash may lose what was answered in the last moments", "warning"),
    "track_counts": ("autovacuum does not know what to do", "warning"),
}


@check("Safety of what is stored", about="settings of PostgreSQL that may lose data", area=AREA)
def durability(visit: Visit) -> Findings:
    """Nothing was switched off."""
    rows = visit.rows("SELECT name, setting FROM pg_settings WHERE name = ANY(:names)", names=list(_DURABILITY))
    for row in rows:
        if row["setting"] == "off":
            harm, severity = _DURABILITY[row["name"]]
            name = row["name"]
            restored = f"ALTER SYSTEM SET {name} = on; SELECT pg_reload_conf()"
            mend = f"Take {name}=off out of PEGBAR_POSTGRES_OPTIONS" if visit.embedded else restored
            yield (fault if severity == "fault" else warning)(f"{name} is off: {harm}.", mend=mend)


@check("Speed of PostgreSQL", about="settings that make it slow", area=AREA)
def tuning(visit: Visit) -> Findings:
    """Memory and costs are of this century."""
    values = {
        row["name"]: float(row["setting"])
        for row in visit.rows(
            """
            SELECT name, CASE unit WHEN '8kB' THEN setting::float * 8192 WHEN 'kB' THEN setting::float * 1024
                         ELSE setting::float END AS setting
              FROM pg_settings
             WHERE name IN ('shared_buffers', 'work_mem', 'random_page_cost', 'effective_cache_size', 'max_wal_size')
            """
        )
    }
    size = int(visit.value("SELECT pg_database_size(current_database())"))
    least = min(size, 1024 * _MB) if size > 128 * _MB else 0
    if values["shared_buffers"] < max(least // 4, 64 * _MB):
        shown = f"shared_buffers is {values['shared_buffers'] / _MB:.0f} MB for a database of {size / _MB:,.0f} MB."
        yield warning(shown, mend=_setting(visit, "shared_buffers", "a quarter of the machine's memory, as 4GB"))
    if values["work_mem"] < 4 * _MB:
        yield warning(
            f"work_mem is {values['work_mem'] / 1024:.0f} kB: sorts go to disk.",
            mend=_setting(visit, "work_mem", "16MB"),
        )
    if values["random_page_cost"] > 2:
        yield warning(
            "random_page_cost is that of spinning disks: indexes are passed over.",
            mend=_setting(visit, "random_page_cost", "1.1, unless the disks do spin"),
        )
    yield note(f"{size / _MB:,.0f} MB of data, {values['shared_buffers'] / _MB:,.0f} MB of shared buffers.")


def _setting(visit: Visit, name: str, value: str) -> str:
    if visit.embedded:
        return f"PEGBAR_POSTGRES_OPTIONS={name}={value}"
    return f"ALTER SYSTEM SET {name} = … ({value}); some need a restart of PostgreSQL"

"""The whole database and all stored files, to be compared before and after."""

import hashlib

import psycopg

from pegbar.core.data import tallies
from pegbar.core.data.migrations.schemas import declared_metadata
from tests.server import Server

declared_metadata()  # with which the tallies are declared

#: What tells that something happened: logs, the history itself, marks, what is kept for a while, who is there.
_TRACES = frozenset(
    {
        *("api_event", "login_log", "stored_file", "pegbar.outbox", "pegbar.mark", "pegbar.change", "pegbar.node"),
        # What webhooks of other tests have read and sent, whenever they get to it.
        *("pegbar.webhook_head", "pegbar.webhook_delivery", "pegbar.webhook_attempt"),
        *("pegbar.log_line", "pegbar.session_use", "pegbar.slow_request", "pegbar.consumer_event"),
        *("pegbar.trash", "pegbar.trash_change", "pegbar.trash_thing", "pegbar.trash_remainder", "pegbar.held_file"),
        "pegbar.budget_revision",  # a number that was given is not given again
        *("pegbar.alembic_version", "pegbar.search_word", "pegbar.revoked_token", "pegbar.known_address"),
    }
)
_NO_TRACE = ("pegbar.procrastinate", "pegbar.history", "pegbar.failed", "pegbar.periodic")
_TABLES = """
SELECT CASE schemaname WHEN 'public' THEN '' ELSE schemaname || '.' END || tablename FROM pg_tables
 WHERE schemaname IN ('public', 'pegbar') ORDER BY 1
"""
_COLUMNS = """
SELECT attname FROM pg_attribute
 WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attname <> 'updated_at' ORDER BY attnum
"""


def rows_of(database: psycopg.Connection) -> dict[str, dict[str, int]]:
    """Every row of every table but traces, as text, and how often it is there. Tallies are summed: they get folded."""
    image: dict[str, dict[str, int]] = {}
    for (name,) in database.execute(_TABLES).fetchall():
        if name in _TRACES or name.startswith(_NO_TRACE):
            continue
        columns = [row[0] for row in database.execute(_COLUMNS, (name,)).fetchall()]
        of = next((of for of in tallies.TALLIES if of.table.fullname == name), None)
        keys = ", ".join(f't."{column}"' for column in (columns if of is None else of.keys))
        total = "count(*)" if of is None else f"sum({of.amounts[0]})"
        query = f"SELECT ROW({keys})::text, {total}::bigint FROM {name} t GROUP BY 1 HAVING {total} <> 0"
        image[name] = dict(database.execute(query).fetchall())
    kept = "SELECT bucket || ' ' || key || ' ' || coalesce(size, 0), (deleted_at IS NULL)::int FROM stored_file"
    image["stored_file"] = dict(database.execute(kept).fetchall())
    return image


def files_of(server: Server) -> dict[str, str]:
    """The digest of every stored file."""
    folder = server.folder / "previews"
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def differences(before: dict[str, dict[str, int]], after: dict[str, dict[str, int]]) -> list[str]:
    """What one has and the other has not."""
    return [
        f"{sign} {name}: {row} ({n})"
        for name in before.keys() | after.keys()
        for sign, one, other in (("-", before, after), ("+", after, before))
        for row, n in one.get(name, {}).items()
        if other.get(name, {}).get(row) != n
    ]

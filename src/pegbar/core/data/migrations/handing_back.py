"""Giving a database back to the server that made it: what Pegbar added goes, in one transaction, and nothing else.

That is the schema `pegbar`, with whose functions the triggers on the tables go, and the indexes and constraints that
Pegbar added. What its domains keep in another form than the other server reads is written back (`before_parting`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from pegbar.core.data import migrations
from pegbar.core.data.migrations import schemas
from pegbar.core.data.schema import OWN_SCHEMA


class CannotHandBack(Exception):
    """The database stays as it is; the message says why and what to do, `needed` lists what it lacks."""

    def __init__(self, message: str, needed: list[str] | None = None) -> None:
        super().__init__(message)
        self.needed = needed or []


@dataclass
class Parting:
    """What goes with Pegbar, and what the other server finds."""

    tables: int = 0  #: of Pegbar's schema
    triggers: int = 0
    indexes: list[str] = field(default_factory=list)
    constraints: list[tuple[str, str]] = field(default_factory=list)  #: table and name
    waiting_jobs: list[str] = field(default_factory=list)  #: how many of which kind, that nobody will do
    differences: list[str] = field(default_factory=list)  #: from the tables that Pegbar makes itself; they stay
    rewritten: list[str] = field(default_factory=list)  #: rows that were changed to what the other server reads


#: What writes rows back that Pegbar keeps in another form, while its own tables are there; each tells what it wrote.
#: It raises CannotHandBack for what it cannot write, unless it may lose that.
Step = Callable[[Connection, bool], list[str]]
_STEPS: list[Step] = []


def before_parting(step: Step) -> Step:
    """Declare what is done before Pegbar's schema goes, in the same transaction."""
    _STEPS.append(step)
    return step


#: Pegbar's servers and workers that are connected. They say their names.
_SERVERS = """
SELECT application_name || coalesce(' at ' || host(client_addr), ''), count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND application_name LIKE 'pegbar%' AND pid <> pg_backend_pid()
 GROUP BY 1 ORDER BY 1
"""
_REMOVALS = "SELECT project_name FROM pegbar.project_removal ORDER BY 1"
_JOBS = """
SELECT count(*) || ' of ' || task_name FROM pegbar.procrastinate_jobs WHERE status IN ('todo', 'doing')
 GROUP BY task_name ORDER BY task_name
"""
_TABLES = "SELECT count(*) FROM pg_class WHERE relnamespace = 'pegbar'::regnamespace AND relkind IN ('r', 'p')"
_TRIGGERS = """
SELECT count(*) FROM pg_trigger g JOIN pg_proc f ON f.oid = g.tgfoid JOIN pg_class c ON c.oid = g.tgrelid
 WHERE NOT g.tgisinternal AND f.pronamespace = 'pegbar'::regnamespace AND c.relnamespace = 'public'::regnamespace
"""
_INDEXES = """
SELECT x.relname FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
 WHERE x.relnamespace = 'public'::regnamespace
   AND (x.relname LIKE 'pegbar\\_%' OR obj_description(x.oid, 'pg_class') = :note)
 ORDER BY x.relname
"""
_CONSTRAINTS = """
SELECT conrelid::regclass::text, conname FROM pg_constraint
 WHERE connamespace = 'public'::regnamespace AND obj_description(oid, 'pg_constraint') = :note
 ORDER BY 1, 2
"""
_REASONS: Mapping[type[Any], str] = {
    psycopg.errors.LockNotAvailable: "The tables are in use: somebody's long statement holds them. Try again later.",
    psycopg.errors.InsufficientPrivilege: "This user does not own all that Pegbar added: connect as its owner.",
}


def look(url: str, *, lose: bool = False) -> Parting:
    """What handing a database back would do. Raises CannotHandBack; changes nothing."""
    with migrations.connect(url) as connection:
        parting = _parting(connection)
        parting.rewritten = _rewritten(connection, lose)
        connection.rollback()
        return parting


def _rewritten(connection: Connection, lose: bool) -> list[str]:
    return [note for step in _STEPS for note in step(connection, lose)]


def hand_back(url: str, *, lose: bool = False) -> Parting:
    """Take away what Pegbar added to a database. Raises CannotHandBack, having changed nothing.

    With `lose` what cannot be written as the other server reads it is given up.
    """
    with migrations.turn(url) as connection:
        try:
            with connection.begin():
                # Whoever reads or writes the tables is waited for, but not forever: others wait behind.
                connection.execute(text("SET LOCAL lock_timeout = '10s'"))
                parting = _parting(connection)
                parting.rewritten = _rewritten(connection, lose)
                connection.execute(text(f"DROP SCHEMA {OWN_SCHEMA} CASCADE"))
                for name in parting.indexes:
                    connection.execute(text(f'DROP INDEX public."{name}"'))
                for table, name in parting.constraints:
                    connection.execute(text(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"'))
        except DBAPIError as error:
            if type(error.orig) not in _REASONS:
                raise
            raise CannotHandBack(f"{_REASONS[type(error.orig)]} Nothing was changed.") from None
    return parting


def _parting(connection: Connection) -> Parting:
    """What would go. Raises CannotHandBack unless the database can do without it now."""
    what = migrations.state(connection)
    if what != "ours":
        raise CannotHandBack("There is nothing of Pegbar in this database." if what == "kitsu" else "It is empty.")
    servers = [f"{name} ({count})" for name, count in connection.execute(text(_SERVERS))]
    if servers:
        raise CannotHandBack(f"Pegbar runs on this database: {', '.join(servers)}. Stop it first.")
    # Its rows are hidden by Pegbar's schema: without it, half a production would be there again.
    removals = list(connection.execute(text(_REMOVALS)).scalars())
    if removals:
        raise CannotHandBack(
            f"Productions are still being deleted: {', '.join(removals)}. Start Pegbar until pegbar jobs removals is "
            "empty, then hand the database back."
        )
    theirs = schemas.existing(connection)
    comparison = schemas.compare(schemas.declared(), theirs)
    if comparison.needed:
        raise CannotHandBack(
            "The tables are not as the other server expects them. Restore what is missing first.", comparison.needed
        )
    return Parting(
        tables=connection.execute(text(_TABLES)).scalar_one(),
        triggers=connection.execute(text(_TRIGGERS)).scalar_one(),
        indexes=list(connection.execute(text(_INDEXES), {"note": schemas.OURS}).scalars()),
        constraints=[(table, name) for table, name in connection.execute(text(_CONSTRAINTS), {"note": schemas.OURS})],
        waiting_jobs=list(connection.execute(text(_JOBS)).scalars()),
        differences=[*comparison.differences, *_version(connection, theirs)],
    )


def _version(connection: Connection, theirs: schemas.Schema) -> list[str]:
    """The version by which the other server knows its tables again, when it is not the one that they have."""
    if "alembic_version" not in theirs:
        return ["the table alembic_version is missing: the other server does not know the version of its tables"]
    versions = list(connection.execute(text("SELECT version_num FROM alembic_version")).scalars())
    if versions == [schemas.KITSU_REVISION]:
        return []
    return [f"alembic_version is {', '.join(versions) or 'empty'}, not {schemas.KITSU_REVISION}"]

"""Bringing a database to the schema this Pegbar needs."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Literal

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.pool import NullPool

from pegbar.core.data.schema import OWN_SCHEMA

#: One migration at a time, whatever the number of nodes that start together.
_LOCK = 0x70656762


class OldSchema(Exception):
    """The database's schema is not the one this Pegbar needs; the message says which command to run."""


NOT_OURS = {
    "kitsu": "This is a Kitsu database that Pegbar has not adopted yet. Run: pegbar db adopt",
    "empty": "This database is empty. Run: pegbar db init",
}


class Unreachable(Exception):
    """The database cannot be reached; the message says why and what to do."""


def connect(url: str) -> Connection:
    """A plain connection for schema work. Raises Unreachable."""
    try:
        known = make_url(url).set(drivername="postgresql+psycopg")
        return create_engine(known, poolclass=NullPool, connect_args={"connect_timeout": 10}).connect()
    except ArgumentError:
        raise Unreachable("The database URL must read postgresql://user:password@host:port/name.") from None
    except OperationalError as error:
        shown = known.set(drivername="postgresql").render_as_string(hide_password=True)
        reason = " ".join(str(error.orig).split())
        advice = "Create it first (createdb)." if "does not exist" in reason else "Is PostgreSQL running there?"
        raise Unreachable(f"Cannot connect to {shown}: {reason} {advice}") from None


def run_script(connection: Connection, sql: str) -> None:
    """Run SQL of several statements as it stands."""
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.execute(sql)


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(files(__name__)))
    config.attributes["connection"] = connection
    return config


def revision(connection: Connection) -> str | None:
    """The database's revision; None before the first migration."""
    context = MigrationContext.configure(connection, opts={"version_table_schema": OWN_SCHEMA})
    return context.get_current_revision()


def head() -> str:
    """The revision this Pegbar needs."""
    config = Config()
    config.set_main_option("script_location", str(files(__name__)))
    newest = ScriptDirectory.from_config(config).get_current_head()
    assert newest is not None
    return newest


def _check_known(current: str | None) -> None:
    if current is not None and current not in revisions():
        raise OldSchema(
            f"The schema is at revision {current}, which this Pegbar does not know: it was made by a newer one. "
            "Install that one again."
        )


@contextmanager
def turn(url: str) -> Iterator[Connection]:
    """A connection that has its turn: one node at a time prepares a database.

    Others ask again and again: a statement that waits would hold up concurrent indexes.
    """
    with connect(url) as connection:
        while not connection.execute(text(f"SELECT pg_try_advisory_lock({_LOCK})")).scalar():
            connection.rollback()
            time.sleep(0.2)
        connection.commit()
        try:
            yield connection
        finally:
            connection.rollback()
            connection.execute(text(f"SELECT pg_advisory_unlock({_LOCK})"))
            connection.commit()


def revisions() -> list[str]:
    """Every revision this Pegbar knows, oldest first."""
    config = Config()
    config.set_main_option("script_location", str(files(__name__)))
    return [revision.revision for revision in ScriptDirectory.from_config(config).walk_revisions()][::-1]


def upgrade(url: str) -> tuple[str | None, str]:
    """Bring the database to this Pegbar's schema; the revisions before and after."""
    with turn(url) as connection:
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {OWN_SCHEMA}"))
        connection.commit()
        before = revision(connection)
        connection.commit()
        _check_known(before)
        if before != head():
            command.upgrade(_config(connection), "head")
            connection.commit()
        return before, head()


def state(connection: Connection) -> Literal["empty", "kitsu", "ours"]:
    """Whether a database is empty, made by another server, or ours (adopted, or made by us)."""
    if revision(connection) is not None:
        return "ours"
    return "kitsu" if connection.execute(text("SELECT to_regclass('public.person') IS NOT NULL")).scalar() else "empty"


def check(url: str) -> None:
    """Raise OldSchema unless the database is at this Pegbar's schema."""
    with connect(url) as connection:
        current, needed = revision(connection), head()
        if current == needed:
            return
        if (what := state(connection)) != "ours":
            raise OldSchema(NOT_OURS[what])
        _check_known(current)
        raise OldSchema(f"The schema is at revision {current}, this Pegbar needs {needed}. Run: pegbar db upgrade")

"""Bringing a database to the schema this Pegbar needs."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Literal

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.pool import NullPool

from pegbar.core.data.schema import OWN_SCHEMA
from pegbar.core.errors import CannotRun

#: The oldest revision whose Pegbar runs on this schema, beside this one or instead of it. A migration that takes away
#: or changes what older ones use raises it to its own.
RUNS_FROM = "0026"
#: Where a schema tells that to those who do not know it, in its version's table.
_TOLD = re.compile(r"Pegbar runs on this schema from revision (\d{4}) on")

#: One migration at a time, whatever the number of nodes that start together.
_LOCK = 0x70656762


class OldSchema(CannotRun):
    """The database's schema is not the one this Pegbar needs; the message says which command to run."""


NOT_OURS = {
    "kitsu": "This is a Kitsu database that Pegbar has not adopted yet. Run: pegbar db adopt",
    "empty": "This database is empty. Run: pegbar db init",
}


class Unreachable(CannotRun):
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


def revision(connection: Connection) -> str | None:
    """The database's revision; None before the first migration."""
    table = f"{OWN_SCHEMA}.alembic_version"
    if connection.execute(text(f"SELECT to_regclass('{table}')")).scalar() is None:
        return None
    current: str | None = connection.execute(text(f"SELECT version_num FROM {table}")).scalar()  # noqa: S608 - constants
    return current


def revisions() -> list[str]:
    """Every revision this Pegbar knows, oldest first: `m0011_….py` is revision 0011."""
    names = [script.name for script in (files(__name__) / "versions").iterdir()]
    return sorted(name[1:5] for name in names if name.startswith("m") and name.endswith(".py"))


def head() -> str:
    """The revision this Pegbar needs."""
    return revisions()[-1]


def _run_scripts(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(files(__name__)))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def is_newer(current: str | None) -> bool:
    """Whether a revision is one of a newer Pegbar."""
    return current is not None and current not in revisions()


def runs_on_newer(connection: Connection) -> bool:
    """Whether this Pegbar runs on the schema of a newer one, as that one says: while nodes are upgraded in turn."""
    told = connection.execute(text(f"SELECT obj_description(to_regclass('{OWN_SCHEMA}.alembic_version'))")).scalar()
    oldest = _TOLD.search(told or "")
    return oldest is not None and oldest[1] <= head()


def check_known(connection: Connection, current: str | None) -> None:
    """Raise OldSchema for a schema of a newer Pegbar that this one does not run on."""
    if is_newer(current) and not runs_on_newer(connection):
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


def upgrade(url: str) -> tuple[str | None, str]:
    """Bring the database to this Pegbar's schema; the revisions before and after."""
    with turn(url) as connection:
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {OWN_SCHEMA}"))
        connection.commit()
        before = revision(connection)
        connection.commit()
        check_known(connection, before)
        if is_newer(before):
            return before, str(before)
        if before != head():
            _run_scripts(connection)
        words = f"Pegbar runs on this schema from revision {RUNS_FROM} on."
        connection.execute(text(f"COMMENT ON TABLE {OWN_SCHEMA}.alembic_version IS '{words}'"))
        connection.commit()
        return before, head()


def state(connection: Connection) -> Literal["empty", "kitsu", "ours"]:
    """Whether a database is empty, made by another server, or ours (adopted, or made by us)."""
    if revision(connection) is not None:
        return "ours"
    return "kitsu" if connection.execute(text("SELECT to_regclass('public.person') IS NOT NULL")).scalar() else "empty"


def is_unused(connection: Connection) -> bool:
    """Whether nobody has an account in a database of this Pegbar's schema."""
    return not connection.execute(text("SELECT EXISTS (SELECT FROM person)")).scalar()


def has_production(connection: Connection) -> bool:
    """Whether there is any production in a database of this Pegbar's schema."""
    return bool(connection.execute(text("SELECT EXISTS (SELECT FROM project)")).scalar())


def check(url: str) -> None:
    """Raise OldSchema unless this Pegbar runs on the database's schema."""
    with connect(url) as connection:
        current, needed = revision(connection), head()
        if current == needed:
            return
        if (what := state(connection)) != "ours":
            raise OldSchema(NOT_OURS[what])
        check_known(connection, current)
        if is_newer(current):
            return
        raise OldSchema(f"The schema is at revision {current}, this Pegbar needs {needed}. Run: pegbar db upgrade")

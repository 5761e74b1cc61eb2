"""Databases as another server makes them."""

import asyncio
import subprocess
from collections.abc import Callable
from typing import Any

import psycopg
from sqlalchemy.engine import make_url

from pegbar.core.data.database import Database
from pegbar.core.data.embedded import _binaries
from pegbar.core.data.migrations import schemas
from pegbar.studio.defaults import load_defaults
from tests import shared
from tests.command import pegbar
from tests.server import Server


def reference_script() -> str:
    """SQL for the tables as another server may have made them: other column order, other names of constraints."""
    contract = shared.contract_tables()
    lines = []
    for name, values in contract["enum_types"].items():
        lines.append(f"CREATE TYPE {name} AS ENUM ({', '.join(repr(value) for value in values)});")
    numbers = iter(range(10_000))
    later = []
    for name, table in contract["tables"].items():
        parts = [
            f'"{c["name"]}" {c["type"]}{"" if c["nullable"] else " NOT NULL"}'
            f"{'' if c['default'] is None else ' DEFAULT ' + c['default']}"
            for c in reversed(table["columns"])
        ]
        parts.append(f"CONSTRAINT old_{next(numbers)} PRIMARY KEY ({', '.join(table['primary_key']['columns'])})")
        parts += [f"CONSTRAINT old_{next(numbers)} UNIQUE ({', '.join(u['columns'])})" for u in table["unique"]]
        parts += [f"CONSTRAINT old_{next(numbers)} {check['definition']}" for check in table["checks"]]
        lines.append(f'CREATE TABLE "{name}" ({", ".join(parts)});')
        for index in table["indexes"]:
            unique, where = "UNIQUE " * index["unique"], f" WHERE {index['where']}" if index.get("where") else ""
            columns = ", ".join(f'"{column}"' for column in index["columns"])
            lines.append(f'CREATE {unique}INDEX old_{next(numbers)} ON "{name}" ({columns}){where};')
        for foreign_key in table["foreign_keys"]:
            target = foreign_key["references"]
            later.append(
                f'ALTER TABLE "{name}" ADD CONSTRAINT old_{next(numbers)} FOREIGN KEY ("{foreign_key["columns"][0]}") '
                f'REFERENCES "{target["table"]}" ("{target["columns"][0]}") ON DELETE {foreign_key["on_delete"]};'
            )
    (version,) = contract["_about"]["migration_version"]
    return "\n".join([*lines, *later, f"INSERT INTO alembic_version VALUES ('{version}');"])


def in_database(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False).replace("%2F", "/")


def new_database(server: Server, name: str, *, template: str = "template1") -> str:
    with psycopg.connect(in_database(server.database_url, "postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    return in_database(server.database_url, name)


#: Databases that others are copies of, by the server and their names: to copy takes a fiftieth of making.
_templates: set[tuple[str, str]] = set()


def _copy(server: Server, name: str, template: str, make: Callable[[str], object]) -> str:
    """A copy of a database that is made when it is first wanted of a server."""
    if (server.database_url, template) not in _templates:
        make(new_database(server, template))
        _templates.add((server.database_url, template))
    return new_database(server, name, template=template)


def initialised(server: Server, name: str) -> str:
    """A database as `pegbar db init` makes it."""
    return _copy(server, name, "as_init_makes_it", lambda url: _run("init", url))


def adopted(server: Server, name: str) -> str:
    """The tables of another server without rows, as `pegbar db adopt` leaves them."""

    def make(url: str) -> None:
        with psycopg.connect(url) as connection:
            connection.execute(reference_script())  # type: ignore[arg-type]
        _run("adopt", url)

    return _copy(server, name, "as_adopt_leaves_it", make)


def _run(command: str, url: str) -> None:
    done = pegbar("db", command, "--database-url", url)
    assert done.returncode == 0, done.stderr


async def fill_defaults(url: str) -> None:
    database = Database(url, size=1)
    await database.open()
    async with database.transaction() as tx:
        await load_defaults(tx)
        tx.noted()  # such a database has no history
    await database.close()


def filled(url: str) -> str:
    """Make the tables of another server in a new database, with a small production; its URL."""
    with psycopg.connect(url) as connection:
        connection.execute(reference_script())  # type: ignore[arg-type]
    asyncio.run(fill_defaults(url))
    sizes = ["-v", "name=Feature", "-v", "sequences=3", "-v", "shots_per_sequence=4", "-v", "assets=12"]
    sizes += ["-v", "persons=30", "-v", "comments_per_task=1"]
    script = shared.path("bench/production.sql")
    subprocess.run([_binaries() / "psql", "-q", *sizes, "-f", script, url], check=True, capture_output=True)
    return url


def digest(url: str) -> dict[str, Any]:
    """What every table holds, and its columns in order."""
    contents: dict[str, Any] = {}
    with psycopg.connect(url) as connection:
        for name in schemas.declared():
            row = connection.execute(
                f"SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM public.\"{name}\" t"  # type: ignore[arg-type]
            ).fetchone()
            contents[name] = row
    return contents

"""Statements about what another server has: staged, compared with the rows here, written in sets.

`incoming_…` is a temporary table of a part's rows as they came, with the types of its table. Names in the statements
are those of our tables and columns; all values are parameters. Timestamps are compared to the second and JSON nulls as
nulls, since that is how the API tells them.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Executable,
    Float,
    PrimaryKeyConstraint,
    Select,
    String,
    Table,
    Text,
    UniqueConstraint,
    any_,
    bindparam,
    select,
    text,
)
from sqlalchemy.dialects import postgresql

from pegbar.core.data import belonging
from pegbar.core.data.parameters import sql
from pegbar.core.data.removal import goes_of
from pegbar.core.data.schema import JSONB, TIMESTAMP, Column, Integer, Uuid
from pegbar.core.data.wire import json_object
from pegbar.exchange.sync.parts import Key, Part, quoted

# ruff: noqa: S608 - names of our tables and columns

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]

peer = sql("SELECT id, run, started_at, finished_at, cursor FROM pegbar.sync_peer WHERE name = :name", name=Text)
open_list = sql("SELECT pages, finished_at FROM pegbar.sync_list WHERE peer_id = :peer_id AND name = :name", name=Text)
note_list = sql(
    """
    INSERT INTO pegbar.sync_list (peer_id, name, pages, finished_at) VALUES (:peer_id, :name, :pages, :finished_at)
    ON CONFLICT (peer_id, name) DO UPDATE SET pages = EXCLUDED.pages, finished_at = EXCLUDED.finished_at
    """,
    name=Text,
    pages=Integer,
)
stage = sql(
    """
    INSERT INTO pegbar.sync_row (peer_id, table_name, row_id, run, row)
    SELECT :peer_id, :table_name, came.id, :run, came.row::jsonb
      FROM unnest(:ids ::uuid[], :rows ::text[]) came (id, row)
    ON CONFLICT (peer_id, table_name, row_id) DO UPDATE SET run = EXCLUDED.run, row = EXCLUDED.row
    """,
    table_name=Text,
    run=Integer,
)
staged_count = sql(
    """
    SELECT count(*) FROM pegbar.sync_row
     WHERE peer_id = :peer_id AND table_name = :table_name AND run = :run AND row IS NOT NULL
    """,
    table_name=Text,
    run=Integer,
)
staged_rows = sql(
    """
    SELECT row::text FROM pegbar.sync_row
     WHERE peer_id = :peer_id AND table_name = :table_name AND run = :run AND row IS NOT NULL
    """,
    table_name=Text,
    run=Integer,
)
#: Rows seen by an earlier run and not by this one.
vanished = sql(
    "SELECT row_id FROM pegbar.sync_row WHERE peer_id = :peer_id AND table_name = :table_name AND run < :run",
    table_name=Text,
    run=Integer,
)
known_count = sql(
    "SELECT count(*) FROM pegbar.sync_row WHERE peer_id = :peer_id AND table_name = :table_name", table_name=Text
)
forget_rows = sql(
    "DELETE FROM pegbar.sync_row WHERE peer_id = :peer_id AND table_name = :table_name AND row_id = ANY(:ids)",
    table_name=Text,
)
forget_vanished = sql("DELETE FROM pegbar.sync_row WHERE peer_id = :peer_id AND run < :run", run=Integer)
empty_rows = sql("UPDATE pegbar.sync_row SET row = NULL WHERE peer_id = :peer_id AND row IS NOT NULL")
forget_lists = sql("DELETE FROM pegbar.sync_list WHERE peer_id = :peer_id")
#: Which of these rows came from the other server.
known_rows = sql(
    """
    SELECT row_id FROM pegbar.sync_row WHERE peer_id = :peer_id AND table_name = :table_name AND row_id = ANY(:ids)
    """,
    table_name=Text,
)
known_files = sql(
    "SELECT key, version, size FROM pegbar.sync_file WHERE peer_id = :peer_id AND key = ANY(:files ::text[])"
)
note_file = sql(
    """
    INSERT INTO pegbar.sync_file (peer_id, key, version, size) VALUES (:peer_id, :file, :version, :size ::bigint)
    ON CONFLICT (peer_id, key) DO UPDATE SET version = EXCLUDED.version, size = EXCLUDED.size
    """,
    file=Text,
    version=Text,
)
there_is_production = sql("SELECT id FROM project WHERE id = :project_id")
other_ids = sql(
    "SELECT here, there FROM pegbar.sync_id WHERE peer_id = :peer_id AND table_name = :table_name", table_name=Text
)
note_id = sql(
    """
    INSERT INTO pegbar.sync_id (peer_id, table_name, here, there) VALUES (:peer_id, :table_name, :here, :there)
    ON CONFLICT (peer_id, table_name, here) DO UPDATE SET there = EXCLUDED.there
    """,
    table_name=Text,
)


def incoming(part: Part) -> str:
    """The name of the temporary table."""
    return f"incoming_{part.name}"


@lru_cache(None)
def make_incoming(part: Part) -> Executable:
    """The temporary table, without rows."""
    return text(f"CREATE TEMP TABLE {incoming(part)} ON COMMIT DROP AS SELECT * FROM public.{part.name} WITH NO DATA")


@lru_cache(None)
def fill_incoming(part: Part) -> Executable:
    """The rows that came; what they do not tell has the application's default."""
    columns = [*part.columns, *part.filled]
    names = quoted(column.name for column in columns)
    values = ", ".join(f'typed."{column.name}"' for column in columns)
    return sql(
        f"""
        INSERT INTO {incoming(part)} ({names})
        SELECT {values}
          FROM pegbar.sync_row s
         CROSS JOIN LATERAL jsonb_populate_record(NULL::public.{part.name}, :defaults ::jsonb || s.row) typed
         WHERE s.peer_id = :peer_id AND s.table_name = '{part.name}' AND s.run = :run AND s.row IS NOT NULL
        """,
        run=Integer,
        defaults=JSONB,
    )


@lru_cache(None)
def index_incoming(part: Part) -> Executable:
    """The ids of the rows that came."""
    return text(f"CREATE INDEX ON {incoming(part)} (id)")


@lru_cache(None)
def analyze_incoming(part: Part) -> Executable:
    """What the planner knows of the rows that came."""
    return text(f"ANALYZE {incoming(part)}")


@lru_cache(None)
def told_keys(part: Part) -> Executable:
    """The keys that the rows of the other server have: older servers lack some."""
    return sql(
        f"""
        SELECT jsonb_object_keys(row) FROM (
          SELECT row FROM pegbar.sync_row s
           WHERE s.peer_id = :peer_id AND s.table_name = '{part.name}' AND s.run = :run AND row IS NOT NULL LIMIT 1
        ) AS sample
        """,
        run=Integer,
    )


def _where(condition: str | None) -> str:
    return f" WHERE {condition}" if condition else ""


def loose(part: Part, key: Key) -> bool:
    """Whether two rows of the studio that both lack a part of a key have the same key."""
    return not part.belongs and (not key.columns or not part.table.c[key.columns[0]].nullable or len(key.columns) > 4)


@lru_cache(None)
def conflicts(part: Part, key: Key) -> Executable:
    """Rows here with the key of another one that came: the ids of both, and whether that here came too, or once did."""
    equal = "IS NOT DISTINCT FROM" if loose(part, key) else "="
    same = " AND ".join(f'here."{name}" {equal} came."{name}"' for name in key.columns) or "true"
    condition = _where(key.where)
    return sql(
        f"""
        SELECT here.id AS here, came.id AS came,
               EXISTS (SELECT 1 FROM {incoming(part)} other WHERE other.id = here.id) AS comes,
               EXISTS (SELECT 1 FROM pegbar.sync_row s WHERE s.peer_id = :peer_id
                          AND s.table_name = '{part.name}' AND s.row_id = here.id) AS is_known
          FROM (SELECT * FROM public.{part.name}{condition}) here
          JOIN (SELECT * FROM {incoming(part)}{condition}) came ON {same} AND here.id <> came.id
        """
    )


@lru_cache(None)
def step_aside(part: Part, key: Key) -> Executable | None:
    """Frees a key that rows hold, until they are written or merged; None when no column can be changed."""
    columns = [part.table.c[name] for name in key.columns]
    for column in columns:
        if column.nullable:
            return sql(f'UPDATE public.{part.name} SET "{column.name}" = NULL WHERE id = ANY(:ids)')
    for column in columns:
        if isinstance(column.type, String):
            name = f"left('~' || md5(id::text), {column.type.length or 32})"
            return sql(f'UPDATE public.{part.name} SET "{column.name}" = {name} WHERE id = ANY(:ids)')
    return None


def _there(column: Column[object]) -> str:
    target = belonging.target_of(column)
    assert target is not None
    return f'EXISTS (SELECT 1 FROM public.{target.name} named WHERE named.id = came."{column.name}")'


def _value(part: Part, column: Column[object]) -> str:
    """What is written into a column: nothing as long as it is late, or names what is not here and may be forgotten."""
    name = f'came."{column.name}"'
    if column.name in part.late:
        return "NULL"
    if column in part.references and column.nullable and goes_of(column) != "with":
        return f"CASE WHEN {_there(column)} THEN {name} END"
    return name


def _complete(part: Part) -> str:
    """Whether a row names nothing without which it cannot be."""
    needed = [
        f'(came."{column.name}" IS NULL OR {_there(column)})'
        for column in part.references
        if column.name not in part.late and (not column.nullable or goes_of(column) == "with")
    ]
    return " AND ".join(needed) or "true"


def _as_told(side: str, column: Column[object]) -> str:
    name = f'{side}."{column.name}"'
    if isinstance(column.type, TIMESTAMP):
        return f"date_trunc('second', {name})"
    if isinstance(column.type, JSONB):
        return f"nullif({name}, 'null'::jsonb)"
    if isinstance(column.type, Float):
        return f"({name})::float8"
    return name


def differs(columns: Iterable[Column[object]], left: str, right: str) -> str:
    """Whether two rows differ in some columns, as the API tells them."""
    return (
        " OR ".join(f"{_as_told(left, column)} IS DISTINCT FROM {_as_told(right, column)}" for column in columns)
        or "false"
    )


@lru_cache(None)
def write(part: Part, told: frozenset[str]) -> Executable:
    """Inserts and changes the rows that came; the ids of those written, and whether they are new."""
    columns = [*part.columns, *part.filled]
    names = quoted(column.name for column in columns)
    values = ", ".join(_value(part, column) for column in columns)
    changed = [
        column
        for column in part.columns
        if column.name in told and column.name not in part.identity and column.name not in part.late
    ]
    assigned = ", ".join(f'"{column.name}" = EXCLUDED."{column.name}"' for column in changed)
    action = f"UPDATE SET {assigned} WHERE {differs(changed, 'kept', 'EXCLUDED')}" if changed else "NOTHING"
    return text(
        f"""
        INSERT INTO public.{part.name} AS kept ({names})
        SELECT {values} FROM {incoming(part)} came WHERE {_complete(part)}
        ON CONFLICT ({quoted(part.identity)}) DO {action}
        RETURNING kept.id, kept.xmax = 0 AS is_new
        """
    )


@lru_cache(None)
def write_late(part: Part, told: frozenset[str]) -> Executable | None:
    """Sets the references that had to wait; the ids of the rows changed."""
    late = [part.table.c[name] for name in sorted(part.late) if name in told]
    if not late:
        return None
    values = {column.name: f'CASE WHEN {_there(column)} THEN came."{column.name}" END' for column in late}
    assigned = ", ".join(f'"{name}" = {value}' for name, value in values.items())
    changed = " OR ".join(f'kept."{name}" IS DISTINCT FROM {value}' for name, value in values.items())
    return text(
        f"""
        UPDATE public.{part.name} kept SET {assigned} FROM {incoming(part)} came
         WHERE kept.id = came.id AND ({changed}) RETURNING kept.id
        """
    )


@lru_cache(None)
def left_out(part: Part) -> Executable:
    """The rows that came and are not here: they name what is not here."""
    return text(
        f"""
        SELECT came.id FROM {incoming(part)} came
         WHERE NOT EXISTS (SELECT 1 FROM public.{part.name} kept WHERE kept.id = came.id)
        """
    )


# Merging and deleting

#: Passwords of people who have none here, where they came.
set_passwords = sql(
    """
    UPDATE person SET password = convert_to(s.row->>'password', 'UTF8') FROM pegbar.sync_row s
     WHERE s.peer_id = :peer_id AND s.table_name = 'person' AND s.run = :run AND s.row_id = person.id
       AND s.row ? 'password' AND person.password IS NULL
    """,
    run=Integer,
)
project_names = sql("SELECT name FROM project WHERE id = ANY(:ids)")


@lru_cache(None)
def present(part: Part) -> Executable:
    """Which rows are here."""
    return sql(f"SELECT id FROM public.{part.name} WHERE id = ANY(:ids)")


@lru_cache(None)
def renaming(column: Column[object]) -> tuple[Executable, Executable | None]:
    """Rows name another one; what would then be there twice goes."""
    assert isinstance(column.table, Table)
    table = column.table.fullname
    moved = f'UPDATE {table} moved SET "{column.name}" = :came_id WHERE "{column.name}" = :here_id'
    keys = [
        [other.name for other in constraint.columns if other.name != "id"]
        for constraint in column.table.constraints
        if isinstance(constraint, UniqueConstraint | PrimaryKeyConstraint)
    ]
    clashes = [
        " AND ".join(
            f'there."{name}" = :came_id' if name == column.name else f'there."{name}" = moved."{name}"'
            for name in names
        )
        for names in keys
        if column.name in names
    ]
    if not clashes:
        return sql(moved), None
    clash = f"EXISTS (SELECT 1 FROM {table} there WHERE {' OR '.join(f'({clash})' for clash in clashes)})"
    return sql(f"{moved} AND NOT {clash}"), sql(f'DELETE FROM {table} WHERE "{column.name}" = :here_id')


@lru_cache(None)
def take(part: Part) -> Executable:
    """Takes a row away; what of it the API does not tell."""
    hidden = quoted(column.name for column in part.hidden) or "id"
    return sql(f"DELETE FROM public.{part.name} WHERE id = :here_id RETURNING {hidden}")


@lru_cache(None)
def stamp(part: Part) -> Executable:
    """When a row was changed."""
    return sql(f"SELECT updated_at FROM public.{part.name} WHERE id = :row_id")


# Comparison


@lru_cache(None)
def compared(part: Part, told: frozenset[str]) -> Executable:
    """The ids of rows that are only there, or differ."""
    columns = [column for column in part.columns if column.name in told]
    return text(
        f"""
        SELECT came.id, kept.id IS NULL AS is_missing
          FROM {incoming(part)} came LEFT JOIN public.{part.name} kept ON kept.id = came.id
         WHERE kept.id IS NULL OR {differs(columns, "kept", "came")}
        """
    )


def _rows_here(part: Part, columns: ColumnElement[Any], scoped: bool) -> Select[Any]:
    """The rows that the API lists here; with a scope, those of its productions."""
    rows = select(columns).select_from(part.table).order_by(part.table.c.id)
    if part.resource.listed is not None:
        rows = rows.where(part.resource.listed)
    if scoped:
        rows = rows.where(belonging.production_of(part.table) == any_(bindparam("project_ids", type_=ARRAY(Uuid))))
    return rows


@lru_cache(None)
def only_here(part: Part, scoped: bool) -> Executable:
    """The ids of rows that did not come; with a scope, of its productions."""
    came = text(f"NOT EXISTS (SELECT 1 FROM {incoming(part)} came WHERE came.id = {part.name}.id)")
    return _rows_here(part, part.table.c.id, scoped).where(came)


@lru_cache(None)
def rows_here(part: Part, scoped: bool) -> Executable:
    """The rows here as the API tells them, with the ids that they list; with a scope, of its productions."""
    assert part.resource.wire is not None
    keys: dict[str, ColumnElement[Any]] = {column.name: column for column in part.columns}
    keys |= {relation.key: relation.ids(part.table) for relation in part.resource.relations}
    return _rows_here(part, json_object(keys), scoped)


@lru_cache(None)
def naming_here(table: str, column: str) -> Executable:
    """The rows here that came from the other server and name some rows."""
    return sql(
        f"""
        SELECT id FROM public.{table} t WHERE "{column}" = ANY(:ids)
           AND EXISTS (SELECT 1 FROM pegbar.sync_row s
                        WHERE s.peer_id = :peer_id AND s.table_name = '{table}' AND s.row_id = t.id)
        """
    )


@lru_cache(None)
def differing_columns(part: Part, told: frozenset[str]) -> Executable:
    """The names of the columns in which a row differs."""
    names = [column for column in part.columns if column.name in told]
    cases = ", ".join(f"CASE WHEN {differs([column], 'kept', 'came')} THEN '{column.name}' END" for column in names)
    return sql(
        f"""
        SELECT array_remove(ARRAY[{cases}], NULL) FROM {incoming(part)} came
          JOIN public.{part.name} kept ON kept.id = came.id WHERE kept.id = :row_id
        """
    )


@lru_cache(None)
def prune(part: Part, owners: tuple[str, ...]) -> Executable:
    """Forgets the rows of productions that are not copied: none of what they belong to came."""
    named = " OR ".join(
        f"EXISTS (SELECT 1 FROM pegbar.sync_row o WHERE o.peer_id = s.peer_id AND o.table_name = '{table}' "
        f"AND o.run = s.run AND o.row_id = (s.row->>'{column}')::uuid)"
        for column, table in (owner.split(":") for owner in owners)
    )
    return sql(
        f"""
        DELETE FROM pegbar.sync_row s WHERE s.peer_id = :peer_id AND s.table_name = '{part.name}' AND s.run = :run
           AND s.row IS NOT NULL AND NOT ({named})
        """,
        run=Integer,
    )

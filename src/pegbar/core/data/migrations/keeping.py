"""The triggers that keep of deleted rows what no history tells: rows of Pegbar's own tables, and columns left out.

Which tables have them follows from their references: what goes with something that can be restored is restored too.
"""

# ruff: noqa: S608 - names of ours

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Column, Connection, Table, text

from pegbar.core.data import belonging
from pegbar.core.data.history import left_out, recorded
from pegbar.core.data.migrations import run_script
from pegbar.core.data.migrations.schemas import declared_metadata
from pegbar.core.data.removal import goes_of
from pegbar.core.data.schema import OWN_SCHEMA

#: What goes with a person goes for good; what is said in a review room is of the moment.
_FOR_GOOD = frozenset({"person"})
_OF_THE_MOMENT = frozenset({"review_room", "review_presence"})


def _goes_with_something(table: Table) -> bool:
    targets = [belonging.target_of(column) for column in table.columns if goes_of(column) == "with"]
    return any(target is not None and target.schema is None and target.name not in _FOR_GOOD for target in targets)


def kept_columns(table: Table) -> tuple[str, ...]:
    """The columns of a table that are kept apart, its key with them; none, when the history has all of it."""
    if table.name in _FOR_GOOD | _OF_THE_MOMENT or not _goes_with_something(table):
        return ()
    if table.schema == OWN_SCHEMA and recorded(table) == "none":
        return tuple(column.name for column in table.columns)
    if missing := left_out(table):
        return (*(column.name for column in table.primary_key), *missing)
    return ()


def forgotten_columns(table: Table) -> list[Column[Any]]:
    """The columns of a table that forget what goes, where the history tells only of the rows that go themselves."""
    if recorded(table) != "deleted":
        return []
    targets = {column: belonging.target_of(column) for column in table.columns if goes_of(column) == "null"}
    return [column for column, target in targets.items() if target is not None and target.name not in _FOR_GOOD]


def kept_tables() -> list[Table]:
    """The tables of which something is kept apart."""
    return [table for table in declared_metadata().tables.values() if kept_columns(table) or forgotten_columns(table)]


def _statements(table: Table) -> Iterator[str]:
    if kept_columns(table):
        yield from _when_deleted(table)
    for column in forgotten_columns(table):
        yield from _when_forgotten(table, column)


def _when_forgotten(table: Table, column: Column[Any]) -> Iterator[str]:
    name, target = f"trash_{table.name[:20]}_{column.name[:30]}", f"public.{table.name}"
    yield f"""
        CREATE OR REPLACE FUNCTION pegbar.{name}() RETURNS trigger
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
        BEGIN
          INSERT INTO pegbar.trash_remainder (change_id, table_name, row, forgot)
          VALUES (pegbar.this_change(), '{table.fullname}',
                  jsonb_build_object('id', OLD.id, '{column.name}', OLD.{column.name}), '{column.name}');
          RETURN NULL;
        END $$
    """
    yield f"DROP TRIGGER IF EXISTS pegbar_{name} ON {target}"
    yield (
        f"CREATE TRIGGER pegbar_{name} AFTER UPDATE OF {column.name} ON {target} FOR EACH ROW"
        f" WHEN (OLD.{column.name} IS NOT NULL AND NEW.{column.name} IS NULL) EXECUTE FUNCTION pegbar.{name}()"
    )
    yield f"ALTER TABLE {target} ENABLE ALWAYS TRIGGER pegbar_{name}"


def _when_deleted(table: Table) -> Iterator[str]:
    name = f"trash_{table.name[:50]}"
    target = table.fullname if table.schema else f"public.{table.name}"
    pairs = ", ".join(f"'{column}', gone.{column}" for column in kept_columns(table))
    yield f"""
        CREATE OR REPLACE FUNCTION pegbar.{name}() RETURNS trigger
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
        BEGIN
          INSERT INTO pegbar.trash_remainder (change_id, table_name, row)
          SELECT pegbar.this_change(), '{table.fullname}', jsonb_build_object({pairs}) FROM gone;
          RETURN NULL;
        END $$
    """
    yield f"DROP TRIGGER IF EXISTS pegbar_{name} ON {target}"
    yield (
        f"CREATE TRIGGER pegbar_{name} AFTER DELETE ON {target} REFERENCING OLD TABLE AS gone "
        f"FOR EACH STATEMENT EXECUTE FUNCTION pegbar.{name}()"
    )
    yield f"ALTER TABLE {target} ENABLE ALWAYS TRIGGER pegbar_{name}"


def install(connection: Connection) -> None:
    """Make the triggers of all tables that are there, as they are declared now."""
    for table in kept_tables():
        if connection.execute(text("SELECT to_regclass(:name)"), {"name": table.fullname}).scalar() is not None:
            for statement in _statements(table):
                run_script(connection, statement)

"""References that triggers hold, once for a statement, where a foreign key would look for each row.

A column says so (`by_statement`, core/data/schema.py). Who writes rows holds what they name until the commit, as with a
foreign key, and is refused if it is not there; what is still named is not deleted, unless it is in the same statement.
Such a table also does without indexes that say what another begins with. What is dropped is kept as it was defined,
and made again when the database is handed back (handing_back.py).
"""

# ruff: noqa: S608 - names of ours

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Column, Connection, Row, Table, text

from pegbar.core.data.migrations import run_script
from pegbar.core.data.migrations.schemas import OURS, declared_metadata

_HEAD = "LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$"

_FOREIGN_KEYS = text(
    """
    SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', k.conrelid::regclass, k.conname) AS dropping,
           format('ALTER TABLE %s ADD CONSTRAINT %I %s', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid))
             AS making
      FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
     WHERE k.conrelid = to_regclass(:table) AND k.contype = 'f' AND cardinality(k.conkey) = 1
       AND a.attname = ANY(:columns)
     ORDER BY k.conname
    """
)
#: Indexes that Pegbar added itself are not missed by the other server.
_TWICE = text(
    """
    SELECT format('DROP INDEX %s', x.indexrelid::regclass) AS dropping,
           CASE WHEN obj_description(x.indexrelid, 'pg_class') IS DISTINCT FROM :ours
                THEN pg_get_indexdef(x.indexrelid) END AS making
      FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid
     WHERE x.indrelid = to_regclass(:table) AND NOT x.indisunique AND x.indpred IS NULL AND x.indexprs IS NULL
       AND EXISTS (SELECT 1 FROM pg_index w JOIN pg_class v ON v.oid = w.indexrelid
                    WHERE w.indrelid = x.indrelid AND w.indisvalid AND w.indpred IS NULL AND w.indexprs IS NULL
                      AND v.relam = c.relam AND w.indkey::text LIKE x.indkey::text || ' %')
     ORDER BY x.indexrelid::regclass::text
    """
)
_KEEP = text("INSERT INTO pegbar.set_aside (statement) VALUES (:making)")
_KEPT = text("SELECT statement FROM pegbar.set_aside ORDER BY number")


def held_columns(table: Table) -> list[tuple[Column[Any], Table]]:
    """The columns of a table whose references triggers hold, with what they refer to."""
    columns = [column for column in table.columns if column.info.get("by_statement")]
    return [(column, next(iter(column.foreign_keys)).column.table) for column in columns]


def _held_tables() -> list[Table]:
    return [table for table in declared_metadata().tables.values() if held_columns(table)]


def _hold(table: Table, column: Column[Any], target: Table) -> str:
    return f"""
    IF one.{column.name} IS NOT NULL THEN
      PERFORM FROM public.{target.name} t WHERE t.id = one.{column.name} FOR KEY SHARE;
      IF NOT FOUND THEN
        RAISE foreign_key_violation USING
          MESSAGE = 'insert or update on table "{table.name}" names a row that is not there', TABLE = '{table.name}',
          DETAIL = format('Key ({column.name})=(%s) is not present in table "{target.name}".', one.{column.name});
      END IF;
    END IF;"""


def _writing(table: Table) -> Iterator[str]:
    """What happens when rows are written that name others: rows of a statement name few different ones together."""
    name = f"hold_{table.name}"
    columns = held_columns(table)
    held = "".join(_hold(table, column, target) for column, target in columns)
    yield f"""
CREATE FUNCTION pegbar.{name}() RETURNS trigger {_HEAD}
DECLARE
  one record;
BEGIN
  FOR one IN SELECT DISTINCT {", ".join(column.name for column, _ in columns)} FROM after_change LOOP{held}
  END LOOP;
  RETURN NULL;
END $$;"""
    for verb in ("insert", "update"):
        yield f"""
CREATE TRIGGER pegbar_{name}_{verb} AFTER {verb} ON public.{table.name} REFERENCING NEW TABLE AS after_change
  FOR EACH STATEMENT EXECUTE FUNCTION pegbar.{name}();"""


def _going(table: Table, column: Column[Any], target: Table) -> str:
    """What happens when rows go that others may name."""
    name = f"hold_{table.name}_{column.name}"
    return f"""
CREATE FUNCTION pegbar.{name}() RETURNS trigger {_HEAD}
DECLARE
  left_id uuid;
BEGIN
  SELECT gone.id INTO left_id FROM before_change gone
   WHERE EXISTS (SELECT 1 FROM public.{table.name} l WHERE l.{column.name} = gone.id) LIMIT 1;
  IF FOUND THEN
    RAISE foreign_key_violation USING
      MESSAGE = 'delete on table "{target.name}" leaves rows that name what goes', TABLE = '{table.name}',
      DETAIL = format('Key (id)=(%s) is still referenced from table "{table.name}".', left_id);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER pegbar_{name} AFTER DELETE ON public.{target.name} REFERENCING OLD TABLE AS before_change
  FOR EACH STATEMENT EXECUTE FUNCTION pegbar.{name}();"""


def install(connection: Connection) -> None:
    """Have triggers hold what columns refer to that say so, in place of their foreign keys."""
    for table in _held_tables():
        for statement in _writing(table):
            run_script(connection, statement)
        for column, target in held_columns(table):
            run_script(connection, _going(table, column, target))
        name, columns = f"public.{table.name}", [column.name for column, _ in held_columns(table)]
        _set_aside(connection, connection.execute(_FOREIGN_KEYS, {"table": name, "columns": columns}).all())
        _set_aside(connection, connection.execute(_TWICE, {"table": name, "ours": OURS}).all())


def _set_aside(connection: Connection, things: Iterable[Row[Any]]) -> None:
    """Drop things, and keep how they are made."""
    for thing in things:
        if thing.making is not None:
            connection.execute(_KEEP, {"making": thing.making})
        run_script(connection, thing.dropping)


def put_back(connection: Connection, _: bool) -> list[str]:
    """Make again what was dropped. Rows that name what is not there, as nobody should have left them, go."""
    notes = []
    for table in _held_tables():
        for column, target in held_columns(table):
            lost = connection.execute(
                text(
                    f"DELETE FROM public.{table.name} l WHERE l.{column.name} IS NOT NULL"
                    f" AND NOT EXISTS (SELECT 1 FROM public.{target.name} t WHERE t.id = l.{column.name})"
                )
            ).rowcount
            if lost:
                notes.append(f"{lost} rows of {table.name}, which named a {target.name} that is not there, are gone")
    for statement in connection.execute(_KEPT).scalars().all():
        run_script(connection, statement)
    return notes

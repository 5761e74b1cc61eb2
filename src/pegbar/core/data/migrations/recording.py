"""The triggers that record what statements change (core/data/history.py), made from the declarations of tables.

`install` makes all of them anew: the migration that adds a table calls it, and the table is recorded. A test compares
what a database has with the declarations.
"""

# ruff: noqa: S608 - names of ours

from collections.abc import Iterator

from sqlalchemy import Connection, Table, text

from pegbar.core.data import belonging
from pegbar.core.data.history import key_of, left_out, recorded, subject_of
from pegbar.core.data.migrations import run_script
from pegbar.core.data.migrations.schemas import declared_metadata

#: A session keeps the plan of a trigger while tables grow and statements change more: the rows of a statement are
#: joined by hash, and other rows come by indexes.
_HEAD = """LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
SET enable_seqscan = off SET enable_nestloop = off SET enable_mergejoin = off AS $$"""

_REFERENCING = {
    "insert": "AFTER INSERT ON {table} REFERENCING NEW TABLE AS after_change",
    "update": "AFTER UPDATE ON {table} REFERENCING OLD TABLE AS before_change NEW TABLE AS after_change",
    "delete": "AFTER DELETE ON {table} REFERENCING OLD TABLE AS before_change",
    "truncate": "BEFORE TRUNCATE ON {table}",
}
_INTO = "INSERT INTO pegbar.history (change_id, table_name, row_id, key, project_id, op"


def _production(table: Table, row: str = "r") -> str:
    """SQL: the production of a row of a table; what it refers to is found by its id."""
    if table.name == "project":
        return f"{row}.id"
    if "project_id" in table.c:
        return f"{row}.project_id"
    productions = []
    for column in belonging.owners(table):
        owner = belonging.target_of(column)
        assert owner is not None
        above = _production(owner, f"{row}r")
        productions.append(f"(SELECT {above} FROM {_target(owner)} {row}r WHERE {row}r.id = {row}.{column.name})")
    return f"coalesce({', '.join(productions)})" if productions else "NULL::uuid"


def _is_placed_by_others(table: Table) -> bool:
    """Whether only what a row refers to tells its production."""
    return belonging.belongs(table) and "project_id" not in table.c and table.name != "project"


def _places_others(table: Table) -> bool:
    return any(
        belonging.target_of(column) is table
        for other in recorded_tables()
        if _is_placed_by_others(other)
        for column in belonging.owners(other)
    )


def placing() -> Iterator[str]:
    """The functions that find the productions of deleted rows by what went with them.

    What goes in one statement is recorded from below: a comment before its task, which is not there any more.
    """
    cases = " ".join(
        f"WHEN '{table.fullname}' THEN coalesce("
        + ", ".join(f"image ->> '{column.name}'" for column in belonging.owners(table))
        + ")"
        for table in recorded_tables()
        if _is_placed_by_others(table)
    )
    yield f"""
CREATE FUNCTION pegbar.history_owner(table_name text, image jsonb) RETURNS uuid
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$ SELECT (CASE table_name {cases} END)::uuid $$;"""
    yield """
CREATE FUNCTION pegbar.history_place_deleted() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog SET enable_seqscan = off AS $$
BEGIN
  LOOP
    UPDATE pegbar.history h SET project_id = owner.project_id
      FROM pegbar.history owner
     WHERE h.change_id = pegbar.this_change() AND h.op = 'D' AND h.project_id IS NULL
       AND owner.change_id = pegbar.this_change() AND owner.op = 'D' AND owner.project_id IS NOT NULL
       AND owner.row_id = pegbar.history_owner(h.table_name, h.old);
    EXIT WHEN NOT FOUND;
  END LOOP;
END $$;"""


def _row(table: Table, alias: str) -> str:
    """SQL: a row without what no history tells."""
    hidden = "".join(f", {name}" for name in left_out(table))
    return f"to_jsonb({alias})" + (f" - '{{{hidden[2:]}}}'::text[]" if hidden else "")


def _told(table: Table, alias: str, production: str) -> str:
    key = key_of(table)
    pairs = ", ".join(f"'{name}', {alias}.{name}" for name in key)
    keys = f"jsonb_build_object({pairs})" if key else "NULL::jsonb"
    return (
        f"(SELECT pegbar.this_change()) AS change_id, '{_name(table)}' AS table_name, "
        f"{alias}.{subject_of(table)} AS row_id, {keys} AS key, {production} AS project_id"
    )


def _name(table: Table) -> str:
    return table.fullname


def _target(table: Table) -> str:
    return table.fullname if table.schema else f"public.{table.name}"


def _inserted(table: Table) -> str:
    return f"{_INTO})\n  SELECT {_told(table, 'r', _production(table))}, 'I' FROM after_change r;"


def _updated(table: Table) -> str:
    same = " AND ".join(f"o.{name} = r.{name}" for name in key_of(table) or ("id",))
    return f"""{_INTO}, old, new)
  SELECT {_told(table, "r", _production(table))}, 'U', changed.old, changed.new
    FROM after_change r JOIN before_change o ON {same}
   CROSS JOIN LATERAL (
           SELECT jsonb_object_agg(n.key, was.value) AS old, jsonb_object_agg(n.key, n.value) AS new
             FROM (SELECT {_row(table, "r")} AS now, {_row(table, "o")} AS before OFFSET 0) image
            CROSS JOIN LATERAL jsonb_each(image.now) n
            CROSS JOIN LATERAL (SELECT image.before -> n.key AS value OFFSET 0) was
            WHERE n.value IS DISTINCT FROM was.value AND n.key <> 'updated_at') changed
   WHERE changed.new IS NOT NULL;"""


def _deleted(table: Table, source: str) -> str:
    place = "\n  PERFORM pegbar.history_place_deleted();" if _places_others(table) else ""
    return f"""{_INTO}, old)
  SELECT {_told(table, "r", _production(table))}, 'D', {_row(table, "r")} FROM {source} r;{place}"""


def _bodies(table: Table) -> dict[str, str]:
    gone = {"delete": _deleted(table, "before_change"), "truncate": _deleted(table, _target(table))}
    if recorded(table) == "deleted":
        return gone
    return {"insert": _inserted(table), "update": _updated(table), **gone}


def _trigger_name(table: Table, verb: str) -> str:
    return f"history_{table.name[:38]}_{verb}"  # names have 63 characters at most


def statements(table: Table) -> Iterator[str]:
    """The functions and triggers that record the changes of a table, as they are created."""
    for verb, body in _bodies(table).items():
        name = _trigger_name(table, verb)
        yield f"CREATE FUNCTION pegbar.{name}() RETURNS trigger {_HEAD}\nBEGIN\n  {body}\n  RETURN NULL;\nEND $$;"
        # ALWAYS: also where another server's scripts switch ordinary triggers off.
        yield (
            f"CREATE TRIGGER pegbar_{name} {_REFERENCING[verb].format(table=_target(table))} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION pegbar.{name}(); "
            f"ALTER TABLE {_target(table)} ENABLE ALWAYS TRIGGER pegbar_{name};"
        )


def recorded_tables() -> list[Table]:
    """The tables whose changes are told, in one order."""
    tables = [table for table in declared_metadata().tables.values() if recorded(table) in ("all", "deleted")]
    return sorted(tables, key=lambda table: table.fullname)


_FUNCTIONS = """
SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = 'pegbar'::regnamespace AND proname LIKE 'history\\_%'
"""
_TABLES = """
SELECT CASE schemaname WHEN 'public' THEN '' ELSE schemaname || '.' END || tablename FROM pg_tables
 WHERE schemaname IN ('public', 'pegbar')
"""


def install(connection: Connection) -> None:
    """Make the triggers of all tables that are there, as they are declared now, in place of those before."""
    before = connection.execute(text(_FUNCTIONS)).scalars().all()
    there = set(connection.execute(text(_TABLES)).scalars())
    for name in before:
        run_script(connection, f"DROP FUNCTION {name} CASCADE")
    for statement in placing():
        run_script(connection, statement)
    for table in recorded_tables():
        if table.fullname in there:
            for statement in statements(table):
                run_script(connection, statement)

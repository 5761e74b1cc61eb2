"""The statements that bring rows back, made from the declarations of their tables: no table is written out by hand.

Rows that come back are gathered in temporary tables first, one for each table (`staged`), where it is seen what is
missing for them. Then one statement inserts all: foreign keys are checked at its end, so that no order matters, as in
their removal (core/data/removal.py).
"""

# ruff: noqa: S608 - names of ours

from collections.abc import Iterable, Sequence
from functools import lru_cache

from sqlalchemy import Executable, Table
from sqlalchemy.sql.elements import TextClause

from pegbar.core.data import belonging
from pegbar.core.data.history import recorded
from pegbar.core.data.migrations.keeping import kept_columns
from pegbar.core.data.parameters import sql
from pegbar.core.data.removal import goes_of
from pegbar.core.data.schema import Column, Uuid, metadata


def target(table: Table) -> str:
    """The table in a statement."""
    return table.fullname if table.schema else f"public.{table.name}"


def staged(table: Table) -> str:
    """The temporary table of rows that come back."""
    return f"pg_temp.trash_{table.fullname.replace('.', '_')}"


def _key(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.primary_key)


def _same(table: Table, one: str, other: str) -> str:
    return " AND ".join(f"{one}.{name} = {other}.{name}" for name in _key(table))


def _quoted(names: Iterable[str], of: str = "") -> str:
    return ", ".join(f'{of}"{name}"' for name in names)


#: What an entry has of each table: the rows that were deleted, or wait for something in it (`_postponing`), the columns
#: of others that changed with them, and those that forgot them.
PARTS = sql(
    """
    SELECT table_name, sum(deleted)::bigint AS deleted,
           coalesce(array_agg(DISTINCT column_name) FILTER (WHERE column_name IS NOT NULL), '{}') AS columns,
           coalesce(array_agg(DISTINCT forgot) FILTER (WHERE forgot IS NOT NULL), '{}') AS forgot
      FROM (
        SELECT h.table_name, count(DISTINCT (h.row_id, h.key)) FILTER (WHERE h.op = 'D') AS deleted,
               o.key AS column_name, NULL AS forgot
          FROM pegbar.trash_change c JOIN pegbar.history h ON h.change_id = c.change_id AND h.op IN ('D', 'U')
          LEFT JOIN LATERAL jsonb_object_keys(CASE h.op WHEN 'U' THEN h.old END) AS o (key) ON true
         WHERE c.trash_id = :trash_id GROUP BY h.table_name, o.key
         UNION ALL
        SELECT r.table_name,
               count(DISTINCT r.row) FILTER (WHERE r.forgot = '' OR r.forgot IS NULL AND r.table_name LIKE 'pegbar.%'),
               NULL, nullif(r.forgot, '')
          FROM pegbar.trash_change c JOIN pegbar.trash_remainder r ON r.change_id = c.change_id
         WHERE c.trash_id = :trash_id GROUP BY r.table_name, r.forgot) AS parts
     GROUP BY table_name ORDER BY table_name
    """
)

#: The columns of the tables as the database has them: another server's version may have other ones.
COLUMNS = sql(
    """
    SELECT named.name AS table_name, array_agg(a.attname::text ORDER BY a.attnum) AS columns
      FROM unnest(:names ::text[], :targets ::text[]) AS named (name, target)
      JOIN pg_attribute a ON a.attrelid = named.target::regclass
     WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
     GROUP BY named.name
    """
)


@lru_cache(512)
def staging(table: Table) -> tuple[TextClause, TextClause]:
    """A temporary table, and the statement that fills it with the rows of an entry as they were when they went last.

    What the history has no more (personal data of somebody who was erased) does not come back.
    """
    made = sql(f"CREATE TEMPORARY TABLE {staged(table).removeprefix('pg_temp.')} (LIKE {target(table)}) ON COMMIT DROP")
    whole = " AND ".join(f"image ->> '{column.name}' IS NOT NULL" for column in table.columns if not column.nullable)
    told = "" if recorded(table) == "none" else f"{_of_history(table)} UNION ALL"
    keys = ", ".join(f"image -> '{name}'" for name in _key(table))
    filled = sql(f"""
        INSERT INTO {staged(table)}
        SELECT row.* FROM (
          SELECT DISTINCT ON ({keys}) image FROM (
            {told}
            SELECT r.row AS image, 0 AS n FROM pegbar.trash_change c
              JOIN pegbar.trash_remainder r
                ON r.change_id = c.change_id AND r.table_name = '{table.fullname}'
               AND {"coalesce(r.forgot, '')" if recorded(table) == "none" else "r.forgot"} = ''
             WHERE c.trash_id = :trash_id) AS told
           WHERE {whole} ORDER BY {keys}, n DESC) AS last
         CROSS JOIN LATERAL jsonb_populate_record(NULL::{target(table)}, last.image) AS row
    """)
    return made, filled


def _of_history(table: Table) -> str:
    image, joined = "h.old", ""
    if kept_columns(table):
        image = "h.old || coalesce(r.row, '{}')"
        joined = """LEFT JOIN pegbar.trash_remainder r
            ON r.change_id = h.change_id AND r.table_name = h.table_name AND r.forgot IS NULL
           AND r.row ->> 'id' = h.row_id::text"""
    return f"""
        SELECT {image} AS image, h.id AS n FROM pegbar.trash_change c
          JOIN pegbar.history h ON h.change_id = c.change_id AND h.op = 'D' AND h.table_name = '{table.fullname}'
          {joined}
         WHERE c.trash_id = :trash_id"""


@lru_cache(512)
def already_there(table: Table) -> TextClause:
    """Leave out what is there: the ids of the rows, or nothing but their number for rows without one."""
    told = "s.id" if "id" in table.c else "NULL::uuid"
    return sql(f"DELETE FROM {staged(table)} s USING {target(table)} t WHERE {_same(table, 's', 't')} RETURNING {told}")


def naming(table: Table) -> list[Column[object]]:
    """The columns of a table that name rows of others by their id."""
    return [
        column
        for column in table.columns
        if isinstance(column.type, Uuid) and belonging.target_of(column) is not None and goes_of(column) is not None
    ]


def _missing(column: Column[object], coming: frozenset[Table]) -> str:
    """SQL: what a staged row `s` names in a column is neither there nor coming."""
    table = belonging.target_of(column)
    assert table is not None
    there = f"EXISTS (SELECT FROM {target(table)} x WHERE x.id = s.{column.name})"
    comes = f" OR EXISTS (SELECT FROM {staged(table)} y WHERE y.id = s.{column.name})" if table in coming else ""
    if column.info.get("names") == "entity":  # an item of a schedule may be about several kinds of things
        there = "true" if column.table.name == "schedule_item" else there
    return f"s.{column.name} IS NOT NULL AND NOT ({there}{comes})"


@lru_cache(64)
def checking(tables: Sequence[Table]) -> TextClause:
    """What the staged rows name that is not there: `holder`, `name`, one of the ids, whether a thing names it."""
    coming = frozenset(tables)
    return sql(" UNION ALL ".join(_check(column, coming) for table in tables for column in naming(table)) or _NOTHING)


_NOTHING = """SELECT ''::text AS holder, ''::text AS name, NULL::uuid AS missing_id, false AS is_thing
               WHERE :trash_id ::uuid IS NULL"""


def _check(column: Column[object], coming: frozenset[Table]) -> str:
    table = column.table
    is_thing = "s.id IN (SELECT row_id FROM pegbar.trash_thing WHERE trash_id = :trash_id ::uuid)"
    return (
        f"SELECT '{table.fullname}'::text AS holder, '{column.name}'::text AS name,"
        f" (array_agg(s.{column.name}))[1] AS missing_id,"
        f" bool_or({is_thing if 'id' in table.c else 'false AND :trash_id ::uuid IS NULL'}) AS is_thing"
        f" FROM {staged(table)} s WHERE {_missing(column, coming)} HAVING count(*) > 0"
    )


def _postponing(column: Column[object], source: str, row: str, forgot: str) -> str:
    """SQL: what `source` names in a column is in the trash as well: its entry gets the row, to bring it back too.

    So that it makes no difference in which order entries are restored.
    """
    table, named = column.table, belonging.target_of(column)
    assert isinstance(table, Table)
    assert named is not None
    return f"""
        INSERT INTO pegbar.trash_remainder (change_id, table_name, row, forgot)
        SELECT other.change_id, '{table.fullname}', {row}, '{forgot}' FROM {source}
         CROSS JOIN LATERAL (
                 SELECT c.change_id FROM pegbar.trash_change c JOIN (
                   SELECT h.change_id, h.id FROM pegbar.history h
                    WHERE h.row_id = {source}.{column.name} AND h.table_name = '{named.fullname}' AND h.op = 'D'
                    UNION ALL
                   SELECT r.change_id, 0 FROM pegbar.trash_remainder r
                    WHERE r.row ->> 'id' = {source}.{column.name}::text AND r.table_name = '{named.fullname}'
                      AND r.forgot = '') AS known ON known.change_id = c.change_id
                  WHERE c.trash_id <> :trash_id
                  ORDER BY known.id DESC LIMIT 1) AS other
        RETURNING 1"""


@lru_cache(512)
def forgetting(column: Column[object], coming: frozenset[Table]) -> TextClause:
    """Staged rows forget in a column what is not there any more; how many `lost` it, and how many of it `wait`."""
    assert isinstance(column.table, Table)
    name, same = column.name, _same(column.table, "s", "lost")
    row = f"jsonb_build_object('id', lost.id, '{name}', lost.{name})"
    return sql(f"""
        WITH lost AS (SELECT s.* FROM {staged(column.table)} s WHERE {_missing(column, coming)}),
             postponed AS ({_postponing(column, "lost", row, name)}),
             done AS (UPDATE {staged(column.table)} s SET {name} = NULL FROM lost WHERE {same})
        SELECT (SELECT count(*) FROM lost) AS lost, (SELECT count(*) FROM postponed) AS wait
    """)


@lru_cache(512)
def leaving_out(column: Column[object], coming: frozenset[Table]) -> TextClause:
    """Staged rows that name in a column what is not there any more stay away; how many are `lost`, and `wait`."""
    assert isinstance(column.table, Table)
    return sql(f"""
        WITH lost AS (DELETE FROM {staged(column.table)} s WHERE {_missing(column, coming)} RETURNING s.*),
             postponed AS ({_postponing(column, "lost", "to_jsonb(lost)", "")})
        SELECT (SELECT count(*) FROM lost) AS lost, (SELECT count(*) FROM postponed) AS wait
    """)


def inserting(columns: dict[Table, list[str]]) -> TextClause:
    """One statement that inserts all staged rows: the number of rows by table."""
    parts, counts = [], []
    for n, (table, names) in enumerate(columns.items()):
        # A link that somebody made again meanwhile is there; a row with an id of its own is not, which was looked at.
        again = "" if "id" in table.c else " ON CONFLICT DO NOTHING"
        listed = _quoted(names)
        parts.append(
            f"back{n} AS (INSERT INTO {target(table)} ({listed}) OVERRIDING SYSTEM VALUE"
            f" SELECT {listed} FROM {staged(table)}{again} RETURNING 1)"
        )
        counts.append(f"SELECT '{table.fullname}' AS table_name, count(*) AS rows FROM back{n}")
    return sql(f"WITH {', '.join(parts)} {' UNION ALL '.join(counts)}")


def putting_back(table: Table, names: Sequence[str], *, only_references: bool) -> TextClause:
    """Put columns of rows that stayed back to what they were before, where nobody has written since.

    Answers `changed`: the ids of such rows, and `written`: rows and columns that somebody wrote meanwhile. Of a change
    that had other things to do too, only what named the deleted rows is put back (`only_references`).
    """
    key = _key(table)
    is_row = "t.id = {0}.row_id" if key == ("id",) else f"jsonb_build_object({_pairs(key)}) = {{0}}.row_key"
    exists = " ".join(
        f"WHEN '{column.name}' THEN EXISTS (SELECT FROM {target(belonging_to)} x WHERE x.id::text = b.old #>> '{{}}')"
        for column in naming(table)
        if column.name in names and (belonging_to := belonging.target_of(column)) is not None
    )
    there = f"(b.old = 'null' OR CASE b.name {exists} ELSE true END)" if exists else "true"
    waiting = "".join(
        f""", late_{column.name} AS (
              SELECT row_id AS id, (old #>> '{{}}')::uuid AS {column.name} FROM judged
               WHERE name = '{column.name}' AND unwritten AND NOT there
            ), wait_{column.name} AS ({
            _postponing(
                column,
                f"late_{column.name}",
                f"jsonb_build_object('id', late_{column.name}.id, '{column.name}', late_{column.name}.{column.name})",
                column.name,
            )
        })"""
        for column in naming(table)
        if column.name in names and key == ("id",)
    )
    only = ""
    if only_references:
        naming_columns = ", ".join(f"'{column.name}'" for column in naming(table)) or "NULL"
        only = f" AND b.name IN ({naming_columns}) AND b.old #>> '{{}}' IN (SELECT row_id::text FROM gone)"
    listed = _quoted(names)
    return sql(f"""
        WITH gone AS (
          SELECT h.row_id FROM pegbar.trash_change c JOIN pegbar.history h ON h.change_id = c.change_id AND h.op = 'D'
           WHERE c.trash_id = :trash_id
        ), steps AS (
          SELECT h.id, h.row_id, h.key AS row_key, o.key AS name, o.value AS old, h.new -> o.key AS new
            FROM pegbar.trash_change c
            JOIN pegbar.history h ON h.change_id = c.change_id AND h.op = 'U' AND h.table_name = '{table.fullname}'
           CROSS JOIN LATERAL jsonb_each(h.old) AS o
           WHERE c.trash_id = :trash_id
        ), b AS (
          SELECT row_id, row_key, name, (array_agg(old ORDER BY id))[1] AS old,
                 (array_agg(new ORDER BY id DESC))[1] AS new
            FROM steps GROUP BY row_id, row_key, name
        ), judged AS (
          SELECT b.row_id, b.row_key, b.name, b.old, to_jsonb(t) -> b.name IS NOT DISTINCT FROM b.new AS unwritten,
                 {there} AS there
            FROM b JOIN {target(table)} t ON {is_row.format("b")}
           WHERE b.name IN ({", ".join(f"'{name}'" for name in names)})
             AND b.old IS DISTINCT FROM to_jsonb(t) -> b.name{only}
        ), put AS (
          SELECT row_id, row_key, jsonb_object_agg(name, old) AS was FROM judged WHERE unwritten AND there
           GROUP BY row_id, row_key
        ){waiting}, done AS (
          UPDATE {target(table)} t SET ({listed}) = (
                   SELECT {_quoted(names, "was.")} FROM jsonb_populate_record(t, put.was) AS was)
            FROM put WHERE {is_row.format("put")} RETURNING put.row_id
        )
        SELECT ARRAY(SELECT DISTINCT row_id FROM done) AS changed,
               (SELECT coalesce(jsonb_agg(jsonb_build_object('table', '{table.fullname}', 'id', row_id,
                                                             'column', name)), '[]')
                  FROM (SELECT row_id, name FROM judged WHERE NOT unwritten ORDER BY 1, 2 LIMIT 1000) AS others)
               AS written
    """)


@lru_cache(64)
def remembering(column: Column[object]) -> TextClause:
    """Rows of which the history tells less name again what they forgot; their number."""
    named = belonging.target_of(column)
    assert isinstance(column.table, Table)
    assert named is not None
    name, table = column.name, column.table
    return sql(f"""
        UPDATE {target(table)} t SET {name} = (r.row ->> '{name}')::uuid
          FROM pegbar.trash_change c
          JOIN pegbar.trash_remainder r
            ON r.change_id = c.change_id AND r.table_name = '{table.fullname}' AND r.forgot = '{name}'
         WHERE c.trash_id = :trash_id AND t.id = (r.row ->> 'id')::uuid AND t.{name} IS NULL
           AND EXISTS (SELECT FROM {target(named)} x WHERE x.id = (r.row ->> '{name}')::uuid)
    """)


def _pairs(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}', t.{name}" for name in names)


@lru_cache(64)
def things_of(table: Table) -> Executable:
    """Rows that came back, whole."""
    return sql(f"SELECT t.* FROM {target(table)} t JOIN {staged(table)} s ON s.id = t.id ORDER BY t.id LIMIT :most")


@lru_cache(256)
def rows_of(table: Table) -> Executable:
    """Rows of a table, whole."""
    return sql(f"SELECT t.* FROM {target(table)} t WHERE t.id = ANY(:ids) ORDER BY t.id")


def by_name(name: str) -> Table | None:
    """The table of a name in the history; None when there is none any more."""
    return metadata.tables.get(name)

"""The changes that are taken back, the rows as they are, and the statements that write them back."""

# ruff: noqa: S608 - names of ours

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import Executable, Table, select

from pegbar.accounts.standing import CALLER, teams
from pegbar.core.data.causes import OF_TRANSACTION
from pegbar.core.data.history import key_of, left_out
from pegbar.core.data.parameters import sql
from pegbar.core.data.schema import JSONB, BigInteger

_WHICH = {
    "change_id": "c.id = :change_id",
    "request_id": "c.request_id = :request_id",
    "batch_id": "c.parts @> jsonb_build_object('batch', :batch_id ::text)",
    "import_id": "c.parts @> jsonb_build_object('import', :import_id ::text)",
}

#: The changes of a transaction, a request, a batch or an import.
CHANGES: Mapping[str, Executable] = {
    name: sql(
        f"SELECT c.id FROM pegbar.change c WHERE {condition} ORDER BY c.id",
        **({"change_id": BigInteger} if name == "change_id" else {}),
    )
    for name, condition in _WHICH.items()
}
_IDENTITY = "coalesce(h.key::text, h.row_id::text)"
_OF_CHANGES = "h.change_id = ANY (:change_ids ::bigint[])"
#: How much they changed, and of which productions.
EXTENT = sql(
    f"""
    SELECT count(*) AS amount, array_agg(DISTINCT h.project_id) AS project_ids,
           array_agg(DISTINCT h.table_name) AS tables
      FROM pegbar.history h WHERE {_OF_CHANGES}
    """
)
#: The changes of rows. What was deleted is told with what the trash keeps apart of it: a row may need it (a token).
ENTRIES = sql(
    f"""
    SELECT h.table_name, {_IDENTITY} AS identity, h.op,
           coalesce(h.old, '{{}}') || coalesce(kept.row, '{{}}') AS old, coalesce(h.new, '{{}}') AS new
      FROM pegbar.history h
      LEFT JOIN pegbar.trash_remainder kept
        ON h.op = 'D' AND kept.change_id = h.change_id AND kept.table_name = h.table_name AND kept.forgot IS NULL
       AND kept.row ->> 'id' = h.row_id::text
     WHERE {_OF_CHANGES} ORDER BY h.id
    """
)
#: What others changed later of the same rows, latest first. What jobs made of a row that came is not somebody's work.
SINCE = sql(
    f"""
    WITH done AS (
      SELECT h.table_name, h.row_id, h.key, max(h.id) AS last
        FROM pegbar.history h WHERE {_OF_CHANGES} GROUP BY 1, 2, 3)
    SELECT h.table_name, {_IDENTITY} AS identity, h.op, h.at, c.person_id,
           ARRAY(SELECT jsonb_object_keys(h.new)) AS fields
      FROM done
      JOIN pegbar.history h ON h.row_id = done.row_id AND h.id > done.last AND h.table_name = done.table_name
                           AND h.key IS NOT DISTINCT FROM done.key
      LEFT JOIN pegbar.change c ON c.id = h.change_id
     WHERE NOT {_OF_CHANGES} AND NOT (coalesce(c.origin, '') = 'job' AND c.person_id IS NULL)
     ORDER BY h.id DESC LIMIT 10000
    """
)
#: The productions that the caller manages.
MANAGED = select(teams(CALLER, "manager").subquery().c[0])
#: What the transaction under way deleted itself.
DELETED_NOW = sql(
    f"""
    SELECT h.table_name, {_IDENTITY} AS identity FROM pegbar.history h
     WHERE h.change_id = {OF_TRANSACTION} AND h.op = 'D' AND h.table_name = ANY (:tables ::text[])
    """
)
NOW = sql(f"SELECT {OF_TRANSACTION}")


def _by_key(table: Table, row: str) -> str:
    return " AND ".join(f'{row}."{name}" = r."{name}"' for name in key_of(table) or ("id",))


@lru_cache(None)
def current(table: Table) -> Executable:
    """The rows of a table with some `keys`, locked: as the history tells them."""
    hidden = ", ".join(f"'{column}'" for column in left_out(table))
    row = f"to_jsonb(t) - ARRAY[{hidden}]::text[]" if hidden else "to_jsonb(t)"
    pairs = ", ".join(f"'{name}', t.{name}" for name in key_of(table))
    identity = f"jsonb_build_object({pairs})::text" if pairs else "t.id::text"
    return sql(
        f"""
        SELECT {identity} AS identity, {row} AS row
          FROM jsonb_populate_recordset(NULL::public.{table.name}, :keys) r
          JOIN public.{table.name} t ON {_by_key(table, "t")}
         ORDER BY 1 FOR UPDATE OF t
        """,
        keys=JSONB,
    )


@lru_cache(512)
def writing(updates: tuple[tuple[Table, tuple[str, ...]], ...], inserts: tuple[Table, ...]) -> Executable:
    """One statement that writes columns of rows, `u0`… for each table and its columns, and then rows, `i0`….

    Foreign keys are checked at its end, so that no order of tables matters; names are free before they are taken.
    """
    parts, types = list[str](), dict[str, Any]()
    for number, (table, columns) in enumerate(updates):
        values = ", ".join(f'"{column}" = r."{column}"' for column in columns)
        values += ", updated_at = timezone('utc', now())" if "updated_at" in table.c else ""
        parts.append(
            f"""u{number} AS (
              UPDATE public.{table.name} t SET {values}
                FROM jsonb_populate_recordset(NULL::public.{table.name}, :u{number}) r
               WHERE {_by_key(table, "t")} RETURNING 1)"""
        )
        types[f"u{number}"] = JSONB
    first = "".join(f" AND (SELECT count(*) FROM u{number}) >= 0" for number in range(len(updates)))
    for number, table in enumerate(inserts):
        parts.append(
            f"""i{number} AS (
              INSERT INTO public.{table.name}
              SELECT r.* FROM jsonb_populate_recordset(NULL::public.{table.name}, :i{number}) r WHERE true{first})"""
        )
        types[f"i{number}"] = JSONB
    return sql(f"WITH {', '.join(parts)} SELECT 1", **types)


@lru_cache(None)
def deleting(table: Table) -> Executable:
    """Deletes the rows of a table with some `keys`."""
    return sql(
        f"""
        DELETE FROM public.{table.name} t USING jsonb_populate_recordset(NULL::public.{table.name}, :keys) r
         WHERE {_by_key(table, "t")}
        """,
        keys=JSONB,
    )

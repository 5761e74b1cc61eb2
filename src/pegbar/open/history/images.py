"""What rows were at a moment: what they are, or were when they were deleted, less what came later."""

# ruff: noqa: S608 - names of ours

from functools import lru_cache

from sqlalchemy import Executable, Table

from pegbar.core.data.history import key_of, left_out
from pegbar.core.data.parameters import sql
from pegbar.core.data.schema import JSONB, TIMESTAMP, String
from pegbar.entities.tables import entity
from pegbar.tasks.tables import task, task_person_link

_AT = TIMESTAMP(timezone=True)


def _identity(table: Table, row: str) -> str:
    key = key_of(table)
    if not key:
        return f"to_jsonb({row}.id)"
    pairs = ", ".join(f"'{name}', {row}.{name}" for name in key)
    return f"jsonb_build_object({pairs})"


def images(table: Table, *, now: str, then: str) -> str:
    """Clauses that end in one named `<table>_then`: `identity` and `state` of the rows as they were `at`.

    `now` chooses the rows that are there, `r`, and `then` their history, `h`. Of several changes of a column the
    earliest tells what it was before; a row that was deleted, what the rest of it was.
    """
    name = table.name
    hidden = ", ".join(f"'{column}'" for column in left_out(table))
    row = f"to_jsonb(r) - ARRAY[{hidden}]::text[]" if hidden else "to_jsonb(r)"
    return f"""
    {name}_later AS MATERIALIZED (
      SELECT h.id, coalesce(h.key, to_jsonb(h.row_id)) AS identity, h.op, h.old FROM pegbar.history h
       WHERE h.table_name = '{name}' AND {then} AND h.at > :at),
    {name}_first AS (
      SELECT DISTINCT ON (identity) identity, op FROM {name}_later ORDER BY identity, id),
    {name}_end AS (
      SELECT DISTINCT ON (identity) identity, id, old FROM {name}_later WHERE op = 'D' ORDER BY identity, id),
    {name}_base AS (
      SELECT identity, old AS state FROM {name}_end
       UNION ALL
      SELECT {_identity(table, "r")}, {row} FROM public.{name} r
       WHERE {now} AND NOT EXISTS (SELECT FROM {name}_end e WHERE e.identity = {_identity(table, "r")})),
    {name}_before AS (
      SELECT l.identity, jsonb_object_agg(was.key, was.value ORDER BY l.id DESC) AS state
        FROM {name}_later l
        LEFT JOIN {name}_end e ON e.identity = l.identity
       CROSS JOIN LATERAL jsonb_each(l.old) was
       WHERE l.op = 'U' AND (e.id IS NULL OR l.id < e.id)
       GROUP BY l.identity),
    {name}_then AS (
      SELECT b.identity, (b.state || coalesce(p.state, '{{}}')) - 'updated_at' AS state
        FROM {name}_base b
        LEFT JOIN {name}_before p ON p.identity = b.identity
        LEFT JOIN {name}_first f ON f.identity = b.identity
       WHERE f.op IS DISTINCT FROM 'I')"""


@lru_cache(None)
def one(table: Table) -> Executable:
    """The JSON of a row of a table as it was `at`; no row when it was not there. Parameters as of a page of changes."""
    return sql(
        f"""
        WITH {images(table, now="r.id = :row_id", then="h.row_id = :row_id AND h.key IS NULL")}
        SELECT pegbar.shown_of(state, :columns, :fields ::text[])::text FROM {table.name}_then
        """,
        at=_AT,
        columns=JSONB,
    )


@lru_cache(None)
def related(link: Table, owner: str, other: str) -> Executable:
    """The JSON list of the ids that rows of a link named for an owner `at` a moment."""
    return sql(
        f"""
        WITH {images(link, now=f"r.{owner} = :row_id", then="h.row_id = :row_id")}
        SELECT coalesce(jsonb_agg(state -> '{other}' ORDER BY state ->> '{other}'), '[]')::text FROM {link.name}_then
        """,
        at=_AT,
    )


_TASKS = images(task, now="r.project_id = :project_id", then="h.project_id = :project_id")
_ASSIGNED = images(
    task_person_link,
    now="EXISTS (SELECT FROM public.task t WHERE t.id = r.task_id AND t.project_id = :project_id)",
    then="h.project_id = :project_id",
)
_ENTITIES = images(entity, now="r.project_id = :project_id", then="h.project_id = :project_id")

#: The entities of a production, of these types, each with its tasks and their assignees, as they were `at`. A row for
#: each, in the order of names.
BOARD = sql(
    f"""
    WITH {_ENTITIES}, {_TASKS}, {_ASSIGNED},
    assignees AS (
      SELECT state ->> 'task_id' AS task_id, jsonb_agg(state -> 'person_id' ORDER BY state ->> 'person_id') AS ids
        FROM task_person_link_then GROUP BY 1),
    tasks AS (
      SELECT t.state ->> 'entity_id' AS entity_id,
             jsonb_agg(t.state || jsonb_build_object('assignees', coalesce(a.ids, '[]'))
                       ORDER BY t.state ->> 'created_at', t.state ->> 'id') AS rows
        FROM task_then t LEFT JOIN assignees a ON a.task_id = t.state ->> 'id'
       GROUP BY 1)
    SELECT (e.state || jsonb_build_object('tasks', coalesce(t.rows, '[]')))::text
      FROM entity_then e
      JOIN public.entity_type k ON k.id = (e.state ->> 'entity_type_id')::uuid
      LEFT JOIN tasks t ON t.entity_id = e.state ->> 'id'
     WHERE CASE WHEN :kind = 'Asset' THEN k.name <> ALL (:special ::text[]) ELSE k.name = :kind END
     ORDER BY e.state ->> 'name', e.state ->> 'id'
    """,
    at=_AT,
    kind=String,
)

"""The bars of a schedule: what should have one, and those there are. Source: spec projects, "schedule-items".

What should have a bar (`wanted`) are the task types at work in a production or, below one of them, asset types,
episodes, sequences or edits. Databases made by other servers may hold several bars for one thing, as their unique
constraint takes nulls for different: the one changed last counts.
"""

from functools import lru_cache
from typing import Any, Literal

from sqlalchemy import CTE, ColumnElement, Executable, exists, func, literal_column, select, text
from sqlalchemy.dialects.postgresql import aggregate_order_by, distinct_on

from pegbar.core.data.parameters import param
from pegbar.core.data.schema import Column, Text, Uuid
from pegbar.core.data.wire import json_object, wire_of
from pegbar.planning.tables import schedule_item
from pegbar.studio.tables import task_type

Kind = Literal["task-types", "asset-types", "episodes", "sequences", "edits"]
BELOW_TASK_TYPE: tuple[Kind, ...] = ("asset-types", "episodes", "sequences", "edits")

_TASK_TYPES = """
    SELECT tt.id AS task_type_id, NULL::uuid AS object_id, tt.name FROM task_type tt
     WHERE tt.for_entity IN ('Asset', 'Shot', 'Sequence', 'Episode', 'Edit')
       AND EXISTS (SELECT 1 FROM task t WHERE t.project_id = :project_id AND t.task_type_id = tt.id)
       AND (EXISTS (SELECT 1 FROM project_task_type_link l WHERE l.project_id = :project_id AND l.task_type_id = tt.id)
            OR NOT EXISTS (SELECT 1 FROM project_task_type_link l WHERE l.project_id = :project_id))
"""

_OBJECTS = """
    SELECT tt.id AS task_type_id, o.id AS object_id, o.name
      FROM task_type tt CROSS JOIN ({objects}) AS o
     WHERE tt.id = :task_type_id
"""

_ENTITIES = """
    SELECT e.id, e.name FROM entity e JOIN entity_type et ON et.id = e.entity_type_id AND et.name = '{kind}'
     WHERE e.project_id = :project_id AND (:episode_id ::uuid IS NULL OR {within}) {more}
"""

_OF_KIND: dict[Kind, str] = {
    "asset-types": """
        SELECT et.id, et.name FROM entity_type et
         WHERE et.name NOT IN ('Shot', 'Sequence', 'Episode', 'Scene', 'Edit', 'Concept', 'ConceptFolder')
           AND EXISTS (SELECT 1 FROM entity e WHERE e.entity_type_id = et.id AND e.project_id = :project_id
                          AND (:episode_id ::uuid IS NULL OR e.source_id = :episode_id))
    """,
    "episodes": _ENTITIES.format(kind="Episode", within="e.id = :episode_id", more=""),
    "sequences": _ENTITIES.format(kind="Sequence", within="e.parent_id = :episode_id", more=""),
    "edits": _ENTITIES.format(kind="Edit", within="e.parent_id = :episode_id", more="AND e.canceled IS NOT TRUE"),
}

_PROJECT_ID = param("project_id")
_OF_OBJECTS = (param("task_type_id"), param("episode_id"))


def _sql(kind: Kind) -> str:
    return _TASK_TYPES if kind == "task-types" else _OBJECTS.format(objects=_OF_KIND[kind])


def _wanted(kind: Kind) -> CTE:
    more = () if kind == "task-types" else _OF_OBJECTS
    columns = (Column("task_type_id", Uuid), Column("object_id", Uuid), Column("name", Text))
    return text(_sql(kind)).bindparams(_PROJECT_ID, *more).columns(*columns).cte("wanted")


@lru_cache
def items(kind: Kind) -> Executable:
    """One row: how many bars are `missing`, those there are as JSON objects (`rows`), if the task type is `known`."""
    wanted, item = _wanted(kind), schedule_item.c
    same = (item.task_type_id == wanted.c.task_type_id) & item.object_id.is_not_distinct_from(wanted.c.object_id)
    bar = (
        select(*schedule_item.columns, wanted.c.name)
        .select_from(wanted.outerjoin(schedule_item, same & (item.project_id == _PROJECT_ID)))
        .ext(distinct_on(wanted.c.task_type_id, wanted.c.object_id))
        .order_by(wanted.c.task_type_id, wanted.c.object_id, item.updated_at.desc().nulls_last(), item.id)
        .subquery("bar")
    )
    keys = ("id", "start_date", "end_date", "man_days", "project_id", "task_type_id", "object_id")
    wire = wire_of(bar).only(*keys)
    known: ColumnElement[bool] = literal_column("true")
    order: tuple[ColumnElement[Any], ...] = (bar.c.start_date.nulls_last(), bar.c.name)
    if kind != "task-types":
        wire = wire.but(name=bar.c.name)
        known = exists().where(task_type.c.id == param("task_type_id"))
        order = (bar.c.name, bar.c.id)
    rows = func.string_agg(json_object(wire), aggregate_order_by(literal_column("','", Text), *order))
    return select(
        func.count().filter(bar.c.id.is_(None)).label("missing"),
        func.coalesce(rows.filter(bar.c.id.is_not(None)), "").label("rows"),
        known.label("known"),
    ).select_from(bar)


@lru_cache
def add_missing(kind: Kind) -> Executable:
    """Adds the bars that are missing, for a day; their ids. Run with the production locked."""
    return text(
        f"""
        INSERT INTO schedule_item
               (id, created_at, updated_at, project_id, task_type_id, object_id, start_date, end_date)
        SELECT pegbar.new_id(), :now, :now, :project_id, w.task_type_id, w.object_id, :today, :today + 1
          FROM ({_sql(kind)}) AS w
         WHERE NOT EXISTS (SELECT 1 FROM schedule_item i
                            WHERE i.project_id = :project_id AND i.task_type_id = w.task_type_id
                              AND i.object_id IS NOT DISTINCT FROM w.object_id)
        RETURNING id
        """  # noqa: S608 - constants of ours
    ).bindparams(
        _PROJECT_ID,
        param("now"),
        param("today"),
        *(() if kind == "task-types" else _OF_OBJECTS),
    )

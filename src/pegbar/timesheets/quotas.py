"""Shots that a person worked on in a period, and how much of each. Source: spec accounts, quota-shots; "Worth fixing".

Weighted: for each task with hours of the person in the period, that share of the task's hours; for each task assigned
to them on which nobody wrote hours, the share of its weekdays (of its days, when it has none) in the period. Raw: the
shots whose task was sent for review, or done, in the period.
"""

from functools import lru_cache
from typing import Any, Literal

from sqlalchemy import Boolean, Column, Executable, Float, Integer, bindparam, func, literal_column, select, text

from pegbar.core.data.parameters import param
from pegbar.core.data.schema import Date, Text, Uuid
from pegbar.core.data.wire import json_list, json_object
from pegbar.entities.shapes import UNTYPED
from pegbar.entities.tables import entity

Mode = Literal["weighted", "weighteddone", "feedback", "done"]
MODES: tuple[Mode, ...] = ("weighted", "weighteddone", "feedback", "done")

#: Weekdays from the year 1 (its first day is a Monday) up to a date, included.
_WEEKDAYS = "(({0} - DATE '0001-01-01') / 7 * 5 + least(({0} - DATE '0001-01-01') % 7 + 1, 5))"


def _weekdays(first: str, last: str) -> str:
    return f"({_WEEKDAYS.format(last)} - {_WEEKDAYS.format(f'({first} - 1)')})"


_SHOT_TASKS = """
    SELECT t.id, t.entity_id, t.duration,
           (t.real_start_date AT TIME ZONE 'UTC' AT TIME ZONE :timezone)::date AS started,
           (t.{end} AT TIME ZONE 'UTC' AT TIME ZONE :timezone)::date AS ended
      FROM task t JOIN entity e ON e.id = t.entity_id
      JOIN entity_type et ON et.id = e.entity_type_id AND et.name = 'Shot'
     WHERE t.{end} IS NOT NULL
       AND (NOT :by_project OR t.project_id = :project_id)
       AND (NOT :by_task_type OR t.task_type_id = :task_type_id)
       AND (EXISTS (SELECT 1 FROM task_person_link l WHERE l.task_id = t.id AND l.person_id = :person_id)
            OR EXISTS (SELECT 1 FROM time_spent h WHERE h.task_id = t.id AND h.person_id = :person_id))
"""

_WEIGHTED = f"""
    WITH shot_task AS ({_SHOT_TASKS}),
    logged AS (
      SELECT s.entity_id,
             round((h.duration / coalesce(nullif(s.duration, 0), (SELECT nullif(sum(a.duration), 0) FROM time_spent a
                                                                   WHERE a.task_id = s.id), h.duration))::numeric, 2)
               AS weight
        FROM shot_task s JOIN time_spent h ON h.task_id = s.id AND h.person_id = :person_id
       WHERE h.date BETWEEN :first AND :last
    ),
    unlogged AS (
      SELECT s.entity_id, greatest(s.started, :first) AS since, least(s.ended, :last) AS until, s.started, s.ended
        FROM shot_task s
       WHERE s.started <= :last AND s.ended >= :first AND s.ended >= s.started
         AND EXISTS (SELECT 1 FROM task_person_link l WHERE l.task_id = s.id AND l.person_id = :person_id)
         AND NOT EXISTS (SELECT 1 FROM time_spent h WHERE h.task_id = s.id)
    ),
    worked AS (
      SELECT entity_id, weight FROM logged
      UNION ALL
      SELECT entity_id, round(CASE WHEN {_weekdays("started", "ended")} > 0
                                   THEN {_weekdays("since", "until")}::numeric / {_weekdays("started", "ended")}
                                   ELSE (until - since + 1)::numeric / (ended - started + 1) END, 2)
        FROM unlogged
    )
    SELECT entity_id, sum(weight)::float8 AS weight FROM worked GROUP BY entity_id HAVING sum(weight) > 0
"""  # noqa: S608 - a constant

_RAW = f"""
    SELECT DISTINCT entity_id, 1 AS weight FROM ({_SHOT_TASKS}) AS s
     WHERE s.ended BETWEEN :first AND :last
       AND EXISTS (SELECT 1 FROM task_person_link l WHERE l.task_id = s.id AND l.person_id = :person_id)
"""  # noqa: S608 - a constant

_PARENT, _GRAND = entity.alias("parent"), entity.alias("grand")
FULL_NAME = func.concat_ws(literal_column("' / '", Text), _GRAND.c.name, _PARENT.c.name, entity.c.name, type_=Text)


@lru_cache
def shots(mode: Mode) -> Executable:
    """One row: the target's `is_bot`, whether the production is known (`known`), and the shots as JSON (`rows`)."""
    raw = mode in ("feedback", "done")
    sql = (_RAW if raw else _WEIGHTED).format(end="done_date" if mode.endswith("done") else "end_date")
    weights = (
        text(sql)
        .bindparams(
            *[bindparam(name, type_=Uuid) for name in ("person_id", "project_id", "task_type_id")],
            *[bindparam(name, type_=Date) for name in ("first", "last")],
            *[bindparam(name, type_=Boolean) for name in ("by_project", "by_task_type")],
            param("timezone", Text),
        )
        .columns(Column("entity_id", Uuid), Column("weight", Integer if raw else Float))
        .subquery("weights")
    )
    wire: dict[str, Any] = {**UNTYPED, "full_name": FULL_NAME, "weight": weights.c.weight}
    listed = (
        select(json_object(wire))
        .select_from(
            weights.join(entity, entity.c.id == weights.c.entity_id)
            .outerjoin(_PARENT, _PARENT.c.id == entity.c.parent_id)
            .outerjoin(_GRAND, _GRAND.c.id == _PARENT.c.parent_id)
        )
        .order_by(FULL_NAME, entity.c.id)
    )
    target = text(
        """
        SELECT p.is_bot, (NOT :by_project OR EXISTS (SELECT 1 FROM project j WHERE j.id = :project_id)) AS known
          FROM person p WHERE p.id = :person_id
        """
    )
    about = target.columns(Column("is_bot", Boolean), Column("known", Boolean)).subquery("about")
    return select(about.c.is_bot, about.c.known, json_list(listed).label("rows"))

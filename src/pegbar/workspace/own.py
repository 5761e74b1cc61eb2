"""Reads of the caller's own hours, days off and productions. Source: spec user."""

from functools import lru_cache

from sqlalchemy import Date, Executable, String, select

from pegbar.core.data.compiled import planned_once
from pegbar.core.data.parameters import CALLER_ID, param
from pegbar.core.data.wire import json_object, wire_of
from pegbar.planning.tables import day_off
from pegbar.productions.tables import project
from pegbar.tasks.tables import task
from pegbar.timesheets.queries import TIME_SPENT
from pegbar.timesheets.tables import time_spent
from pegbar.workspace.context import open_projects

_DAY = param("day")
#: Hours with what their task is of.
DETAILED = TIME_SPENT.but(project_id=task.c.project_id, task_type_id=task.c.task_type_id)


@lru_cache
def time_spents(*, dated: bool) -> Executable:
    """The caller's hours, all or between two days."""
    rows = (
        select(json_object(DETAILED))
        .select_from(time_spent.join(task, task.c.id == time_spent.c.task_id))
        .where(time_spent.c.person_id == CALLER_ID)
        .order_by(time_spent.c.date, time_spent.c.id)
    )
    if not dated:
        return planned_once(rows)
    return rows.where(time_spent.c.date.between(param("first", Date), param("last", Date)))


time_spents_of_day = select(json_object(TIME_SPENT)).where(
    time_spent.c.person_id == CALLER_ID, time_spent.c.date == _DAY
)
time_spent_on_task = time_spents_of_day.where(time_spent.c.task_id == param("task_id"))

day_off_of = (
    select(json_object(wire_of(day_off, "DayOff")))
    .where(day_off.c.person_id == CALLER_ID, day_off.c.date <= _DAY, day_off.c.end_date >= _DAY)
    .limit(1)
)


@lru_cache
def projects(*, for_admin: bool, named: bool) -> Executable:
    """The caller's open productions, whole, or the one of that very name."""
    rows: Executable = open_projects(for_admin=for_admin)
    if named:
        rows = open_projects(for_admin=for_admin).where(project.c.name == param("name", String))
    return planned_once(rows)

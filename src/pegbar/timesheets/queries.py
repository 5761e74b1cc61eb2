"""Reads of hours: of a task, an entity, a production, and the sheets of persons. Source: spec tasks; spec accounts, 13.

A caller sees all of a sheet, or what lies in their productions and (supervisors) departments; SQL narrows.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Date,
    Executable,
    Float,
    FromClause,
    Integer,
    Select,
    any_,
    cast,
    extract,
    func,
    literal_column,
    or_,
    select,
    true,
)

from pegbar.accounts.standing import CALLER, in_team, teams
from pegbar.accounts.tables import person
from pegbar.core.data.parameters import CALLER_DEPARTMENTS, CALLER_ID, param
from pegbar.core.data.schema import Text, Uuid
from pegbar.core.data.wire import Wire, json_list, json_object, json_text, wire_of
from pegbar.core.http.access import Caller
from pegbar.entities.tables import entity
from pegbar.productions.tables import project
from pegbar.studio.tables import entity_type, task_type
from pegbar.tasks.tables import task
from pegbar.timesheets.tables import hours_tally, time_spent

TIME_SPENT = wire_of(time_spent, "TimeSpent")
_COMMA = literal_column("','", Text)
_TASK_ID = param("task_id")
_ONLY = param("only", Uuid)
_IF_ONLY = cast(_ONLY, Uuid).is_(None) | (time_spent.c.person_id == _ONLY)

#: One time spent.
one = select(json_object(TIME_SPENT)).where(time_spent.c.id == param("time_spent_id"))

#: For each person their hours on a task (`person_id`, `minutes` and `rows`, JSON without brackets); `day` and `only`
#: (a person) narrow them unless null.
of_task = (
    select(
        cast(time_spent.c.person_id, Text).label("person_id"),
        func.sum(time_spent.c.duration).label("minutes"),
        func.string_agg(cast(json_object(TIME_SPENT), Text), _COMMA).label("rows"),
    )
    .where(
        time_spent.c.task_id == _TASK_ID,
        (cast(param("day"), Date).is_(None)) | (time_spent.c.date == param("day")),
        _IF_ONLY,
    )
    .group_by(time_spent.c.person_id)
)

#: The hours of a production.
of_project = (
    select(json_object(TIME_SPENT))
    .join(task, task.c.id == time_spent.c.task_id)
    .where(task.c.project_id == param("project_id"))
)

#: The hours of a production narrowed to those of the caller.
of_project_own = of_project.where(time_spent.c.person_id == CALLER_ID)

#: The hours of an entity, latest first; narrowed to those of a person unless `only` is null.
of_entity = (
    select(json_object(TIME_SPENT))
    .join(task, task.c.id == time_spent.c.task_id)
    .where(task.c.entity_id == param("entity_id"), _IF_ONLY)
    .order_by(time_spent.c.date.desc(), time_spent.c.id)
)


# Sheets

Unit = Literal["year", "month", "week", "day"]

_FIRST, _LAST = param("first", Date), param("last", Date)
_PROJECT = param("project_id")
_OF_DEPARTMENTS = task_type.c.department_id == any_(CALLER_DEPARTMENTS)


@dataclass(frozen=True)
class View:
    """How much of the hours of others a caller sees, and what is asked for."""

    narrowed: bool = False  #: to the productions that the caller manages or supervises
    by_department: bool = False  #: of those they supervise, to the caller's departments
    own: bool = False  #: to the caller's own hours
    by_project: bool = False
    of_department: bool = False
    of_studio: bool = False
    dated: bool = True

    def _led(self, of: "_Hours") -> ColumnElement[bool]:
        """What the caller leads: productions they manage, their departments where they supervise; else their own."""
        supervised: ColumnElement[bool] = of.project_id.in_(teams(CALLER, "supervisor"))
        if self.by_department:
            supervised &= _OF_DEPARTMENTS
        elsewhere = of.project_id.in_(teams(CALLER, without=("manager", "supervisor")))
        managed = of.project_id.in_(teams(CALLER, "manager"))
        return or_(managed, supervised, elsewhere & (of.person_id == CALLER_ID))

    def conditions(self, of: "_Hours | None" = None) -> list[ColumnElement[bool]]:
        """The conditions on hours joined with their task types and persons."""
        hours = of or _SPENT
        choices: list[tuple[bool, ColumnElement[bool]]] = [
            (self.narrowed, self._led(hours)),
            (self.own, hours.person_id == CALLER_ID),
            (self.by_project, hours.project_id == _PROJECT),
            (self.of_department, task_type.c.department_id == param("department_id")),
            (self.of_studio, person.c.studio_id == param("studio_id")),
            (self.dated, hours.date.between(_FIRST, _LAST)),
        ]
        return [condition for applies, condition in choices if applies]


@dataclass(frozen=True)
class _Hours:
    """Where hours come from: rows of time spent with their tasks, or the tally of the months or weeks."""

    source: FromClause
    date: ColumnElement[Any]
    person_id: ColumnElement[Any]
    project_id: ColumnElement[Any]
    task_type_id: ColumnElement[Any]
    minutes: ColumnElement[Any]
    some: tuple[ColumnElement[bool], ...] = ()  #: of the sums, where there is anything


_SPENT = _Hours(
    time_spent.join(task, task.c.id == time_spent.c.task_id),
    time_spent.c.date,
    time_spent.c.person_id,
    task.c.project_id,
    task.c.task_type_id,
    time_spent.c.duration,
)


def _tallied(unit: str) -> _Hours:
    rows = select(hours_tally).where(hours_tally.c.unit == literal_column(f"'{unit}'", Text)).subquery("hours")
    some = func.sum(rows.c.amount) > literal_column("0")
    return _Hours(rows, rows.c.first, rows.c.person_id, rows.c.project_id, rows.c.task_type_id, rows.c.minutes, (some,))


_PARENT, _GRAND = entity.alias("parent"), entity.alias("grand")

#: A day's row, one that names its production and task type too, and the sum of a task's hours.
Rows = Literal["plain", "detailed", "by_task"]

DETAILED = TIME_SPENT.but(project_id=task.c.project_id, task_type_id=task.c.task_type_id)
OF_TASK = Wire(
    {
        "task_id": task.c.id,
        "task_type_id": task.c.task_type_id,
        "project_id": task.c.project_id,
        "project_name": project.c.name,
        "entity_name": entity.c.name,
        "entity_type_name": entity_type.c.name,
        "sequence_name": _PARENT.c.name,
        "episode_name": _GRAND.c.name,
        "duration": func.sum(time_spent.c.duration, type_=Float),
    }
)


def _spent(view: View, rows: Rows) -> Select[Any]:
    wire = {"plain": TIME_SPENT, "detailed": DETAILED, "by_task": OF_TASK}[rows]
    source = time_spent.join(task, task.c.id == time_spent.c.task_id).outerjoin(
        task_type, task_type.c.id == task.c.task_type_id
    )
    if rows != "by_task":
        listed = select(json_object(wire)).select_from(source).order_by(time_spent.c.date, time_spent.c.id)
    else:
        source = (
            source.join(project, project.c.id == task.c.project_id)
            .join(entity, entity.c.id == task.c.entity_id)
            .join(entity_type, entity_type.c.id == entity.c.entity_type_id)
            .outerjoin(_PARENT, _PARENT.c.id == entity.c.parent_id)
            .outerjoin(_GRAND, _GRAND.c.id == _PARENT.c.parent_id)
        )
        listed = select(json_object(wire)).select_from(source)
        listed = listed.group_by(
            task.c.id, project.c.name, entity.c.name, entity_type.c.name, _PARENT.c.name, _GRAND.c.name
        )
    return listed.where(time_spent.c.person_id == person.c.id, *view.conditions()).correlate(person)


@lru_cache
def of_person(view: View, rows: Rows) -> Executable:
    """The person (`is_bot`), whether the caller is on the production asked for, and their hours as JSON."""
    member = in_team(CALLER, _PROJECT) if view.by_project and view.narrowed else true()
    return select(person.c.is_bot, member.label("on_project"), json_list(_spent(view, rows)).label("rows")).where(
        person.c.id == param("person_id")
    )


def view_of_person(caller: Caller, person_id: UUID, project_id: UUID | None, *, dated: bool = True) -> View | None:
    """What the caller sees of a person's sheet; None for nothing at all."""
    if caller.is_admin or caller.id == person_id:
        return View(by_project=project_id is not None, dated=dated)
    if caller.role not in ("manager", "supervisor"):
        return None
    return View(
        narrowed=True,
        by_department=bool(caller.departments),
        by_project=project_id is not None,
        dated=dated,
    )


#: A year is its months. The days of one month are few enough to be summed up.
_HOURS: dict[Unit, _Hours] = {
    "year": _tallied("month"),
    "month": _tallied("month"),
    "week": _tallied("week"),
    "day": _SPENT,
}


@lru_cache
def table(unit: Unit, view: View) -> Executable:
    """For each unit of time (`unit`), an object of the minutes of each person as JSON text (`persons`)."""
    hours = _HOURS[unit]
    of_unit = cast(extract(unit, hours.date), Integer).label("unit")
    source = hours.source
    if view.by_department or view.of_department:
        source = source.join(task_type, task_type.c.id == hours.task_type_id)
    if view.of_studio:
        source = source.join(person, person.c.id == hours.person_id)
    sums = (
        select(of_unit, hours.person_id, cast(func.sum(hours.minutes), Float).label("minutes"))
        .select_from(source)
        .where(*view.conditions(hours), hours.person_id.is_not(None))
        .group_by(of_unit, hours.person_id)
        .having(*hours.some)
        .subquery("sums")
    )
    quote, between = literal_column("""'"'""", Text), literal_column("""'":'""", Text)
    pair = quote.concat(cast(sums.c.person_id, Text)).concat(between).concat(json_text(sums.c.minutes))
    return select(sums.c.unit, func.string_agg(pair, _COMMA).label("persons")).group_by(sums.c.unit)

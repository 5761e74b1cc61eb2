"""Reads of the tasks of open productions. Source: spec tasks, GET /data/tasks/open-tasks and "Worth fixing".

Each task is as the caller's role on its production sees it: vendors find their own, clients find tasks without what is
the studio's. Filters and sums look at what is shown, so they tell nothing that the rows do not.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    Column,
    ColumnElement,
    Date,
    Executable,
    Float,
    FromClause,
    Integer,
    Select,
    bindparam,
    case,
    cast,
    exists,
    false,
    func,
    literal_column,
    select,
    true,
)

from pegbar.accounts.standing import is_concept
from pegbar.accounts.tables import department_link, person
from pegbar.core.data.compiled import planned_once
from pegbar.core.data.schema import TIMESTAMP, Uuid
from pegbar.core.data.wire import Wire, json_list, json_map, json_object
from pegbar.entities.tables import entity
from pegbar.entities.task_shapes import blank_value
from pegbar.productions.tables import project
from pegbar.studio.tables import entity_type, project_status, task_status, task_type
from pegbar.tasks.in_context import (
    EPISODE_NAME,
    HERE,
    IS_HERE,
    MINE,
    OPEN,
    PARENT,
    ROW,
    above,
    around,
    by_role,
    caller_is,
    with_caller,
)
from pegbar.tasks.open_tasks import tallied
from pegbar.tasks.open_tasks.tallied import LIMIT, NO_CONCEPT, OFFSET
from pegbar.tasks.queries import ASSIGNED
from pegbar.tasks.tables import task, task_person_link

ITEM = ROW.but(
    type_name=task_type.c.name,
    status_name=task_status.c.name,
    type_color=task_type.c.color,
    status_color=task_status.c.color,
    status_short_name=task_status.c.short_name,
)
_ITEM_BY_ROLE = by_role(ITEM)
_ZERO = literal_column("0", Float)


@dataclass(frozen=True)
class OpenTasks:
    """Which tasks of open productions, for whom."""

    for_admin: bool = False
    alike: bool = False  #: on all these productions the caller is shown every task, and whole
    filters: frozenset[str] = frozenset()

    @property
    def is_tallied(self) -> bool:
        """All that is counted of them is in tallies."""
        return self.alike and self.filters <= {"project_id", "task_type_id"}

    @property
    def is_blank(self) -> ColumnElement[bool]:
        """Whether the caller gets the task without what is the studio's."""
        return false() if self.for_admin else caller_is("client")

    def conditions(self) -> list[ColumnElement[bool]]:
        """The conditions on tasks."""
        chosen = [_filter(name, self.is_blank) for name in sorted(self.filters)]
        if "project_id" not in self.filters:
            chosen.append(OPEN)
        if "task_type_id" not in self.filters:
            chosen.append(NO_CONCEPT)
        if not self.for_admin:
            chosen += [MINE, ~caller_is("vendor") | ASSIGNED, ~caller_is("client") | ~is_concept(task.c.entity_id)]
        return chosen

    def shown(self, column: Column[Any]) -> ColumnElement[Any]:
        """A column of tasks, or what clients get instead."""
        return column if self.for_admin else case((self.is_blank, blank_value(column)), else_=column)


def _assignee(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    link = select(task_person_link.c.person_id).where(task_person_link.c.task_id == task.c.id, *conditions)
    return exists(link.correlate(task))


def _filter(name: str, is_blank: ColumnElement[bool]) -> ColumnElement[bool]:
    param: Any = bindparam(name, type_=Uuid)
    if name in ("project_id", "task_type_id", "task_status_id"):
        return task.c[name] == param  # type: ignore[no-any-return]
    if name == "priority":
        shown = func.coalesce(task.c.priority, literal_column("0"))
        return case((is_blank, blank_value(task.c.priority)), else_=shown) == bindparam(name, type_=Integer)
    moment = bindparam(name, type_=TIMESTAMP)
    whose = task_person_link.c.person_id
    studio = select(person.c.id).where(person.c.studio_id == param)
    departments = select(department_link.c.person_id).where(department_link.c.department_id == param)
    shown_to_studio = {
        "start_date": task.c.start_date >= moment,
        "due_date": task.c.due_date <= moment,
        "person_id": _assignee(whose == func.any(bindparam(name, type_=ARRAY(Uuid)))),
        "studio_id": _assignee(whose.in_(studio)),
        "department_id": _assignee(whose.in_(departments)),
    }
    if name == "unassigned":
        return is_blank | ~_assignee()
    return ~is_blank & shown_to_studio[name]


def _source(which: OpenTasks) -> FromClause:
    """Tasks with what their conditions need."""
    tables = (
        task.join(project, project.c.id == task.c.project_id)
        .join(project_status, project_status.c.id == project.c.project_status_id)
        .join(task_type, task_type.c.id == task.c.task_type_id)
        .join(task_status, task_status.c.id == task.c.task_status_id)
    )
    return tables if which.for_admin else tables.outerjoin(HERE, IS_HERE)


def _picked(which: OpenTasks) -> CTE:
    """The tasks, with what they are counted by."""
    return (
        select(
            task.c.id,
            task.c.entity_id,
            task.c.task_status_id,
            task_type.c.name.label("task_type_name"),
            which.shown(task.c.duration).label("duration"),
            which.shown(task.c.estimation).label("estimation"),
        )
        .select_from(_source(which))
        .where(*which.conditions(), task.c.entity_id.is_not(None))
        .cte("picked")
    )


def _places(picked: CTE) -> CTE:
    """The place of each entity of these tasks: there are few of them, and names are slow to compare."""
    names = (project.c.name, EPISODE_NAME, PARENT.c.name, entity_type.c.name, entity.c.name)
    tables = entity.join(project, project.c.id == entity.c.project_id).join(
        entity_type, entity_type.c.id == entity.c.entity_type_id
    )
    place = func.dense_rank().over(order_by=[name.asc().nulls_last() for name in names])
    return (
        select(entity.c.id, place.label("place"))
        .select_from(above(tables))
        .where(entity.c.id.in_(select(picked.c.entity_id)))
        .cte("places")
    )


@lru_cache(256)
def page_of(which: OpenTasks) -> Executable:
    """A page of tasks (`rows`, a JSON array) and the sums (`stats`) of them and those after them.

    The sums leave out what earlier pages showed, as clients have it.
    """
    head, left = tallied.page(which) if which.is_tallied else _counted_page(which)
    item = json_object(ITEM if which.for_admin else _ITEM_BY_ROLE)
    shown = head.join(task, (task.c.id == head.c.id) & (head.c.n > OFFSET))
    rows = select(item).select_from(around(shown) if which.for_admin else with_caller(shown)).order_by(head.c.n)
    statement = select(
        json_list(rows).label("rows"),
        json_object(_sums(left)).label("stats"),
        _sum(left.c.amount, BigInteger).label("total"),
    )
    return planned_once(statement) if which.is_tallied else statement


def _counted_page(which: OpenTasks) -> tuple[CTE, CTE]:
    """The first tasks, as many as there are up to the end of the page, by number; and the sums of each status left."""
    picked = _picked(which)
    places = _places(picked)
    up_to_here = (
        select(picked.c.id, places.c.place, picked.c.task_type_name)
        .join_from(picked, places, places.c.id == picked.c.entity_id)
        .order_by(places.c.place, picked.c.task_type_name, picked.c.id)
        .limit(OFFSET + LIMIT)
        .subquery()
    )
    order = [up_to_here.c.place, up_to_here.c.task_type_name, up_to_here.c.id]
    head = select(up_to_here.c.id, func.row_number().over(order_by=order).label("n")).cte("head")
    earlier = select(head.c.id).where(head.c.n <= OFFSET)
    left = (
        select(
            picked.c.task_status_id,
            func.count().label("amount"),
            func.sum(picked.c.duration).label("duration"),
            func.sum(picked.c.estimation).label("estimation"),
        )
        .where(picked.c.id.not_in(earlier))
        .group_by(picked.c.task_status_id)
        .cte("left_over")
    )
    return head, left


def _sums(left: CTE) -> Wire:
    of_status = json_object({"task_status_id": left.c.task_status_id, "amount": left.c.amount})
    return Wire(
        {
            "total": _sum(left.c.amount, BigInteger),
            "total_duration": _sum(left.c.duration),
            "total_estimation": _sum(left.c.estimation),
            "status": json_list(select(of_status).order_by(left.c.amount.desc(), left.c.task_status_id)),
        }
    )


def _sum(column: ColumnElement[Any], kind: Any = Float) -> ColumnElement[Any]:
    total = cast(func.coalesce(func.sum(column), literal_column("0")), kind)
    return select(total).scalar_subquery()


@lru_cache
def statistics(which: OpenTasks) -> Executable:
    """How many tasks of each type and status the productions have, and their hours: one JSON object."""
    counted = (tallied.counts(which) if which.is_tallied else _counts(which)).cte("counted")
    of_type = counted.alias("of_type")
    types = json_list(
        select(json_object(dict(of_type.c)))
        .where(of_type.c.project_id == counted.c.project_id)
        .order_by(of_type.c.task_type_id, of_type.c.task_status_id)
        .correlate(counted)
    )
    sums = {
        name: cast(func.sum(counted.c[name]), kind)
        for name, kind in (
            ("amount", BigInteger),
            ("amount_done", BigInteger),
            ("total_duration", Float),
            ("total_estimation", Float),
        )
    }
    rows = select(counted.c.project_id, json_object(Wire({**sums, "task_types": types})).label("statistics")).group_by(
        counted.c.project_id
    )
    return select(json_map(rows))


def _counts(which: OpenTasks) -> Select[Any]:
    """The tasks of each production, type and status: how many, how many done, and their hours."""
    is_done = case((task_status.c.is_done.is_(True), literal_column("1", Integer)), else_=literal_column("0", Integer))
    return (
        select(
            task.c.project_id,
            task.c.task_type_id,
            task.c.task_status_id,
            func.count().label("amount"),
            func.sum(is_done).label("amount_done"),
            func.coalesce(func.sum(which.shown(task.c.duration)), _ZERO, type_=Float).label("total_duration"),
            func.coalesce(func.sum(which.shown(task.c.estimation)), _ZERO, type_=Float).label("total_estimation"),
        )
        .select_from(_source(which))
        .where(*which.conditions())
        .group_by(task.c.project_id, task.c.task_type_id, task.c.task_status_id)
    )


def _days(done: CTE, bounds: CTE) -> CTE:
    """How many tasks were done on each day, and their estimation."""
    # A day before the window counts on its first day; least and greatest pass over nulls.
    first = case((bounds.c.start.is_not(None), func.least(bounds.c.start, bounds.c.end)))
    day = func.greatest(done.c.day, first, type_=Date)
    return (
        select(
            day.label("date"),
            cast(func.sum(done.c.amount), BigInteger).label("done"),
            cast(func.coalesce(func.sum(done.c.estimation), literal_column("0")), Float).label("done_estimation"),
        )
        .select_from(done.join(bounds, true()))
        .group_by(day)
        .cte("days")
    )


@lru_cache(256)
def burndown(which: OpenTasks) -> Executable:
    """What is done day by day, from the first day of the tasks (or productions) to the last: one JSON object."""
    done, bounds = tallied.done(which) if which.is_tallied else _done(which)
    days = _days(done, bounds)
    earliest, latest = (select(f(days.c.date)).scalar_subquery() for f in (func.min, func.max))
    listed = select(json_object(dict(days.c))).order_by(days.c.date)
    burndown = Wire(
        {
            "total": bounds.c.total,
            "total_estimation": bounds.c.total_estimation,
            "start_date": func.least(bounds.c.start, bounds.c.end, earliest, type_=Date),
            "end_date": func.greatest(bounds.c.start, bounds.c.end, latest, type_=Date),
            "done_by_day": json_list(listed),
        }
    )
    return select(json_object(burndown)).select_from(bounds)


def _done(which: OpenTasks) -> tuple[CTE, CTE]:
    """How many tasks were done on each day, with their estimation; and all of them, with their first and last day."""
    picked = (
        select(
            which.shown(task.c.estimation).label("estimation"),
            cast(which.shown(task.c.done_date), Date).label("done"),
            cast(which.shown(task.c.start_date), Date).label("start"),
            cast(which.shown(task.c.due_date), Date).label("due"),
            project.c.start_date.label("project_start"),
            project.c.end_date.label("project_end"),
        )
        .select_from(_source(which))
        .where(*which.conditions())
        .cte("picked")
    )
    bounds = select(
        func.count().label("total"),
        func.coalesce(func.sum(picked.c.estimation), _ZERO, type_=Float).label("total_estimation"),
        func.coalesce(func.min(picked.c.start), func.min(picked.c.project_start), type_=Date).label("start"),
        func.coalesce(func.max(picked.c.due), func.max(picked.c.project_end), type_=Date).label("end"),
    ).cte("bounds")
    done = (
        select(
            picked.c.done.label("day"),
            func.count().label("amount"),
            func.sum(picked.c.estimation).label("estimation"),
        )
        .where(picked.c.done.is_not(None))
        .group_by(picked.c.done)
        .cte("done")
    )
    return done, bounds

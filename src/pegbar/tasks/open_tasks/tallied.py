"""Tasks of open productions without counting them: their sums from tallies, a page from the places of its order.

For those who are shown every task of their productions (core/data/tallies.py). A place is what comes first in the order
of a page: a production, an episode, a sequence. There are few, and their tasks are looked at one place after the other
until the page is full.
"""

from typing import Any, Protocol

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Date,
    Float,
    Numeric,
    Select,
    Text,
    case,
    cast,
    func,
    literal_column,
    select,
    true,
    union_all,
)
from sqlalchemy.sql.selectable import LateralFromClause

from pegbar.accounts.standing import CALLER, teams
from pegbar.core.data.parameters import param
from pegbar.core.data.tallies import NOBODY
from pegbar.entities.tables import entity, place_tally
from pegbar.productions.tables import project
from pegbar.studio.tables import entity_type, project_status, task_status, task_type
from pegbar.tasks.in_context import EPISODE_NAME, OPEN, PARENT, above
from pegbar.tasks.tables import stray_task, task, task_day_tally, task_tally

LIMIT, OFFSET = param("limit"), param("offset")
_ZERO, _ONE = (literal_column(f"{number}::bigint", BigInteger) for number in (0, 1))
NO_CONCEPT = func.coalesce(task_type.c.for_entity, literal_column("''", Text)) != literal_column("'Concept'", Text)


class Tallied(Protocol):
    """Which tasks: of open productions of the caller (for administrators, of all) or of one, of a type or of all."""

    @property
    def for_admin(self) -> bool:
        """For administrators."""

    @property
    def filters(self) -> frozenset[str]:
        """`project_id`, `task_type_id`, or none."""


def _productions(which: Tallied) -> CTE:
    rows = select(project.c.id, project.c.start_date, project.c.end_date).join(
        project_status, project_status.c.id == project.c.project_status_id
    )
    if "project_id" in which.filters:
        rows = rows.where(project.c.id == param("project_id"))
    else:
        rows = rows.where(OPEN) if which.for_admin else rows.where(OPEN, project.c.id.in_(teams(CALLER)))
    return rows.cte("productions")


def _types(which: Tallied) -> CTE:
    by_id = "task_type_id" in which.filters
    chosen = task_type.c.id == param("task_type_id") if by_id else NO_CONCEPT
    return select(task_type.c.id, task_type.c.name).where(chosen).cte("types")


# Pages


def _places(productions: CTE) -> CTE:
    """Where entities are: in which production, below what, made for what; and what number that has in the order."""
    of_productions = (
        select(place_tally.c.project_id, place_tally.c.parent_id, place_tally.c.source_id)
        .where(place_tally.c.project_id.in_(select(productions.c.id)))
        .group_by(place_tally.c.project_id, place_tally.c.parent_id, place_tally.c.source_id)
        .having(func.sum(place_tally.c.amount) > _ZERO)
    )
    # Tasks whose entity is of another production: there should be none.
    of_strays = (
        select(
            entity.c.project_id,
            func.coalesce(entity.c.parent_id, NOBODY),
            func.coalesce(entity.c.source_id, NOBODY),
        )
        .select_from(stray_task.join(task, task.c.id == stray_task.c.task_id))
        .join(entity, entity.c.id == task.c.entity_id)
        .where(task.c.project_id.in_(select(productions.c.id)))
    )
    places = of_productions.union(of_strays).subquery("places")
    order = [project.c.name, EPISODE_NAME, PARENT.c.name]
    return (
        select(
            places.c.project_id,
            places.c.parent_id,
            places.c.source_id,
            func.dense_rank().over(order_by=[name.asc().nulls_last() for name in order]).label("n"),
        )
        .select_from(above(places.join(project, project.c.id == places.c.project_id), places))
        .cte("numbered")
    )


def _entities(place: CTE) -> LateralFromClause:
    """The entities at a place."""
    columns = entity.c.id, entity.c.name, entity_type.c.name.label("type_name")
    rows = (
        select(*columns)
        .join(entity_type, entity_type.c.id == entity.c.entity_type_id)
        .where(
            entity.c.project_id == place.c.project_id,
            func.coalesce(entity.c.source_id, NOBODY) == place.c.source_id,
        )
    )
    below = rows.where(entity.c.parent_id == place.c.parent_id)
    on_top = rows.where(entity.c.parent_id.is_(None), place.c.parent_id == NOBODY)
    return union_all(below.correlate(place), on_top.correlate(place)).lateral("entities")


def page(which: Tallied) -> tuple[CTE, CTE]:
    """The first tasks, as many as there are up to the end of the page, by number; and the sums of each status left."""
    productions, types = _productions(which), _types(which)
    places = _places(productions)
    entities = _entities(places)
    there = (
        places.join(entities, true())
        .join(task, task.c.entity_id == entities.c.id)
        .join(types, types.c.id == task.c.task_type_id)
    )
    conditions = task.c.project_id.in_(select(productions.c.id)), task.c.task_status_id.is_not(None)
    enough = cast(OFFSET, BigInteger) + LIMIT

    walk = select(_ZERO.label("n"), _ZERO.label("so_far")).cte("walk", recursive=True)
    tasks_there = select(func.count()).select_from(there).where(places.c.n == walk.c.n + _ONE, *conditions)
    last = select(func.max(places.c.n)).scalar_subquery()
    walk = walk.union_all(
        select(walk.c.n + _ONE, walk.c.so_far + tasks_there.correlate(walk).scalar_subquery()).where(
            walk.c.so_far < enough, walk.c.n < last
        )
    )
    order = [places.c.n, entities.c.type_name, entities.c.name, types.c.name, task.c.id]
    up_to_here = (
        select(task.c.id, func.row_number().over(order_by=order).label("n"))
        .select_from(there)
        .where(places.c.n <= select(func.max(walk.c.n)).scalar_subquery(), *conditions)
        .order_by(*order)
        .limit(enough)
    )
    head = up_to_here.cte("head")
    return head, _left(productions, types, head)


def _left(productions: CTE, types: CTE, head: CTE) -> CTE:
    """The sums of each status, less what earlier pages showed."""
    exact = func.pegbar.exact
    shown = (
        select(
            task.c.task_status_id,
            -_ONE,
            -exact(task.c.duration, type_=Numeric),
            -exact(task.c.estimation, type_=Numeric),
        )
        .join_from(head, task, task.c.id == head.c.id)
        .where(head.c.n <= OFFSET)
    )
    tallied = select(
        task_tally.c.task_status_id, task_tally.c.amount, task_tally.c.duration, task_tally.c.estimation
    ).where(
        task_tally.c.project_id.in_(select(productions.c.id)),
        task_tally.c.task_type_id.in_(select(types.c.id)),
        task_tally.c.in_place,
    )
    both = union_all(tallied, shown).subquery("both")
    amount = cast(func.sum(both.c.amount), BigInteger)
    return (
        select(
            both.c.task_status_id,
            amount.label("amount"),
            func.sum(both.c.duration).label("duration"),
            func.sum(both.c.estimation).label("estimation"),
        )
        .group_by(both.c.task_status_id)
        .having(amount > _ZERO)
        .cte("left_over")
    )


# Sums


def counts(which: Tallied) -> Select[Any]:
    """The tasks of each production, type and status: how many, how many done, and their hours."""
    amount = cast(func.sum(task_tally.c.amount), BigInteger)
    keys = task_tally.c.project_id, task_tally.c.task_type_id, task_tally.c.task_status_id
    return (
        select(
            *keys,
            amount.label("amount"),
            case((task_status.c.is_done.is_(True), amount), else_=_ZERO).label("amount_done"),
            cast(func.sum(task_tally.c.duration), Float).label("total_duration"),
            cast(func.sum(task_tally.c.estimation), Float).label("total_estimation"),
        )
        .join(task_status, task_status.c.id == task_tally.c.task_status_id)
        .where(*_of(task_tally.c, _productions(which), _types(which)))
        .group_by(*keys, task_status.c.is_done)
        .having(amount > _ZERO)
    )


def _of(tally: Any, productions: CTE, types: CTE) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return tally.project_id.in_(select(productions.c.id)), tally.task_type_id.in_(select(types.c.id))


def done(which: Tallied) -> tuple[CTE, CTE]:
    """How many tasks were done on each day, with their estimation; and all of them, with their first and last day."""
    productions, types = _productions(which), _types(which)
    in_all = (
        select(
            task_tally.c.project_id,
            func.sum(task_tally.c.amount).label("amount"),
            func.sum(task_tally.c.estimation).label("estimation"),
        )
        .where(*_of(task_tally.c, productions, types))
        .group_by(task_tally.c.project_id)
        .having(func.sum(task_tally.c.amount) > _ZERO)
        .cte("in_all")
    )
    days = (
        select(
            task_day_tally.c.kind,
            task_day_tally.c.day,
            func.sum(task_day_tally.c.amount).label("amount"),
            func.sum(task_day_tally.c.estimation).label("estimation"),
        )
        .where(*_of(task_day_tally.c, productions, types))
        .group_by(task_day_tally.c.kind, task_day_tally.c.day)
        .having(func.sum(task_day_tally.c.amount) > _ZERO)
        .cte("days_of_all")
    )

    def day(kind: str, pick: Any) -> ColumnElement[Any]:
        return select(pick(days.c.day)).where(days.c.kind == literal_column(f"'{kind}'", Text)).scalar_subquery()

    of_productions = in_all.join(productions, productions.c.id == in_all.c.project_id)
    bounds = (
        select(
            cast(func.coalesce(func.sum(in_all.c.amount), _ZERO), BigInteger).label("total"),
            cast(func.coalesce(func.sum(in_all.c.estimation), _ZERO), Float).label("total_estimation"),
            func.coalesce(day("start", func.min), func.min(productions.c.start_date), type_=Date).label("start"),
            func.coalesce(day("due", func.max), func.max(productions.c.end_date), type_=Date).label("end"),
        )
        .select_from(of_productions)
        .cte("bounds")
    )
    done = select(days.c.day, days.c.amount, days.c.estimation).where(days.c.kind == literal_column("'done'", Text))
    return done.cte("done"), bounds

"""Tasks that wait for the caller's verdict. Source: spec user, GET tasks-to-check and "Worth fixing" 5.

Administrators check the open productions; others those where they manage or supervise, whatever their role in the
studio. A supervisor with departments checks the task types of these.
"""

from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Executable,
    Text,
    any_,
    case,
    cast,
    exists,
    func,
    literal_column,
    or_,
    select,
)

from pegbar.core.data.parameters import CALLER_DEPARTMENTS, param
from pegbar.core.data.schema import TIMESTAMP
from pegbar.core.data.wire import JsonText, json_list, json_object, json_text
from pegbar.core.errors import BadRequest
from pegbar.entities.tables import entity
from pegbar.productions.tables import project
from pegbar.studio.tables import entity_type, task_status, task_type
from pegbar.tasks.in_context import EPISODE_ID, GRAND, MINE, OPEN, PARENT, WITH_CALLER, caller_is
from pegbar.tasks.tables import task, task_person_link
from pegbar.workspace.task_rows import rows

_AWAITED = (OPEN, task_status.c.is_feedback_request.is_(True))
_IN_DEPARTMENT = or_(
    func.cardinality(CALLER_DEPARTMENTS) == literal_column("0"), task_type.c.department_id == any_(CALLER_DEPARTMENTS)
)
_CHECKED_BY_CALLER = (MINE, or_(caller_is("manager"), caller_is("supervisor") & _IN_DEPARTMENT))

_NAMES = (
    project.c.name,
    GRAND.c.name,
    PARENT.c.name,
    entity_type.c.name,
    entity.c.name,
    task_type.c.name,
    task.c.id,
)
_ORDERS: dict[str, tuple[ColumnElement[Any], ...]] = {
    "priority": (task.c.priority.desc().nulls_last(), task.c.due_date, *_NAMES),
    "due_date": (task.c.due_date, *_NAMES),
    "estimation": (task.c.estimation.desc().nulls_last(), *_NAMES),
    "entity_name": (project.c.name, task_type.c.name, GRAND.c.name, PARENT.c.name, entity.c.name, task.c.id),
}

_assignment = task_person_link.c.task_id == task.c.id
_episode_id = param("episode_id")
_FILTERS: dict[str, ColumnElement[bool]] = {
    "project_id": task.c.project_id == param("project_id"),
    "task_type_id": task.c.task_type_id == param("task_type_id"),
    "task_status_id": task.c.task_status_id == param("task_status_id"),
    "unassigned": ~exists().where(_assignment),
    "person_ids": exists().where(_assignment, task_person_link.c.person_id == any_(param("person_ids"))),
    "episode_id": or_(GRAND.c.id == _episode_id, entity.c.source_id == _episode_id, entity.c.parent_id == _episode_id),
    "due_date_since": task.c.due_date >= param("due_date_since", TIMESTAMP),
    "due_date_until": task.c.due_date <= param("due_date_until", TIMESTAMP),
}


_Text = str | UnsetType
_Id = Annotated[_Text, Meta(description="An id")]


@dataclass(frozen=True)
class Asked:
    """What is asked of the desk: filters with their values, the order and, for a page, its number and length."""

    filters: frozenset[str] = frozenset()
    values: dict[str, Any] = field(default_factory=dict)
    order: str = ""
    page: int | None = None
    limit: int = 100


class Checks(msgspec.Struct):
    """How to narrow, order and page the tasks to check."""

    project_id: _Id = UNSET
    task_type_id: _Id = UNSET
    task_status_id: _Id = UNSET
    episode_id: _Id = UNSET
    person_id: Annotated[_Text, Meta(description="Ids of assignees, separated by commas, or `unassigned`")] = UNSET
    due_date_since: Annotated[_Text, Meta(description="YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS, included")] = UNSET
    due_date_until: Annotated[_Text, Meta(description="YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS, included")] = UNSET
    order_by: Annotated[_Text, Meta(description="`priority`, `due_date`, `estimation`, `entity_name`, else names")] = (
        UNSET
    )
    page: Annotated[_Text, Meta(description="Answer this page, from 1, and the sums of all")] = UNSET
    limit: Annotated[_Text, Meta(description="Rows of a page, 100 unless given")] = UNSET


def read_checks(query: Checks, beside: dict[str, Any]) -> Asked:
    """What a query string asks, or a JSON body where that says nothing. Raises BadRequest."""
    in_body = {name: beside[name] for name in Checks.__struct_fields__ if beside.get(name) is not None}
    params: dict[str, str] = {name: str(value) for name, value in in_body.items()} | msgspec.to_builtins(query)
    values: dict[str, Any] = {}
    for name in ("project_id", "task_type_id", "task_status_id", "episode_id"):
        if name in params:
            values[name] = _uuid(params[name])
    for name in ("due_date_since", "due_date_until"):
        if name in params:
            values[name] = _moment(name, params[name])
    filters = set(values)
    if params.get("person_id") == "unassigned":
        filters.add("unassigned")
    elif "person_id" in params:
        filters.add("person_ids")
        values["person_ids"] = [_uuid(person_id.strip()) for person_id in params["person_id"].split(",")]
    page = _number("page", params["page"]) if "page" in params else None
    limit = _number("limit", params["limit"]) if "limit" in params else 100
    order = params.get("order_by", "")
    return Asked(frozenset(filters), values, order if order in _ORDERS else "", page, limit)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise BadRequest(f"Wrong UUID format: {text!r}.") from None


def _moment(name: str, text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        raise BadRequest(f"{name}: {text!r} is not a date (YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS).") from None


def _number(name: str, text: str) -> int:
    """A whole number, at least 1 and small enough to count with."""
    try:
        return min(max(int(text), 1), 10**9)
    except ValueError:
        raise BadRequest(f"{name}: {text!r} is not a whole number.") from None


def _conditions(filters: frozenset[str], for_admin: bool) -> tuple[ColumnElement[bool], ...]:
    scope = () if for_admin else _CHECKED_BY_CALLER
    return (*_AWAITED, *scope, *(_FILTERS[name] for name in sorted(filters)))


@lru_cache(1024)
def tasks(filters: frozenset[str], order: str, *, for_admin: bool) -> Executable:
    """All tasks to check, one row each."""
    statement = rows(*_conditions(filters, for_admin), for_admin=for_admin)
    return statement.order_by(*_ORDERS.get(order, _NAMES))


_LIMIT, _OFFSET = param("limit", BigInteger), param("offset", BigInteger)


def _total(value: ColumnElement[Any]) -> ColumnElement[str]:
    """A sum; 0 when there is nothing to sum."""
    total = func.coalesce(func.sum(value), literal_column("0.0"), type_=task.c.duration.type)
    return case((total == literal_column("0"), literal_column("'0'", Text)), else_=json_text(total)).cast(JsonText())


@lru_cache(1024)
def page(filters: frozenset[str], order: str, *, for_admin: bool) -> Executable:
    """A window of the tasks to check as a JSON array, and the count and sums of all of them."""
    conditions = _conditions(filters, for_admin)
    shown = rows(*conditions, for_admin=for_admin).order_by(*_ORDERS.get(order, _NAMES)).limit(_LIMIT).offset(_OFFSET)
    totals: dict[str, ColumnElement[Any]] = {
        "total": func.count(),
        "total_duration": _total(task.c.duration),
        "total_estimation": _total(task.c.estimation),
    }
    stats = select(func.count().label("total"), json_object(totals).label("stats")).select_from(WITH_CALLER)
    summed = stats.where(*conditions).subquery()
    return select(summed.c.total, summed.c.stats, json_list(shown).label("data")).select_from(summed)


@lru_cache
def filter_values(*, for_admin: bool) -> Executable:
    """What the tasks to check differ in: ids of productions, task types, statuses, episodes and assignees, sorted."""
    desk = (
        select(
            task.c.id,
            task.c.project_id,
            task.c.task_type_id,
            task.c.task_status_id,
            EPISODE_ID.label("episode_id"),
        )
        .select_from(WITH_CALLER)
        .where(*_conditions(frozenset(), for_admin))
        .cte("desk")
    )
    assigned = select(task_person_link.c.person_id).join(desk, desk.c.id == task_person_link.c.task_id).distinct()

    def distinct(column: ColumnElement[Any]) -> ColumnElement[str]:
        return _sorted(select(column).where(column.is_not(None)).distinct())

    def _sorted(ids: Any) -> ColumnElement[str]:
        (column,) = ids.subquery().c
        return json_list(select(column).order_by(cast(column, Text).collate("C")))

    return select(
        json_object(
            {
                "project_ids": distinct(desk.c.project_id),
                "task_type_ids": distinct(desk.c.task_type_id),
                "task_status_ids": distinct(desk.c.task_status_id),
                "episode_ids": distinct(desk.c.episode_id),
                "person_ids": _sorted(assigned),
            }
        )
    )

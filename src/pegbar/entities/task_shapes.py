"""How tasks look inside the answers about entities. Source: spec shots, "Task shapes" and "Client blanking"."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Column, ColumnElement, Executable, case, cast, exists, func, literal_column, select

from pegbar.accounts.standing import CALLER, on
from pegbar.core.data.changes import Relation
from pegbar.core.data.parameters import CALLER_ID
from pegbar.core.data.wire import JsonText, Wire, json_list, json_object, wire_of
from pegbar.core.http.access import Caller
from pegbar.entities.tables import entity
from pegbar.notifications.tables import subscription
from pegbar.productions.tables import project
from pegbar.studio.tables import entity_type, task_status, task_type
from pegbar.tasks.tables import task, task_person_link

#: Studio fields that clients get blanked, and what stands in their place. The keys stay.
BLANKED: dict[str, str] = {
    "assignees": "[]",
    **dict.fromkeys(
        (
            "assigner_id",
            "difficulty",
            "done_date",
            "due_date",
            "end_date",
            "last_comment_date",
            "real_start_date",
            "start_date",
        ),
        "null",
    ),
    **dict.fromkeys(("completion_rate", "nb_assets_ready", "nb_drawings", "priority", "retake_count"), "0"),
    "duration": "0.0",
    "estimation": "0.0",
}


def blank_of(key: str, value: ColumnElement[Any]) -> str | None:
    """The JSON that clients get in place of a task's key; None for what they see. A copy goes by its column's name."""
    if isinstance(value, Column):
        return BLANKED.get(value.name) if value.table is task else None
    return BLANKED.get(key)


def blanked(wire: Wire) -> Wire:
    """The same keys, with nothing of the studio's in them."""
    blanks = {key: blank for key, value in wire.items() if (blank := blank_of(key, value)) is not None}
    return Wire({**wire, **{key: literal_column(f"'{blank}'", JsonText()) for key, blank in blanks.items()}})


def blank_value(column: Column[Any]) -> ColumnElement[Any]:
    """What clients get in place of a column of tasks, where statements count and compare."""
    return cast(literal_column(BLANKED[column.name].upper()), column.type)


_ASSIGNEES = Relation("assignees", task_person_link.c.task_id, task_person_link.c.person_id).ids(task)
_SUBSCRIBED = exists(
    select(subscription.c.id)
    .where(subscription.c.task_id == task.c.id, subscription.c.person_id == CALLER_ID)
    .correlate(task)
)
MINE = exists(
    select(task_person_link.c.task_id)
    .where(task_person_link.c.task_id == task.c.id, task_person_link.c.person_id == CALLER_ID)
    .correlate(task)
)
_BOARD = wire_of(task, "Task").but(
    priority=func.coalesce(task.c.priority, literal_column("0"), type_=task.c.priority.type),
    assignees=_ASSIGNEES,
    is_subscribed=_SUBSCRIBED,
)


def tasks_of_entity(keys: Sequence[str], role: str) -> ColumnElement[str]:
    """The tasks of an entity as a role sees them: a client without studio fields, a vendor only their own."""
    wire = _BOARD.only(*keys)
    if role == "client":
        wire = blanked(wire)
    rows = select(json_object(wire)).where(task.c.entity_id == entity.c.id).correlate(entity)
    return json_list(rows.where(MINE) if role == "vendor" else rows)


def audience_of(role: str) -> str:
    """How callers of this role on a production see its entities and tasks."""
    return role if role in ("client", "vendor") else "studio"


def audience(caller: Caller) -> str:
    """How the caller sees entities and tasks: `client`, `vendor` or, whole, `studio`.

    By the role on the production in question; over several productions `mixed` when the roles there differ in that.
    """
    if caller.is_admin or caller.project_id is not None:
        return audience_of(caller.role_here)
    audiences = {audience_of(role) for role in caller.roles} or {audience_of(caller.role)}
    return audiences.pop() if len(audiences) == 1 else "mixed"


def by_audience(audience: str, shown: Callable[[str], ColumnElement[str]]) -> ColumnElement[str]:
    """What an audience is shown; for `mixed` by the role on the production of each entity."""
    if audience != "mixed":
        return shown(audience)
    here = on(CALLER, entity.c.project_id)
    cases = [(here.has_role(role), shown(role)) for role in ("client", "vendor")]
    return case(*cases, else_=shown("studio")).cast(JsonText())


#: A task with the names around it.
DETAILED = wire_of(task, "Task").but(
    project_name=project.c.name,
    task_type_name=task_type.c.name,
    task_status_name=task_status.c.name,
    entity_type_name=entity_type.c.name,
    entity_name=entity.c.name,
)
_DETAILS_OF = (
    task.join(entity, entity.c.id == task.c.entity_id)
    .join(project, project.c.id == task.c.project_id)
    .join(entity_type, entity_type.c.id == entity.c.entity_type_id)
    .join(task_type, task_type.c.id == task.c.task_type_id)
    .join(task_status, task_status.c.id == task.c.task_status_id)
)
_IN_ORDER = tuple(
    func.lower(name) for name in (task.c.name, project.c.name, task_type.c.name, entity_type.c.name, entity.c.name)
)


@lru_cache
def detailed(which: ColumnElement[bool], client: bool, relations: bool) -> Executable:
    """The detailed tasks that a condition on `task` and `entity` chooses, in order."""
    wire = DETAILED.but(assignees=_ASSIGNEES) if relations else DETAILED
    row = json_object(blanked(wire) if client else wire)
    return select(row).select_from(_DETAILS_OF).where(which).order_by(*_IN_ORDER, task.c.id)


TASK_TYPE = wire_of(task_type, "TaskType")


@lru_cache
def types_of(which: ColumnElement[bool]) -> Executable:
    """The types of the tasks that a condition on `task` chooses."""
    used = select(task.c.task_type_id).where(which)
    return select(json_object(TASK_TYPE)).where(task_type.c.id.in_(used))

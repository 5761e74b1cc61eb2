"""A person's tasks as rows of a list: to do, done. Source: spec user, "TodoRow"; spec tasks, persons/tasks."""

from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Executable,
    Select,
    Text,
    and_,
    case,
    exists,
    func,
    literal_column,
    select,
    true,
)

from pegbar.core.resource import CALLER_ID
from pegbar.core.wire import JsonText, Wire, json_list, json_object, json_text
from pegbar.entities.kinds import EPISODE, is_kind
from pegbar.entities.tables import entity, entity_link
from pegbar.studio.tables import task_status, task_type
from pegbar.tasks import in_context
from pegbar.tasks.comments.visibility import BY_CLIENT
from pegbar.tasks.in_context import MINE, OPEN, WITH_CALLER
from pegbar.tasks.tables import comment, task, task_person_link

_LAST_COMMENT = (
    select(json_object({"text": comment.c.text, "date": comment.c.created_at, "person_id": comment.c.person_id}))
    .where(comment.c.object_id == task.c.id, ~BY_CLIENT)
    .order_by(comment.c.created_at.desc(), comment.c.id)
    .limit(1)
    .correlate(task)
    .scalar_subquery()
)

_CASTING = entity.alias("casting")


def _cast_in(value: ColumnElement[Any]) -> ColumnElement[str]:
    """What is asked of the episodes in which the task's entity is cast, by their names."""
    return json_list(
        select(value)
        .join_from(_CASTING, entity_link, entity_link.c.entity_in_id == _CASTING.c.id)
        .where(entity_link.c.entity_out_id == task.c.entity_id, is_kind(EPISODE, _CASTING))
        .order_by(_CASTING.c.name, _CASTING.c.id)
        .correlate(task)
    )


_IS_CAST = exists(
    select(literal_column("1"))
    .join_from(_CASTING, entity_link, entity_link.c.entity_in_id == _CASTING.c.id)
    .where(entity_link.c.entity_out_id == task.c.entity_id, is_kind(EPISODE, _CASTING))
    .correlate(task)
)

ROW: Wire = in_context.ROW.but(
    task_type_name=task_type.c.name,
    task_type_color=task_type.c.color,
    task_status_name=task_status.c.name,
    task_status_color=task_status.c.color,
    task_status_short_name=task_status.c.short_name,
    task_estimation=task.c.estimation,
    task_duration=task.c.duration,
    task_start_date=task.c.start_date,
    task_due_date=task.c.due_date,
    last_comment=func.coalesce(json_text(_LAST_COMMENT), literal_column("'{}'", Text)).cast(JsonText()),
)


def _with_episodes() -> ColumnElement[str]:
    """The row; with the episodes it is cast in, when there are some."""
    row = json_text(json_object(ROW))
    more = json_object({"episode_ids": _cast_in(_CASTING.c.id), "episode_names": _cast_in(_CASTING.c.name)})
    joined = func.concat(
        func.left(row, literal_column("-1")),
        literal_column("','", Text),
        func.substr(json_text(more), literal_column("2")),
        type_=Text,
    )
    return case((_IS_CAST, joined), else_=row).cast(JsonText())


def assigned_to(person_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Tasks of a person."""
    return task.c.id.in_(select(task_person_link.c.task_id).where(task_person_link.c.person_id == person_id))


@lru_cache
def of_person(*, done: bool, person_id: ColumnElement[Any] = CALLER_ID, all_projects: bool = False) -> Executable:
    """The tasks of a person in the caller's open productions (or in all open ones) that are done, or are not."""
    scope = true() if all_projects else MINE
    rows: Select[Any] = (
        select(_with_episodes())
        .select_from(WITH_CALLER)
        .where(and_(assigned_to(person_id), OPEN, scope, task_status.c.is_done.is_(done)))
    )
    if done:
        rows = rows.order_by(task.c.end_date.desc().nulls_first(), task_type.c.name, entity.c.name, task.c.id)
    return rows

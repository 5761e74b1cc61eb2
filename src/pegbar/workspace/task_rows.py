"""Tasks as rows of a list: to do, done, to check. Source: spec user, "TodoRow" and "Worth fixing" 4; spec tasks.

Each row is as the caller's role on its production sees it: clients get no studio fields, vendors not the metadata of
other departments. `HERE` is the caller's place in that team.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, case, exists, func, literal_column, or_, select

from pegbar.core.resource import CALLER_ID
from pegbar.core.wire import JsonText, Wire, json_list, json_object, json_text
from pegbar.entities.kinds import EPISODE, is_kind, kind_text
from pegbar.entities.listing import masked, masked_data
from pegbar.entities.tables import entity, entity_link
from pegbar.entities.task_shapes import BLANKED
from pegbar.productions.tables import metadata_descriptor
from pegbar.studio.tables import task_status, task_type
from pegbar.tasks import in_context
from pegbar.tasks.comments.visibility import BY_CLIENT, FOR_CLIENTS
from pegbar.tasks.in_context import HERE, WITH_CALLER, caller_is
from pegbar.tasks.tables import comment, task, task_person_link


def word(text: str) -> ColumnElement[str]:
    """A constant of ours."""
    return literal_column(f"'{text}'", Text)


_SAID = json_object({"text": comment.c.text, "date": comment.c.created_at, "person_id": comment.c.person_id})
_CASTING = entity.alias("casting")
_cast_in = (
    select(_CASTING.c.id, _CASTING.c.name)
    .join_from(_CASTING, entity_link, entity_link.c.entity_in_id == _CASTING.c.id)
    .where(entity_link.c.entity_out_id == task.c.entity_id, is_kind(EPISODE, _CASTING))
    .correlate(task)
)


def _episodes(value: ColumnElement[Any]) -> ColumnElement[str]:
    """What is asked of the episodes in which the task's entity is cast, by their names."""
    return json_list(_cast_in.with_only_columns(value).order_by(_CASTING.c.name, _CASTING.c.id))


_STUDIO_ROW: Wire = in_context.ROW.but(
    task_type_name=task_type.c.name,
    task_type_color=task_type.c.color,
    task_status_name=task_status.c.name,
    task_status_color=task_status.c.color,
    task_status_short_name=task_status.c.short_name,
    task_estimation=task.c.estimation,
    task_duration=task.c.duration,
    task_start_date=task.c.start_date,
    task_due_date=task.c.due_date,
)
#: What clients get in place of what is the studio's own; the keys stay.
_BLANKS = {
    **BLANKED,
    **{f"task_{key}": BLANKED[key] for key in ("estimation", "duration", "start_date", "due_date")},
}


def _by_role(key: str, value: ColumnElement[Any]) -> ColumnElement[Any]:
    """The value as the caller's role on the production sees it."""
    if key in _BLANKS:
        return case((caller_is("client"), word(_BLANKS[key])), else_=json_text(value)).cast(JsonText())
    if key in ("data", "entity_data"):
        of_task = (
            metadata_descriptor.c.project_id == task.c.project_id,
            metadata_descriptor.c.entity_type == word("Task"),
            or_(
                metadata_descriptor.c.task_type_id.is_(None), metadata_descriptor.c.task_type_id == task.c.task_type_id
            ),
        )
        hidden = masked(value, *of_task) if key == "data" else masked_data(kind_text())
        return case((caller_is("vendor"), json_text(hidden)), else_=json_text(value)).cast(JsonText())
    return value


_EVERY_ROW = Wire({key: _by_role(key, value) for key, value in _STUDIO_ROW.items()})


def _row(said: ColumnElement[Any], *, for_admin: bool, with_episodes: bool) -> ColumnElement[str]:
    """The row; with the episodes that the entity is cast in, when there are some."""
    wire = _STUDIO_ROW if for_admin else _EVERY_ROW
    row = json_object(wire.but(last_comment=func.coalesce(said, word("{}")).cast(JsonText())))
    if not with_episodes:
        return row
    more = json_object({"episode_ids": _episodes(_CASTING.c.id), "episode_names": _episodes(_CASTING.c.name)})
    joined = func.concat(
        func.left(json_text(row), literal_column("-1")),
        word(","),
        func.substr(json_text(more), literal_column("2")),
        type_=Text,
    )
    return case((exists(_cast_in), joined), else_=json_text(row)).cast(JsonText())


def rows(
    conditions: Sequence[ColumnElement[bool]],
    order: Sequence[ColumnElement[Any]] = (),
    *,
    for_admin: bool,
    with_episodes: bool = False,
    window: tuple[ColumnElement[int], ColumnElement[int]] | None = None,
) -> Select[Any]:
    """The rows of the tasks that meet the conditions, as JSON text, in order; those of a window of limit and offset.

    The newest comments of all of them are found at once. Takes the parameters of `scope_parameters`.
    """
    found = select(task.c.id).select_from(WITH_CALLER).where(*conditions)
    if window is not None:
        found = found.order_by(*order).limit(window[0]).offset(window[1])
    chosen = found.cte("chosen")
    shown = ~BY_CLIENT
    if not for_admin:
        shown = case((caller_is("client"), FOR_CLIENTS), else_=shown)
    said = (
        select(comment.c.object_id, _SAID.label("said"))
        .distinct(comment.c.object_id)
        .select_from(
            chosen.join(comment, comment.c.object_id == chosen.c.id)
            .join(task, task.c.id == chosen.c.id)
            .outerjoin(HERE, (HERE.c.project_id == task.c.project_id) & (HERE.c.person_id == CALLER_ID))
        )
        .where(shown)
        .order_by(comment.c.object_id, comment.c.created_at.desc(), comment.c.id)
        .cte("said")
    )
    row = _row(said.c.said, for_admin=for_admin, with_episodes=with_episodes)
    source = WITH_CALLER.join(chosen, chosen.c.id == task.c.id).outerjoin(said, said.c.object_id == task.c.id)
    return select(row.label("row")).select_from(source).order_by(*order)


@lru_cache
def assigned_to(person_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Tasks of a person."""
    return task.c.id.in_(select(task_person_link.c.task_id).where(task_person_link.c.person_id == person_id))

"""Tasks as rows of a list: to do, done, to check. Source: spec user, "TodoRow" and "Worth fixing" 4; spec tasks.

Each row is as the caller's role on its production sees it: clients get no studio fields, vendors not the metadata of
other departments. `HERE` is the caller's place in that team.
"""

from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, case, exists, func, literal_column, select

from pegbar.accounts.standing import CALLER, Said, hears
from pegbar.core.data.wire import JsonText, Wire, json_list, json_object, json_text, word
from pegbar.entities.kinds import EPISODE, is_kind
from pegbar.entities.tables import entity, entity_link
from pegbar.productions.tables import project
from pegbar.studio.tables import task_status, task_type
from pegbar.tasks import in_context
from pegbar.tasks.in_context import HERE, WITH_CALLER, by_role, caller_is
from pegbar.tasks.tables import comment, task

_CASTING = entity.alias("casting")
_cast_in = (
    select(_CASTING.c.id, _CASTING.c.name)
    .join_from(_CASTING, entity_link, entity_link.c.entity_in_id == _CASTING.c.id)
    .where(
        entity_link.c.entity_out_id == task.c.entity_id,
        _CASTING.c.project_id == task.c.project_id,
        is_kind(EPISODE, _CASTING),
    )
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
_EVERY_ROW = by_role(_STUDIO_ROW)
#: What documentation says of a row.
ROW = _STUDIO_ROW.but(last_comment=literal_column("'{}'", JsonText()))


_said = Said(comment.c.person_id, task.c.project_id, comment.c.for_client)


def _last_comment(*, for_admin: bool) -> ColumnElement[str]:
    """The newest comment that is no client's; for clients, the newest that they may see."""
    shown = hears("user", CALLER, _said)
    if not for_admin:
        shown = case((caller_is("client"), hears("client", CALLER, _said)), else_=shown)
    comment_json = json_object({"text": comment.c.text, "date": comment.c.created_at, "person_id": comment.c.person_id})
    newest = (
        select(comment_json)
        .select_from(comment)
        .where(comment.c.object_id == task.c.id, shown)
        .order_by(comment.c.created_at.desc(), comment.c.id)
        .limit(1)
        .correlate(task, project, HERE)
    )
    return func.coalesce(newest.scalar_subquery(), word("{}")).cast(JsonText())


@lru_cache
def _row(*, for_admin: bool, with_episodes: bool) -> ColumnElement[str]:
    """The row; with the episodes that the entity is cast in, when there are some."""
    wire = _STUDIO_ROW if for_admin else _EVERY_ROW
    row = wire.but(last_comment=_last_comment(for_admin=for_admin))
    if not with_episodes:
        return json_object(row)
    more = json_object({"episode_ids": _episodes(_CASTING.c.id), "episode_names": _episodes(_CASTING.c.name)})
    ending = word(",").concat(func.substr(json_text(more), literal_column("2")))
    return json_object(row, end=case((exists(_cast_in), ending), else_=word("}")))


def rows(
    *conditions: ColumnElement[bool], tasks: FromClause = WITH_CALLER, for_admin: bool, with_episodes: bool = False
) -> Select[Any]:
    """The rows of the tasks that meet the conditions, as JSON text."""
    row = _row(for_admin=for_admin, with_episodes=with_episodes)
    return select(row.label("row")).select_from(tasks).where(*conditions)

"""Reads about previews."""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, any_, case, false, func, literal_column, select, text

from pegbar.accounts.standing import is_open
from pegbar.core.data.changes import Relation
from pegbar.core.data.parameters import param, sql
from pegbar.core.data.schema import TIMESTAMP, Text
from pegbar.core.data.wire import json_object, wire_of
from pegbar.entities.kinds import kind_by_type
from pegbar.entities.tables import entity
from pegbar.media.tables import preview_file
from pegbar.productions.tables import project
from pegbar.studio.tables import entity_type, organisation, task_type
from pegbar.tasks.tables import comment_preview_link, task

PREVIEW = wire_of(preview_file, "PreviewFile")
COMMENTS = Relation("comments", comment_preview_link.c.preview_file, comment_preview_link.c.comment)
_PREVIEW_ID = param("preview_id")

#: A preview, and a preview with its comments, as JSON.
preview_row = select(json_object(PREVIEW)).where(preview_file.c.id == _PREVIEW_ID)
preview_with_comments = select(json_object(PREVIEW.but(comments=COMMENTS.ids(preview_file)))).where(
    preview_file.c.id == _PREVIEW_ID
)

#: What decides what is done with a preview, with the production it is in.
_state = select(
    preview_file.c.id,
    preview_file.c.status,
    preview_file.c.original_name,
    preview_file.c.extension,
    preview_file.c.revision,
    preview_file.c.position,
    preview_file.c.task_id,
    preview_file.c.person_id,
    preview_file.c.data,
    task.c.project_id,
    task.c.entity_id,
).select_from(preview_file.outerjoin(task, task.c.id == preview_file.c.task_id))
preview_state = _state.where(preview_file.c.id == _PREVIEW_ID)
locked_preview_state = preview_state.with_for_update(of=preview_file)
preview_states = _state.where(preview_file.c.id == any_(param("preview_ids")))
locked_preview_states = preview_states.with_for_update(of=preview_file)

#: What the data of the production says that a preview is in.
production_data = (
    select(project.c.data)
    .select_from(preview_file.join(task, task.c.id == preview_file.c.task_id))
    .join(project, project.c.id == task.c.project_id)
    .where(preview_file.c.id == _PREVIEW_ID)
)

#: Ready previews of these extensions, of a production by its name or of all.
remakable_previews = sql(
    """
    SELECT p.id FROM preview_file p LEFT JOIN task t ON t.id = p.task_id LEFT JOIN project j ON j.id = t.project_id
     WHERE p.status = 'ready' AND lower(p.extension) = ANY(:extensions ::text[])
       AND (:project ::text IS NULL OR j.name = :project)
     ORDER BY p.created_at
    """,
    project=Text,
)

#: The id of the organisation's setting for the names of downloads.
_ORIGINAL_NAMES = (
    select(organisation.c.use_original_file_name).order_by(organisation.c.created_at).limit(1).scalar_subquery()
)

_parent = entity.alias("parent")
_grandparent = entity.alias("grandparent")


def _full_name() -> ColumnElement[str]:
    """Such as "Episode / Sequence / Shot" or "Asset type / Asset"."""
    is_asset = kind_by_type() == literal_column("'Asset'", Text)
    return func.concat_ws(
        " / ",
        case((is_asset, entity_type.c.name), else_=_grandparent.c.name),
        case((is_asset, None), else_=_parent.c.name),
        entity.c.name,
        type_=Text,
    )


def served(previews: FromClause = preview_file) -> Select[Any]:
    """What serving previews needs, and the words their downloads are named with; of those joined in `previews`."""
    return (
        select(
            preview_file.c.id,
            preview_file.c.status,
            preview_file.c.extension,
            preview_file.c.revision,
            preview_file.c.position,
            preview_file.c.original_name,
            preview_file.c.file_size,
            preview_file.c.data["movie_prefixes"].label("movie_prefixes"),
            (entity.c.is_shared & (entity.c.preview_file_id == preview_file.c.id)).label("shared_main"),
            _ORIGINAL_NAMES.label("original_names"),
            project.c.name.label("project_name"),
            _full_name().label("entity_name"),
            task_type.c.name.label("task_type_name"),
        )
        .select_from(previews)
        .outerjoin(task, task.c.id == preview_file.c.task_id)
        .outerjoin(entity, entity.c.id == task.c.entity_id)
        .outerjoin(entity_type, entity_type.c.id == entity.c.entity_type_id)
        .outerjoin(_parent, _parent.c.id == entity.c.parent_id)
        .outerjoin(_grandparent, _grandparent.c.id == _parent.c.parent_id)
        .outerjoin(project, project.c.id == task.c.project_id)
        .outerjoin(task_type, task_type.c.id == task.c.task_type_id)
    )


served_preview = served().where(preview_file.c.id == _PREVIEW_ID)

#: What showing a picture of a preview needs, as JSON: it comes along with the caller, by the key of their place.
SHOWN = (
    select(
        func.json_build_object(
            text("'id'"),
            preview_file.c.id,
            text("'status'"),
            preview_file.c.status,
            text("'extension'"),
            preview_file.c.extension,
            text("'file_size'"),
            preview_file.c.file_size,
            text("'shared_main'"),
            func.coalesce(entity.c.is_shared & (entity.c.preview_file_id == preview_file.c.id), false()),
        ).cast(Text)
    )
    .select_from(preview_file)
    .outerjoin(task, task.c.id == preview_file.c.task_id)
    .outerjoin(entity, entity.c.id == task.c.entity_id)
    .where(preview_file.c.id == param("key"))
)


_UNFINISHED = ("broken", "missing", "processing")


def _unfinished(*, limited: bool, after: bool) -> Select[Any]:
    """Previews of open productions that are not ready, newest first."""
    wire = PREVIEW.but(project_id=task.c.project_id, task_type_id=task.c.task_type_id, full_entity_name=_full_name())
    statement = (
        select(json_object(wire))
        .select_from(preview_file)
        .join(task, task.c.id == preview_file.c.task_id)
        .join(project, project.c.id == task.c.project_id)
        .join(entity, entity.c.id == task.c.entity_id)
        .join(entity_type, entity_type.c.id == entity.c.entity_type_id)
        .outerjoin(_parent, _parent.c.id == entity.c.parent_id)
        .outerjoin(_grandparent, _grandparent.c.id == _parent.c.parent_id)
        .where(
            preview_file.c.status.in_(
                [literal_column(f"'{status}'") for status in ("broken", "missing", "processing")]
            ),
            is_open(to_admins=True),
        )
        .order_by(preview_file.c.created_at.desc(), preview_file.c.id)
    )
    if after:
        statement = statement.where(preview_file.c.created_at < param("before", TIMESTAMP))
    return statement.limit(param("limit")) if limited else statement


#: The same, by whether a limit and a cursor are given.
unfinished_previews = {
    (limited, after): _unfinished(limited=limited, after=after) for limited in (False, True) for after in (False, True)
}
created_at_of = select(preview_file.c.created_at).where(preview_file.c.id == _PREVIEW_ID)

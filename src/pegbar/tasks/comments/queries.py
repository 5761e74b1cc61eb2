"""Reads of comments."""

from functools import lru_cache

from sqlalchemy import ColumnElement, Executable, any_, exists, false, func, or_, select

from pegbar.core.data.parameters import param
from pegbar.core.data.wire import EVERY_ROW, Wire, json_object
from pegbar.core.http.access import Caller
from pegbar.media.tables import preview_file
from pegbar.tasks.comments.access import FOR_CLIENTS, visible_to, visible_to_role
from pegbar.tasks.comments.shapes import LISTED, POSTED, WITH_IDS, listed_for_clients
from pegbar.tasks.tables import attachment_file, comment, comment_preview_link, task

TASK_ID = param("task_id")
COMMENT_ID = param("comment_id")

#: A comment as the answer to posting it.
posted = select(json_object(POSTED)).select_from(comment).where(comment.c.id == COMMENT_ID)

_IDS = param("ids")
#: Several comments as the answer to posting them, in their order.
posted_together = (
    select(json_object(POSTED))
    .select_from(comment)
    .where(comment.c.id == any_(_IDS))
    .order_by(func.array_position(_IDS, comment.c.id))
)

_HOLDS_PREVIEW = exists(
    select(comment_preview_link.c.comment)
    .join(preview_file, preview_file.c.id == comment_preview_link.c.preview_file)
    .where(comment_preview_link.c.comment == comment.c.id, preview_file.c.validation_status != "rejected")
    .correlate(comment)
)
_LISTED_FOR_CLIENTS = listed_for_clients(FOR_CLIENTS)


@lru_cache
def _thread(wire: Wire, condition: ColumnElement[bool]) -> Executable:
    return (
        select(json_object(wire))
        .select_from(comment)
        .where(comment.c.object_id == TASK_ID, comment.c.task_status_id.is_not(None), condition)
        .order_by(comment.c.created_at.desc(), comment.c.id)
    )


_FOR_CLIENTS_OR_PICTURES = or_(FOR_CLIENTS, _HOLDS_PREVIEW)


def thread(role: str) -> Executable:
    """The comments of a task that a caller of this role on its production may see, newest first."""
    if role == "client":
        return _thread(_LISTED_FOR_CLIENTS, _FOR_CLIENTS_OR_PICTURES)
    return _thread(LISTED, visible_to_role(role))


@lru_cache
def _one(wire: Wire, condition: ColumnElement[bool]) -> Executable:
    return (
        select(condition.label("visible"), comment.c.object_id, json_object(wire).label("row"))
        .select_from(comment)
        .where(comment.c.id == COMMENT_ID)
    )


def one(wire: Wire, caller: Caller) -> Executable:
    """A comment, its task, and whether the caller may see it."""
    return _one(wire, visible_to(caller))


@lru_cache
def _attachment(wire: Wire, condition: ColumnElement[bool]) -> Executable:
    holder = select(condition).where(comment.c.id == attachment_file.c.comment_id).correlate(attachment_file)
    visible = attachment_file.c.comment_id.is_(None) | func.coalesce(holder.scalar_subquery(), false())
    return (
        select(
            visible.label("visible"), json_object(wire).label("row"), attachment_file.c.name, attachment_file.c.mimetype
        )
        .select_from(attachment_file)
        .where(attachment_file.c.id == param("attachment_id"))
    )


def attachment(wire: Wire, caller: Caller) -> Executable:
    """An attachment, and whether the caller may see the comment that holds it, if one does."""
    return _attachment(wire, visible_to(caller))


@lru_cache
def attachments_of_task(wire: Wire) -> Executable:
    """The attachments of the comments of a task."""
    held = select(comment.c.id).where(comment.c.object_id == TASK_ID)
    return select(json_object(wire)).where(attachment_file.c.comment_id.in_(held))


@lru_cache
def attachments_of_project(wire: Wire) -> Executable:
    """The attachments of the comments of a production."""
    held = (
        select(comment.c.id)
        .join(task, task.c.id == comment.c.object_id)
        .where(task.c.project_id == param("project_id"))
    )
    return select(json_object(wire)).where(attachment_file.c.comment_id.in_(held))


# Of a production

_PROJECT_ID = param("project_id")
_IN_PROJECT = comment.c.object_id.in_(select(task.c.id).where(task.c.project_id == _PROJECT_ID))
_OF_PROJECT = (
    select(json_object(WITH_IDS))
    .select_from(comment)
    .where(_IN_PROJECT)
    .order_by(comment.c.updated_at.desc(), comment.c.id)
)


@lru_cache
def of_project(visible: ColumnElement[bool], *, paged: bool) -> Executable:
    """The comments of a production that a caller may see, latest change first."""
    rows = _OF_PROJECT.where(visible)
    return rows.limit(param("limit")).offset(param("offset")) if paged else rows.limit(EVERY_ROW)


@lru_cache
def number_in_project(visible: ColumnElement[bool]) -> Executable:
    """How many those are."""
    return select(func.count()).select_from(comment).where(_IN_PROJECT, visible)

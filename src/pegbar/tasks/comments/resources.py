"""Generic routes of comments and of what is attached to them. Source: spec crud, "comments", "attachment-files"."""

from typing import Any
from uuid import UUID

from litestar import Request
from sqlalchemy import func, select

from pegbar.core.data.changes import Change, Relation, Verb
from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.data.parameters import param
from pegbar.core.data.resource import Access, Resource
from pegbar.core.data.wire import json_object, wire_of
from pegbar.core.data.writes import writes
from pegbar.core.errors import Forbidden, NotFound
from pegbar.core.http.access import Caller, Place, Rule, admin, of_row, task_access
from pegbar.core.http.routing import delete, get, path_uuid
from pegbar.core.storage import Address, mark_deleted, mark_missing
from pegbar.tasks.comments import actions, editing, queries
from pegbar.tasks.comments.shapes import (
    ACKNOWLEDGEMENTS,
    COMMENT,
    DEPARTMENT_MENTIONS,
    MENTIONS,
    PREVIEW_OBJECTS,
    PREVIEW_OBJECTS_FOR_CLIENTS,
    PREVIEWS,
    READ,
)
from pegbar.tasks.events import COMMENT_DELETE, COMMENT_NEW, COMMENT_UPDATE
from pegbar.tasks.tables import attachment_file, comment, task
from pegbar.workspace.tables import chat, chat_message

_OF_TASK = of_row("task", comment.c.object_id)
_in_team = Rule("member of the production who sees the comment", lambda caller: caller.is_member, _OF_TASK)


_PROJECT = select(task.c.project_id).where(task.c.id == param("task_id"))


async def _emit(_: Resource, change: Change, verb: Verb) -> None:
    project_id = await change.tx.value(_PROJECT, task_id=change.after("object_id"))
    change.tx.emit(
        COMMENT_NEW if verb == "new" else COMMENT_UPDATE,
        project_id=project_id,
        comment_id=change.row_id,
        task_id=change.after("object_id"),
        person_id=change.after("person_id"),
        for_client=bool(change.after("for_client")),
    )


comments = Resource(
    comment,
    path="/data/comments",
    type="Comment",
    access=Access(list=admin, create=admin, update=_in_team),
    relations=(
        PREVIEWS,
        MENTIONS,
        DEPARTMENT_MENTIONS,
        ACKNOWLEDGEMENTS,
        Relation("attachment_files", attachment_file.c.comment_id, attachment_file.c.id, writable=False),
    ),
    writes=writes(
        """
        text data replies checklist pinned links task_status_id object_id person_id preview_file_id for_client
        shotgun_id previews acknowledgements
        """,
        create="object_type mentions department_mentions",
        only=editing.ONLY,
        alike={"previews": ("task_id", "object_id"), "preview_file_id": ("task_id", "object_id")},
    ),
    check=editing.check,
    saved=editing.saved,
    emit=_emit,
    streams=True,
    skip=frozenset({"read", "delete"}),
    tag="Comments",
)

_READ_WITH_PREVIEWS = READ.but(previews=PREVIEW_OBJECTS)
_READ_WITH_PREVIEWS_FOR_CLIENTS = READ.but(previews=PREVIEW_OBJECTS_FOR_CLIENTS)


@get(
    "/data/comments/{instance_id:str}",
    access=task_access(_OF_TASK).further("comments hidden from the caller's role are refused"),
    returns=comments,
    tag="Comments",
    malformed=404,
    errors=(403, 404),
)
async def read_comment(instance_id: str, request: Request[Any, Any, Any], db: Database, caller: Caller) -> Json:
    """Read one of comments, with its author; `?with_previews=true` tells more of its previews."""
    wire = READ
    for_client = caller.role_here == "client"
    if request.query_params.get("with_previews", "").lower() == "true":
        wire = _READ_WITH_PREVIEWS_FOR_CLIENTS if for_client else _READ_WITH_PREVIEWS
    row = await db.row(queries.one(wire, caller), comment_id=path_uuid(instance_id, 404))
    if row is None:
        raise NotFound(f"There is no comment {instance_id}.")
    if not row["visible"]:
        raise Forbidden("This comment is not for you.")
    return Json(row["row"].encode())


@delete(
    "/data/comments/{instance_id:str}", access=_in_team, events=(COMMENT_DELETE,), tag="Comments", errors=(403, 404)
)
async def delete_comment(instance_id: str, tx: Transaction, caller: Caller) -> None:
    """Delete one of comments, with its previews and attachments; for its author and managers."""
    await actions.remove(tx, caller, path_uuid(instance_id))


# Attachments

_COMMENT = (
    select(json_object(COMMENT)).where(comment.c.id == attachment_file.c.comment_id).correlate(attachment_file)
).scalar_subquery()
_MESSAGE = (
    select(json_object(wire_of(chat_message, "ChatMessage")))
    .where(chat_message.c.id == attachment_file.c.chat_message_id)
    .correlate(attachment_file)
).scalar_subquery()
ATTACHMENT = wire_of(attachment_file, "AttachmentFile").but(comment=_COMMENT, chat_message=_MESSAGE)

#: The entity that an attachment is about: of the task of its comment, or of its chat.
_ABOUT = Place(
    "entity",
    "instance_id",
    select(
        func.coalesce(
            select(task.c.entity_id)
            .join(comment, comment.c.object_id == task.c.id)
            .where(comment.c.id == attachment_file.c.comment_id)
            .correlate(attachment_file)
            .scalar_subquery(),
            select(chat.c.object_id)
            .join(chat_message, chat_message.c.chat_id == chat.c.id)
            .where(chat_message.c.id == attachment_file.c.chat_message_id)
            .correlate(attachment_file)
            .scalar_subquery(),
        ).label("place_id")
    ).where(attachment_file.c.id == param("key")),
)
reads_attachment = Rule(
    "member of the production who sees the comment; vendors only with a task on the entity",
    lambda caller: caller.is_member and caller.reaches_entity,
    _ABOUT,
)


async def _forget_file(change: Change) -> None:
    await mark_deleted(change.tx, [Address("files", "attachments", change.row(attachment_file))])


async def _without_file(change: Change) -> None:
    """A row written here has no file behind it, and says so."""
    if change.before is None:
        await mark_missing(change.tx, Address("files", "attachments", change.row(attachment_file)))


attachments = Resource(
    attachment_file,
    path="/data/attachment-files",
    of_production=True,
    type="AttachmentFile",
    wire=ATTACHMENT,
    writes=writes("name size extension mimetype comment_id reply_id chat_message_id"),
    skip=frozenset({"read"}),
    saved=_without_file,
    deleting=_forget_file,
    tag="Attachment files",
)


@get(
    "/data/attachment-files/{instance_id:str}",
    access=reads_attachment.further("what hangs on a hidden comment is refused"),
    returns=attachments,
    tag="Attachment files",
    errors=(403, 404),
)
async def read_attachment(instance_id: str, db: Database, caller: Caller) -> Json:
    """Read one of attachment-files; 403 when the comment that holds it is not for the caller."""
    attachment_id: UUID = path_uuid(instance_id)
    row = await db.row(queries.attachment(ATTACHMENT, caller), attachment_id=attachment_id)
    if row is None:
        raise NotFound(f"There is no attachment {instance_id}.")
    if not row["visible"]:
        raise Forbidden("This attachment is not for you.")
    return Json(row["row"].encode())

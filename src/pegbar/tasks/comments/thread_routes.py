"""Routes of what follows a comment. Source: spec tasks, operations on replies, acknowledgements and attachments."""

from typing import Any
from uuid import UUID

from litestar import Request

from pegbar.accounts.shapes import SHORT as SHORT_PERSON
from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.data.values import check_text
from pegbar.core.errors import Forbidden, NotFound
from pegbar.core.http.access import Caller, Rule, admin, at, task_access
from pegbar.core.http.body import Strict, read_body, validate
from pegbar.core.http.downloads import download
from pegbar.core.http.routing import delete, get, post
from pegbar.core.http.uploads import received_form
from pegbar.tasks.comments import queries, thread
from pegbar.tasks.comments.attachments import address, attach, keep, short
from pegbar.tasks.comments.bodies import is_form
from pegbar.tasks.comments.resources import ATTACHMENT, attachments, reads_attachment
from pegbar.tasks.comments.rights import member_of_task
from pegbar.tasks.comments.routes import written
from pegbar.tasks.comments.shapes import ATTACHMENT as SHORT_ATTACHMENT
from pegbar.tasks.comments.shapes import ATTACHMENT_WITH_REPLY, COMMENT, WITH_IDS
from pegbar.tasks.events import (
    COMMENT_ACKNOWLEDGE,
    COMMENT_DELETE_REPLY,
    COMMENT_REPLY,
    COMMENT_UNACKNOWLEDGE,
    COMMENT_UPDATE,
)

AnyRequest = Request[Any, Any, Any]
_COMMENT = "/data/tasks/{task_id:uuid}/comments/{comment_id:uuid}"
_SHOWN = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp", "image/bmp", "image/avif"})


_DATE = {"type": "string", "description": "UTC, as YYYY-MM-DDTHH:MM:SS"}
_ID = {"type": "string", "format": "uuid"}
_REPLY = {
    "type": "object",
    "properties": {
        "id": _ID,
        "date": _DATE,
        "created_at": _DATE,
        "person_id": _ID,
        "text": {"type": "string"},
        "mentions": {"type": "array", "items": _ID},
        "department_mentions": {"type": "array", "items": _ID},
        "person": SHORT_PERSON,
        "attachment_files": {"type": "array", "items": ATTACHMENT_WITH_REPLY, "description": "When there are some"},
    },
}


class NewReply(Strict):
    """What is answered."""

    text: str = ""


@post(
    f"{_COMMENT}/reply",
    access=member_of_task,
    status=200,
    returns=_REPLY,
    events=(COMMENT_REPLY,),
    errors=(400, 403, 404),
)
async def reply_to_comment(
    task_id: UUID, comment_id: UUID, request: AnyRequest, db: Database, caller: Caller
) -> dict[str, Any]:
    """Answer a comment, as JSON or a form with files; the reply with its author."""
    async with received_form(request) as form:
        body = validate(form.fields, NewReply) if is_form(request) else await read_body(request, NewReply)
        check_text("text", body.text)
        files = await keep(form)

    async def answer(tx: Transaction) -> dict[str, Any]:
        return await thread.reply(tx, caller, (task_id, comment_id), body.text, files)

    return await written(db, caller, answer, files)


@delete(
    _COMMENT + "/reply/{reply_id:uuid}",
    access=member_of_task,
    status=200,
    returns=COMMENT,
    events=(COMMENT_DELETE_REPLY,),
    errors=(403, 404),
)
async def delete_reply(task_id: UUID, comment_id: UUID, reply_id: UUID, tx: Transaction, caller: Caller) -> Json:
    """Take a reply back; the comment."""
    return await thread.remove_reply(tx, caller, (task_id, comment_id), reply_id)


@post(
    f"{_COMMENT}/ack",
    access=task_access(at("task", "task_id")),
    status=200,
    returns=WITH_IDS,
    events=(COMMENT_ACKNOWLEDGE, COMMENT_UNACKNOWLEDGE),
    errors=(403, 404),
)
async def acknowledge_comment(task_id: UUID, comment_id: UUID, tx: Transaction, caller: Caller) -> Json:
    """Tick a comment as seen, or untick it; the comment."""
    return await thread.acknowledge(tx, caller, (task_id, comment_id))


@post(
    "/actions/tasks/{task_id:uuid}/comments/{comment_id:uuid}/add-attachment",
    access=member_of_task,
    returns=[SHORT_ATTACHMENT],
    events=(COMMENT_UPDATE,),
    errors=(403, 404),
)
async def add_attachments(task_id: UUID, comment_id: UUID, request: AnyRequest, db: Database, caller: Caller) -> Json:
    """Attach the files of a form to a comment; those attached."""
    async with received_form(request) as form:
        files = await keep(form)

    async def add(tx: Transaction) -> Json:
        await thread.change_files(tx, caller, (task_id, comment_id))
        await attach(tx, files, comment_id=comment_id)
        return await short(tx, files)

    return await written(db, caller, add, files)


@delete(_COMMENT + "/attachments/{file_id:uuid}", access=member_of_task, events=(COMMENT_UPDATE,), errors=(403, 404))
async def remove_attachment(task_id: UUID, comment_id: UUID, file_id: UUID, tx: Transaction, caller: Caller) -> None:
    """Remove a file from a comment."""
    await thread.detach(tx, caller, (task_id, comment_id), file_id)


@get(
    "/data/attachment-files/{instance_id:str}/file/{file_name:str}",
    access=reads_attachment,
    malformed=404,
    errors=(403, 404),
)
async def attachment_content(
    instance_id: str, file_name: str, request: AnyRequest, db: Database, caller: Caller
) -> Any:
    """The bytes of an attachment, for who sees the comment or chat that holds it; the name in the path is free."""
    given = {"caller_id": caller.id} if caller.role_here == "client" else {}
    row = await db.row(queries.attachment(ATTACHMENT, caller), attachment_id=UUID(instance_id), **given)
    if row is None:
        raise NotFound(f"There is no attachment {file_name}.")
    if not row["visible"]:
        raise Forbidden("This attachment is not for you.")
    kind = row["mimetype"] or "application/octet-stream"
    return await download(
        request,
        address(UUID(instance_id)),
        kind="text/plain; charset=utf-8" if kind == "text/plain" else kind,
        name=row["name"] or file_name,
        attachment=kind not in _SHOWN,
    )


_admin_on_task = Rule(admin.text, admin.test)


@get("/data/tasks/{task_id:uuid}/attachment-files", access=_admin_on_task, returns=[attachments])
async def task_attachments(task_id: UUID, db: Database) -> Json:
    """Attachments of the comments of a task."""
    return await db.json(queries.attachments_of_task(ATTACHMENT), task_id=task_id)


@get("/data/projects/{project_id:uuid}/attachment-files", access=_admin_on_task, returns=[attachments])
async def project_attachments(project_id: UUID, db: Database) -> Json:
    """Attachments of the comments of a production."""
    return await db.json(queries.attachments_of_project(ATTACHMENT), project_id=project_id)

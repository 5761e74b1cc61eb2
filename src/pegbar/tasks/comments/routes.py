"""Routes of comments: the thread of a task, what follows a comment, and comments on many tasks.

Source: spec tasks, operations on comments, replies, acknowledgements and attachments, comment-many and
copy-client-comments.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request

from pegbar.accounts.shapes import SHORT as SHORT_PERSON
from pegbar.config import settings
from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.data.values import check_text
from pegbar.core.errors import BadRequest, Forbidden, NotFound
from pegbar.core.http.access import Caller, Rule, admin, at, manager_of, member_of, staff_of, task_access
from pegbar.core.http.body import Strict, body_of, decode_json, json_value, read_body, validate
from pegbar.core.http.downloads import download
from pegbar.core.http.pagination import envelope, plain_or_enveloped, window
from pegbar.core.http.routing import Foreseen, Part, Together, delete, get, post
from pegbar.core.http.streaming import stream_array
from pegbar.core.http.uploads import Form, received_form
from pegbar.tasks.comments import actions, attachments, queries, replies, resources
from pegbar.tasks.comments.access import member_of_task, visible_to
from pegbar.tasks.comments.attachments import StoredFile, address, attach, discard, keep, short, written
from pegbar.tasks.comments.shapes import (
    ATTACHMENT,
    ATTACHMENT_WITH_REPLY,
    COMMENT,
    LISTED,
    POSTED,
    WITH_IDS,
    PostedComment,
    is_form,
    known_id,
)
from pegbar.tasks.events import (
    COMMENT_ACKNOWLEDGE,
    COMMENT_DELETE,
    COMMENT_DELETE_REPLY,
    COMMENT_NEW,
    COMMENT_REPLY,
    COMMENT_UNACKNOWLEDGE,
    COMMENT_UPDATE,
    NEWS_DELETE,
    NEWS_NEW,
    TASK_STATUS_CHANGED,
    TASK_UPDATE,
)

AnyRequest = Request[Any, Any, Any]
_ON_TASK = at("task", "task_id")


async def _comment_tasks(tx: Transaction, parts: Sequence[Part]) -> list[Json]:
    """Comments on different tasks, at once."""
    said = [(part.caller, part.params["task_id"], body_of(part.document, PostedComment)) for part in parts]
    ids = await actions.say_each(tx, said)
    return [Json(row[0].encode()) for row in await tx.rows(queries.posted_together, ids=ids)]


@post(
    "/actions/tasks/{task_id:uuid}/comment",
    access=member_of_task,
    returns=POSTED,
    events=(COMMENT_NEW, TASK_UPDATE, TASK_STATUS_CHANGED, NEWS_NEW),
    files=True,
    errors=(400, 403, 404),
    alone="",
    together=Together(lambda params, _: params["task_id"].lower(), _comment_tasks),
)
async def comment_task(task_id: UUID, request: AnyRequest, db: Database, caller: Caller) -> Json:
    """Comment a task and give it a status.

    JSON, or a form with files. Answers the comment with its status and author. 400 when the retakes are used up,
    403 for a status the caller's role may not give, 404 for an unknown status or author.
    """
    async with received_form(request) as form:
        body = validate(form.fields, PostedComment) if is_form(request) else await read_body(request, PostedComment)
        files = await keep(form)

    async def say(tx: Transaction) -> Json:
        comment_id = await actions.say(tx, caller, task_id, body)
        await attach(tx, files, comment_id=comment_id)
        return await actions.posted(tx, comment_id)

    return await written(db, caller, say, files)


@get(
    "/data/tasks/{task_id:uuid}/comments",
    access=task_access(_ON_TASK),
    foreseen=Foreseen(queries.thread, key="task_id", is_list=True),
    returns=[LISTED],
)
async def task_comments(task_id: UUID, db: Database, caller: Caller) -> Json:
    """The thread of a task, newest first, as the caller's role on the production sees it."""
    statement = queries.thread(caller.role_here)
    return await db.json(statement, task_id=task_id)


@get(
    "/data/tasks/{task_id:uuid}/comments/{comment_id:uuid}",
    access=task_access(_ON_TASK).further("comments hidden from the caller's role are refused"),
    returns=COMMENT,
    errors=(403, 404),
)
async def task_comment(task_id: UUID, comment_id: UUID, db: Database, caller: Caller) -> Json:
    """One comment of a task."""
    row = await db.row(queries.one(COMMENT, caller), comment_id=comment_id)
    if row is None or row["object_id"] != task_id:
        raise NotFound(f"There is no comment {comment_id} on this task.")
    if not row["visible"]:
        raise Forbidden("This comment is not for you.")
    return Json(row["row"].encode())


@delete("/data/tasks/{task_id:uuid}/comments/{comment_id:uuid}", access=member_of_task, events=(COMMENT_DELETE,))
async def delete_task_comment(task_id: UUID, comment_id: UUID, tx: Transaction, caller: Caller) -> None:
    """Delete a comment with its previews and attachments; the task is worked out again."""
    await actions.remove(tx, caller, comment_id, task_id=task_id)


class Move(Strict):
    """The task a comment should have been on."""

    target_task_id: str


@post(
    "/actions/tasks/{task_id:uuid}/comments/{comment_id:uuid}/move",
    access=manager_of(_ON_TASK),
    status=200,
    returns=WITH_IDS,
    events=(NEWS_DELETE, TASK_UPDATE, COMMENT_DELETE, COMMENT_NEW, NEWS_NEW),
    errors=(400, 403, 404),
)
async def move_comment(task_id: UUID, comment_id: UUID, body: Move, tx: Transaction, caller: Caller) -> Json:
    """Move a comment without previews to another task of its entity; the comment."""
    await actions.move(tx, caller, task_id, comment_id, known_id("target_task_id", body.target_task_id))
    return await replies.with_ids(tx, comment_id)


# What follows a comment

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
    files=True,
    errors=(400, 403, 404),
    alone="",
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
        return await replies.reply(tx, caller, (task_id, comment_id), body.text, files)

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
    return await replies.remove_reply(tx, caller, (task_id, comment_id), reply_id)


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
    return await replies.acknowledge(tx, caller, (task_id, comment_id))


@post(
    "/actions/tasks/{task_id:uuid}/comments/{comment_id:uuid}/add-attachment",
    access=member_of_task,
    returns=[ATTACHMENT],
    events=(COMMENT_UPDATE,),
    files=True,
    errors=(403, 404),
)
async def add_attachments(task_id: UUID, comment_id: UUID, request: AnyRequest, db: Database, caller: Caller) -> Json:
    """Attach the files of a form to a comment; those attached."""
    async with received_form(request) as form:
        files = await keep(form)

    async def add(tx: Transaction) -> Json:
        await attachments.change_files(tx, caller, (task_id, comment_id))
        await attach(tx, files, comment_id=comment_id)
        return await short(tx, files)

    return await written(db, caller, add, files)


@delete(_COMMENT + "/attachments/{file_id:uuid}", access=member_of_task, events=(COMMENT_UPDATE,), errors=(403, 404))
async def remove_attachment(task_id: UUID, comment_id: UUID, file_id: UUID, tx: Transaction, caller: Caller) -> None:
    """Remove a file from a comment."""
    await attachments.detach(tx, caller, (task_id, comment_id), file_id)


@get(
    "/data/attachment-files/{instance_id:str}/file/{file_name:str}",
    access=resources.reads_attachment,
    malformed=404,
    errors=(403, 404),
)
async def attachment_content(
    instance_id: str, file_name: str, request: AnyRequest, db: Database, caller: Caller
) -> Any:
    """The bytes of an attachment, for who sees the comment or chat that holds it; the name in the path is free."""
    row = await db.row(queries.attachment(resources.ATTACHMENT, caller), attachment_id=UUID(instance_id))
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


@get("/data/tasks/{task_id:uuid}/attachment-files", access=_admin_on_task, returns=[resources.attachments])
async def task_attachments(task_id: UUID, db: Database) -> Json:
    """Attachments of the comments of a task."""
    return await db.json(queries.attachments_of_task(resources.ATTACHMENT), task_id=task_id)


@get("/data/projects/{project_id:uuid}/attachment-files", access=_admin_on_task, returns=[resources.attachments])
async def project_attachments(project_id: UUID, db: Database) -> Json:
    """Attachments of the comments of a production."""
    return await db.json(queries.attachments_of_project(resources.ATTACHMENT), project_id=project_id)


# Many at once

_PATH = "/actions/projects/{project_id:uuid}/tasks"
_EVENTS = (COMMENT_NEW, TASK_UPDATE, TASK_STATUS_CHANGED, NEWS_NEW)
_COMMENTS_SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "object_id": {"type": "string", "format": "uuid", "description": "The task"},
            "task_status_id": {"type": "string", "format": "uuid"},
            "comment": {"type": "string"},
            "links": {"type": "array", "items": {"type": "string"}},
        },
    },
}
_ATTACHED = re.compile(r"attachment_file-(\d{1,6})(?:-\d+)?")


@post(
    _PATH + "/comment-many",
    access=member_of(at("project", "project_id")).further("comments on tasks they may not act on are passed over"),
    returns=[POSTED],
    events=_EVENTS,
    errors=(400, 403, 404),
    body_schema=_COMMENTS_SCHEMA,
    files=True,
    alone="",
)
async def comment_many(project_id: UUID, request: AnyRequest, db: Database, caller: Caller) -> Json:
    """Comment many tasks at once, all or none: a JSON list, or a form with `comments` and `attachment_file-{i}-{j}`.

    Answers the comments posted. 403 for a status that the caller's role may not give, 400 when retakes are used up.
    """
    async with received_form(request) as form:
        words = actions.words_of(decode_json(_comments(form)) if is_form(request) else await json_value(request))
        if any(upload.field.startswith("preview_file") for upload in form.files):
            raise BadRequest("Previews are added to a comment once it is posted.")
        files = await keep(form)
    by_place: dict[int, list[StoredFile]] = {}
    for file in files:
        if match := _ATTACHED.fullmatch(file.field):
            by_place.setdefault(int(match[1]), []).append(file)

    async def say(tx: Transaction) -> tuple[Json, set[int]]:
        return await actions.say_many(tx, caller, words, by_place)

    posted, places = await written(db, caller, say, files)
    taken = {file.id for place in places for file in by_place.get(place, ())}
    await discard([file for file in files if file.id not in taken])
    return posted


def _comments(form: Form) -> bytes:
    if "comments" not in form.fields:
        raise BadRequest("The form has no field comments.")
    return form.fields["comments"].encode()


class ClientComments(Strict):
    """The tasks whose last client comment is said again, and what comes before it."""

    task_ids: Annotated[list[UUID], msgspec.Meta(min_length=1)]
    prefix: str = ""


@post(
    _PATH + "/copy-client-comments",
    access=manager_of("project_id"),
    returns=[POSTED],
    events=_EVENTS,
    errors=(400,),
)
async def copy_client_comments(project_id: UUID, body: ClientComments, tx: Transaction, caller: Caller) -> Json:
    """Say again, for the studio, what clients said last on tasks; the comments, by their tasks' ids."""
    check_text("prefix", body.prefix)
    return await actions.copy_last_of_clients(tx, caller, project_id, body.task_ids, body.prefix)


# Of a production


class CommentQuery(msgspec.Struct):
    """Which page."""

    page: int = 0
    limit: int = 0


@get(
    "/data/projects/{project_id:uuid}/comments",
    access=staff_of("project_id"),
    returns=plain_or_enveloped(WITH_IDS),
    errors=(400,),
)
async def project_comments(project_id: UUID, query: CommentQuery, db: Database, caller: Caller) -> Any:
    """The comments of a production that the caller may see, latest change first."""
    visible = visible_to(caller)
    if query.page < 1:
        return await stream_array(db, caller, queries.of_project(visible, paged=False), project_id=project_id)
    part = window(query.page, query.limit or settings().nb_records_per_page)
    total = await db.value(queries.number_in_project(visible), project_id=project_id)
    page = await db.json(queries.of_project(visible, paged=True), project_id=project_id, **part)
    return envelope(page, total, query.page, part)

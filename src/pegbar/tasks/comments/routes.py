"""Routes of the thread of a task. Source: spec tasks, operations on comments."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID

from litestar import Request

from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.errors import Forbidden, NotFound
from pegbar.core.http.access import Caller, at, manager_of, task_access
from pegbar.core.http.body import Strict, read_body, validate
from pegbar.core.http.routing import delete, get, post
from pegbar.core.http.uploads import received_form
from pegbar.tasks.comments import actions, moving, queries, thread
from pegbar.tasks.comments.attachments import StoredFile, attach, discard, keep
from pegbar.tasks.comments.bodies import PostedComment, is_form, known_id
from pegbar.tasks.comments.rights import member_of_task
from pegbar.tasks.comments.shapes import COMMENT, LISTED, POSTED, WITH_IDS
from pegbar.tasks.events import COMMENT_DELETE, COMMENT_NEW, NEWS_DELETE, NEWS_NEW, TASK_STATUS_CHANGED, TASK_UPDATE

_ON_TASK = at("task", "task_id")
T = TypeVar("T")


@post(
    "/actions/tasks/{task_id:uuid}/comment",
    access=member_of_task,
    returns=POSTED,
    events=(COMMENT_NEW, TASK_UPDATE, TASK_STATUS_CHANGED, NEWS_NEW),
    errors=(400, 403, 404),
)
async def comment_task(task_id: UUID, request: Request[Any, Any, Any], db: Database, caller: Caller) -> Json:
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


async def written(
    db: Database, caller: Caller, work: Callable[[Transaction], Awaitable[T]], files: Sequence[StoredFile]
) -> T:
    """Do a mutation that attaches stored files; they go again when it fails."""
    try:
        return await db.write(caller.id, work)
    except BaseException:
        await discard(files)
        raise


@get("/data/tasks/{task_id:uuid}/comments", access=task_access(_ON_TASK), returns=[LISTED])
async def task_comments(task_id: UUID, db: Database, caller: Caller) -> Json:
    """The thread of a task, newest first, as the caller's role on the production sees it."""
    statement = queries.thread(caller)
    given = {"caller_id": caller.id} if caller.role_here == "client" else {}
    return await db.json(statement, task_id=task_id, **given)


@get(
    "/data/tasks/{task_id:uuid}/comments/{comment_id:uuid}",
    access=task_access(_ON_TASK).further("comments hidden from the caller's role are refused"),
    returns=COMMENT,
    errors=(403, 404),
)
async def task_comment(task_id: UUID, comment_id: UUID, db: Database, caller: Caller) -> Json:
    """One comment of a task."""
    given = {"caller_id": caller.id} if caller.role_here == "client" else {}
    row = await db.row(queries.one(COMMENT, caller), comment_id=comment_id, **given)
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
    await moving.move(tx, caller, task_id, comment_id, known_id("target_task_id", body.target_task_id))
    return await thread.with_ids(tx, comment_id)

"""A comment that was posted on the wrong task. Source: spec tasks, POST …/comments/{comment_id}/move."""

from uuid import UUID

import asyncpg
from sqlalchemy import bindparam, text

from pegbar.core.data.database import Transaction
from pegbar.core.data.schema import Uuid, utc_now
from pegbar.core.errors import BadRequest, NotFound
from pegbar.core.http.access import Caller, require
from pegbar.tasks import recount
from pegbar.tasks.comments.posting import arrive
from pegbar.tasks.comments.rights import caller_at
from pegbar.tasks.comments.subject import load
from pegbar.tasks.events import COMMENT_DELETE, NEWS_DELETE

_COMMENT = text(
    """
    SELECT c.id, c.object_id, c.task_status_id, c.person_id, c.text, c.created_at, coalesce(c.for_client, false)
             AS for_client, source.entity_id IS NOT DISTINCT FROM target.entity_id AS same_entity,
           c.preview_file_id IS NOT NULL OR EXISTS (SELECT 1 FROM comment_preview_link p WHERE p.comment = c.id)
             AS holds_preview
      FROM comment c
      JOIN task source ON source.id = c.object_id
      JOIN task target ON target.id = :target_id
     WHERE c.id = :comment_id
       FOR NO KEY UPDATE OF c
    """
).bindparams(bindparam("comment_id", type_=Uuid), bindparam("target_id", type_=Uuid))

_LEAVE = text(
    """
    WITH moved AS (UPDATE comment SET object_id = :target_id, updated_at = :now ::timestamp WHERE id = :comment_id),
    forgotten AS (DELETE FROM notification WHERE comment_id = :comment_id)
    DELETE FROM news WHERE comment_id = :comment_id RETURNING id
    """
).bindparams(bindparam("comment_id", type_=Uuid), bindparam("target_id", type_=Uuid))


def _check(said: asyncpg.Record | None, task_id: UUID, target_id: UUID) -> asyncpg.Record:
    if said is None:
        raise NotFound("There is no such comment.")
    if said["object_id"] != task_id:
        raise BadRequest("This comment is not on this task.")
    if target_id == task_id:
        raise BadRequest("target_task_id: the comment is on this task already.")
    if not said["same_entity"]:
        raise BadRequest("target_task_id: a comment stays on its entity.")
    if said["holds_preview"]:
        raise BadRequest("A comment with previews stays on its task.")
    return said


async def move(tx: Transaction, caller: Caller, task_id: UUID, comment_id: UUID, target_id: UUID) -> None:
    """Move a comment to another task of the same entity; both tasks are worked out again.

    Raises NotFound for an unknown task, Forbidden unless the caller manages both, BadRequest when it cannot be moved.
    """
    there = await caller_at(tx, caller, [task_id, target_id])
    if target_id not in there:
        raise NotFound(f"There is no task {target_id}.", field="target_task_id")
    require(all(each.manages for each in there.values()), "Only managers of the production move comments.")
    said = _check(await tx.row(_COMMENT, comment_id=comment_id, target_id=target_id), task_id, target_id)
    project_id = there[task_id].project_id
    now = utc_now()
    for news_id in await tx.column(_LEAVE, comment_id=comment_id, target_id=target_id, now=now):
        tx.emit(NEWS_DELETE, project_id=project_id, news_id=news_id)
    words = said["text"] or ""
    subject = await load(
        tx, target_id, status_id=said["task_status_id"], author_id=said["person_id"], said=words, hashtags=False
    )
    for each in (task_id, target_id):
        await recount.from_comments(tx, each)
    tx.emit(COMMENT_DELETE, project_id=project_id, comment_id=comment_id, task_id=task_id)
    await arrive(tx, subject, comment_id, words, at=said["created_at"], now=now, for_client=said["for_client"])

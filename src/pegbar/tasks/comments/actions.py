"""What people do with comments. Source: spec tasks, "Posting a comment", "Deleting a comment"."""

from uuid import UUID

from sqlalchemy import bindparam, text

from pegbar.core.data.database import Json, Transaction
from pegbar.core.data.schema import Uuid
from pegbar.core.errors import NotFound
from pegbar.core.http.access import Caller, may_act_on_task, require
from pegbar.tasks import recount
from pegbar.tasks.comments import queries
from pegbar.tasks.comments.bodies import PostedComment, known_id
from pegbar.tasks.comments.posting import NewComment, post
from pegbar.tasks.comments.removal import forget
from pegbar.tasks.comments.rights import check_may_comment, check_may_give_status
from pegbar.tasks.comments.subject import load
from pegbar.tasks.events import COMMENT_DELETE, NEWS_DELETE
from pegbar.tasks.hooks import PREVIEWS_ORPHANED, PreviewsOrphaned


async def say(tx: Transaction, caller: Caller, task_id: UUID, body: PostedComment) -> UUID:
    """Post what somebody said; the id of the comment. Managers may say it for another person and at another time."""
    status_id = known_id("task_status_id", body.task_status_id)
    author_id = known_id("person_id", body.person_id) if body.person_id and caller.manages else caller.id
    said = body.text
    subject = await load(
        tx,
        task_id,
        status_id=status_id,
        author_id=author_id,
        said=said,
        caller_id=None if may_act_on_task(caller) else caller.id,
    )
    check_may_comment(caller, subject)
    check_may_give_status(caller, subject)
    new = NewComment(
        said,
        checklist=body.items("checklist"),
        links=body.link_texts,
        for_client=body.is_for_client and caller.manages,
        created_at=body.date if caller.manages else None,
    )
    return await post(tx, subject, new)


async def posted(tx: Transaction, comment_id: UUID) -> Json:
    """A comment as the answer to posting it."""
    row = await tx.json_row(queries.posted, comment_id=comment_id)
    assert row is not None
    return row


_SUBJECT_OF_REMOVAL = text(
    """
    SELECT c.object_id AS task_id, c.person_id, c.task_status_id, t.project_id
      FROM comment c LEFT JOIN task t ON t.id = c.object_id
     WHERE c.id = :comment_id
       FOR NO KEY UPDATE OF c
    """
).bindparams(bindparam("comment_id", type_=Uuid))


async def remove(tx: Transaction, caller: Caller, comment_id: UUID, *, task_id: UUID | None = None) -> None:
    """Delete a comment, its previews and attachments, and work its task out again.

    For its author, while in the team, and for managers. Raises NotFound for a comment that is not on `task_id`.
    """
    row = await tx.row(_SUBJECT_OF_REMOVAL, comment_id=comment_id)
    if row is None or (task_id is not None and row["task_id"] != task_id):
        raise NotFound(f"There is no comment {comment_id} on this task.")
    require(
        caller.manages or (caller.is_member and row["person_id"] == caller.id),
        "Only the author of a comment and managers of the production delete it.",
    )
    task_id = row["task_id"]
    gone = await forget(tx, [comment_id])
    for news_id in gone.news:
        tx.emit(NEWS_DELETE, project_id=row["project_id"], news_id=news_id)
    if gone.previews:
        await PREVIEWS_ORPHANED.run(PreviewsOrphaned(tx, gone.previews))
    tx.emit(COMMENT_DELETE, project_id=row["project_id"], comment_id=comment_id, task_id=task_id)
    done = await recount.from_comments(tx, task_id)
    if done is not None and done.status_after != done.status_before:
        recount.announce_status(tx, task_id, done, done.status_after, row["person_id"])

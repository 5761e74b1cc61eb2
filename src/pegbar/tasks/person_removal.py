"""What somebody removed from the studio said and logged on tasks. Source: spec crud, "persons", DELETE with force."""

from sqlalchemy import ARRAY

from pegbar.core.data.parameters import param, sql
from pegbar.core.data.removal import Gone, reaction
from pegbar.core.data.schema import Text, utc_now
from pegbar.core.storage import mark_deleted
from pegbar.tasks import recount
from pegbar.tasks.comments import attachments
from pegbar.tasks.comments.removal import remove_comments
from pegbar.tasks.events import COMMENT_DELETE, COMMENT_DELETE_REPLY
from pegbar.tasks.hooks import PREVIEWS_ORPHANED, PreviewsOrphaned
from pegbar.tasks.tables import comment
from pegbar.timesheets.tables import time_spent

_PERSONS = param("person_ids")
_NAMES = param("names", ARRAY(Text))

_TASKS_OF_HOURS = sql(
    "SELECT DISTINCT task_id FROM time_spent WHERE person_id = ANY(:person_ids) AND task_id IS NOT NULL"
)
_FORGET_HOURS = sql("DELETE FROM time_spent WHERE person_id = ANY(:person_ids)")


@reaction(time_spent.c.person_id)
async def forget_hours(gone: Gone) -> None:
    """Delete the hours of the person; their tasks are summed again."""
    tasks = await gone.tx.column(_TASKS_OF_HOURS, person_ids=gone.ids)
    await recount.lock_hours(gone.tx, tasks)
    await gone.tx.execute(_FORGET_HOURS, person_ids=gone.ids)
    await recount.from_hours(gone.tx, tasks)


_COMMENTS = sql(
    """
    SELECT c.id, c.object_id AS task_id, c.person_id, t.project_id
      FROM comment c LEFT JOIN task t ON t.id = c.object_id
     WHERE c.person_id = ANY(:person_ids)
     ORDER BY c.id
       FOR NO KEY UPDATE OF c
    """
)
_THEIRS = sql(
    "SELECT id FROM preview_file WHERE id = ANY(:ids) AND (person_id IS NULL OR person_id = ANY(:person_ids))"
)


@reaction(comment.c.person_id)
async def forget_comments(gone: Gone) -> None:
    """Delete the comments of the person, with what hangs on them; their tasks are worked out again.

    A preview that somebody else published with such a comment stays on the task.
    """
    tx = gone.tx
    comments = await tx.rows(_COMMENTS, person_ids=gone.ids)
    if not comments:
        return
    published = await remove_comments(tx, [row["id"] for row in comments])
    preview_ids = await tx.column(_THEIRS, ids=published, person_ids=gone.ids) if published else []
    if preview_ids:
        await PREVIEWS_ORPHANED.run(PreviewsOrphaned(tx, preview_ids))
    for row in comments:
        tx.emit(COMMENT_DELETE, project_id=row["project_id"], comment_id=row["id"], task_id=row["task_id"])
    last_author = {row["task_id"]: row["person_id"] for row in comments}
    for task_id in sorted(last_author):
        done = await recount.from_comments(tx, task_id)
        if done is not None and done.status_after != done.status_before:
            recount.announce_status(tx, task_id, done, done.status_after, last_author[task_id])


_ANSWERED = sql(
    """
    SELECT c.id, c.object_id AS task_id, t.project_id, r ->> 'id' AS reply_id
      FROM comment c
      JOIN LATERAL jsonb_array_elements(CASE jsonb_typeof(c.replies) WHEN 'array' THEN c.replies ELSE '[]' END) r
        ON r ->> 'person_id' = ANY(:names)
      LEFT JOIN task t ON t.id = c.object_id
     WHERE c.person_id <> ALL(:person_ids)
     ORDER BY c.id
       FOR NO KEY UPDATE OF c
    """,
    names=ARRAY(Text),
)
_FORGET_REPLIES = sql(
    """
    WITH told AS (
      DELETE FROM notification WHERE comment_id = ANY(:comment_ids) AND reply_id::text = ANY(:reply_ids)
    )
    DELETE FROM attachment_file WHERE comment_id = ANY(:comment_ids) AND reply_id::text = ANY(:reply_ids) RETURNING id
    """,
    reply_ids=ARRAY(Text),
)
_NAME_NO_MORE = sql(
    """
    UPDATE comment c SET updated_at = :now, replies = coalesce((
             SELECT jsonb_agg(CASE jsonb_typeof(r -> 'mentions')
                              WHEN 'array' THEN r || jsonb_build_object('mentions', (r -> 'mentions') - :names)
                              ELSE r END ORDER BY n)
               FROM jsonb_array_elements(c.replies) WITH ORDINALITY reply (r, n)
              WHERE (r ->> 'person_id' = ANY(:names)) IS NOT TRUE), '[]')
     WHERE EXISTS (
             SELECT 1
               FROM jsonb_array_elements(CASE jsonb_typeof(c.replies) WHEN 'array' THEN c.replies ELSE '[]' END) r
              WHERE r ->> 'person_id' = ANY(:names) OR r -> 'mentions' ?| :names)
    """,
    names=ARRAY(Text),
)


@reaction(comment.c.replies)
async def forget_replies(gone: Gone) -> None:
    """Take back what the person answered to the comments of others, with its files, and where replies mention them."""
    tx, names = gone.tx, [str(person_id) for person_id in gone.ids]
    replies = await tx.rows(_ANSWERED, person_ids=gone.ids, names=names)
    if replies:
        reply_ids = [row["reply_id"] for row in replies if row["reply_id"] is not None]
        files = await tx.column(_FORGET_REPLIES, comment_ids=[row["id"] for row in replies], reply_ids=reply_ids)
        await mark_deleted(tx, [attachments.address(file_id) for file_id in files])
    await tx.execute(_NAME_NO_MORE, names=names, now=utc_now())
    for row in replies:
        about = {"task_id": row["task_id"], "comment_id": row["id"], "reply_id": row["reply_id"]}
        tx.emit(COMMENT_DELETE_REPLY, project_id=row["project_id"], **about)

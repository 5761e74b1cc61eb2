"""What somebody removed from the studio said and logged on tasks. Source: spec crud, "persons", DELETE with force."""

from sqlalchemy import ARRAY, bindparam, text

from pegbar.accounts.people.leaving import LEAVING, Departure
from pegbar.core.schema import Uuid
from pegbar.tasks import recount
from pegbar.tasks.comments.removal import forget
from pegbar.tasks.events import COMMENT_DELETE, NEWS_DELETE
from pegbar.tasks.hooks import PREVIEWS_ORPHANED, PreviewsOrphaned
from pegbar.tasks.time import durations

_HOURS = text(
    "SELECT DISTINCT task_id FROM time_spent WHERE person_id = :person_id AND task_id IS NOT NULL"
).bindparams(bindparam("person_id", type_=Uuid))
_FORGET_HOURS = text("DELETE FROM time_spent WHERE person_id = :person_id").bindparams(
    bindparam("person_id", type_=Uuid)
)
_COMMENTS = text(
    """
    SELECT c.id, c.object_id AS task_id, t.project_id
      FROM comment c LEFT JOIN task t ON t.id = c.object_id
     WHERE c.person_id = :person_id
     ORDER BY c.id
       FOR NO KEY UPDATE OF c
    """
).bindparams(bindparam("person_id", type_=Uuid))
_NEWS = text(
    "SELECT n.id, t.project_id FROM news n JOIN task t ON t.id = n.task_id WHERE n.comment_id = ANY(:ids)"
).bindparams(bindparam("ids", type_=ARRAY(Uuid)))


@LEAVING.register()
async def forget_hours(departure: Departure) -> None:
    """Delete the hours of the person; their tasks are summed again."""
    tasks = await departure.tx.column(_HOURS, person_id=departure.person_id)
    await durations.lock(departure.tx, tasks)
    await departure.tx.execute(_FORGET_HOURS, person_id=departure.person_id)
    await durations.refresh(departure.tx, tasks)


@LEAVING.register()
async def forget_comments(departure: Departure) -> None:
    """Delete the comments of the person, with what hangs on them; their tasks are worked out again."""
    tx = departure.tx
    comments = await tx.rows(_COMMENTS, person_id=departure.person_id)
    if not comments:
        return
    ids = [each["id"] for each in comments]
    news = await tx.rows(_NEWS, ids=ids)
    gone = await forget(tx, ids)
    for each in news:
        tx.emit(NEWS_DELETE, project_id=each["project_id"], news_id=each["id"])
    if gone.previews:
        await PREVIEWS_ORPHANED.run(PreviewsOrphaned(tx, gone.previews))
    for each in comments:
        tx.emit(COMMENT_DELETE, project_id=each["project_id"], comment_id=each["id"], task_id=each["task_id"])
    for task_id in sorted({each["task_id"] for each in comments}):
        done = await recount.from_comments(tx, task_id)
        if done is not None and done.status_after != done.status_before:
            recount.announce_status(tx, task_id, done, done.status_after, departure.person_id)

"""Tasks that are removed, or go with something else: an entity, a production. Persons: person_removal.py.

Source: spec tasks, "Task deletion cascade"; spec crud, DELETE of tasks and projects with `force`.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ARRAY, bindparam, text

from pegbar.core.database import Transaction
from pegbar.core.schema import Uuid
from pegbar.core.storage import Address, mark_deleted
from pegbar.entities.hooks import ENTITIES_REMOVED
from pegbar.entities.hooks import Removal as EntityRemoval
from pegbar.productions.hooks import PROJECT_REMOVED, TASKS, about_project
from pegbar.productions.hooks import Removal as ProjectRemoval
from pegbar.tasks.events import NEWS_DELETE, TASK_DELETE
from pegbar.tasks.hooks import TASKS_REMOVED, TaskRemoval

_IDS = bindparam("ids", type_=ARRAY(Uuid))

_LOCKED = text(
    "SELECT id, project_id, entity_id, task_type_id FROM task WHERE id = ANY(:ids) ORDER BY id FOR UPDATE"
).bindparams(_IDS)

#: What hangs on comments, and the comments, of `{comments}`.
_THREADS = """
    told AS (DELETE FROM notification WHERE comment_id IN ({comments})),
    mentions AS (DELETE FROM comment_mentions WHERE comment IN ({comments})),
    departments AS (DELETE FROM comment_department_mentions WHERE comment IN ({comments})),
    acknowledged AS (DELETE FROM comment_acknoledgments WHERE comment IN ({comments})),
    shown AS (DELETE FROM comment_preview_link WHERE comment IN ({comments})),
    attached AS (DELETE FROM attachment_file WHERE comment_id IN ({comments}) RETURNING id),
    said AS (DELETE FROM comment WHERE id IN ({comments}))
"""

#: One statement: foreign keys are checked at its end.
_REMOVE = text(
    f"""
    WITH {_THREADS.format(comments="SELECT c.id FROM comment c WHERE c.object_id = ANY(:ids)")},
    notified AS (DELETE FROM notification WHERE task_id = ANY(:ids)),
    published AS (
      DELETE FROM news WHERE task_id = ANY(:ids)
                          OR comment_id IN (SELECT c.id FROM comment c WHERE c.object_id = ANY(:ids))
      RETURNING id, task_id
    ),
    watched AS (DELETE FROM subscription WHERE task_id = ANY(:ids)),
    spent AS (DELETE FROM time_spent WHERE task_id = ANY(:ids)),
    assigned AS (DELETE FROM task_person_link WHERE task_id = ANY(:ids))
    SELECT ARRAY(SELECT id FROM attached) AS attachments,
           ARRAY(SELECT ROW(p.id, t.project_id) FROM published p JOIN task t ON t.id = p.task_id) AS news
    """  # noqa: S608 - a constant
).bindparams(_IDS)


_DELETE = text("DELETE FROM task WHERE id = ANY(:ids)").bindparams(_IDS)


async def remove_belongings(tx: Transaction, task_ids: Sequence[UUID]) -> None:
    """Delete what belongs to tasks: files, previews, comments, hours, assignments. The rows of the tasks stay."""
    await TASKS_REMOVED.run(TaskRemoval(tx, task_ids))
    gone = await tx.row(_REMOVE, ids=list(task_ids))
    assert gone is not None
    await mark_deleted(tx, [Address("files", "attachments", each) for each in gone["attachments"]])
    for news_id, project_id in gone["news"]:
        tx.emit(NEWS_DELETE, project_id=project_id, news_id=news_id)


async def remove_tasks(tx: Transaction, task_ids: Sequence[UUID]) -> None:
    """Delete tasks with all that belongs to them."""
    rows = await tx.rows(_LOCKED, ids=sorted(task_ids))
    if not rows:
        return
    ids = [row["id"] for row in rows]
    await remove_belongings(tx, ids)
    await tx.execute(_DELETE, ids=ids)
    for row in rows:
        tx.emit(
            TASK_DELETE,
            project_id=row["project_id"],
            task_id=row["id"],
            entity_id=row["entity_id"],
            task_type_id=row["task_type_id"],
        )


_OF_ENTITIES = text("SELECT id FROM task WHERE entity_id = ANY(:ids)").bindparams(_IDS)
_UNWATCH_ENTITIES = text("DELETE FROM subscription WHERE entity_id = ANY(:ids)").bindparams(_IDS)


@ENTITIES_REMOVED.register(order=0)
async def remove_tasks_of_entities(removal: EntityRemoval) -> None:
    """The tasks of entities that are removed, and the subscriptions to sequences."""
    ids = list(removal.entity_ids)
    await remove_tasks(removal.tx, await removal.tx.column(_OF_ENTITIES, ids=ids))
    await removal.tx.execute(_UNWATCH_ENTITIES, ids=ids)


_SETS = {
    "tasks": "SELECT t.id FROM task t WHERE t.project_id = :project_id",
    "comments": "SELECT c.id FROM comment c WHERE c.object_id IN {tasks}",
}
_ATTACHMENTS = about_project("SELECT a.id FROM attachment_file a WHERE a.comment_id IN {comments}", **_SETS)
_OF_PROJECT = about_project(
    "DELETE FROM notification WHERE task_id IN {tasks} OR comment_id IN {comments}",
    "DELETE FROM news WHERE task_id IN {tasks} OR comment_id IN {comments}",
    "DELETE FROM comment_mentions WHERE comment IN {comments}",
    "DELETE FROM comment_department_mentions WHERE comment IN {comments}",
    "DELETE FROM comment_acknoledgments WHERE comment IN {comments}",
    "DELETE FROM comment_preview_link WHERE comment IN {comments}",
    "DELETE FROM attachment_file WHERE comment_id IN {comments}",
    "DELETE FROM comment WHERE id IN {comments}",
    "DELETE FROM subscription WHERE task_id IN {tasks}"
    " OR entity_id IN (SELECT e.id FROM entity e WHERE e.project_id = :project_id)",
    "DELETE FROM time_spent WHERE task_id IN {tasks}",
    "DELETE FROM task_person_link WHERE task_id IN {tasks}",
    **_SETS,
)
(_TASKS_OF_PROJECT,) = about_project(
    "DELETE FROM task WHERE project_id = :project_id RETURNING id, entity_id, task_type_id"
)


@PROJECT_REMOVED.register(TASKS)
async def remove_tasks_of_project(removal: ProjectRemoval) -> None:
    """The tasks of a production, with their threads and hours; the events outlive the production, so it is no scope."""
    await removal.forget_files(*_ATTACHMENTS)
    await removal.run(_OF_PROJECT)
    for row in await removal.rows(_TASKS_OF_PROJECT):
        removal.tx.emit(TASK_DELETE, task_id=row["id"], entity_id=row["entity_id"], task_type_id=row["task_type_id"])

"""Tasks that are removed, or go with something else: an entity, a production. Persons: person_removal.py.

Source: spec tasks, "Task deletion cascade"; spec crud, DELETE of tasks and projects with `force`.
"""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
from sqlalchemy import ARRAY, bindparam, text

from pegbar.core.data.database import Transaction
from pegbar.core.data.schema import Uuid
from pegbar.core.storage import Address, mark_deleted
from pegbar.entities.hooks import ENTITIES_REMOVED
from pegbar.entities.hooks import Removal as EntityRemoval
from pegbar.productions.deletion.parts import TASKS, Batch, part
from pegbar.tasks.events import NEWS_DELETE, TASK_DELETE
from pegbar.tasks.hooks import TASKS_REMOVED, TaskRemoval

_IDS = bindparam("ids", type_=ARRAY(Uuid))

_LOCKED = text(
    "SELECT id, project_id, entity_id, task_type_id FROM task WHERE id = ANY(:ids) ORDER BY id FOR UPDATE"
).bindparams(_IDS)

#: Found first: their number is known to the statements about them, which then use indexes.
_COMMENTS = text("SELECT id FROM comment WHERE object_id = ANY(:ids)").bindparams(_IDS)

#: One statement: foreign keys are checked at its end.
_REMOVE = text(
    """
    WITH mentions AS (DELETE FROM comment_mentions WHERE comment = ANY(:comment_ids)),
    departments AS (DELETE FROM comment_department_mentions WHERE comment = ANY(:comment_ids)),
    acknowledged AS (DELETE FROM comment_acknoledgments WHERE comment = ANY(:comment_ids)),
    shown AS (DELETE FROM comment_preview_link WHERE comment = ANY(:comment_ids)),
    attached AS (DELETE FROM attachment_file WHERE comment_id = ANY(:comment_ids) RETURNING id),
    said AS (DELETE FROM comment WHERE id = ANY(:comment_ids)),
    told AS (DELETE FROM notification WHERE task_id = ANY(:ids) OR comment_id = ANY(:comment_ids)),
    published AS (
      DELETE FROM news WHERE task_id = ANY(:ids) OR comment_id = ANY(:comment_ids) RETURNING id, task_id
    ),
    watched AS (DELETE FROM subscription WHERE task_id = ANY(:ids)),
    spent AS (DELETE FROM time_spent WHERE task_id = ANY(:ids)),
    assigned AS (DELETE FROM task_person_link WHERE task_id = ANY(:ids))
    SELECT ARRAY(SELECT id FROM attached) AS attachments,
           ARRAY(SELECT ROW(p.id, t.project_id) FROM published p JOIN task t ON t.id = p.task_id) AS news
    """
).bindparams(_IDS, bindparam("comment_ids", type_=ARRAY(Uuid)))


_DELETE = text("DELETE FROM task WHERE id = ANY(:ids)").bindparams(_IDS)


async def remove_belongings(tx: Transaction, task_ids: Sequence[UUID], *, whole: bool = False) -> None:
    """Delete what belongs to tasks: files, previews, comments, hours, assignments. The rows of the tasks stay.

    `whole`: their entities and production go too, so that binaries are removed at once, not only marked.
    """
    await TASKS_REMOVED.run(TaskRemoval(tx, task_ids, whole))
    ids = list(task_ids)
    gone = await tx.row(_REMOVE, ids=ids, comment_ids=await tx.column(_COMMENTS, ids=ids))
    assert gone is not None
    await mark_deleted(tx, [Address("files", "attachments", each) for each in gone["attachments"]], force=whole)
    for news_id, project_id in gone["news"]:
        tx.emit(NEWS_DELETE, project_id=project_id, news_id=news_id)


async def remove_tasks(tx: Transaction, task_ids: Sequence[UUID], *, whole: bool = False) -> list[asyncpg.Record]:
    """Delete tasks with all that belongs to them; the rows that went."""
    rows = await tx.rows(_LOCKED, ids=sorted(task_ids))
    if not rows:
        return []
    ids = [row["id"] for row in rows]
    await remove_belongings(tx, ids, whole=whole)
    await tx.execute(_DELETE, ids=ids)
    for row in rows:
        tx.emit(
            TASK_DELETE,
            project_id=row["project_id"],
            task_id=row["id"],
            entity_id=row["entity_id"],
            task_type_id=row["task_type_id"],
        )
    return rows


_OF_ENTITIES = text("SELECT id FROM task WHERE entity_id = ANY(:ids)").bindparams(_IDS)
_UNWATCH_ENTITIES = text("DELETE FROM subscription WHERE entity_id = ANY(:ids)").bindparams(_IDS)


@ENTITIES_REMOVED.register(order=0)
async def remove_tasks_of_entities(removal: EntityRemoval) -> None:
    """The tasks of entities that are removed, and the subscriptions to sequences."""
    ids = list(removal.entity_ids)
    await remove_tasks(removal.tx, await removal.tx.column(_OF_ENTITIES, ids=ids))
    await removal.tx.execute(_UNWATCH_ENTITIES, ids=ids)


@part(TASKS, "tasks", "SELECT id FROM task WHERE project_id = :project_id")
async def remove_tasks_of_project(batch: Batch) -> None:
    """Tasks of a production that is deleted; their events outlive it in the log, so that they have no scope there."""
    for row in await remove_tasks(batch.tx, batch.ids, whole=True):
        about = {"task_id": row["id"], "entity_id": row["entity_id"], "task_type_id": row["task_type_id"]}
        batch.tx.emit(TASK_DELETE, heard_by=batch.project_id, **about)

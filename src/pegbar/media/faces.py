"""Which preview stands for a task and for an entity. Source: spec media, "Preview lifecycle"."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
from sqlalchemy import Boolean

from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import sql
from pegbar.core.data.schema import utc_now
from pegbar.entities import events as entity_events
from pegbar.entities.kinds import kind_of
from pegbar.media.events import PREVIEW_SET_MAIN
from pegbar.tasks.events import TASK_UPDATE

_STAND = sql(
    """
    WITH subject AS (
      SELECT p.id, p.status, p.task_id, t.entity_id, t.project_id, y.name AS type_name,
             coalesce(j.is_set_preview_automated, false) AS automated
        FROM preview_file p
        JOIN task t ON t.id = p.task_id
        JOIN entity e ON e.id = t.entity_id
        JOIN entity_type y ON y.id = e.entity_type_id
        JOIN project j ON j.id = t.project_id
       WHERE p.id = :preview_id
    ), for_task AS (
      UPDATE task SET last_preview_file_id = subject.id, updated_at = :now
        FROM subject WHERE task.id = subject.task_id AND :for_task
    ), for_entity AS (
      UPDATE entity SET preview_file_id = subject.id, updated_at = :now
        FROM subject WHERE entity.id = subject.entity_id AND (subject.automated OR :for_entity)
    )
    SELECT * FROM subject
    """,
    for_task=Boolean,
    for_entity=Boolean,
)

#: The newest preview that can stand for a task or an entity.
_USABLE = "p.position = 1 AND p.status = 'ready' AND p.extension IN ('png', 'mp4')"

_NEXT_OF_TASKS = sql(
    f"""
    UPDATE task SET updated_at = :now, last_preview_file_id = (
             SELECT p.id FROM preview_file p WHERE p.task_id = task.id AND {_USABLE}
              ORDER BY p.created_at DESC LIMIT 1)
     WHERE task.id = ANY(:task_ids ::uuid[])
    RETURNING task.id, task.project_id
    """  # noqa: S608 - a constant
)

_NEXT_OF_ENTITIES = sql(
    f"""
    WITH next AS (
      SELECT e.id, e.project_id, y.name AS type_name, (
               SELECT p.id FROM preview_file p JOIN task t ON t.id = p.task_id
                WHERE t.entity_id = e.id AND j.is_set_preview_automated AND {_USABLE}
                ORDER BY p.created_at DESC LIMIT 1) AS preview_id
        FROM entity e JOIN project j ON j.id = e.project_id JOIN entity_type y ON y.id = e.entity_type_id
       WHERE e.id = ANY(:entity_ids ::uuid[])
    ), changed AS (
      UPDATE entity SET preview_file_id = next.preview_id, updated_at = :now FROM next WHERE entity.id = next.id
    )
    SELECT next.*, p.status FROM next LEFT JOIN preview_file p ON p.id = next.preview_id
    """  # noqa: S608 - a constant
)


def _tell(tx: Transaction, row: asyncpg.Record, entity_id: UUID, preview_id: UUID | None) -> None:
    """The events of an entity's new main preview."""
    tx.emit(
        PREVIEW_SET_MAIN,
        project_id=row["project_id"],
        entity_id=entity_id,
        preview_file_id=preview_id,
        preview_file_status=row["status"],
    )
    kind = kind_of(row["type_name"])
    tx.emit(entity_events.UPDATE[kind], project_id=row["project_id"], **{entity_events.key_of(kind): entity_id})


async def stand_for_task(tx: Transaction, preview_id: UUID) -> None:
    """A ready main preview stands for its task and, where the production says so, for its entity."""
    row = await tx.row(_STAND, preview_id=preview_id, now=utc_now(), for_task=True, for_entity=False)
    if row is not None and row["automated"]:
        _tell(tx, row, row["entity_id"], preview_id)


async def stand_for_entity(tx: Transaction, preview_id: UUID) -> UUID | None:
    """Make a preview its entity's main one; the entity's id."""
    row = await tx.row(_STAND, preview_id=preview_id, now=utc_now(), for_task=False, for_entity=True)
    if row is None:
        return None
    _tell(tx, row, row["entity_id"], preview_id)
    entity_id: UUID = row["entity_id"]
    return entity_id


_FOLLOW_POSITION = sql(
    """
    UPDATE task SET last_preview_file_id = main.id, updated_at = :now
      FROM preview_file main
     WHERE main.id = ANY(:ids ::uuid[]) AND main.position = 1 AND main.status = 'ready' AND main.task_id = task.id
       AND task.last_preview_file_id = ANY(:ids ::uuid[]) AND task.last_preview_file_id <> main.id
    RETURNING main.id
    """
)


async def follow_position(tx: Transaction, siblings: Sequence[UUID]) -> None:
    """When one of these previews stands for their task, it is the first of them that does."""
    for preview_id in await tx.column(_FOLLOW_POSITION, ids=list(siblings), now=utc_now()):
        await stand_for_task(tx, preview_id)


async def replace_gone(tx: Transaction, task_ids: Sequence[UUID], entity_ids: Sequence[UUID]) -> None:
    """Give tasks and entities another preview when theirs are gone."""
    if task_ids:
        for row in await tx.rows(_NEXT_OF_TASKS, task_ids=list(task_ids), now=utc_now()):
            tx.emit(TASK_UPDATE, project_id=row["project_id"], task_id=row["id"])
    if entity_ids:
        for row in await tx.rows(_NEXT_OF_ENTITIES, entity_ids=list(entity_ids), now=utc_now()):
            _tell(tx, row, row["id"], row["preview_id"])

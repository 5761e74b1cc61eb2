"""The hours of a task: always the sum of what was spent on it. Source: spec tasks, "Time spent"."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ARRAY, bindparam, text

from pegbar.core.data.database import Transaction
from pegbar.core.data.schema import TIMESTAMP, Uuid, utc_now
from pegbar.tasks.events import TASK_UPDATE

#: Tasks are locked in the order of their ids, and summed after that: two writers at once both count.
_LOCK = text("SELECT id FROM task WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE").bindparams(
    bindparam("ids", type_=ARRAY(Uuid))
)
_SUM = text(
    """
    UPDATE task SET duration = coalesce((SELECT sum(h.duration) FROM time_spent h WHERE h.task_id = task.id), 0),
                    updated_at = :now
     WHERE id = ANY(:ids) RETURNING id, project_id
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid)), bindparam("now", type_=TIMESTAMP))


async def lock(tx: Transaction, task_ids: Sequence[UUID]) -> None:
    """Hold other writers of the hours of these tasks until the commit."""
    await tx.rows(_LOCK, ids=list(task_ids))


async def refresh(tx: Transaction, task_ids: Sequence[UUID]) -> None:
    """Sum the hours of tasks again and announce the tasks."""
    for row in await tx.rows(_SUM, ids=list(task_ids), now=utc_now()):
        tx.emit(TASK_UPDATE, project_id=row["project_id"], task_id=row["id"])

"""Who is told that they got a task. Source: spec tasks, "Notifications". Comments tell in comments/posting.py."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ARRAY, bindparam, text

from pegbar.core.database import Transaction
from pegbar.core.schema import TIMESTAMP, Uuid, utc_now
from pegbar.tasks.events import NOTIFICATION_NEW

_ASSIGNED = text(
    """
    WITH told AS (
      INSERT INTO notification (id, created_at, updated_at, read, change, type, person_id, author_id, task_id)
      SELECT gen_random_uuid(), :now, :now, false, false, 'assignation', person.id, :author_id, task.id
        FROM person, task
       WHERE person.id = ANY(:persons) AND person.id <> :author_id AND task.id = ANY(:tasks)
      RETURNING id, person_id, task_id
    )
    SELECT told.id, told.person_id, task.project_id FROM told JOIN task ON task.id = told.task_id
    """
).bindparams(
    bindparam("now", type_=TIMESTAMP),
    bindparam("author_id", type_=Uuid),
    bindparam("persons", type_=ARRAY(Uuid)),
    bindparam("tasks", type_=ARRAY(Uuid)),
)


async def assigned(tx: Transaction, author_id: UUID, task_ids: Sequence[UUID], persons: Sequence[UUID]) -> None:
    """Tell persons that somebody else assigned tasks to them."""
    if not task_ids or all(each == author_id for each in persons):
        return
    rows = await tx.rows(_ASSIGNED, now=utc_now(), author_id=author_id, tasks=list(task_ids), persons=list(persons))
    for row in rows:
        tx.emit(
            NOTIFICATION_NEW,
            project_id=row["project_id"],
            to=row["person_id"],
            notification_id=row["id"],
            person_id=row["person_id"],
        )

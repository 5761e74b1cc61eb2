"""Who is told of what happens on a task. Source: spec tasks, "Notifications"."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text

from pegbar.core.database import Transaction
from pegbar.core.schema import utc_now
from pegbar.tasks.events import NOTIFICATION_NEW

_ASSIGNED = text(
    """
    INSERT INTO notification (id, created_at, updated_at, read, change, type, person_id, author_id, task_id)
    SELECT gen_random_uuid(), :now ::timestamp, :now ::timestamp, false, false, 'assignation', person.id,
           :author_id ::uuid, :task_id ::uuid
      FROM person WHERE person.id = ANY(:persons ::uuid[]) AND person.id <> :author_id ::uuid
    RETURNING id, person_id
    """
)


async def assigned(
    tx: Transaction, author_id: UUID, task_id: UUID, project_id: UUID | None, persons: Sequence[UUID]
) -> None:
    """Tell persons that somebody else assigned the task to them."""
    if not any(each != author_id for each in persons):
        return
    rows = await tx.rows(_ASSIGNED, now=utc_now(), author_id=author_id, task_id=task_id, persons=list(persons))
    for row in rows:
        tx.emit(
            NOTIFICATION_NEW,
            project_id=project_id,
            to=row["person_id"],
            notification_id=row["id"],
            person_id=row["person_id"],
        )

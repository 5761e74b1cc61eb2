"""Who is told that they got a task. Source: spec tasks, "Notifications". Comments tell in comments/posting.py."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, bindparam, text

from pegbar.core.database import Transaction
from pegbar.core.schema import TIMESTAMP, Uuid, utc_now
from pegbar.tasks.events import NOTIFICATION_NEW

#: Of the persons `concerned`, those who may see what is said: clients what is for them, artists nothing of clients.
#: Parameters: `project_id`, `for_client`, `by_client` (said by, or in a thread of, a client), its author `starter_id`.
ALLOWED = """
    allowed AS (
      SELECT r.id AS person_id
        FROM person r LEFT JOIN project_person_link l ON l.person_id = r.id AND l.project_id = :project_id
       WHERE r.id IN (SELECT person_id FROM concerned)
         AND CASE WHEN r.role = 'admin' THEN true
                  WHEN coalesce(nullif(l.role, 'admin'), r.role) = 'client' THEN
                    :for_client OR r.id = :starter_id
                    OR (:by_client AND (SELECT is_clients_isolated IS NOT TRUE FROM project WHERE id = :project_id))
                  WHEN coalesce(nullif(l.role, 'admin'), r.role) IN ('user', 'vendor') THEN NOT :by_client
                  ELSE true END
    )
"""

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


def announce(tx: Transaction, project_id: UUID | None, rows: Iterable[Any]) -> None:
    """Tell recipients of their new notifications: rows of `id` and `person_id`."""
    for row in rows:
        tx.emit(
            NOTIFICATION_NEW,
            project_id=project_id,
            to=row["person_id"],
            notification_id=row["id"],
            person_id=row["person_id"],
        )


async def assigned(tx: Transaction, author_id: UUID, task_ids: Sequence[UUID], persons: Sequence[UUID]) -> None:
    """Tell persons that somebody else assigned tasks to them."""
    if not task_ids or all(each == author_id for each in persons):
        return
    rows = await tx.rows(_ASSIGNED, now=utc_now(), author_id=author_id, tasks=list(task_ids), persons=list(persons))
    for row in rows:
        announce(tx, row["project_id"], [row])

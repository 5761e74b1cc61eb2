"""Telling people, and who is told that they got a task. Source: spec tasks, "Notifications".

Comments write their notifications in comments/posting.py, thread.py and editing.py; what leaves the house by mail or
chat is in notices/.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, bindparam, text

from pegbar.core.data.database import Transaction
from pegbar.core.data.schema import TIMESTAMP, Uuid, utc_now
from pegbar.tasks.events import NOTIFICATION_NEW
from pegbar.tasks.notices.access import WANTS_MESSAGES
from pegbar.tasks.notices.jobs import TELL

_ASSIGNED = text(
    f"""
    WITH told AS (
      INSERT INTO notification (id, created_at, updated_at, read, change, type, person_id, author_id, task_id)
      SELECT gen_random_uuid(), :now, :now, false, false, 'assignation', person.id, :author_id, task.id
        FROM person, task
       WHERE person.id = ANY(:persons) AND person.id <> :author_id AND task.id = ANY(:tasks)
      RETURNING id, person_id, task_id
    )
    SELECT told.id, told.person_id, task.project_id, {WANTS_MESSAGES} AS wants_messages
      FROM told JOIN task ON task.id = told.task_id JOIN person r ON r.id = told.person_id
    """  # noqa: S608 - a constant
).bindparams(
    bindparam("now", type_=TIMESTAMP),
    bindparam("author_id", type_=Uuid),
    bindparam("persons", type_=ARRAY(Uuid)),
    bindparam("tasks", type_=ARRAY(Uuid)),
)


def announce(tx: Transaction, project_id: UUID | None, rows: Iterable[Any]) -> None:
    """Tell recipients of their new notifications: rows of `id`, `person_id` and `wants_messages`."""
    rows = list(rows)
    for row in rows:
        _emit(tx, project_id, row)
    _send(tx, rows)


def _emit(tx: Transaction, project_id: UUID | None, row: Any) -> None:
    tx.emit(
        NOTIFICATION_NEW,
        project_id=project_id,
        to=row["person_id"],
        notification_id=row["id"],
        person_id=row["person_id"],
    )


def _send(tx: Transaction, rows: Sequence[Any]) -> None:
    """Leave it to one job to mail and message those who want it."""
    wanted = [str(row["id"]) for row in rows if row["wants_messages"]]
    if wanted:
        tx.defer(TELL, notification_ids=wanted)


async def assigned(tx: Transaction, author_id: UUID, task_ids: Sequence[UUID], persons: Sequence[UUID]) -> None:
    """Tell persons that somebody else assigned tasks to them."""
    if not task_ids or all(each == author_id for each in persons):
        return
    rows = await tx.rows(_ASSIGNED, now=utc_now(), author_id=author_id, tasks=list(task_ids), persons=list(persons))
    for row in rows:
        _emit(tx, row["project_id"], row)
    _send(tx, rows)

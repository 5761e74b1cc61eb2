"""A task worked out again from its comments and hours. Source: spec tasks, "Task state" (replay), "Time spent"."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import bindparam, text

from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import param, sql
from pegbar.core.data.schema import TIMESTAMP, Uuid, utc_now
from pegbar.tasks.events import TASK_STATUS_CHANGED, TASK_UPDATE
from pegbar.tasks.state import Status, after_comments

#: A statement of its own: whoever waits for the task must read its comments only after that.
_LOCK = sql("SELECT id FROM task WHERE id = :task_id FOR NO KEY UPDATE")

_COMMENTS = sql(
    """
    SELECT t.project_id, t.task_status_id AS current_status_id, c.created_at AS at,
           s.id, s.is_done, s.is_retake, s.is_wip, s.is_feedback_request,
           (SELECT d.id FROM task_status d
             WHERE d.is_default IS TRUE AND coalesce(d.for_concept, false) = coalesce(et.name = 'Concept', false)
             ORDER BY d.created_at, d.id LIMIT 1) AS default_status_id
      FROM task t
      LEFT JOIN entity e ON e.id = t.entity_id
      LEFT JOIN entity_type et ON et.id = e.entity_type_id
      LEFT JOIN comment c ON c.object_id = t.id AND c.task_status_id IS NOT NULL
      LEFT JOIN task_status s ON s.id = c.task_status_id
     WHERE t.id = :task_id
     ORDER BY c.created_at, c.id
    """
)

_STORE = text(
    """
    UPDATE task SET task_status_id = :status_id, retake_count = :retake_count, real_start_date = :real_start_date,
                    end_date = :end_date, done_date = :done_date, last_comment_date = :last_comment_date,
                    duration = coalesce((SELECT sum(h.duration) FROM time_spent h WHERE h.task_id = task.id), 0),
                    updated_at = :now
     WHERE id = :task_id
    """
).bindparams(
    *[bindparam(name, type_=Uuid) for name in ("task_id", "status_id")],
    *[
        bindparam(name, type_=TIMESTAMP)
        for name in ("real_start_date", "end_date", "done_date", "last_comment_date", "now")
    ],
    param("retake_count"),
)


@dataclass(frozen=True)
class Recount:
    """What working a task out again came to."""

    project_id: UUID
    status_before: UUID | None
    status_after: UUID | None


async def from_comments(tx: Transaction, task_id: UUID) -> Recount | None:
    """Work the task out from its comments and announce it; None when there is no such task."""
    await tx.row(_LOCK, task_id=task_id)
    rows = await tx.rows(_COMMENTS, task_id=task_id)
    if not rows:
        return None
    comments = [
        (
            Status(
                row["id"],
                is_done=bool(row["is_done"]),
                is_retake=bool(row["is_retake"]),
                is_wip=bool(row["is_wip"]),
                is_feedback_request=bool(row["is_feedback_request"]),
            ),
            row["at"],
        )
        for row in rows
        if row["id"] is not None
    ]
    after = after_comments(rows[0]["default_status_id"], comments)
    await tx.execute(
        _STORE,
        task_id=task_id,
        status_id=after.task_status_id,
        retake_count=after.retake_count,
        real_start_date=after.real_start_date,
        end_date=after.end_date,
        done_date=after.done_date,
        last_comment_date=after.last_comment_date,
        now=utc_now(),
    )
    tx.emit(TASK_UPDATE, project_id=rows[0]["project_id"], task_id=task_id)
    return Recount(rows[0]["project_id"], rows[0]["current_status_id"], after.task_status_id)


def announce_status(tx: Transaction, task_id: UUID, recount: Recount, status_id: UUID | None, person_id: UUID) -> None:
    """Tell that the task went from its status before the recount to another one."""
    tx.emit(
        TASK_STATUS_CHANGED,
        project_id=recount.project_id,
        task_id=task_id,
        new_task_status_id=status_id,
        previous_task_status_id=recount.status_before,
        person_id=person_id,
    )


# Hours

#: Tasks are locked in the order of their ids, and summed after that: two writers at once both count.
_LOCK_HOURS = sql("SELECT id FROM task WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE")
_SUM_HOURS = sql(
    """
    UPDATE task SET duration = coalesce((SELECT sum(h.duration) FROM time_spent h WHERE h.task_id = task.id), 0),
                    updated_at = :now
     WHERE id = ANY(:ids) RETURNING id, project_id
    """
)


async def lock_hours(tx: Transaction, task_ids: Sequence[UUID]) -> None:
    """Hold other writers of the hours of these tasks until the commit."""
    await tx.rows(_LOCK_HOURS, ids=list(task_ids))


async def from_hours(tx: Transaction, task_ids: Sequence[UUID]) -> None:
    """Sum the hours of tasks again and announce the tasks."""
    for row in await tx.rows(_SUM_HOURS, ids=list(task_ids), now=utc_now()):
        tx.emit(TASK_UPDATE, project_id=row["project_id"], task_id=row["id"])

"""Who may comment. Source: spec tasks, "Access rules" (task action, mention access, status right)."""

from collections.abc import Iterable
from uuid import UUID

import msgspec
from sqlalchemy import ARRAY, bindparam, text

from pegbar.core.access import Caller, Rule, at, may_act_on_task, require
from pegbar.core.database import Transaction
from pegbar.core.schema import Uuid
from pegbar.tasks.comments.subject import Subject

#: May see the task at all; what the thread and the status allow is asked in the transaction.
member_of_task = Rule(
    "member of the production; to comment: manager, client, assignee, supervisor of the department, creator of the "
    "entity, or somebody named in the thread",
    lambda caller: caller.is_member,
    at("task", "task_id"),
)


def check_may_comment(caller: Caller, subject: Subject) -> None:
    """Raise Forbidden unless the caller acts on the task, or is named in its thread and leaves the status alone."""
    named = (
        subject.named_in_thread and caller.role_here != "vendor" and subject.status.id == subject.state.task_status_id
    )
    require(may_act_on_task(caller) or named, "You may not comment this task.")


def check_may_give_status(caller: Caller, subject: Subject) -> None:
    """Raise Forbidden when the status is kept from the caller's role on the production."""
    role = caller.role_here
    if role in ("user", "vendor"):
        require(subject.artists_allowed, f"Artists may not give the status {subject.status_name}.")
    if role == "client":
        require(subject.clients_allowed, f"Clients may not give the status {subject.status_name}.")


#: Locked in the order of their ids, so that requests about the same tasks queue up instead of blocking each other.
_CALLER_AT = text(
    """
    SELECT t.id AS subject_id, t.project_id, l.person_id IS NOT NULL AS in_team, l.role AS team_role,
           tt.department_id AS task_department_id, coalesce(e.created_by = :caller_id, false) AS created_entity,
           EXISTS (SELECT 1 FROM task_person_link a WHERE a.task_id = t.id AND a.person_id = :caller_id)
             AS assigned_to_task,
           EXISTS (SELECT 1 FROM task o JOIN task_person_link a ON a.task_id = o.id
                    WHERE o.entity_id = t.entity_id AND a.person_id = :caller_id) AS assigned_to_entity
      FROM task t
      LEFT JOIN entity e ON e.id = t.entity_id
      LEFT JOIN task_type tt ON tt.id = t.task_type_id
      LEFT JOIN project_person_link l ON l.project_id = t.project_id AND l.person_id = :caller_id
     WHERE t.id = ANY(:ids)
     ORDER BY t.id
       FOR NO KEY UPDATE OF t
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid)), bindparam("caller_id", type_=Uuid))


async def caller_at(tx: Transaction, caller: Caller, task_ids: Iterable[UUID]) -> dict[UUID, Caller]:
    """Lock tasks, and tell what the caller is to each of those that exist."""
    rows = await tx.rows(_CALLER_AT, ids=sorted(set(task_ids)), caller_id=caller.id)
    return {row["subject_id"]: msgspec.structs.replace(caller, **dict(row)) for row in rows}

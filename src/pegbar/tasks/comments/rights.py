"""Who may comment. Source: spec tasks, "Access rules" (task action, mention access, status right)."""

from collections.abc import Iterable
from uuid import UUID

import msgspec
from sqlalchemy import ARRAY, bindparam, text

from pegbar.accounts.standing import as_text, assigned, assigned_on, is_going, on, somebody_written, written
from pegbar.core.data.database import Transaction
from pegbar.core.data.schema import Uuid
from pegbar.core.http.access import Caller, Rule, at, may_act_on_task, require
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
_CALLER = somebody_written("me")
_HERE = on(_CALLER, written("t.project_id"))
_CALLER_AT = text(
    f"""
    SELECT t.id AS subject_id, t.project_id, {as_text(_HERE.in_team)} AS in_team, {as_text(_HERE.role)} AS role_here,
           tt.department_id AS task_department_id, coalesce(e.created_by = me.id, false) AS created_entity,
           {as_text(assigned(_CALLER, written("t.id")))} AS assigned_to_task,
           {as_text(assigned_on(_CALLER, written("t.entity_id")))} AS assigned_to_entity,
           {as_text(_HERE.reaches(written("t.entity_id")))} AS reaches_entity
      FROM task t
      JOIN person me ON me.id = :caller_id
      LEFT JOIN entity e ON e.id = t.entity_id
      LEFT JOIN task_type tt ON tt.id = t.task_type_id
     WHERE t.id = ANY(:ids) AND NOT {as_text(is_going(written("t.project_id")))}
     ORDER BY t.id
       FOR NO KEY UPDATE OF t
    """  # noqa: S608 - rules of ours
).bindparams(bindparam("ids", type_=ARRAY(Uuid)), bindparam("caller_id", type_=Uuid))


async def caller_at(tx: Transaction, caller: Caller, task_ids: Iterable[UUID]) -> dict[UUID, Caller]:
    """Lock tasks, and tell what the caller is to each of those that exist."""
    rows = await tx.rows(_CALLER_AT, ids=sorted(set(task_ids)), caller_id=caller.id)
    return {row["subject_id"]: msgspec.structs.replace(caller, **dict(row)) for row in rows}

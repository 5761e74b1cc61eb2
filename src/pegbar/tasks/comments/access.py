"""Who may comment, and who sees a comment.

Managers and supervisors see all comments of a task; artists and vendors all but those of clients; clients those meant
for them and those that clients wrote, in an isolated production only their own. The author's role is the one on the
production. Source: spec tasks, "Access rules" (task action, mention access, status right), "comment access" and GET
…/comments; crud, "comments".
"""

from collections.abc import Iterable
from functools import lru_cache
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy import ColumnElement, Executable, select, true

from pegbar.accounts.standing import (
    CALLER,
    Said,
    as_text,
    assigned,
    assigned_on,
    hears,
    is_going,
    on,
    somebody_written,
    written,
)
from pegbar.accounts.tables import person
from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import CALLER_ID, param, sql
from pegbar.core.errors import NotFound
from pegbar.core.http.access import Caller, Rule, at, may_act_on_task, require
from pegbar.tasks.comments.subject import Subject
from pegbar.tasks.tables import comment, task

_COMMENT_ID = param("comment_id")

# Who sees a comment

_project_id = select(task.c.project_id).where(task.c.id == comment.c.object_id).correlate_except(task)
#: A comment, by its row.
SAID = Said(comment.c.person_id, _project_id.scalar_subquery(), comment.c.for_client)
BY_CLIENT: ColumnElement[bool] = SAID.by_client
FOR_CLIENTS: ColumnElement[bool] = hears("client", CALLER, SAID)
FOR_ARTISTS: ColumnElement[bool] = hears("user", CALLER, SAID)
FOR_ALL: ColumnElement[bool] = true()


def visible_to(caller: Caller) -> ColumnElement[bool]:
    """The condition on comments for this caller, with `caller_id` as a parameter where it matters."""
    return visible_to_role(caller.role_here)


def visible_to_role(role: str) -> ColumnElement[bool]:
    """The same, for callers of this role on the production."""
    if role in ("admin", "manager", "supervisor"):
        return FOR_ALL
    return FOR_CLIENTS if role == "client" else FOR_ARTISTS


@lru_cache
def _seen(condition: ColumnElement[bool]) -> Executable:
    return (
        select(condition.label("visible"), comment.c.object_id).select_from(comment).where(comment.c.id == _COMMENT_ID)
    )


async def check_sees(tx: Transaction, caller: Caller, task_id: UUID, comment_id: UUID) -> None:
    """Raise NotFound unless the comment is on the task, Forbidden when it is hidden from the caller's role."""
    row = await tx.row(_seen(visible_to(caller)), comment_id=comment_id)
    if row is None or row["object_id"] != task_id:
        raise NotFound(f"There is no comment {comment_id} on this task.")
    require(row["visible"], "This comment is not for you.")


_author = person.alias("comment_author")

#: A comment, locked, with what decides who may add to it.
_LOCKED = (
    select(
        comment.c.id,
        comment.c.object_id,
        comment.c.person_id,
        comment.c.for_client,
        comment.c.replies,
        BY_CLIENT.label("by_client"),
        _author.c.studio_id,
        select(person.c.studio_id).where(person.c.id == CALLER_ID).scalar_subquery().label("caller_studio_id"),
    )
    .join_from(comment, _author, _author.c.id == comment.c.person_id)
    .where(comment.c.id == _COMMENT_ID)
    .with_for_update(key_share=True, of=comment)
)


async def locked(tx: Transaction, task_id: UUID, comment_id: UUID) -> asyncpg.Record:
    """The comment, locked. Raises NotFound for an unknown one, Forbidden for one of another task (spec tasks)."""
    row = await tx.row(_LOCKED, comment_id=comment_id)
    if row is None:
        raise NotFound(f"There is no comment {comment_id} on this task.")
    require(row["object_id"] == task_id, "This comment is on another task.")
    return row


# Who may comment

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
_CALLER_AT = sql(
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
)


async def caller_at(tx: Transaction, caller: Caller, task_ids: Iterable[UUID]) -> dict[UUID, Caller]:
    """Lock tasks, and tell what the caller is to each of those that exist."""
    rows = await tx.rows(_CALLER_AT, ids=sorted(set(task_ids)))
    return {row["subject_id"]: msgspec.structs.replace(caller, **dict(row)) for row in rows}

"""What persons do with their notifications and subscriptions. Source: spec user, "Subscriptions", "Worth fixing" 3."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import bindparam, text

from pegbar.core.data.database import Json, Transaction
from pegbar.core.data.parameters import param, sql
from pegbar.core.data.schema import Boolean, Uuid, utc_now
from pegbar.core.errors import NotFound
from pegbar.core.http.access import Caller, require
from pegbar.core.http.routing import found
from pegbar.notifications import queries
from pegbar.notifications.events import ALL_READ, READ, UNREAD
from pegbar.notifications.resources import subscriptions
from pegbar.productions.hooks import TEAM_LEFT, Parting

_NOW = param("now")
_IDS = param("ids")

#: Set by their owner only.
_MARK = sql(
    "UPDATE notification SET read = :read, updated_at = :now WHERE id = :notification_id AND person_id = :caller_id",
    read=Boolean,
)

#: Those created since the request began stay unread.
_MARK_ALL = sql(
    """
    UPDATE notification SET read = true, updated_at = :now
     WHERE person_id = :caller_id AND read IS FALSE AND created_at <= :now
    """
)


async def mark(tx: Transaction, caller: Caller, notification_id: UUID, *, read: bool) -> Json:
    """Mark a notification as read or unread; its row. Raises NotFound unless it is the caller's."""
    if not await tx.execute(_MARK, read=read, now=utc_now(), notification_id=notification_id):
        raise NotFound("There is no such notification of yours.")
    tx.emit(READ if read else UNREAD, to=caller.id, person_id=caller.id, notification_id=notification_id)
    return found(await tx.json_row(queries.row, notification_id=notification_id))


async def mark_all(tx: Transaction, caller: Caller) -> None:
    """Mark all notifications of the caller as read."""
    await tx.execute(_MARK_ALL, now=utc_now())
    tx.emit(ALL_READ, to=caller.id, person_id=caller.id)


# Subscriptions

SUBSCRIBED, UNSUBSCRIBED = subscriptions.events["new"], subscriptions.events["delete"]

_SUBSCRIBE = sql(
    """
    INSERT INTO subscription (id, created_at, updated_at, person_id, task_id)
    SELECT pegbar.new_id(), :now, :now, :caller_id, task_id FROM unnest(:ids) AS task_id ON CONFLICT DO NOTHING
    RETURNING id
    """
)
_UNSUBSCRIBE = sql("DELETE FROM subscription WHERE person_id = :caller_id AND task_id = ANY(:ids) RETURNING id")


async def subscribe(tx: Transaction, caller: Caller, task_ids: Sequence[UUID]) -> Json:
    """Watch tasks the caller reaches, or none of them. Raises NotFound, Forbidden."""
    ids = list(task_ids)
    reached = {row["id"]: row["reached"] for row in await tx.rows(queries.reachable, ids=ids)}
    for task_id in ids:
        if task_id not in reached:
            raise NotFound(f"There is no task {task_id}.")
        require(reached[task_id], f"You may not watch the task {task_id}.")
    for subscription_id in await tx.column(_SUBSCRIBE, ids=ids, now=utc_now()):
        tx.emit(SUBSCRIBED, to=caller.id, subscription_id=subscription_id)
    return await tx.json(queries.subscriptions, ids=ids)


async def unsubscribe(tx: Transaction, caller: Caller, task_ids: Sequence[UUID]) -> None:
    """Watch tasks no longer."""
    for subscription_id in await tx.column(_UNSUBSCRIBE, ids=list(task_ids)):
        tx.emit(UNSUBSCRIBED, to=caller.id, subscription_id=subscription_id)


_SEQUENCE = [bindparam(name, type_=Uuid) for name in ("caller_id", "entity_id", "task_type_id")]
_WATCH_SEQUENCE = text(
    """
    INSERT INTO subscription (id, created_at, updated_at, person_id, entity_id, task_type_id)
    VALUES (pegbar.new_id(), :now, :now, :caller_id, :entity_id, :task_type_id) ON CONFLICT DO NOTHING
    """
).bindparams(*_SEQUENCE, _NOW)
_UNWATCH_SEQUENCE = text(
    "DELETE FROM subscription WHERE person_id = :caller_id AND entity_id = :entity_id AND task_type_id = :task_type_id"
).bindparams(*_SEQUENCE)


async def watch_sequence(tx: Transaction, sequence_id: UUID, task_type_id: UUID) -> Json:
    """Watch the tasks of a type on all that lies below a sequence. Raises NotFound for an unknown task type."""
    if await tx.value(queries.known_task_type, task_type_id=task_type_id) is None:
        raise NotFound(f"There is no task type {task_type_id}.")
    params = {"entity_id": sequence_id, "task_type_id": task_type_id}
    await tx.execute(_WATCH_SEQUENCE, now=utc_now(), **params)
    return found(await tx.json_row(queries.of_sequence, **params))


async def unwatch_sequence(tx: Transaction, sequence_id: UUID, task_type_id: UUID) -> None:
    """Watch these tasks no longer."""
    await tx.execute(_UNWATCH_SEQUENCE, entity_id=sequence_id, task_type_id=task_type_id)


_FORGET = sql(
    """
    DELETE FROM subscription s WHERE s.person_id = :person_id AND (
      EXISTS (SELECT 1 FROM task t WHERE t.id = s.task_id AND t.project_id = :project_id)
      OR EXISTS (SELECT 1 FROM entity e WHERE e.id = s.entity_id AND e.project_id = :project_id))
    """
)


@TEAM_LEFT.register()
async def end_subscriptions(parting: Parting) -> None:
    """Who leaves a team watches nothing of its production any more."""
    await parting.tx.execute(_FORGET, person_id=parting.person_id, project_id=parting.project_id)

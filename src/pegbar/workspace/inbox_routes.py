"""Routes of a person's notifications and subscriptions. Source: spec user."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request
from sqlalchemy import ARRAY, any_, bindparam, func, select

from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.data.schema import Uuid, utc_now
from pegbar.core.data.wire import json_object, wire_of
from pegbar.core.errors import BadRequest, NotFound
from pegbar.core.http.access import Caller, Place, Rule, person_identity, require
from pegbar.core.http.body import Strict
from pegbar.core.http.routing import delete, found, get, post, put
from pegbar.entities.kinds import SEQUENCE, type_id
from pegbar.entities.tables import entity
from pegbar.tasks.resources import NOTIFICATION, subscriptions
from pegbar.tasks.routes import known_ids
from pegbar.tasks.tables import notification, subscription
from pegbar.workspace import inbox

_PATH = "/data/user/notifications"
#: Parameters that are true or anything else, and the filters that they stand for.
_EITHER = {"read": ("read", "unread"), "watching": ("watched", "unwatched")}
_TRUE, _FALSE = frozenset({"true", "1", "yes", "on"}), frozenset({"false", "0", "no", "off"})


class ReadMark(Strict):
    """Whether a notification was read."""

    read: bool | int | str


class TaskIds(Strict):
    """Tasks."""

    task_ids: Annotated[list[str], msgspec.Meta(min_length=1)]


def _uuid(name: str, value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        raise BadRequest(f"Invalid UUID format for {name}: {value}") from None


def _moment(name: str, value: str) -> datetime:
    try:
        return datetime.fromisoformat(value).replace(tzinfo=None)
    except ValueError:
        raise BadRequest(f"{name}: {value!r} is neither a date nor a date and time.") from None


def _cursor(name: str, value: str) -> dict[str, Any]:
    """A date, or the cursor of an item: `<date and time>,<id>`."""
    moment, comma, row_id = value.partition(",")
    given: dict[str, Any] = {name: _moment(name, moment)}
    return given | {f"{name}_id": _uuid(name, row_id)} if comma else given


@get(_PATH, access=person_identity, returns={"type": "array", "items": inbox.ITEM}, errors=(400,))
async def notifications(request: Request[Any, Any, Any], db: Database, caller: Caller) -> Json:
    """The caller's latest hundred notifications, narrowed by the query string.

    `before` and `after` are dates, or the `cursor` of an item: with it no notification is left out or repeated.
    """
    asked = request.query_params
    given: dict[str, Any] = {}
    for name in ("after", "before"):
        if name in asked:
            given |= _cursor(name, asked[name])
    given |= {name: _uuid(name, asked[name]) for name in ("task_type_id", "task_status_id") if name in asked}
    without = {yes if asked[name].lower() == "true" else no for name, (yes, no) in _EITHER.items() if name in asked}
    if "type" in asked:
        given["type"] = asked["type"].replace("\0", "")
    return await db.json(inbox.items(frozenset(given) | without), caller_id=caller.id, **given)


@get(_PATH + "/{notification_id:str}", access=person_identity, returns=inbox.ITEM, errors=(400, 404))
async def one_notification(notification_id: str, db: Database, caller: Caller) -> Json:
    """One notification of the caller."""
    row_id = _uuid("notification_id", notification_id)
    statement = inbox.items(frozenset({"notification_id"}))
    return found(await db.json_row(statement, caller_id=caller.id, notification_id=row_id), "The notification")


_ROW = select(json_object(NOTIFICATION)).where(notification.c.id == bindparam("notification_id", type_=Uuid))


@put(
    _PATH + "/{notification_id:str}",
    access=person_identity,
    events=(inbox.READ, inbox.UNREAD),
    returns=NOTIFICATION,
    errors=(400, 404),
)
async def mark_notification(notification_id: str, body: ReadMark, tx: Transaction, caller: Caller) -> Json:
    """Mark a notification of the caller as read or unread."""
    row_id, read = _uuid("notification_id", notification_id), str(body.read).lower()
    if read not in _TRUE | _FALSE:
        raise BadRequest("read is neither true nor false.")
    if not await tx.execute(inbox.mark, read=read in _TRUE, now=utc_now(), notification_id=row_id, caller_id=caller.id):
        raise NotFound("There is no such notification of yours.")
    event = inbox.READ if read in _TRUE else inbox.UNREAD
    tx.emit(event, to=caller.id, person_id=caller.id, notification_id=row_id)
    return found(await tx.json_row(_ROW, notification_id=row_id))


@post(
    "/actions/user/notifications/mark-all-as-read",
    access=person_identity,
    status=200,
    events=(inbox.ALL_READ,),
    returns=dict[str, bool],
)
async def mark_all_notifications(tx: Transaction, caller: Caller) -> Any:
    """Mark all notifications of the caller as read."""
    await tx.execute(inbox.mark_all, now=utc_now(), caller_id=caller.id)
    tx.emit(inbox.ALL_READ, to=caller.id, person_id=caller.id)
    return {"success": True}


# Subscriptions

_SUBSCRIBED, _UNSUBSCRIBED = subscriptions.events["new"], subscriptions.events["delete"]

_ids = bindparam("ids", type_=ARRAY(Uuid))
_SUBSCRIPTION = wire_of(subscription, "Subscription")
_SUBSCRIPTIONS = (
    select(json_object(_SUBSCRIPTION))
    .where(subscription.c.task_id == any_(_ids), subscription.c.person_id == bindparam("caller_id", type_=Uuid))
    .order_by(func.array_position(_ids, subscription.c.task_id))
)


async def _subscribe(tx: Transaction, caller: Caller, ids: list[UUID]) -> Json:
    """Subscribe to tasks the caller reaches, or to none of them. Raises NotFound, Forbidden."""
    rows = {row["id"]: row["reached"] for row in await tx.rows(inbox.reachable, ids=ids, caller_id=caller.id)}
    for each in ids:
        if each not in rows:
            raise NotFound(f"There is no task {each}.")
        require(rows[each], f"You may not watch the task {each}.")
    for each in await tx.column(inbox.subscribe, ids=ids, caller_id=caller.id, now=utc_now()):
        tx.emit(_SUBSCRIBED, to=caller.id, subscription_id=each)
    return await tx.json(_SUBSCRIPTIONS, ids=ids, caller_id=caller.id)


async def _unsubscribe(tx: Transaction, caller: Caller, ids: list[UUID]) -> None:
    for each in await tx.column(inbox.unsubscribe, ids=ids, caller_id=caller.id):
        tx.emit(_UNSUBSCRIBED, to=caller.id, subscription_id=each)


@get("/data/user/tasks/{task_id:str}/subscribed", access=person_identity, returns=bool)
async def is_subscribed(task_id: str, db: Database, caller: Caller) -> bool:
    """Whether the caller watches a task."""
    ids = known_ids([task_id])
    return bool(ids) and bool(await db.value(inbox.is_subscribed, task_id=ids[0], caller_id=caller.id))


@post(
    "/actions/user/tasks/{task_id:uuid}/subscribe",
    access=person_identity,
    events=[_SUBSCRIBED],
    returns=_SUBSCRIPTION,
    errors=(403, 404),
)
async def subscribe(task_id: UUID, tx: Transaction, caller: Caller) -> Json:
    """Watch a task."""
    return Json((await _subscribe(tx, caller, [task_id]))[1:-1])


@delete("/actions/user/tasks/{task_id:str}/unsubscribe", access=person_identity, events=[_UNSUBSCRIBED])
async def unsubscribe(task_id: str, tx: Transaction, caller: Caller) -> None:
    """Stop watching a task."""
    await _unsubscribe(tx, caller, known_ids([task_id]))


@post(
    "/actions/user/tasks/subscribe",
    access=person_identity,
    events=[_SUBSCRIBED],
    returns=[_SUBSCRIPTION],
    errors=(400, 403, 404),
)
async def subscribe_to_many(body: TaskIds, tx: Transaction, caller: Caller) -> Json:
    """Watch tasks, all or none."""
    ids = known_ids(body.task_ids)
    if len(ids) < len(body.task_ids):
        raise NotFound("task_ids: one of them is not an id.", field="task_ids")
    return await _subscribe(tx, caller, list(dict.fromkeys(ids)))


@post(
    "/actions/user/tasks/unsubscribe",
    access=person_identity,
    status=200,
    events=[_UNSUBSCRIBED],
    returns=list[str],
    errors=(400,),
)
async def unsubscribe_from_many(body: TaskIds, tx: Transaction, caller: Caller) -> list[str]:
    """Stop watching tasks."""
    await _unsubscribe(tx, caller, known_ids(body.task_ids))
    return body.task_ids


_SEQUENCE = "/sequences/{sequence_id:uuid}/task-types/{task_type_id:uuid}"
_watches = Rule(
    "a person in the team of the production; vendors only with a task on the sequence",
    lambda caller: caller.is_member and caller.reaches_entity,
    Place(
        "entity",
        "sequence_id",
        select(entity.c.id.label("place_id")).where(
            entity.c.id == bindparam("key", type_=Uuid), entity.c.entity_type_id == type_id(SEQUENCE)
        ),
    ),
    bots=False,
)
_WATCHED = select(json_object(_SUBSCRIPTION)).where(
    subscription.c.person_id == bindparam("caller_id", type_=Uuid),
    subscription.c.entity_id == bindparam("entity_id", type_=Uuid),
    subscription.c.task_type_id == bindparam("task_type_id", type_=Uuid),
)


async def _is_watching(sequence_id: str, task_type_id: str, db: Database, caller: Caller) -> bool:
    """Whether the caller watches the tasks of a type below a sequence."""
    ids = known_ids([sequence_id, task_type_id])
    if len(ids) < 2:
        return False
    return bool(await db.value(inbox.is_watching_sequence, caller_id=caller.id, entity_id=ids[0], task_type_id=ids[1]))


for _kind in ("sequences", "entities"):
    _path = f"/data/user/{_kind}" + "/{sequence_id:str}/task-types/{task_type_id:str}/subscribed"
    get(_path, access=person_identity, returns=bool)(_is_watching)


@post(f"/actions/user{_SEQUENCE}/subscribe", access=_watches, returns=_SUBSCRIPTION, errors=(403, 404))
async def watch_sequence(sequence_id: UUID, task_type_id: UUID, tx: Transaction, caller: Caller) -> Json:
    """Watch the tasks of a type on all that lies below a sequence."""
    if await tx.value(inbox.known_task_type, task_type_id=task_type_id) is None:
        raise NotFound(f"There is no task type {task_type_id}.")
    given = {"caller_id": caller.id, "entity_id": sequence_id, "task_type_id": task_type_id}
    await tx.execute(inbox.watch_sequence, now=utc_now(), **given)
    return found(await tx.json_row(_WATCHED, **given))


@delete("/actions/user/sequences/{sequence_id:str}/task-types/{task_type_id:str}/unsubscribe", access=person_identity)
async def unwatch_sequence(sequence_id: str, task_type_id: str, tx: Transaction, caller: Caller) -> None:
    """Stop watching the tasks of a type below a sequence."""
    ids = known_ids([sequence_id, task_type_id])
    if len(ids) == 2:
        await tx.execute(inbox.unwatch_sequence, caller_id=caller.id, entity_id=ids[0], task_type_id=ids[1])

"""Routes of notifications and subscriptions: a person's own, and those of a production.

Source: spec user; spec tasks, operations of the same names.
"""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request

from pegbar.config import settings
from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.data.values import to_timestamp
from pegbar.core.errors import BadRequest, NotFound
from pegbar.core.http.access import Caller, Place, Rule, admin, at, person_identity
from pegbar.core.http.body import Strict, read_id
from pegbar.core.http.pagination import envelope, plain_or_enveloped, window
from pegbar.core.http.routing import Foreseen, delete, found, get, post, put
from pegbar.core.http.streaming import stream_array
from pegbar.notifications import actions, queries
from pegbar.notifications.actions import SUBSCRIBED, UNSUBSCRIBED
from pegbar.notifications.events import ALL_READ, READ, UNREAD
from pegbar.notifications.resources import NOTIFICATION, SUBSCRIPTION
from pegbar.tasks.shapes import known_ids

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


def _cursor(name: str, value: str) -> dict[str, Any]:
    """A date, or the cursor of an item: `<date and time>,<id>`."""
    moment, comma, row_id = value.partition(",")
    params: dict[str, Any] = {name: to_timestamp(name, moment)}
    return params | {f"{name}_id": read_id(name, row_id)} if comma else params


@get(
    _PATH,
    access=person_identity,
    foreseen=Foreseen(lambda _: queries.items(frozenset()), is_list=True),
    returns={"type": "array", "items": queries.ITEM},
    errors=(400,),
)
async def notifications(request: Request[Any, Any, Any], db: Database) -> Json:
    """The caller's latest hundred notifications, narrowed by the query string.

    `before` and `after` are dates, or the `cursor` of an item: with it no notification is left out or repeated.
    """
    query = request.query_params
    params: dict[str, Any] = {}
    for name in ("after", "before"):
        if name in query:
            params |= _cursor(name, query[name])
    params |= {name: read_id(name, query[name]) for name in ("task_type_id", "task_status_id") if name in query}
    flags = {yes if query[name].lower() == "true" else no for name, (yes, no) in _EITHER.items() if name in query}
    if "type" in query:
        params["type"] = query["type"].replace("\0", "")
    return await db.json(queries.items(frozenset(params) | flags), **params)


@get(_PATH + "/{notification_id:str}", access=person_identity, returns=queries.ITEM, errors=(400, 404))
async def one_notification(notification_id: str, db: Database) -> Json:
    """One notification of the caller."""
    row_id = read_id("notification_id", notification_id)
    statement = queries.items(frozenset({"notification_id"}))
    return found(await db.json_row(statement, notification_id=row_id), "The notification")


@put(
    _PATH + "/{notification_id:str}",
    access=person_identity,
    events=(READ, UNREAD),
    returns=NOTIFICATION,
    errors=(400, 404),
)
async def mark_notification(notification_id: str, body: ReadMark, tx: Transaction, caller: Caller) -> Json:
    """Mark a notification of the caller as read or unread."""
    row_id, read = read_id("notification_id", notification_id), str(body.read).lower()
    if read not in _TRUE | _FALSE:
        raise BadRequest("read is neither true nor false.")
    return await actions.mark(tx, caller, row_id, read=read in _TRUE)


@post(
    "/actions/user/notifications/mark-all-as-read",
    access=person_identity,
    status=200,
    events=(ALL_READ,),
    returns=dict[str, bool],
)
async def mark_all_notifications(tx: Transaction, caller: Caller) -> Any:
    """Mark all notifications of the caller as read."""
    await actions.mark_all(tx, caller)
    return {"success": True}


# Subscriptions


@get("/data/user/tasks/{task_id:str}/subscribed", access=person_identity, returns=bool)
async def is_subscribed(task_id: str, db: Database) -> bool:
    """Whether the caller watches a task."""
    ids = known_ids([task_id])
    return bool(ids) and bool(await db.value(queries.is_subscribed, task_id=ids[0]))


@post(
    "/actions/user/tasks/{task_id:uuid}/subscribe",
    access=person_identity,
    events=[SUBSCRIBED],
    returns=SUBSCRIPTION,
    errors=(403, 404),
)
async def subscribe(task_id: UUID, tx: Transaction, caller: Caller) -> Json:
    """Watch a task."""
    return Json((await actions.subscribe(tx, caller, [task_id]))[1:-1])


@delete("/actions/user/tasks/{task_id:str}/unsubscribe", access=person_identity, events=[UNSUBSCRIBED])
async def unsubscribe(task_id: str, tx: Transaction, caller: Caller) -> None:
    """Stop watching a task."""
    await actions.unsubscribe(tx, caller, known_ids([task_id]))


@post(
    "/actions/user/tasks/subscribe",
    access=person_identity,
    events=[SUBSCRIBED],
    returns=[SUBSCRIPTION],
    errors=(400, 403, 404),
)
async def subscribe_to_many(body: TaskIds, tx: Transaction, caller: Caller) -> Json:
    """Watch tasks, all or none."""
    ids = known_ids(body.task_ids)
    if len(ids) < len(body.task_ids):
        raise NotFound("task_ids: one of them is not an id.", field="task_ids")
    return await actions.subscribe(tx, caller, list(dict.fromkeys(ids)))


@post(
    "/actions/user/tasks/unsubscribe",
    access=person_identity,
    status=200,
    events=[UNSUBSCRIBED],
    returns=list[str],
    errors=(400,),
)
async def unsubscribe_from_many(body: TaskIds, tx: Transaction, caller: Caller) -> list[str]:
    """Stop watching tasks."""
    await actions.unsubscribe(tx, caller, known_ids(body.task_ids))
    return body.task_ids


_SEQUENCE = "/sequences/{sequence_id:uuid}/task-types/{task_type_id:uuid}"
_watches = Rule(
    "a person in the team of the production; vendors only with a task on the sequence",
    lambda caller: caller.is_member and caller.reaches_entity,
    Place("entity", "sequence_id", queries.sequence),
    bots=False,
)


async def _is_watching(sequence_id: str, task_type_id: str, db: Database) -> bool:
    """Whether the caller watches the tasks of a type below a sequence."""
    ids = known_ids([sequence_id, task_type_id])
    if len(ids) < 2:
        return False
    return bool(await db.value(queries.is_watching_sequence, entity_id=ids[0], task_type_id=ids[1]))


for _kind in ("sequences", "entities"):
    _path = f"/data/user/{_kind}" + "/{sequence_id:str}/task-types/{task_type_id:str}/subscribed"
    get(_path, access=person_identity, returns=bool)(_is_watching)


@post(f"/actions/user{_SEQUENCE}/subscribe", access=_watches, returns=SUBSCRIPTION, errors=(403, 404))
async def watch_sequence(sequence_id: UUID, task_type_id: UUID, tx: Transaction) -> Json:
    """Watch the tasks of a type on all that lies below a sequence."""
    return await actions.watch_sequence(tx, sequence_id, task_type_id)


@delete("/actions/user/sequences/{sequence_id:str}/task-types/{task_type_id:str}/unsubscribe", access=person_identity)
async def unwatch_sequence(sequence_id: str, task_type_id: str, tx: Transaction) -> None:
    """Stop watching the tasks of a type below a sequence."""
    ids = known_ids([sequence_id, task_type_id])
    if len(ids) == 2:
        await actions.unwatch_sequence(tx, ids[0], ids[1])


# Of a production

_admin_here = Rule(admin.text, admin.test, at("project", "project_id"))


class PageQuery(msgspec.Struct):
    """Which page; without one, everything."""

    page: int = 0


@get(
    "/data/projects/{project_id:uuid}/notifications",
    access=_admin_here,
    returns=plain_or_enveloped(NOTIFICATION),
    errors=(400,),
)
async def project_notifications(project_id: UUID, query: PageQuery, db: Database, caller: Caller) -> Any:
    """The notifications about the tasks of a production, latest change first: an array, or a page with its totals."""
    if query.page < 1:
        return await stream_array(db, caller, queries.of_project(paged=False), project_id=project_id)
    part = window(query.page, settings().nb_records_per_page)
    total = await db.value(queries.number_in_project, project_id=project_id)
    rows = await db.json(queries.of_project(paged=True), project_id=project_id, **part)
    return envelope(rows, total, query.page, part)


@get("/data/projects/{project_id:uuid}/subscriptions", access=_admin_here, returns=[SUBSCRIPTION])
async def project_subscriptions(project_id: UUID, db: Database) -> Json:
    """Who watches which task of a production."""
    return await db.json(queries.subscriptions_of_project, project_id=project_id)

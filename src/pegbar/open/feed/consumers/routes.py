"""Named consumers: the server keeps where a daemon is in the feed, and its workers share what comes."""

import re
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request

from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.errors import BadRequest, NotFound
from pegbar.core.http.access import Caller, authenticated, require
from pegbar.core.http.body import read_id
from pegbar.core.http.routing import Reply, delete, get, post, put
from pegbar.core.live import cursors
from pegbar.core.live.cursors import Gone
from pegbar.open.feed import filters
from pegbar.open.feed.consumers import actions, queries
from pegbar.open.feed.consumers.waiting import Fetch
from pegbar.open.feed.routes import begun
from pegbar.review.event_log import EVENT

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_MOST = 1000
_OWNER = authenticated.further("one's own; studio managers anybody's, by `person_id`")

_STATE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "person_id": {"type": "string", "format": "uuid"},
        "filter": {"type": "object"},
        "cursor": {"type": "string"},
        "created_at": {"type": "string"},
        "updated_at": {"type": "string"},
        "fetched_at": {"type": ["string", "null"]},
        "leased": {"type": "integer", "description": "Events that workers have and did not acknowledge"},
        "waiting": {"type": "integer", "description": "Events that were taken and no worker has"},
    },
}
_LAG: dict[str, Any] = {
    "type": "object",
    "properties": {
        **_STATE["properties"],
        "unread": {"type": ["integer", "null"], "description": "Events that were not taken yet, as far as counted"},
        "unread_more": {"type": "boolean", "description": "Whether there are more than were counted"},
        "oldest_at": {"type": ["string", "null"], "description": "When the first was written that is to be done"},
        "gone": {
            "type": "boolean",
            "description": "Whether it is behind what is kept, and is to be told where it goes on",
        },
    },
}
_BATCH = {
    "type": "object",
    "properties": {
        "lease": {"type": ["string", "null"], "format": "uuid"},
        "until": {"type": ["string", "null"]},
        "events": {"type": "array", "items": EVENT},
        "more": {"type": "boolean"},
    },
}


class Owner(msgspec.Struct):
    """Whose consumer."""

    person_id: str | None = None

    def of(self, caller: Caller) -> UUID:
        """The person: the caller, unless a studio manager names another. Raises Forbidden."""
        if self.person_id is None:
            return caller.id
        person_id = read_id("person_id", self.person_id)
        require(caller.is_admin or person_id == caller.id, "Access needs: studio manager, or one's own consumer.")
        return person_id


class NewConsumer(msgspec.Struct):
    """Which events, and from where on if it is new."""

    names: list[str] = []
    project_id: str | None = None
    thing: str | None = None
    id: str | None = None
    start: str | None = msgspec.field(default=None, name="from")


class Wish(msgspec.Struct):
    """How many events, for how long, and how long to wait for them."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=_MOST)] = 100
    wait: Annotated[float, msgspec.Meta(ge=0, le=60)] = 0
    lease: Annotated[float, msgspec.Meta(ge=1, le=3600)] = 60


class Done(msgspec.Struct):
    """Which lease is done: with all its events, or with some."""

    lease: UUID
    events: list[UUID] | None = None


class Start(msgspec.Struct):
    """Where to go on."""

    start: str = msgspec.field(name="from")


def _named(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise BadRequest("The name of a consumer holds letters, digits, dots, dashes and underscores, at most 80.")
    return name


async def _state(db: Database, person_id: UUID, name: str) -> Json:
    row = await db.row(queries.ONE, person_id=person_id, name=name)
    if row is None:
        raise NotFound(f"There is no consumer {name!r}.")
    lag: dict[str, Any] = {"unread": None, "unread_more": False, "oldest_at": row["oldest_at"], "gone": False}
    try:
        cursor, only = cursors.parsed(row["cursor"]), actions.filter_of(row)
        unread, more, first = await queries.unread(db, cursor, only, person_id)
        lag |= {"unread": unread, "unread_more": more, "oldest_at": row["oldest_at"] or first}
    except Gone:
        lag["gone"] = True
    if lag["oldest_at"] is not None:
        lag["oldest_at"] = f"{lag['oldest_at']:%Y-%m-%dT%H:%M:%S}"
    return Json(row["state"].encode()[:-1] + b"," + msgspec.json.encode(lag)[1:])


@get("/open/v1/consumers", access=_OWNER, returns=[_STATE], errors=(400, 403))
async def consumers(query: Owner, db: Database, caller: Caller) -> Json:
    """The caller's consumers; studio managers get everybody's, or those of `person_id`."""
    if caller.is_admin and query.person_id is None:
        return await db.json(queries.ALL)
    return await db.json(queries.OF_PERSON, person_id=query.of(caller))


@get("/open/v1/consumers/{consumer_name:str}", access=_OWNER, returns=_LAG, errors=(400, 403, 404))
async def one_consumer(consumer_name: str, query: Owner, db: Database, caller: Caller) -> Json:
    """A consumer, and how far it lags behind."""
    return await _state(db, query.of(caller), consumer_name)


@put("/open/v1/consumers/{consumer_name:str}", access=_OWNER, returns=_LAG, errors=(400, 403, 409, 410))
async def put_consumer(consumer_name: str, body: NewConsumer, query: Owner, db: Database, caller: Caller) -> Reply:
    """Make a consumer, or change which events it gets. Daemons say it whenever they start.

    `names` (patterns), `project_id`, `thing` and `id` narrow as they do in the feed. A new one begins at `from` (a
    cursor, a date or `now`, as without it); one that is there stays where it is. 201 for a new one.
    """
    person_id, name = query.of(caller), _named(consumer_name)
    only = filters.read(filters.Asked(body.names, body.project_id, body.thing, body.id))
    begin = await begun(db, body.start)

    async def work(tx: Transaction) -> bool:
        return await actions.put(tx, person_id, name, only, begin)

    is_new = await db.write(caller.id, work)
    return Reply(await _state(db, person_id, name), status=201 if is_new else 200)


@post("/open/v1/consumers/{consumer_name:str}/fetch", access=_OWNER, status=200, returns=_BATCH,
      errors=(400, 403, 404, 410, 429, 503))  # fmt: skip
async def fetch(
    consumer_name: str, body: Wish, query: Owner, db: Database, caller: Caller, request: Request[Any, Any, Any]
) -> Json:
    """The next events that no worker has, at most `limit` (1000), for `lease` seconds (60; at most 3600).

    `{"lease": uuid, "until": str, "events": […], "more": bool}`; `attempt` of an event counts how often it was handed
    out. Waits up to `wait` seconds (60) when there is none, then `lease` is null. What is not acknowledged when the
    lease ends comes again. While a worker has events about a thing, later ones about it wait. A consumer that is behind
    what is kept gets 410 until a replay says where it goes on.
    """
    batch = await Fetch(db, caller, query.of(caller), consumer_name, body.limit, body.lease).within(body.wait, request)
    if not batch.events or batch.until is None:
        return Json(b'{"lease":null,"until":null,"events":[],"more":false}')
    more = "true" if batch.more else "false"
    head = f'{{"lease":"{batch.lease_id}","until":"{batch.until:%Y-%m-%dT%H:%M:%S}","events":['
    return Json(f'{head}{",".join(batch.events)}],"more":{more}}}'.encode())


@post("/open/v1/consumers/{consumer_name:str}/acknowledge", access=_OWNER, status=200,
      returns=dict[str, int], errors=(400, 403, 404))  # fmt: skip
async def acknowledge(consumer_name: str, body: Done, query: Owner, tx: Transaction, caller: Caller) -> dict[str, int]:
    """A lease is done with: all its events, or those whose ids are in `events`. They never come again.

    `{"acknowledged": int}`: fewer than were handed out when the lease had ended and others got them, or when they were
    acknowledged before.
    """
    return {"acknowledged": await actions.acknowledge(tx, query.of(caller), consumer_name, body.lease, body.events)}


@post("/open/v1/consumers/{consumer_name:str}/replay", access=_OWNER, status=200, returns=_LAG,
      errors=(400, 403, 404, 410))  # fmt: skip
async def replay(consumer_name: str, body: Start, query: Owner, db: Database, caller: Caller) -> Json:
    """Go on from a cursor, a date or `now` (`from`): leases end, and what comes after it comes again."""
    person_id, begin = query.of(caller), await begun(db, body.start)
    await db.write(caller.id, lambda tx: actions.replay(tx, person_id, consumer_name, begin))
    return await _state(db, person_id, consumer_name)


@delete("/open/v1/consumers/{consumer_name:str}", access=_OWNER, errors=(403, 404))
async def delete_consumer(consumer_name: str, query: Owner, tx: Transaction, caller: Caller) -> None:
    """Delete a consumer, with what it has not acknowledged."""
    await actions.remove(tx, query.of(caller), consumer_name)

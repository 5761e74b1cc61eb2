"""Filters of webhooks: of the events that one asks for, only those about things that fulfil a condition.

    {"thing": "tasks", "filters": [["task_status.short_name", "in", ["wfa", "retake"]]]}

The grammar is that of queries (open/query), with the owner's sight inside. A filter is asked when events are handed
out, of the thing as it is then; an event that tells of no such thing does not pass, that one was deleted does.
"""

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Delete,
    Executable,
    Uuid,
    and_,
    delete,
    exists,
    false,
    func,
    literal_column,
    not_,
    select,
)

from pegbar.accounts.standing import PERSON, roles
from pegbar.accounts.tables import department_link, person
from pegbar.core.data.database import Reader, Transaction
from pegbar.core.data.parameters import about_caller, param, sql
from pegbar.core.data.schema import Text
from pegbar.core.errors import ApiError, InvalidBody, NotFound
from pegbar.core.http.access import Caller, Token
from pegbar.core.live import events as live
from pegbar.entities.kinds import KINDS
from pegbar.open.query.asking import columns_of, compiled
from pegbar.open.query.grammar import parse
from pegbar.open.query.things import THINGS, Thing
from pegbar.open.webhooks.stopping import stop
from pegbar.open.webhooks.tables import webhook_delivery

log = structlog.get_logger()

#: Milliseconds that the filter of one webhook may take for a page of events.
_PATIENCE = 5000

_UUID = "'^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'"
_NEW = and_(
    webhook_delivery.c.webhook_id == param("webhook_id"),
    webhook_delivery.c.position >= param("first", BigInteger),
    webhook_delivery.c.position <= param("last", BigInteger),
    # Of this transaction: what an earlier one handed out stays in the log.
    webhook_delivery.c.created_at == func.timezone(literal_column("'utc'"), func.now()),
)


def key_of(thing: Thing) -> str:
    """The key by which events tell of a thing, such as `task_id`."""
    return KINDS[thing.kind].key if thing.kind is not None else f"{thing.table.name}_id"


@cache
def _told(key: str) -> ColumnElement[Any]:
    """The id of the thing that a delivery tells of; null for none."""
    told = f"webhook_delivery.body::json #>> '{{data,data,{key}}}'"
    return literal_column(f"(CASE WHEN {told} ~ {_UUID} THEN ({told})::uuid END)", Uuid)


@lru_cache(512)
def _leave_out(condition: ColumnElement[bool], thing: Thing, key: str) -> Delete:
    """The deliveries that do not pass go before anybody has seen them."""
    gone = and_(
        webhook_delivery.c.name.like(literal_column("'%:delete'")),
        _told(key).is_not(None),
        not_(exists().where(thing.table.c.id == _told(key)).correlate(webhook_delivery)),
    )
    return delete(webhook_delivery).where(_NEW, not_(func.coalesce(condition, false())), not_(gone))


_LEAVE_OUT_ALL = delete(webhook_delivery).where(_NEW)
_departments = select(department_link.c.department_id).where(department_link.c.person_id == person.c.id)
_OWNER: Executable = select(
    person.c.id,
    person.c.role,
    person.c.timezone,
    func.array(_departments.scalar_subquery(), type_=ARRAY(Uuid)).label("departments"),
    func.array(roles(PERSON).scalar_subquery(), type_=ARRAY(Text)).label("roles"),
).where(person.c.id == param("person_id"), person.c.active.is_not(False))


async def owner(db: Reader, person_id: UUID) -> Caller | None:
    """The owner of a webhook as a caller, with whose sight its filter is asked."""
    row = await db.row(_OWNER, person_id=person_id)
    if row is None:
        return None
    return Caller(
        id=row["id"],
        role=row["role"],
        token=Token(sub=row["id"], jti="", type="access", identity_type="person", iat=0),
        timezone=row["timezone"],
        departments=frozenset(row["departments"] or ()),
        roles=frozenset(row["roles"] or ()),
    )


async def _condition(
    db: Reader, caller: Caller, document: Mapping[str, Any]
) -> tuple[Thing, ColumnElement[bool], dict[str, Any]]:
    """The condition of a filter, about a delivery. Raises ApiError naming what is wrong."""
    name = document["thing"]
    condition = parse(document["filters"], "filter.filters")
    columns = await columns_of(db, caller, condition)
    at = _told(key_of(THINGS[name])) if name in THINGS else None
    where, params = compiled(condition, name, caller, columns, at)
    return THINGS[name], where, params


async def check(db: Reader, caller: Caller, document: Mapping[str, Any], patterns: list[str]) -> None:
    """Refuse a filter that is none, or of which none of the events asked for tells the thing."""
    try:
        thing, _, _ = await _condition(db, caller, document)
    except NotFound as error:
        raise InvalidBody([("filter.thing", error.message)]) from None
    key = key_of(thing)
    names = [declaration.name.lower() for declaration in live.declared if key in _keys(declaration)]
    if not await db.value(_ANY_LIKE, names=names, patterns=patterns):
        raise InvalidBody([("filter.thing", f"None of these events tells of it: they have no {key}.")])


def _keys(declaration: live.Event) -> set[str]:
    return {*declaration.keys, *(("project_id",) if declaration.scoped else ())}


_ANY_LIKE = sql(
    "SELECT EXISTS (SELECT 1 FROM unnest(:names ::text[]) AS e (name) WHERE e.name LIKE ANY (:patterns ::text[]))"
)
_FILTERED = sql(
    """
    SELECT w.id, w.owner_id, w.filter
      FROM pegbar.webhook w
     WHERE w.state = 'active' AND w.filter IS NOT NULL
       AND EXISTS (SELECT 1 FROM pegbar.webhook_delivery d
                    WHERE d.webhook_id = w.id AND d.position BETWEEN :first ::bigint AND :last ::bigint
                      AND d.created_at = timezone('utc', now()))
    """
)
_LIMIT = sql("SELECT set_config('statement_timeout', :patience ::text, true)")


async def leave_out(tx: Transaction, first: int, last: int) -> None:
    """Leave out what does not pass the filters of webhooks, of what was handed out just now."""
    for row in await tx.rows(_FILTERED, first=first, last=last):
        page = {"webhook_id": row["id"], "first": first, "last": last}
        try:
            async with tx.attempt():
                await _leave_out_of_one(tx, row, page)
        except (ApiError, asyncpg.PostgresError) as error:
            reason = error.message if isinstance(error, ApiError) else type(error).__name__
            log.warning("the filter of a webhook failed", webhook=row["id"], reason=reason)
            await tx.execute(_LEAVE_OUT_ALL, **page)
            await stop(tx, [row["id"]], "paused", f"its filter failed, change it: {reason}")


async def _leave_out_of_one(tx: Transaction, row: asyncpg.Record, page: Mapping[str, Any]) -> None:
    caller = await owner(tx, row["owner_id"])
    if caller is None:
        return
    thing, condition, params = await _condition(tx, caller, row["filter"])
    known = {"caller_id": caller.id, "caller_role": caller.role, "caller_departments": list(caller.departments)}
    token = about_caller.set(known)
    try:
        await tx.row(_LIMIT, patience=str(_PATIENCE))
        await tx.execute(_leave_out(condition, thing, key_of(thing)), **page, **params)
        await tx.row(_LIMIT, patience="0")
    finally:
        about_caller.reset(token)

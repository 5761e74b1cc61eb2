"""What people do with webhooks: make, change, stop and resume them, send again what was delivered."""

import secrets as random
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec

from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.data.parameters import sql
from pegbar.core.data.schema import Text, utc_now
from pegbar.core.errors import BadRequest, Conflict, InvalidBody, NotFound
from pegbar.core.http.access import Caller, require
from pegbar.open.webhooks import filtering, queries, secrets
from pegbar.open.webhooks.events import WEBHOOK_DELETE, WEBHOOK_NEW, WEBHOOK_UPDATE
from pegbar.open.webhooks.handing_out import IS_KNOWN, WAKE
from pegbar.open.webhooks.retrying import KEPT_TRYING
from pegbar.open.webhooks.shapes import PING, DeliveryQuery, NewWebhook, Rotation, WebhookChange, values_of
from pegbar.open.webhooks.stopping import stop
from pegbar.open.webhooks.tables import STATUSES, webhook

#: Webhooks of one production, and of the studio.
MOST_WEBHOOKS = 500
_MOST_OVERLAP, _MOST_LISTED = 7 * 24, 500

_HELD = sql(
    """
    SELECT project_id, owner_id, state, patterns, filter
      FROM pegbar.webhook WHERE id = :webhook_id FOR NO KEY UPDATE
    """
)
_NOW = sql("SELECT pg_current_snapshot()::text")


async def listed(db: Database, caller: Caller, project_id: UUID | None) -> Json:
    """The webhooks that somebody manages."""
    params = {} if project_id is None else {"project_id": project_id}
    return await db.json(queries.webhooks(caller, of_project=project_id is not None), **params)


async def make(tx: Transaction, caller: Caller, body: NewWebhook) -> Json:
    """Add a webhook, which gets the events from now on; it, with its secret.

    Raises Forbidden for a production that the caller does not manage, or for none unless they manage the studio.
    """
    values = values_of(body)
    if not caller.is_admin:
        require(
            body.project_id is not None and bool(await tx.value(queries.manages, project_id=body.project_id)),
            "project_id: it must be a production that you manage.",
        )
    if await tx.value(queries.number_of, project_id=body.project_id) >= MOST_WEBHOOKS:
        raise Conflict(f"There are {MOST_WEBHOOKS} webhooks already: delete one first.")
    await _check_filter(tx, caller.id, values.get("filter"), values["patterns"])
    webhook_id, secret = uuid4(), secrets.new_secret()
    await tx.insert(
        webhook,
        id=webhook_id,
        project_id=body.project_id,
        owner_id=caller.id,
        sealed_secret=secrets.seal(secret, webhook_id),
        seen=await tx.value(_NOW),
        **values,
    )
    tx.emit(WEBHOOK_NEW, project_id=body.project_id, webhook_id=webhook_id)
    return await _with_secret(tx, webhook_id, secret)


async def _check_filter(
    tx: Transaction, owner_id: UUID | None, document: Mapping[str, Any] | None, patterns: list[str]
) -> None:
    owner = None if owner_id is None or document is None else await filtering.owner(tx, owner_id)
    if owner is not None and document is not None:
        await filtering.check(tx, owner, document, patterns)


async def _with_secret(tx: Transaction, webhook_id: UUID, secret: str) -> Json:
    row: str = await tx.value(queries.one, webhook_id=webhook_id)
    return Json(row[:-1].encode() + b',"secret":' + msgspec.json.encode(secret) + b"}")


async def one(db: Database | Transaction, webhook_id: UUID) -> Json:
    """A webhook."""
    row = await db.json_row(queries.one, webhook_id=webhook_id)
    if row is None:
        raise NotFound(f"There is no webhook {webhook_id}.")
    return row


async def change(tx: Transaction, caller: Caller, webhook_id: UUID, body: WebhookChange) -> Json:
    """Change where a webhook sends to, its events, its filter or its name; it. What waits goes to the new address.

    Whoever changes more than its name has it as their own: else they would ask its filter with another's sight.
    """
    values = values_of(body)
    if values.keys() - {"name"}:
        values["owner_id"] = caller.id
    if values:
        row = await _update(tx, webhook_id, **values)
        merged = {**row, **values}
        await _check_filter(tx, merged["owner_id"], merged["filter"], merged["patterns"])
    return await one(tx, webhook_id)


async def _update(tx: Transaction, webhook_id: UUID, **values: object) -> asyncpg.Record:
    """Change columns of a webhook; it as it was."""
    row = await tx.row(_HELD, webhook_id=webhook_id)
    if row is None:
        raise NotFound(f"There is no webhook {webhook_id}.")
    await tx.update(webhook, webhook_id, **values)
    tx.emit(WEBHOOK_UPDATE, project_id=row["project_id"], webhook_id=webhook_id)
    return row


async def remove(tx: Transaction, webhook_id: UUID) -> None:
    """Delete a webhook with all that it delivered and has to deliver."""
    row = await tx.row(_HELD, webhook_id=webhook_id)
    if row is None:
        raise NotFound(f"There is no webhook {webhook_id}.")
    await tx.delete(webhook, id=webhook_id)
    tx.emit(WEBHOOK_DELETE, project_id=row["project_id"], webhook_id=webhook_id)


_ROTATE = sql(
    """
    UPDATE pegbar.webhook
       SET sealed_former_secret = CASE WHEN :hours ::int > 0 THEN sealed_secret END,
           former_secret_until = CASE WHEN :hours ::int > 0
                                      THEN timezone('utc', now()) + make_interval(hours => :hours ::int) END,
           sealed_secret = :sealed ::bytea
     WHERE id = :webhook_id
    """
)


async def rotate(tx: Transaction, webhook_id: UUID, body: Rotation) -> Json:
    """Give a webhook a new secret; it, with that. The former one signs besides for some hours."""
    if not 0 <= body.overlap_hours <= _MOST_OVERLAP:
        raise InvalidBody([("overlap_hours", f"From 0 to {_MOST_OVERLAP}.")])
    secret = secrets.new_secret()
    await _update(tx, webhook_id)
    await tx.execute(_ROTATE, webhook_id=webhook_id, hours=body.overlap_hours, sealed=secrets.seal(secret, webhook_id))
    return await _with_secret(tx, webhook_id, secret)


# Stopping and resuming


async def pause(tx: Transaction, caller: Caller, webhook_id: UUID) -> Json:
    """Stop a webhook; it."""
    row = await tx.row(_HELD, webhook_id=webhook_id)
    if row is not None and row["state"] == "active":
        await stop(tx, [webhook_id], "paused", f"paused by {caller.full_name.strip() or caller.id}")
    return await one(tx, webhook_id)


_RESUME = sql(
    """
    UPDATE pegbar.webhook
       SET state = 'active', reason = NULL, failing_since = NULL, failures = 0, retry_at = NULL,
           seen = CASE WHEN :anew ::bool THEN pg_current_snapshot()::text ELSE seen END,
           reading = CASE WHEN :anew ::bool THEN NULL ELSE reading END,
           position = CASE WHEN :anew ::bool THEN 0 ELSE position END,
           seen_at = CASE WHEN :anew ::bool THEN timezone('utc', now()) ELSE seen_at END
     WHERE id = :webhook_id
    """
)
#: What waits begins its three days, and the waits between attempts, again.
_TRY_AGAIN = sql(
    """
    UPDATE pegbar.webhook_delivery
       SET due_at = timezone('utc', now()), attempts_before = attempts, expires_at = :expires_at
     WHERE webhook_id = :webhook_id AND status = 'waiting' AND leased_until IS NULL
    """
)
_SKIP = sql(
    """
    UPDATE pegbar.webhook_delivery SET status = 'skipped', ended_at = timezone('utc', now()), leased_until = NULL
     WHERE webhook_id = :webhook_id AND status = 'waiting'
    """
)
_RESUMER = sql("UPDATE pegbar.webhook SET owner_id = :caller_id WHERE id = :webhook_id AND state = 'disabled'")


async def resume(tx: Transaction, webhook_id: UUID, *, from_stop: bool) -> Json:
    """Have a webhook go on: from where it stopped, or from now; it.

    A disabled one becomes the caller's. Raises Conflict when the events since it stopped are not kept any more.
    """
    row = await tx.row(_HELD, webhook_id=webhook_id)
    if row is None:
        raise NotFound(f"There is no webhook {webhook_id}.")
    if row["state"] == "active":
        return await one(tx, webhook_id)
    if from_stop and not await tx.value(IS_KNOWN, webhook_id=webhook_id):
        raise Conflict('Events are kept for a week, it was stopped longer: resume it with {"from": "now"}.')
    await tx.execute(_RESUMER, webhook_id=webhook_id)
    await tx.execute(_RESUME, webhook_id=webhook_id, anew=not from_stop)
    if from_stop:
        await tx.execute(_TRY_AGAIN, webhook_id=webhook_id, expires_at=utc_now() + KEPT_TRYING)
    else:
        await tx.execute(_SKIP, webhook_id=webhook_id)
    await tx.row(WAKE)
    tx.emit(WEBHOOK_UPDATE, project_id=row["project_id"], webhook_id=webhook_id)
    return await one(tx, webhook_id)


# Deliveries


async def deliveries(db: Database, webhook_id: UUID, query: DeliveryQuery) -> Json:
    """A page of the log, the newest first."""
    if query.status is not None and query.status not in STATUSES:
        raise BadRequest(f"status: one of {', '.join(STATUSES)}.")
    if not 1 <= query.limit <= _MOST_LISTED:
        raise BadRequest(f"limit: from 1 to {_MOST_LISTED}.")
    if query.before is not None and not 0 <= query.before < 2**62:
        raise BadRequest("before: the number of a delivery.")
    params = {"status": query.status, "event": query.event, "before": query.before, "limit": query.limit}
    return await db.json(queries.deliveries, webhook_id=webhook_id, **params)


async def delivery(db: Database | Transaction, webhook_id: UUID, delivery_id: UUID) -> Json:
    """A delivery with its body, and all that was sent and answered."""
    row = await db.json_row(queries.delivery, webhook_id=webhook_id, delivery_id=delivery_id)
    if row is None:
        raise NotFound(f"There is no delivery {delivery_id} of this webhook.")
    return row


_PING = sql(
    """
    INSERT INTO pegbar.webhook_delivery (id, webhook_id, name, thing, body, expires_at)
    VALUES (:delivery_id, :webhook_id, :name, :thing, :body, :expires_at)
    """,
    name=Text,
    thing=Text,
    body=Text,
)


async def ping(tx: Transaction, caller: Caller, webhook_id: UUID) -> Json:
    """Send a test event, once, also when the webhook is paused; its delivery, which tells what came of it."""
    delivery_id, now = uuid4(), utc_now()
    content = {"webhook_id": webhook_id, "nonce": random.token_hex(8)}
    event = {"id": delivery_id, "created_at": now.strftime("%Y-%m-%dT%H:%M:%S"), "name": PING, "user_id": caller.id}
    body = {
        "type": PING,
        "timestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "data": {**event, "project_id": None, "data": content, "changes": []},
    }
    await tx.execute(
        _PING,
        delivery_id=delivery_id,
        webhook_id=webhook_id,
        name=PING,
        thing=str(delivery_id),
        body=msgspec.json.encode(body).decode(),
        expires_at=now + timedelta(hours=1),
    )
    await tx.row(WAKE)
    return await delivery(tx, webhook_id, delivery_id)


_AGAIN = sql(
    """
    UPDATE pegbar.webhook_delivery
       SET status = 'waiting', due_at = timezone('utc', now()), attempts_before = attempts, ended_at = NULL,
           expires_at = :expires_at
     WHERE id = :delivery_id AND webhook_id = :webhook_id AND leased_until IS NULL
    """
)


async def redeliver(tx: Transaction, webhook_id: UUID, delivery_id: UUID) -> Json:
    """Send something again, with the same `webhook-id`, at once; its delivery."""
    again = await tx.execute(_AGAIN, webhook_id=webhook_id, delivery_id=delivery_id, expires_at=utc_now() + KEPT_TRYING)
    row = await delivery(tx, webhook_id, delivery_id)
    if not again:
        raise Conflict("It is being delivered at this moment.")
    await tx.row(WAKE)
    return row

"""Webhooks of a studio and of its productions. Source: issue 13, 4; docs/open/webhooks.md."""

from uuid import UUID

import msgspec

from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.http.access import Caller, Rule, manager_of, of_row
from pegbar.core.http.routing import delete, get, post, put
from pegbar.open.webhooks import actions
from pegbar.open.webhooks.events import WEBHOOK_DELETE, WEBHOOK_NEW, WEBHOOK_UPDATE
from pegbar.open.webhooks.shapes import (
    DELIVERY,
    DELIVERY_WHOLE,
    WEBHOOK,
    WITH_SECRET,
    DeliveryQuery,
    NewWebhook,
    Resumption,
    Rotation,
    WebhookChange,
)
from pegbar.open.webhooks.tables import webhook

_ALL = "/open/v1/webhooks"
_ONE = _ALL + "/{webhook_id:uuid}"
_DELIVERIES = _ONE + "/deliveries"
_MANAGES = manager_of(of_row("project", webhook.c.project_id, "webhook_id"))
MANAGES_ANY = Rule(
    "studio manager, or manager in the team of a production",
    lambda caller: caller.is_admin or "manager" in caller.roles,
)


class ListQuery(msgspec.Struct):
    """Of which production."""

    project_id: UUID | None = None


@get(_ALL, access=MANAGES_ANY.further("those of their productions"), returns=[WEBHOOK])
async def webhooks(query: ListQuery, db: Database, caller: Caller) -> Json:
    """The webhooks that the caller manages: a studio manager all, others those of their productions."""
    return await actions.listed(db, caller, query.project_id)


@post(
    _ALL,
    access=MANAGES_ANY.further("of the studio studio managers only"),
    returns=WITH_SECRET,
    events=[WEBHOOK_NEW],
    errors=(400,),
)
async def make_webhook(body: NewWebhook, tx: Transaction, caller: Caller) -> Json:
    """Add a webhook, of one production or (studio managers) of all; its `secret` is told this once.

    It gets what happens from now on, with the sight of whoever made it.
    """
    return await actions.make(tx, caller, body)


@get(_ONE, access=_MANAGES, returns=WEBHOOK)
async def one_webhook(webhook_id: UUID, db: Database) -> Json:
    """A webhook: whether it is `active`, `paused` or `disabled` and why, since when it fails, how much waits."""
    return await actions.one(db, webhook_id)


@put(_ONE, access=_MANAGES, returns=WEBHOOK, events=[WEBHOOK_UPDATE], errors=(400,))
async def change_webhook(webhook_id: UUID, body: WebhookChange, tx: Transaction, caller: Caller) -> Json:
    """Change the address, events, filter or name of a webhook; who changes more than its name has it as their own."""
    return await actions.change(tx, caller, webhook_id, body)


@delete(_ONE, access=_MANAGES, events=[WEBHOOK_DELETE])
async def delete_webhook(webhook_id: UUID, tx: Transaction) -> None:
    """Delete a webhook with its log; what waits is not sent."""
    await actions.remove(tx, webhook_id)


@post(_ONE + "/secret", access=_MANAGES, status=200, returns=WITH_SECRET, events=[WEBHOOK_UPDATE], errors=(400,))
async def rotate_secret(webhook_id: UUID, body: Rotation, tx: Transaction) -> Json:
    """Give a webhook a new `secret`, told this once; for `overlap_hours` (24) both sign."""
    return await actions.rotate(tx, webhook_id, body)


@post(_ONE + "/ping", access=_MANAGES, returns=DELIVERY_WHOLE)
async def ping_webhook(webhook_id: UUID, tx: Transaction, caller: Caller) -> Json:
    """Send a test event (`webhook:ping`), once; its delivery, whose log tells what came of it."""
    return await actions.ping(tx, caller, webhook_id)


@post(_ONE + "/pause", access=_MANAGES, status=200, returns=WEBHOOK, events=[WEBHOOK_UPDATE])
async def pause_webhook(webhook_id: UUID, tx: Transaction, caller: Caller) -> Json:
    """Stop a webhook; what happens meanwhile is kept for a week."""
    return await actions.pause(tx, caller, webhook_id)


@post(_ONE + "/resume", access=_MANAGES, status=200, returns=WEBHOOK, events=[WEBHOOK_UPDATE], errors=(400,))
async def resume_webhook(webhook_id: UUID, body: Resumption, tx: Transaction) -> Json:
    """Have a webhook go on `from` where it stopped ("stop", the default) or from "now"."""
    return await actions.resume(tx, webhook_id, from_stop=body.start == "stop")


@get(_DELIVERIES, access=_MANAGES, returns=[DELIVERY], errors=(400,))
async def webhook_deliveries(webhook_id: UUID, query: DeliveryQuery, db: Database) -> Json:
    """What a webhook delivers, the newest first; the next page is `before` the `number` of the last."""
    return await actions.deliveries(db, webhook_id, query)


@get(_DELIVERIES + "/{delivery_id:uuid}", access=_MANAGES, returns=DELIVERY_WHOLE)
async def webhook_delivery(webhook_id: UUID, delivery_id: UUID, db: Database) -> Json:
    """A delivery: its body and, of each attempt, what was sent and what was answered (its first 8 kB)."""
    return await actions.delivery(db, webhook_id, delivery_id)


@post(_DELIVERIES + "/{delivery_id:uuid}/redeliver", access=_MANAGES, status=200, returns=DELIVERY_WHOLE, errors=(400,))
async def redeliver(webhook_id: UUID, delivery_id: UUID, tx: Transaction) -> Json:
    """Send a delivery again, with the same `webhook-id`, at once."""
    return await actions.redeliver(tx, webhook_id, delivery_id)

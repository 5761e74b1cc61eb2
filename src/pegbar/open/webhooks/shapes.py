"""The JSON of webhooks and their deliveries, and the bodies that make and change them."""

import re
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import ColumnElement, Select, func, literal_column, select
from yarl import URL

from pegbar.config import settings
from pegbar.core.data.schema import BigInteger
from pegbar.core.data.values import check_text
from pegbar.core.data.wire import Wire, json_list, json_object, wire_of
from pegbar.core.errors import InvalidBody
from pegbar.core.http.body import Strict
from pegbar.core.http.outgoing import BadAddress, checked_url, networks
from pegbar.core.live import events as live
from pegbar.open.webhooks.tables import webhook, webhook_attempt, webhook_delivery

LONGEST_NAME, MOST_GLOBS = 200, 50
_GLOB = re.compile(r"[a-z0-9:_*?-]{1,80}")
_MOST_STARS = 5  #: in a glob: matching many takes long
#: The event of a test.
PING = "webhook:ping"

_waiting: Select[Any] = (
    select(func.count(type_=BigInteger))
    .select_from(webhook_delivery)
    .where(webhook_delivery.c.webhook_id == webhook.c.id, webhook_delivery.c.status == literal_column("'waiting'"))
    .correlate(webhook)
)

#: A webhook without its secrets; `waiting`: how many deliveries are not taken yet.
WEBHOOK = wire_of(
    webhook,
    "Webhook",
    without=frozenset(
        {"patterns", "sealed_secret", "sealed_former_secret", "seen", "seen_at", "reading", "position", "retry_at"}
    ),
).but(waiting=_waiting.scalar_subquery())

_attempts: Select[Any] = (
    select(json_object(wire_of(webhook_attempt, without=frozenset({"webhook_delivery_id"}))))
    .where(webhook_attempt.c.webhook_delivery_id == webhook_delivery.c.id)
    .order_by(webhook_attempt.c.number)
    .correlate(webhook_delivery)
)
_last: ColumnElement[Any] = (
    select(webhook_attempt.c.response_status)
    .where(webhook_attempt.c.webhook_delivery_id == webhook_delivery.c.id)
    .order_by(webhook_attempt.c.number.desc())
    .limit(1)
    .correlate(webhook_delivery)
    .scalar_subquery()
)
_LISTED = wire_of(
    webhook_delivery, "WebhookDelivery", without=frozenset({"position", "body", "attempts_before", "leased_until"})
)
#: A delivery in the log, and whole: with its body, and what was sent and answered at each attempt.
DELIVERY = _LISTED.but(response_status=_last)
DELIVERY_WHOLE: Wire = DELIVERY.but(body=webhook_delivery.c.body, attempt_log=json_list(_attempts))

WITH_SECRET = {
    "allOf": [
        {"type": "object", "description": "The webhook"},
        {"type": "object", "properties": {"secret": {"type": "string", "description": "Told this once"}}},
    ]
}


class Filter(Strict):
    """Which things events must be about: one of those that can be queried, and the `filters` of a query."""

    thing: str
    filters: Any


class NewWebhook(Strict):
    """A webhook: where to, of which events (globs such as `task:*`), of one production or of the studio."""

    url: str
    events: list[str]
    name: str = ""
    project_id: UUID | None = None
    filter: Filter | None = None


class WebhookChange(Strict):
    """What changes about a webhook; what is left out stays."""

    url: str | UnsetType = UNSET
    events: list[str] | UnsetType = UNSET
    name: str | UnsetType = UNSET
    filter: Filter | UnsetType | None = UNSET


class Rotation(Strict):
    """For how many hours the former secret signs besides the new one."""

    overlap_hours: int = 24


class Resumption(Strict):
    """From where a webhook goes on: from where it stopped, or from now."""

    start: Literal["stop", "now"] = msgspec.field(default="stop", name="from")


class DeliveryQuery(msgspec.Struct):
    """Which deliveries of the log, the newest first; `before`: the number of the last one of the page before."""

    status: str | None = None
    event: str | None = None
    before: int | None = None
    limit: int = 50


def values_of(body: NewWebhook | WebhookChange) -> dict[str, Any]:
    """The columns that a body sets. Raises InvalidBody, one entry for each field at fault."""
    errors: list[tuple[str, str]] = []
    values: dict[str, Any] = {}
    if body.url is not UNSET:
        try:
            values["url"] = str(webhook_url(body.url))
        except BadAddress as error:
            errors.append(("url", f"{error}."))
    if body.events is not UNSET:
        if (reason := _fault_of(body.events)) is not None:
            errors.append(("events", reason))
        else:
            values["events"] = list(dict.fromkeys(body.events))
            values["patterns"] = [_pattern(glob) for glob in values["events"]]
    if body.name is not UNSET:
        check_text("name", body.name)
        if len(body.name) > LONGEST_NAME:
            errors.append(("name", f"At most {LONGEST_NAME} characters."))
        values["name"] = body.name
    if body.filter is not UNSET:
        values["filter"] = None if body.filter is None else msgspec.to_builtins(body.filter)
    if errors:
        raise InvalidBody(errors)
    return values


def webhook_url(text: str) -> URL:
    """An address that this server's settings let it call. Raises BadAddress."""
    return checked_url(text, plain_http=settings().webhook_http, allowed=networks(settings().webhook_networks))


def _pattern(glob: str) -> str:
    """A glob as LIKE knows it."""
    return re.sub(r"([\\%_])", r"\\\1", glob).replace("*", "%").replace("?", "_")


def _fault_of(globs: list[str]) -> str | None:
    """What is wrong with the events that a webhook asks for."""
    if not globs:
        return "Name at least one event; * is all."
    if len(globs) > MOST_GLOBS:
        return f"At most {MOST_GLOBS}."
    names = {declaration.name.lower() for declaration in live.declared}
    for glob in globs:
        if not _GLOB.fullmatch(glob) or glob.count("*") > _MOST_STARS:
            return f"{glob[:80]!r} is no event: small letters, digits, - and :, with a few * and ? for any of them."
        expression = re.compile(re.escape(glob).replace(r"\*", ".*").replace(r"\?", "."))
        if not any(expression.fullmatch(name) for name in names):
            return f"There is no event {glob!r}: see docs/events.md."
    return None

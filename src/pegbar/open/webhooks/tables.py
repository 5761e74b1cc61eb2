"""Tables of webhooks: outgoing ones with what they deliver, and incoming ones."""

from sqlalchemy import ARRAY, Identity, Index, LargeBinary, UniqueConstraint, func, text

from pegbar.core.data.schema import (
    JSONB,
    TIMESTAMP,
    BigInteger,
    Column,
    Integer,
    String,
    Text,
    Uuid,
    choice,
    flag,
    own_table,
    reference,
)

#: `paused`: it failed for long, or somebody stopped it; `disabled`: its receiver is gone, or its owner may it no more.
STATES = ("active", "paused", "disabled")
#: `skipped`: somebody resumed the webhook from now on.
STATUSES = ("waiting", "delivered", "failed", "skipped")


def _now(name: str) -> Column[object]:
    return Column(name, TIMESTAMP, nullable=False, server_default=func.timezone("utc", func.now()))


#: Up to where the events were handed out to webhooks that keep up: one row. The place is a cursor as that of
#: `GET /data/events/since`: all that the snapshot `seen` shows, and of what `reading` shows besides up to `position`.
webhook_head = own_table(
    "webhook_head",
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seen", Text, nullable=False),
    Column("reading", Text),
    Column("position", BigInteger, nullable=False, server_default=text("0")),
    _now("seen_at"),
)

webhook = own_table(
    "webhook",
    Column("id", Uuid, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("url", String(2000), nullable=False),
    Column("events", ARRAY(Text), nullable=False),  #: globs
    Column("patterns", ARRAY(Text), nullable=False),  #: the same for LIKE
    Column("filter", JSONB),  #: which of them (filtering.py); null for all
    reference("project", on_delete="CASCADE", goes="with", made=False),
    #: With whose sight events are delivered.
    reference("person", "owner_id", on_delete="SET NULL", goes="null"),
    choice("state", STATES, server_default="active", nullable=False, length=10),
    Column("reason", Text),  #: why it is paused or disabled
    Column("sealed_secret", LargeBinary, nullable=False),
    Column("sealed_former_secret", LargeBinary),
    Column("former_secret_until", TIMESTAMP),
    #: Its own place in the events as long as that is not the head's: since it was made, stopped or fell behind.
    Column("seen", Text),
    Column("reading", Text),
    Column("position", BigInteger, nullable=False, server_default=text("0")),
    _now("seen_at"),
    #: Since when nothing but failures came back, and how many.
    Column("failing_since", TIMESTAMP),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("retry_at", TIMESTAMP),  #: before which it is left alone
    Column("delivered_at", TIMESTAMP),
    _now("created_at"),
    _now("updated_at"),
)

#: An event on its way to a webhook. Numbers are in the order of events.
webhook_delivery = own_table(
    "webhook_delivery",
    Column("id", Uuid, primary_key=True),
    Column("number", BigInteger, Identity(always=True), nullable=False),
    reference("pegbar.webhook", "webhook_id", nullable=False, index=False, on_delete="CASCADE", goes="with"),
    Column("position", BigInteger),  #: of the event; null for a test
    Column("name", String(80), nullable=False),
    Column("thing", Text, nullable=False),  #: whose events come in order
    Column("body", Text, nullable=False),
    choice("status", STATUSES, server_default="waiting", nullable=False, length=10),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    #: How many there were when it was last begun anew: waits between attempts are counted from there.
    Column("attempts_before", Integer, nullable=False, server_default=text("0")),
    _now("due_at"),
    #: Until when whoever is at it has time; after that somebody else takes it.
    Column("leased_until", TIMESTAMP),
    Column("expires_at", TIMESTAMP, nullable=False),
    _now("created_at"),
    Column("ended_at", TIMESTAMP),
    UniqueConstraint("webhook_id", "position", name="webhook_delivery_once"),
    Index("ix_webhook_delivery_due", "webhook_id", "due_at", postgresql_where=text("status = 'waiting'")),
    Index("ix_webhook_delivery_thing", "webhook_id", "thing", "number", postgresql_where=text("status = 'waiting'")),
    Index("ix_webhook_delivery_log", "webhook_id", "number"),
    Index("ix_webhook_delivery_ended_at", "ended_at"),
)

webhook_attempt = own_table(
    "webhook_attempt",
    reference(
        "pegbar.webhook_delivery",
        "webhook_delivery_id",
        index=False,
        primary_key=True,
        on_delete="CASCADE",
        goes="with",
    ),
    Column("number", Integer, primary_key=True),
    _now("made_at"),
    Column("duration_ms", Integer, nullable=False),
    Column("request_headers", JSONB, nullable=False),
    Column("response_status", Integer),
    Column("response_headers", JSONB, nullable=False),
    Column("response_body", Text, nullable=False),
    Column("error", Text, nullable=False),
)

#: A link by which programs post on a task as they would in a chat app.
incoming_hook = own_table(
    "incoming_hook",
    Column("id", Uuid, primary_key=True),
    Column("name", String(70), nullable=False),
    Column("token_hash", String(64), nullable=False, unique=True),
    reference("task", nullable=False, on_delete="CASCADE", goes="with"),
    #: The bot whose words the messages are.
    reference("person", "bot_id", nullable=False, on_delete="CASCADE", goes="with"),
    reference("person", "created_by", on_delete="SET NULL", goes="null"),
    flag("is_active", True, nullable=False, in_database=True),
    _now("created_at"),
    Column("used_at", TIMESTAMP),
    #: The minute that messages are counted in, and how many there were.
    Column("minute", TIMESTAMP),
    Column("minute_count", Integer, nullable=False, server_default=text("0")),
)

"""What is kept for the console: written a few times a minute by each process, bounded, swept (jobs.py)."""

from sqlalchemy import Float, Identity, SmallInteger

from pegbar.core.data.schema import (
    JSONB,
    TIMESTAMP,
    BigInteger,
    Column,
    Date,
    Integer,
    String,
    Text,
    Uuid,
    names,
    own_table,
)

#: Who used which session or API token last, and from where. `session` is its `jti`: a name, no token.
session_use = own_table(
    "session_use",
    Column("session", String(60), primary_key=True),
    Column("person_id", Uuid, nullable=False, index=True, info=names("person", goes="with")),
    Column("kind", String(10), nullable=False),
    Column("address", String(50)),
    Column("agent", String(300)),
    Column("started_at", TIMESTAMP, nullable=False),
    Column("expires_at", TIMESTAMP),
    Column("seen_at", TIMESTAMP, nullable=False),
    Column("requests", BigInteger, nullable=False),
)

#: Requests that took long, by the route that was asked: paths may hold secrets, and ids of people.
slow_request = own_table(
    "slow_request",
    Column("number", BigInteger, Identity(always=True), primary_key=True),
    Column("at", TIMESTAMP, nullable=False, index=True),
    Column("method", String(10), nullable=False),
    Column("route", String(255), nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("person_id", Uuid, index=True, info=names("person", goes="null")),
    Column("host", String(255), nullable=False),
)

#: Mails that were refused for good.
mail_refusal = own_table(
    "mail_refusal",
    Column("number", BigInteger, Identity(always=True), primary_key=True),
    Column("at", TIMESTAMP, nullable=False),
    Column("recipient", String(255), nullable=False),
    Column("subject", String(300), nullable=False),
    Column("reason", String(500), nullable=False),
)

#: The log of all processes, of the last hour. The table is unlogged.
log_line = own_table(
    "log_line",
    Column("number", BigInteger, Identity(always=True), primary_key=True),
    Column("at", TIMESTAMP, nullable=False, index=True),
    Column("level", String(10), nullable=False),
    Column("host", String(255), nullable=False),
    Column("process", Integer, nullable=False),
    Column("kind", String(10), nullable=False),
    Column("message", Text, nullable=False),
    Column("details", JSONB, nullable=False),
    Column("trace", Text, nullable=False),
)

#: What is stored, counted once a day: by production, what belongs to nothing, what was added when.
storage_census = own_table(
    "storage_census",
    Column("day", Date, primary_key=True),
    Column("counted_at", TIMESTAMP, nullable=False),
    Column("report", JSONB, nullable=False),
)

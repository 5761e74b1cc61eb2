"""Named consumers of the feed: where each is in the log, and what its workers have in hand."""

from uuid import uuid4

from sqlalchemy import DateTime, ForeignKey, Identity, Index, PrimaryKeyConstraint, UniqueConstraint

from pegbar.core.data.schema import (
    JSONB,
    OWN_SCHEMA,
    TIMESTAMP,
    BigInteger,
    Column,
    Integer,
    String,
    Text,
    Uuid,
    names,
    own_table,
    utc_now,
)

consumer = own_table(
    "consumer",
    Column("id", Uuid, primary_key=True, default=uuid4),
    Column("person_id", Uuid, nullable=False, info=names("person", goes="with")),
    Column("name", String(80), nullable=False),
    Column("filter", JSONB, nullable=False),
    #: All before it was taken; what was not acknowledged is in consumer_event.
    Column("cursor", Text, nullable=False),
    Column("created_at", TIMESTAMP, nullable=False, default=utc_now),
    Column("updated_at", TIMESTAMP, nullable=False, default=utc_now),
    Column("fetched_at", TIMESTAMP),
    UniqueConstraint("person_id", "name", name="consumer_person_id_name_key"),
)

#: Events that were taken from the log and are not acknowledged, in the order in which they are told. `until` is when
#: the lease ends by which a worker has one; null for those that no worker had yet.
consumer_event = own_table(
    "consumer_event",
    Column(
        "consumer_id",
        Uuid,
        ForeignKey(f"{OWN_SCHEMA}.consumer.id", ondelete="CASCADE"),
        nullable=False,
        info={"goes": "with", "made": False},
    ),
    Column("number", BigInteger, Identity(always=True)),
    Column("position", BigInteger, nullable=False),
    Column("thing", Text),
    Column("lease_id", Uuid),
    Column("until", DateTime(timezone=True)),
    Column("attempts", Integer, nullable=False, server_default="0"),
    PrimaryKeyConstraint("consumer_id", "number", name="consumer_event_pkey"),
    UniqueConstraint("consumer_id", "position", name="consumer_event_consumer_id_position_key"),
    Index("ix_consumer_event_thing", "consumer_id", "thing", postgresql_where="thing IS NOT NULL"),
)

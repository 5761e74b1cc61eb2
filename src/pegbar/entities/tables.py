"""Tables of production entities."""

from uuid import uuid4

from sqlalchemy import Index, UniqueConstraint

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
    link_table,
    names,
    reference,
    table,
)
from pegbar.core.data.tallies import kept_rows, tally

#: The kinds of the studio's own sketches, which clients are not shown.
CONCEPT_NAME, FOLDER_NAME = "Concept", "ConceptFolder"

ENTITY_STATUSES = ("standby", "running", "complete", "canceled")

entity = table(
    "entity",
    Column("name", String(160), nullable=False),
    Column("code", String(160)),
    Column("description", Text),
    Column("shotgun_id", Integer),
    flag("canceled"),
    Column("nb_frames", Integer),
    Column("nb_entities_out", Integer, default=0),
    flag("is_casting_standby"),
    flag("is_shared", nullable=False, in_database=True),
    choice("status", ENTITY_STATUSES, default="running", nullable=False, index=True),
    reference("project", nullable=False, goes="with"),
    reference("entity_type", nullable=False, goes="refuse"),
    reference("entity", "parent_id", goes="hook"),
    reference("entity", "source_id", goes="hook"),
    reference("preview_file", index=False, goes="null"),
    Column("data", JSONB, info=names("person", goes="hook")),
    reference("task_type", "ready_for", index=False, goes="refuse"),
    reference("person", "created_by", goes="null"),
    UniqueConstraint("name", "project_id", "entity_type_id", "parent_id", name="entity_uc"),
    Index("ix_entity_entity_type_parent", "entity_type_id", "parent_id"),
    Index("ix_entity_entity_type_project", "entity_type_id", "project_id"),
    Index("ix_entity_project_type_status", "project_id", "entity_type_id", "status"),
)

entity_link = link_table(
    "entity_link",
    reference("entity", "entity_in_id", primary_key=True, goes="with"),
    reference("entity", "entity_out_id", primary_key=True, lent=True, goes="with"),
    Column("data", JSONB),
    Column("nb_occurences", Integer, default=1),
    Column("label", String(80), default=""),
    Column("id", Uuid, primary_key=True, default=uuid4),
    UniqueConstraint("entity_in_id", "entity_out_id", name="entity_link_uc"),
    audited=True,
)

entity_concept_link = link_table(
    "entity_concept_link",
    reference("entity", "entity_in_id", index=False, primary_key=True, goes="with"),
    reference("entity", "entity_out_id", index=False, primary_key=True, lent=True, goes="with"),
    Column("id", Uuid, primary_key=True, default=uuid4),
    audited=True,
)

entity_version = table(
    "entity_version",
    Column("name", String(160), nullable=False),
    Column("data", JSONB, info=names("person", goes="hook")),
    reference("entity", goes="with"),
    reference("person", goes="null"),
    history="deleted",
)

asset_instance = table(
    "asset_instance",
    reference("entity", "asset_id", nullable=False, lent=True, goes="with"),
    Column("name", String(80)),
    Column("number", Integer),
    Column("description", String(200)),
    flag("active", True),
    Column("data", JSONB),
    reference("entity", "scene_id", goes="with"),
    reference("entity", "target_asset_id", goes="with"),
    reference("entity", goes="with"),
    reference("entity_type", goes="refuse"),
    UniqueConstraint("asset_id", "target_asset_id", "scene_id", "number", name="asset_instance_uc"),
)

asset_instance_link = link_table(
    "asset_instance_link",
    reference("entity", index=False, primary_key=True, goes="with"),
    reference("asset_instance", index=False, primary_key=True, goes="with"),
)

#: The links of each production: that of the entity whose casting they are of.
project_link = kept_rows(
    "project_link",
    Column("link_id", Uuid, primary_key=True),
    Column("project_id", Uuid, nullable=False),
    Column("created_at", TIMESTAMP),
)

#: How many links a production has.
link_tally = tally("link_tally", [Column("project_id", Uuid)], [Column("amount", BigInteger)])

#: How many entities a production has below a parent and made for a source (the nil id without one).
place_tally = tally(
    "place_tally",
    [Column("project_id", Uuid), Column("parent_id", Uuid), Column("source_id", Uuid)],
    [Column("amount", BigInteger)],
)

"""Tables of working and output files."""

from sqlalchemy import UniqueConstraint

from pegbar.core.data.schema import JSONB, Column, Integer, String, Text, choice, flag, reference, table
from pegbar.media.tables import VALIDATION_STATUSES

QUALITIES = ("low", "mid", "high")

output_file = table(
    "output_file",
    Column("shotgun_id", Integer),
    Column("name", String(250), nullable=False),
    flag("canceled", nullable=False),
    Column("size", Integer),
    Column("checksum", String(32)),
    Column("description", Text),
    Column("comment", Text),
    Column("extension", String(10)),
    Column("revision", Integer, nullable=False),
    Column("representation", String(20), index=True),
    Column("nb_elements", Integer, default=1),
    Column("source", String(40)),
    Column("path", String(400)),
    Column("data", JSONB),
    reference("file_status", nullable=False, goes="refuse"),
    reference("entity", lent=True, goes="with"),
    reference("asset_instance", goes="with"),
    reference("output_type", goes="refuse"),
    reference("task_type", goes="refuse"),
    reference("person", goes="null"),
    reference("working_file", "source_file_id", goes="null"),
    reference("entity", "temporal_entity_id", goes="with"),
    choice("quality", QUALITIES),
    UniqueConstraint(
        "name",
        "entity_id",
        "asset_instance_id",
        "output_type_id",
        "task_type_id",
        "temporal_entity_id",
        "representation",
        "revision",
        name="output_file_uc",
    ),
)

output_type = table(
    "output_type",
    Column("name", String(40), nullable=False, index=True, unique=True),
    Column("short_name", String(20), nullable=False),
    history="all",
)

working_file = table(
    "working_file",
    Column("shotgun_id", Integer, index=True),
    Column("name", String(250)),
    Column("description", Text),
    Column("comment", Text),
    Column("revision", Integer),
    Column("size", Integer),
    Column("checksum", Integer),
    Column("path", String(400)),
    Column("data", JSONB),
    reference("task", goes="with"),
    reference("entity", goes="with"),
    reference("person", goes="null"),
    reference("software", goes="refuse"),
    choice("validation_status", VALIDATION_STATUSES, default="neutral", server_default="neutral", nullable=False),
    UniqueConstraint("name", "task_id", "entity_id", "revision", name="working_file_uc"),
    holds_files=True,
)

file_status = table(
    "file_status",
    Column("name", String(40), nullable=False, unique=True),
    Column("color", String(7), nullable=False),
    history="all",
)

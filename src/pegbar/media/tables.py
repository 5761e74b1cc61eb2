"""Tables of previews."""

from sqlalchemy import Index, UniqueConstraint

from pegbar.core.data.schema import (
    JSONB,
    BigInteger,
    Boolean,
    Column,
    Float,
    Integer,
    String,
    Text,
    choice,
    flag,
    reference,
    table,
)

PREVIEW_STATUSES = ("processing", "ready", "broken", "missing")
VALIDATION_STATUSES = ("validated", "rejected", "neutral")
STORAGE_STATES = ("ok", "missing", "failed")

preview_file = table(
    "preview_file",
    Column("name", String(250)),
    Column("original_name", String(250)),
    Column("revision", Integer, default=1),
    Column("position", Integer, default=1),
    Column("extension", String(6)),
    Column("description", Text),
    Column("path", String(400)),
    Column("source", String(40)),
    Column("file_size", BigInteger, default=0),
    choice("status", PREVIEW_STATUSES, default="processing", nullable=False),
    choice("validation_status", VALIDATION_STATUSES, default="neutral", nullable=False),
    Column("annotations", JSONB),
    Column("width", Integer, default=0),
    Column("height", Integer, default=0),
    Column("duration", Float, default=0.0),
    reference("task", goes="with"),
    reference("person", goes="null"),
    reference("output_file", "source_file_id", goes="null"),
    Column("shotgun_id", Integer, unique=True),
    flag("is_movie"),
    Column("url", String(600)),
    Column("uploaded_movie_url", String(600)),
    Column("uploaded_movie_name", String(150)),
    Column("data", JSONB),
    Column("token_in", Integer),
    Column("token_out", Integer),
    UniqueConstraint("name", "task_id", "revision", name="preview_uc"),
    holds_files=True,
)

preview_background_file = table(
    "preview_background_file",
    Column("name", String(40), nullable=False),
    flag("archived"),
    Column("is_default", Boolean, default=False, index=True),
    Column("original_name", String(250)),
    Column("extension", String(6)),
    Column("file_size", BigInteger, default=0),
    holds_files=True,
    history="all",
)

preview_file_storage_state = table(
    "preview_file_storage_state",
    reference("preview_file", nullable=False, on_delete="CASCADE", goes="with"),
    Column("bucket", String(20), nullable=False),
    Column("prefix", String(40), nullable=False),
    choice("state", STORAGE_STATES, nullable=False),
    UniqueConstraint("preview_file_id", "bucket", "prefix", name="preview_file_storage_state_uc"),
    Index("ix_preview_file_storage_state_bucket_prefix_state", "bucket", "prefix", "state"),
    history="deleted",
)

"""Tables of playlists."""

from sqlalchemy import Index, UniqueConstraint

from pegbar.core.data.schema import (
    JSONB,
    TIMESTAMP,
    BigInteger,
    Boolean,
    Column,
    Integer,
    String,
    Text,
    Uuid,
    choice,
    flag,
    own_table,
    reference,
    table,
    unrecorded,
)

BUILD_STATUSES = ("running", "failed", "succeeded")
BUILD_TYPES = ("archive", "movie")

playlist = table(
    "playlist",
    Column("name", String(80), nullable=False),
    Column("shots", JSONB),
    reference("project", goes="with"),
    reference("entity", "episode_id", goes="with"),
    reference("task_type", goes="refuse"),
    Column("for_client", Boolean, default=False, index=True),
    Column("for_entity", String(10), default="shot", index=True),
    flag("is_for_all"),
    reference("person", "created_by", goes="null"),
    UniqueConstraint("name", "project_id", "episode_id", name="playlist_uc"),
)

playlist_share_link = table(
    "playlist_share_link",
    Column("token", String(64), nullable=False, index=True, unique=True, info=unrecorded()),
    reference("playlist", nullable=False, goes="with"),
    reference("person", "created_by", nullable=False, goes="with"),
    Column("expiration_date", TIMESTAMP),
    flag("is_active", True, nullable=False),
    flag("can_comment", True, nullable=False),
    Column("password", String(255), info=unrecorded()),
    Index("ix_playlist_share_link_playlist_active", "playlist_id", "is_active"),
)

build_job = table(
    "build_job",
    choice("status", BUILD_STATUSES, default="running", nullable=False),
    choice("job_type", BUILD_TYPES, default="movie", nullable=False),
    Column("ended_at", TIMESTAMP),
    reference("playlist", nullable=False, goes="with"),
    Column("message", Text),
    holds_files=True,
    history="deleted",
)

#: What was added to a playlist once it was there, numbered in the order of additions: whoever sends the whole list says
#: up to which number they had seen it. `in_list_of`: whose own copy of the list the entry is in, since they sent it so.
playlist_addition = own_table(
    "playlist_addition",
    Column("number", BigInteger, primary_key=True),
    reference("playlist", nullable=False, on_delete="CASCADE", goes="with"),
    Column("entity_id", Uuid, nullable=False),
    Column("preview_file_id", Uuid),
    reference("person", "in_list_of", on_delete="SET NULL", goes="null"),
)

#: What is known besides of a movie that this server builds.
playlist_build = own_table(
    "playlist_build",
    reference("build_job", on_delete="CASCADE", index=False, primary_key=True, goes="with"),
    #: What the movie was made of, and how; null until that is known.
    Column("digest", String(64)),
    Column("is_full", Boolean, nullable=False),
    Column("has_titles", Boolean, nullable=False),
    reference("person", "requested_by", on_delete="SET NULL", goes="null"),
    Column("progress", Integer, nullable=False),  #: percent
    Column("attempts", Integer, nullable=False),
    #: The last sign of life of whoever builds it.
    Column("seen_at", TIMESTAMP, nullable=False),
)

"""Tables of tasks and what is said on them."""

from sqlalchemy import ARRAY, CheckConstraint, Index, UniqueConstraint

from pegbar.core.data.schema import (
    JSONB,
    TIMESTAMP,
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    Integer,
    Numeric,
    String,
    Text,
    Uuid,
    flag,
    link_table,
    names,
    reference,
    table,
)
from pegbar.core.data.tallies import kept_rows, tally

task = table(
    "task",
    Column("name", String(80), nullable=False),
    Column("description", Text),
    Column("priority", Integer, default=0),
    Column("difficulty", Integer, default=3, server_default="3", nullable=False),
    Column("duration", Float, default=0.0),
    Column("estimation", Float, default=0.0),
    Column("completion_rate", Integer, default=0),
    Column("retake_count", Integer, default=0),
    Column("sort_order", Integer, default=0),
    Column("start_date", TIMESTAMP),
    Column("due_date", TIMESTAMP),
    Column("real_start_date", TIMESTAMP),
    Column("end_date", TIMESTAMP),
    Column("done_date", TIMESTAMP),
    Column("last_comment_date", TIMESTAMP),
    Column("nb_assets_ready", Integer, default=0),
    Column("data", JSONB, info=names("person", goes="hook")),
    Column("nb_drawings", Integer, default=0),
    Column("shotgun_id", Integer),
    Column("last_preview_file_id", Uuid, info=names("preview_file", goes="null")),
    reference("project", goes="with"),
    reference("task_type", goes="refuse"),
    reference("task_status", goes="refuse"),
    reference("entity", goes="with"),
    reference("person", "assigner_id", goes="null"),
    UniqueConstraint("name", "project_id", "task_type_id", "entity_id", name="task_uc"),
    CheckConstraint("((difficulty > 0) AND (difficulty < 6))", name="check_difficulty"),
    Index("ix_task_entity_project", "entity_id", "project_id"),
)

task_person_link = link_table(
    "task_person_link",
    reference("task", index=False, primary_key=True, goes="with"),
    reference("person", primary_key=True, goes="with"),
)

comment = table(
    "comment",
    Column("shotgun_id", Integer),
    Column("object_id", Uuid, nullable=False, index=True, info=names("task", goes="with")),
    Column("object_type", String(80), nullable=False, index=True),
    Column("text", Text),
    Column("data", JSONB),
    Column("replies", JSONB, default=list, info=names("person", goes="hook")),
    Column("checklist", JSONB, default=list),
    Column("pinned", Boolean),
    Column("links", ARRAY(String)),
    reference("task_status", goes="refuse"),
    reference("person", nullable=False, goes="hook"),
    reference("person", "editor_id", goes="null"),
    reference("preview_file", goes="null"),
    flag("for_client", in_database=True),
)

comment_acknoledgments = link_table(
    "comment_acknoledgments",
    reference("comment", "comment", index=False, primary_key=True, goes="with"),
    reference("person", "person", index=False, primary_key=True, goes="with"),
)

comment_department_mentions = link_table(
    "comment_department_mentions",
    reference("comment", "comment", index=False, primary_key=True, goes="with"),
    reference("department", "department", index=False, primary_key=True, goes="refuse"),
)

comment_mentions = link_table(
    "comment_mentions",
    reference("comment", "comment", index=False, primary_key=True, goes="with"),
    reference("person", "person", index=False, primary_key=True, goes="with"),
)

comment_preview_link = link_table(
    "comment_preview_link",
    reference("comment", "comment", primary_key=True, goes="with"),
    reference("preview_file", "preview_file", primary_key=True, goes="with"),
)

attachment_file = table(
    "attachment_file",
    Column("name", String(250)),
    Column("size", BigInteger, default=1),
    Column("extension", String(6)),
    Column("mimetype", String(255)),
    reference("comment", goes="with"),
    Column("reply_id", Uuid),
    reference("chat_message", goes="with"),
    holds_files=True,
)

news = table(
    "news",
    flag("change", nullable=False),
    reference("person", "author_id", nullable=False, goes="with"),
    reference("comment", goes="with"),
    reference("task", nullable=False, goes="with"),
    reference("preview_file", goes="null"),
    history="deleted",
)

#: The tasks of a production by type, status, and whether they are of an entity.
task_tally = tally(
    "task_tally",
    [
        Column("project_id", Uuid),
        Column("task_type_id", Uuid),
        Column("task_status_id", Uuid),
        Column("in_place", Boolean),
    ],
    [Column("amount", BigInteger), Column("duration", Numeric), Column("estimation", Numeric)],
)

#: The tasks of a production that begin, are due or were done (`start`, `due`, `done`) on a day, by type.
task_day_tally = tally(
    "task_day_tally",
    [Column("project_id", Uuid), Column("task_type_id", Uuid), Column("kind", Text), Column("day", Date)],
    [Column("amount", BigInteger), Column("estimation", Numeric)],
)

#: Tasks whose entity is of another production than they are. There should be none, but databases may hold some.
stray_task = kept_rows("stray_task", Column("task_id", Uuid, primary_key=True))

#: The news of each production, with the status of their comment (the nil id without one).
project_news = kept_rows(
    "project_news",
    Column("news_id", Uuid, primary_key=True),
    Column("project_id", Uuid, nullable=False),
    Column("task_status_id", Uuid, nullable=False),
    Column("change", Boolean, nullable=False),
    Column("created_at", TIMESTAMP),
)

#: The news of a production by status, and how many of them tell a change.
news_tally = tally(
    "news_tally",
    [Column("project_id", Uuid), Column("task_status_id", Uuid)],
    [Column("amount", BigInteger), Column("changes", BigInteger)],
)

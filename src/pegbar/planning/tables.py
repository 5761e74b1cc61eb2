"""Tables of schedules."""

from sqlalchemy import CheckConstraint, UniqueConstraint

from pegbar.core.data.schema import (
    TIMESTAMP,
    Column,
    Date,
    Float,
    Integer,
    String,
    Text,
    Uuid,
    flag,
    link_table,
    names,
    reference,
    table,
)

schedule_item = table(
    "schedule_item",
    Column("start_date", Date),
    Column("end_date", Date),
    Column("man_days", Integer),
    reference("project", goes="with"),
    reference("task_type", goes="refuse"),
    Column("object_id", Uuid, index=True, info=names("entity", goes="with")),
    UniqueConstraint("project_id", "task_type_id", "object_id", name="schedule_item_uc"),
)

milestone = table(
    "milestone",
    Column("date", Date),
    Column("name", String(40), nullable=False),
    reference("project", goes="with"),
    reference("task_type", goes="refuse"),
)

day_off = table(
    "day_off",
    Column("date", Date, nullable=False),
    Column("end_date", Date, nullable=False),
    Column("description", Text),
    reference("person", goes="with"),
    UniqueConstraint("person_id", "date", name="day_off_uc"),
    CheckConstraint("(date <= end_date)", name="day_off_date_check"),
    history="all",
)

production_schedule_version = table(
    "production_schedule_version",
    Column("name", String(80), nullable=False),
    reference("project", nullable=False, on_delete="CASCADE", goes="with"),
    reference("production_schedule_version", "production_schedule_from", on_delete="SET NULL", goes="null"),
    flag("locked"),
    flag("canceled"),
    UniqueConstraint("name", "project_id", name="production_schedule_version_uc"),
)

production_schedule_version_task_link = table(
    "production_schedule_version_task_link",
    reference("production_schedule_version", nullable=False, on_delete="CASCADE", goes="with"),
    reference("task", nullable=False, on_delete="CASCADE", goes="with"),
    Column("start_date", TIMESTAMP),
    Column("due_date", TIMESTAMP),
    Column("estimation", Float, default=0.0),
    UniqueConstraint("production_schedule_version_id", "task_id", name="production_schedule_version_task_link_uc"),
)

production_schedule_version_task_link_person_link = link_table(
    "production_schedule_version_task_link_person_link",
    reference("production_schedule_version_task_link", index=False, on_delete="CASCADE", primary_key=True, goes="with"),
    reference("person", index=False, on_delete="CASCADE", primary_key=True, goes="with"),
)

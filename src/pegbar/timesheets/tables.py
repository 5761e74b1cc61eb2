"""Tables of hours."""

from sqlalchemy import CheckConstraint, UniqueConstraint

from pegbar.core.data.schema import Column, Date, Float, reference, table

time_spent = table(
    "time_spent",
    Column("duration", Float, nullable=False),
    Column("date", Date, nullable=False),
    reference("task", goes="with"),
    reference("person", goes="hook"),
    UniqueConstraint("person_id", "task_id", "date", name="time_spent_uc"),
    CheckConstraint("(duration > (0)::double precision)", name="check_duration_positive"),
)

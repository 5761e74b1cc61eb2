"""Tables of hours."""

from sqlalchemy import CheckConstraint, UniqueConstraint

from pegbar.core.data.schema import BigInteger, Column, Date, Float, Numeric, Text, Uuid, reference, table
from pegbar.core.data.tallies import kept_rows, tally

time_spent = table(
    "time_spent",
    Column("duration", Float, nullable=False),
    Column("date", Date, nullable=False),
    reference("task", goes="with"),
    reference("person", goes="hook"),
    UniqueConstraint("person_id", "task_id", "date", name="time_spent_uc"),
    CheckConstraint("(duration > (0)::double precision)", name="check_duration_positive"),
)

#: The hours of persons, with the production and the type of their task (the nil id without one).
project_hours = kept_rows(
    "project_hours",
    Column("time_spent_id", Uuid, primary_key=True),
    Column("person_id", Uuid, nullable=False),
    Column("project_id", Uuid, nullable=False),
    Column("task_type_id", Uuid, nullable=False),
    Column("date", Date, nullable=False),
    Column("minutes", Numeric, nullable=False),
)

#: The minutes of each person by month and by week (`unit`), which has a `first` day, by production and task type.
hours_tally = tally(
    "hours_tally",
    [
        Column("unit", Text),
        Column("first", Date),
        Column("person_id", Uuid),
        Column("project_id", Uuid),
        Column("task_type_id", Uuid),
    ],
    [Column("amount", BigInteger), Column("minutes", Numeric)],
)

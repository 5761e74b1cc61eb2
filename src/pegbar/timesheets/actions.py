"""Writing hours down. Source: spec tasks, "Time spent" (write right) and its operations."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

import msgspec

from pegbar.accounts.resources import persons
from pegbar.core.data.database import Json, Transaction
from pegbar.core.data.parameters import sql
from pegbar.core.data.schema import Boolean, Float, utc_now
from pegbar.core.errors import InvalidBody, NotFound
from pegbar.core.http.access import Caller, require
from pegbar.tasks import recount
from pegbar.timesheets import queries
from pegbar.timesheets.events import TIME_SPENT_DELETE, TIME_SPENT_NEW, TIME_SPENT_UPDATE

#: The task is locked, so that its sum counts every writer.
_SUBJECT = sql(
    """
    SELECT t.project_id, o.id AS person_id, o.is_bot, p.is_bot_collaboration_enabled AS bots_welcome,
           EXISTS (SELECT 1 FROM task_person_link l WHERE l.task_id = t.id AND l.person_id = o.id) AS assigned
      FROM task t
      LEFT JOIN person o ON o.id = :person_id
      LEFT JOIN project p ON p.id = t.project_id
     WHERE t.id = :task_id
       FOR NO KEY UPDATE OF t
    """
)

_SPEND = sql(
    """
    INSERT INTO time_spent AS spent (id, created_at, updated_at, duration, date, task_id, person_id)
    VALUES (pegbar.new_id(), :now, :now, :minutes, :day, :task_id, :person_id)
    ON CONFLICT (person_id, task_id, date) DO UPDATE
       SET duration = CASE WHEN :adds THEN spent.duration ELSE 0 END + EXCLUDED.duration,
           updated_at = EXCLUDED.updated_at
    RETURNING id, (xmax = 0) AS is_new
    """,
    minutes=Float,
    adds=Boolean,
)

_REMOVE = sql("DELETE FROM time_spent WHERE task_id = :task_id AND person_id = :person_id AND date = :day RETURNING *")

#: Presence is worked out by one transaction at a time, so that each sees what the one before it wrote.
_HOLD_PERSON = sql("SELECT id FROM person WHERE id = :person_id FOR NO KEY UPDATE")

#: The later of the last desktop login and the last day with hours.
_REFRESH_PRESENCE = sql(
    """
    WITH seen AS (
      SELECT greatest((SELECT max(date)::date FROM desktop_login_log WHERE person_id = :person_id),
                      (SELECT max(date) FROM time_spent WHERE person_id = :person_id)) AS day
    )
    UPDATE person SET last_presence = seen.day, updated_at = :now
      FROM seen WHERE person.id = :person_id AND person.last_presence IS DISTINCT FROM seen.day
    """
)


@dataclass(frozen=True)
class Spending:
    """Whose hours, on which task."""

    task_id: UUID
    person_id: UUID
    project_id: UUID | None
    is_bot: bool
    bots_welcome: bool
    assigned: bool


async def subject(tx: Transaction, task_id: UUID, person_id: UUID) -> Spending:
    """The task, locked, and the person. Raises NotFound when either does not exist."""
    row = await tx.row(_SUBJECT, task_id=task_id, person_id=person_id)
    if row is None:
        raise NotFound(f"There is no task {task_id}.")
    if row["person_id"] is None:
        raise NotFound(f"There is nobody with the id {person_id}.")
    return Spending(
        task_id, person_id, row["project_id"], row["is_bot"], bool(row["bots_welcome"]), bool(row["assigned"])
    )


def check_right(caller: Caller, spending: Spending) -> None:
    """Raise Forbidden unless the person is assigned, and is the caller or somebody the caller manages."""
    require(spending.assigned, "Hours are for persons assigned to the task.")
    require(
        caller.manages or caller.id == spending.person_id,
        "Only the person and managers of the production write their hours.",
    )


async def spend(tx: Transaction, spending: Spending, day: date, minutes: float, *, adds: bool) -> Json:
    """Set the minutes of a day, or add to them; the row."""
    row = await tx.row(
        _SPEND,
        now=utc_now(),
        minutes=minutes,
        day=day,
        task_id=spending.task_id,
        person_id=spending.person_id,
        adds=adds,
    )
    assert row is not None
    if row["is_new"]:
        await _refresh_presence(tx, spending.person_id)
    event = TIME_SPENT_NEW if row["is_new"] else TIME_SPENT_UPDATE
    tx.emit(event, project_id=spending.project_id, time_spent_id=row["id"])
    await recount.from_hours(tx, [spending.task_id])
    spent = await tx.json_row(queries.one, time_spent_id=row["id"])
    assert spent is not None
    return spent


async def _refresh_presence(tx: Transaction, person_id: UUID) -> None:
    await tx.row(_HOLD_PERSON, person_id=person_id)
    if await tx.execute(_REFRESH_PRESENCE, person_id=person_id, now=utc_now()):
        tx.emit(persons.events["update"], person_id=person_id)


async def unspend(tx: Transaction, spending: Spending, day: date) -> Json:
    """Remove the minutes of a day; the row as it was, with a duration of 0. Raises NotFound when there are none."""
    row = await tx.row(_REMOVE, day=day, task_id=spending.task_id, person_id=spending.person_id)
    if row is None:
        raise NotFound(f"There are no hours of this person on {day}.")
    tx.emit(TIME_SPENT_DELETE, project_id=spending.project_id, time_spent_id=row["id"])
    await recount.from_hours(tx, [spending.task_id])
    gone = dict(row) | {"duration": 0.0, "type": "TimeSpent"}
    for name in ("created_at", "updated_at"):
        gone[name] = None if gone[name] is None else gone[name].strftime("%Y-%m-%dT%H:%M:%S")
    return Json(msgspec.json.encode(gone))


def minutes_of(value: object) -> float:
    """The duration of a body: a number of minutes above 0, also as text."""
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else 0.0
    except (ValueError, OverflowError):
        number = 0.0
    if not 0 < number < float("inf"):
        raise InvalidBody([("duration", "This must be a number of minutes above 0.")])
    return number

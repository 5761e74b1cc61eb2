"""The rules of days off. Source: spec crud, "day-offs"; spec projects, Worth fixing 6."""

from datetime import date
from uuid import UUID

from sqlalchemy import select, text

from pegbar.accounts.tables import person
from pegbar.core.data.changes import Change
from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import param
from pegbar.core.errors import BadRequest
from pegbar.core.http.access import require
from pegbar.planning.tables import day_off
from pegbar.tasks import recount
from pegbar.timesheets.events import TIME_SPENT_DELETE

#: The person, locked: their days off are written one after the other.
_PERSON = select(person.c.id).where(person.c.id == param("person_id")).with_for_update(key_share=True)

_FIRST, _LAST = param("first_day"), param("last_day")
_OVERLAPPING = (
    select(day_off.c.date, day_off.c.end_date)
    .where(
        day_off.c.person_id == param("person_id"),
        day_off.c.id.is_distinct_from(param("day_off_id")),
        day_off.c.date <= _LAST,
        day_off.c.end_date >= _FIRST,
    )
    .limit(1)
)

_WIPE_HOURS = text(
    """
    DELETE FROM time_spent h USING task t
     WHERE t.id = h.task_id AND h.person_id = :person_id AND h.date BETWEEN :first_day AND :last_day
    RETURNING h.id, h.task_id, t.project_id
    """
).bindparams(param("person_id"), _FIRST, _LAST)


async def check_day_off(change: Change) -> None:
    """A day off is one's own, ends after it starts, and overlaps no other of the same person."""
    caller, before = change.caller, change.before
    if before is None:
        change.need("date", "end_date", "person_id")
    else:
        require(caller.is_admin or before["person_id"] == caller.id, "Only the person or a studio manager can do this.")
    first, last, person_id = change.after("date"), change.after("end_date"), change.after("person_id")
    if first is None or last is None:
        return
    if last < first:
        raise BadRequest(f"end_date: {last} is before date, {first}.")
    await change.tx.row(_PERSON, person_id=person_id)
    period_of_person = {"person_id": person_id, "first_day": first, "last_day": last, "day_off_id": change.row_id}
    other = await change.tx.row(_OVERLAPPING, **period_of_person)
    if other is not None:
        raise BadRequest(f"The person already is off from {other['date']} to {other['end_date']}.")


async def check_removal(change: Change) -> None:
    """A day off is removed by the person or by a studio manager."""
    assert change.before is not None
    own = change.before["person_id"] == change.caller.id
    require(change.caller.is_admin or own, "Only the person or a studio manager can do this.")


async def wipe_hours(change: Change) -> None:
    """Nobody worked on a day off: the hours of those days go, and the tasks' sums follow."""
    await wipe(change.tx, change.after("person_id"), change.after("date"), change.after("end_date"))


async def wipe(tx: Transaction, person_id: UUID, first_day: date, last_day: date) -> None:
    """Remove the hours of a person in a range of days."""
    gone = await tx.rows(_WIPE_HOURS, person_id=person_id, first_day=first_day, last_day=last_day)
    if not gone:
        return
    for row in gone:
        tx.emit(TIME_SPENT_DELETE, project_id=row["project_id"], time_spent_id=row["id"])
    task_ids = sorted({row["task_id"] for row in gone})
    await recount.lock_hours(tx, task_ids)
    await recount.from_hours(tx, task_ids)

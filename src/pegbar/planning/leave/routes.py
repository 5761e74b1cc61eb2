"""Routes of days off. Source: spec accounts, "Day-off visibility" and /data/persons/…/day-offs; spec projects."""

from typing import Any
from uuid import UUID

from litestar import Request

from pegbar.core.data.database import Database, Json
from pegbar.core.data.resource import row_rule
from pegbar.core.data.values import to_date
from pegbar.core.errors import NotFound
from pegbar.core.http.access import Caller, authenticated, member_of, not_client, not_vendor, require
from pegbar.core.http.routing import get, path_uuid
from pegbar.planning.leave import queries
from pegbar.planning.leave.resources import day_offs
from pegbar.planning.tables import day_off
from pegbar.timesheets import periods
from pegbar.timesheets.periods import Period

_OF_PERSON = "/data/persons/{person_id:uuid}/day-offs"
_LEADS = "oneself, or those who lead a production of the person"
_DECLARED: dict[str, Any] = {"access": authenticated.further(_LEADS), "tag": "Days off", "errors": (400, 403, 404)}
_NOT_YOURS = "You do not lead a production of this person."


async def _check_subject(db: Database, caller: Caller, person_id: UUID) -> None:
    """404 for nobody; 403 for a bot, or for a person whom the caller does not lead."""
    subject = await db.row(queries.SUBJECT, person_id=person_id)
    if subject is None:
        raise NotFound(f"There is no person {person_id}.")
    require(not subject["is_bot"], "A bot has no days off.")
    require(caller.is_admin or subject["visible"], _NOT_YOURS)


async def _of_person(db: Database, caller: Caller, person_id: UUID, period: Period | None) -> Json:
    await _check_subject(db, caller, person_id)
    statement = queries.of_person(caller.is_admin, period is not None)
    days = {} if period is None else {"first_day": period.first, "last_day": period.last}
    return await db.json(statement, person_id=person_id, **days)


@get(
    "/data/day-offs/{instance_id:str}",
    **{**_DECLARED, "access": row_rule(authenticated, day_off).further(_LEADS), "returns": day_offs},
)
async def read_day_off(instance_id: str, db: Database, caller: Caller) -> Json:
    """Read one of day-offs; without its description for a supervisor of the person."""
    statement = queries.one(caller.is_admin)
    row = await db.json_row(statement, day_off_id=path_uuid(instance_id))
    require(row is not None, _NOT_YOURS)
    assert row is not None
    return row


@get(_OF_PERSON, **_DECLARED)
async def days_off_of_person(person_id: UUID, db: Database, caller: Caller) -> Json:
    """The days off of a person."""
    return await _of_person(db, caller, person_id, None)


@get(f"{_OF_PERSON}/{{date:str}}", **_DECLARED)
async def day_off_at(person_id: UUID, date: str, db: Database, caller: Caller) -> Json:
    """The day off of a person that covers a day, or an empty object."""
    at = to_date("date", date)
    await _check_subject(db, caller, person_id)
    statement = queries.of_person(caller.is_admin, True)
    row = await db.json_row(statement, person_id=person_id, first_day=at, last_day=at)
    return row or Json(b"{}")


@get(f"{_OF_PERSON}/year/{{year:str}}", **_DECLARED)
async def days_off_in_year(person_id: UUID, year: str, db: Database, caller: Caller) -> Json:
    """The days off of a person that overlap a year."""
    return await _of_person(db, caller, person_id, periods.year(year))


@get(f"{_OF_PERSON}/month/{{year:str}}/{{month:str}}", **_DECLARED)
async def days_off_in_month(person_id: UUID, year: str, month: str, db: Database, caller: Caller) -> Json:
    """The days off of a person that overlap a month."""
    return await _of_person(db, caller, person_id, periods.month(year, month))


@get(f"{_OF_PERSON}/week/{{year:str}}/{{week:str}}", **_DECLARED)
async def days_off_in_week(person_id: UUID, year: str, week: str, db: Database, caller: Caller) -> Json:
    """The days off of a person that overlap an ISO week."""
    return await _of_person(db, caller, person_id, periods.week(year, week))


async def _of_everybody(db: Database, caller: Caller, period: Period) -> Json:
    statement = queries.of_everybody(caller.is_admin)
    return await db.json(statement, first_day=period.first, last_day=period.last)


@get("/data/persons/day-offs/{year:str}", **_DECLARED)
async def all_days_off_in_year(year: str, db: Database, caller: Caller) -> Json:
    """The days off that overlap a year, of everybody whose days off the caller may see."""
    return await _of_everybody(db, caller, periods.year(year))


@get("/data/persons/day-offs/{year:str}/{month:str}", **_DECLARED)
async def all_days_off_in_month(year: str, month: str, db: Database, caller: Caller) -> Json:
    """The days off that overlap a month, of everybody whose days off the caller may see."""
    return await _of_everybody(db, caller, periods.month(year, month))


@get(
    "/data/projects/{project_id:uuid}/day-offs",
    **{**_DECLARED, "access": member_of("project_id") & not_vendor & not_client},
)
async def days_off_of_team(request: Request[Any, Any, Any], project_id: UUID, db: Database, caller: Caller) -> Json:
    """The days off of a team, by person; why they are away is for managers and for oneself."""
    days = {
        parameter: to_date(name, text)
        for name, parameter in (("start_date", "first_day"), ("end_date", "last_day"))
        if (text := request.query_params.get(name))
    }
    statement = queries.of_team(caller.manages, "first_day" in days, "last_day" in days)
    row = await db.json_row(statement, project_id=project_id, **days)
    assert row is not None
    return row

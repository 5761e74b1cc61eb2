"""Routes of hours: on tasks, of entities and productions, the sheets and quotas of persons.

Source: spec tasks, operations on time-spents; spec projects, entities; spec accounts, section 13 and its operations.
"""

from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.data.filters import uuid_filter
from pegbar.core.errors import BadRequest, Forbidden, NotFound
from pegbar.core.http.access import (
    Caller,
    Rule,
    at,
    authenticated,
    client_here,
    entity_access,
    in_query,
    not_client,
    require,
    task_access,
)
from pegbar.core.http.body import Strict
from pegbar.core.http.routing import delete, get, post
from pegbar.core.timezones import zone_of
from pegbar.entities.shapes import UNTYPED
from pegbar.tasks.events import TASK_UPDATE
from pegbar.timesheets import actions, periods, queries, quotas
from pegbar.timesheets.events import TIME_SPENT_DELETE, TIME_SPENT_NEW, TIME_SPENT_UPDATE
from pegbar.timesheets.periods import Period, iso_day
from pegbar.timesheets.queries import TIME_SPENT, Rows, Unit, View
from pegbar.timesheets.quotas import Mode
from pegbar.timesheets.resources import time_spents

_ON_TASK = at("task", "task_id")
_writes = Rule(
    "the person concerned while assigned, studio manager or manager of the production", lambda _: True, _ON_TASK
)
_WRITTEN = (TIME_SPENT_NEW, TIME_SPENT_UPDATE, TASK_UPDATE)


_BY_PERSON = {
    "type": "object",
    "properties": {"total": {"type": "number"}},
    "required": ["total"],
    "additionalProperties": {"type": "array", "items": time_spents},
}


class Spent(Strict):
    """Minutes spent."""

    duration: float | int | str | None = None


#: Clients see no hours.
_sees_hours = (task_access(_ON_TASK) & not_client).else_empty(client_here, b'{"total":0}')


async def _of_task(db: Database, caller: Caller, task_id: UUID, day: date | None) -> Json:
    """Vendors see their own."""
    only = caller.id if caller.role_here == "vendor" else None
    rows = await db.rows(queries.of_task, task_id=task_id, day=day, only=only)
    total = sum(row["minutes"] for row in rows)
    parts = [f'"total":{total}', *[f'"{row["person_id"]}":[{row["rows"]}]' for row in rows]]
    return Json(f"{{{','.join(parts)}}}".encode())


@get("/actions/tasks/{task_id:uuid}/time-spents", access=_sees_hours, returns=_BY_PERSON)
async def task_time_spents(task_id: UUID, db: Database, caller: Caller) -> Json:
    """Hours on a task: `total` and, for each person, their time spents."""
    return await _of_task(db, caller, task_id, None)


@get(
    "/actions/tasks/{task_id:uuid}/time-spents/{day:str}",
    access=_sees_hours,
    returns=_BY_PERSON,
    errors=(400,),
)
async def task_time_spents_of_day(task_id: UUID, day: str, db: Database, caller: Caller) -> Json:
    """Hours on a task on one day: `total` and, for each person, their time spents."""
    return await _of_task(db, caller, task_id, iso_day("date", day))


async def _spend(tx: Transaction, caller: Caller, path: tuple[UUID, str, UUID], body: Spent, *, adds: bool) -> Json:
    task_id, day, person_id = path
    spending = await actions.subject(tx, task_id, person_id)
    require(not spending.is_bot or spending.bots_welcome, "Bots have no hours on this production.")
    minutes = actions.minutes_of(body.duration)
    actions.check_right(caller, spending)
    return await actions.spend(tx, spending, iso_day("date", day), minutes, adds=adds)


_PATH = "/actions/tasks/{task_id:uuid}/time-spents/{day:str}/persons/{person_id:uuid}"


@post(_PATH, access=_writes, returns=time_spents, events=_WRITTEN, errors=(400, 403, 404))
async def set_time_spent(
    task_id: UUID, day: str, person_id: UUID, body: Spent, tx: Transaction, caller: Caller
) -> Json:
    """Set the minutes that a person spent on a task on a day."""
    return await _spend(tx, caller, (task_id, day, person_id), body, adds=False)


@post(f"{_PATH}/add", access=_writes, returns=time_spents, events=_WRITTEN, errors=(400, 403, 404))
async def add_time_spent(
    task_id: UUID, day: str, person_id: UUID, body: Spent, tx: Transaction, caller: Caller
) -> Json:
    """Add to the minutes that a person spent on a task on a day."""
    return await _spend(tx, caller, (task_id, day, person_id), body, adds=True)


@delete(
    _PATH,
    access=_writes,
    status=201,
    returns=TIME_SPENT,
    events=(TIME_SPENT_DELETE, TASK_UPDATE),
    errors=(400, 403, 404),
)
async def remove_time_spent(task_id: UUID, day: str, person_id: UUID, tx: Transaction, caller: Caller) -> Json:
    """Remove what a person spent on a task on a day; answers the row with a duration of 0."""
    spending = await actions.subject(tx, task_id, person_id)
    require(not spending.is_bot, "The hours of bots are not removed here.")
    actions.check_right(caller, spending)
    return await actions.unspend(tx, spending, iso_day("date", day))


_members_but_clients = Rule(
    "member of the production, not client",
    lambda caller: caller.is_member and caller.role_here != "client",
    at("project", "project_id"),
)


@get("/data/projects/{project_id:uuid}/time-spents", access=_members_but_clients, returns=[time_spents])
async def project_time_spents(project_id: UUID, db: Database, caller: Caller) -> Any:
    """Hours spent on a production; vendors see their own."""
    if caller.role_here == "vendor":
        return await db.json(queries.of_project_own, project_id=project_id)
    return await db.json(queries.of_project, project_id=project_id)


_entity_but_clients = (entity_access("entity_id") & not_client).else_empty(client_here)


@get("/data/entities/{entity_id:uuid}/time-spents", access=_entity_but_clients, returns=[time_spents])
async def entity_time_spents(entity_id: UUID, db: Database, caller: Caller) -> Json:
    """Hours spent on the tasks of an entity, latest first; vendors see their own."""
    only = caller.id if caller.role_here == "vendor" else None
    return await db.json(queries.of_entity, entity_id=entity_id, only=only)


# Sheets

_SHEET = "/data/persons/{person_id:uuid}/time-spents"
_sheet_of = authenticated.further("oneself, and managers and supervisors for the productions they share")


class OfProject(msgspec.Struct):
    """One production, or all."""

    project_id: str = ""


class Between(msgspec.Struct):
    """A range of days, both included."""

    start_date: str = ""
    end_date: str = ""


class Narrowed(msgspec.Struct):
    """Which hours of the studio."""

    project_id: str = ""
    department_id: str = ""
    studio_id: str = ""


class Quota(msgspec.Struct):
    """Which shots count, and how."""

    project_id: str = ""
    task_type_id: str = ""
    count_mode: str = "weighted"


def _id(value: str) -> UUID | None:
    return uuid_filter(value) if value else None


async def _sheet(
    db: Database, caller: Caller, person_id: UUID, period: Period | None, rows: Rows, project_id: UUID | None = None
) -> Json:
    """What the caller may see of a person's hours. Raises NotFound, Forbidden."""
    view = queries.view_of_person(caller, person_id, project_id, dated=period is not None)
    if view is None:
        raise Forbidden("Time sheets are for oneself, managers and supervisors.")
    params: dict[str, Any] = {} if period is None else {"first": period.first, "last": period.last}
    if project_id is not None:
        params["project_id"] = project_id
    row = await db.row(queries.of_person(view, rows), person_id=person_id, **params)
    if row is None:
        raise NotFound(f"There is nobody with the id {person_id}.")
    require(not row["is_bot"], "Bots have no time sheet.")
    require(row["on_project"], "You are not on this production.")
    return Json(row["rows"].encode())


@get(_SHEET, access=_sheet_of, returns=[queries.DETAILED], errors=(400, 403, 404))
async def person_time_spents(person_id: UUID, query: Between, db: Database, caller: Caller) -> Json:
    """Hours of a person, all of them or between two days."""
    if bool(query.start_date) != bool(query.end_date):
        raise BadRequest("start_date and end_date go together.")
    period = None
    if query.start_date:
        period = Period(iso_day("start_date", query.start_date), iso_day("end_date", query.end_date))
    return await _sheet(db, caller, person_id, period, "detailed")


@get(_SHEET + "/{day:str}", access=_sheet_of, returns=[TIME_SPENT], errors=(400, 403, 404))
async def time_spents_of_day(person_id: UUID, day: str, db: Database, caller: Caller) -> Json:
    """Hours of a person on one day."""
    only = iso_day("date", day)
    return await _sheet(db, caller, person_id, Period(only, only), "plain")


@get(_SHEET + "/year/{year:str}", access=_sheet_of, returns=[queries.OF_TASK], errors=(400, 403, 404))
async def year_sheet(person_id: UUID, year: str, query: OfProject, db: Database, caller: Caller) -> Json:
    """Hours of a person in a year, by task."""
    return await _sheet(db, caller, person_id, periods.year(year), "by_task", _id(query.project_id))


@get(_SHEET + "/month/{year:str}/{month:str}", access=_sheet_of, returns=[queries.OF_TASK], errors=(400, 403, 404))
async def month_sheet(person_id: UUID, year: str, month: str, query: OfProject, db: Database, caller: Caller) -> Json:
    """Hours of a person in a month, by task."""
    return await _sheet(db, caller, person_id, periods.month(year, month), "by_task", _id(query.project_id))


@get(_SHEET + "/week/{year:str}/{week:str}", access=_sheet_of, returns=[queries.OF_TASK], errors=(400, 403, 404))
async def week_sheet(person_id: UUID, year: str, week: str, query: OfProject, db: Database, caller: Caller) -> Json:
    """Hours of a person in an ISO week, by task."""
    return await _sheet(db, caller, person_id, periods.week(year, week), "by_task", _id(query.project_id))


@get(
    _SHEET + "/day/{year:str}/{month:str}/{day:str}",
    access=_sheet_of,
    returns=[queries.OF_TASK],
    errors=(400, 403, 404),
)
async def day_sheet(
    person_id: UUID, year: str, month: str, day: str, query: OfProject, db: Database, caller: Caller
) -> Json:
    """Hours of a person on a day, by task."""
    return await _sheet(db, caller, person_id, periods.day(year, month, day), "by_task", _id(query.project_id))


@get(_SHEET + "/month/all/{year:str}/{month:str}", access=_sheet_of, returns=[TIME_SPENT], errors=(400, 403, 404))
async def month_of_person(person_id: UUID, year: str, month: str, db: Database, caller: Caller) -> Json:
    """Every row of a person's month; for the person and studio managers."""
    period = periods.month(year, month)
    require(caller.is_admin or caller.id == person_id, "Only the person and studio managers read this.")
    return await _sheet(db, caller, person_id, period, "plain")


# Everybody

_TABLES = "/data/persons/time-spents"
_tables = Rule(
    "anyone signed in; managers and supervisors their productions, others their own hours",
    lambda caller: (
        caller.role not in ("manager", "supervisor") or caller.subject_id is None or caller.in_team or caller.is_admin
    ),
    in_query("project", "project_id"),
)


_MINUTES = {
    "type": "object",
    "additionalProperties": {"type": "object", "additionalProperties": {"type": "number"}},
    "description": "By unit of time, then by person",
}


async def _table(db: Database, caller: Caller, query: Narrowed, unit: Unit, period: Period | None) -> Json:
    department_id, studio_id, project_id = _id(query.department_id), _id(query.studio_id), _id(query.project_id)
    leads = caller.role in ("manager", "supervisor")
    supervises = caller.role == "supervisor"
    if supervises and department_id is not None and department_id not in caller.departments:
        raise BadRequest("department_id is none of your departments.")
    view = View(
        narrowed=leads,
        by_department=leads and bool(caller.departments),
        own=not leads and not caller.is_admin,
        by_project=project_id is not None,
        of_department=department_id is not None,
        of_studio=studio_id is not None,
        dated=period is not None,
    )
    narrowed = {"project_id": project_id, "department_id": department_id, "studio_id": studio_id}
    params: dict[str, Any] = {name: row_id for name, row_id in narrowed.items() if row_id is not None}
    if period is not None:
        params |= {"first": period.first, "last": period.last}
    rows = await db.rows(queries.table(unit, view), **params)
    units = ",".join(f'"{row["unit"]}":{{{row["persons"]}}}' for row in rows)
    return Json(f"{{{units}}}".encode())


@get(f"{_TABLES}/year-table", access=_tables, returns=_MINUTES, errors=(400, 403))
async def year_table(query: Narrowed, db: Database, caller: Caller) -> Json:
    """Minutes of each person by year."""
    return await _table(db, caller, query, "year", None)


@get(_TABLES + "/month-table/{year:str}", access=_tables, returns=_MINUTES, errors=(400, 403))
async def month_table(year: str, query: Narrowed, db: Database, caller: Caller) -> Json:
    """Minutes of each person by month of a year."""
    return await _table(db, caller, query, "month", periods.year(year))


@get(_TABLES + "/week-table/{year:str}", access=_tables, returns=_MINUTES, errors=(400, 403))
async def week_table(year: str, query: Narrowed, db: Database, caller: Caller) -> Json:
    """Minutes of each person by ISO week, in the weeks of an ISO year: those days that the week's detail has."""
    return await _table(db, caller, query, "week", periods.year_of_weeks(year))


@get(_TABLES + "/day-table/{year:str}/{month:str}", access=_tables, returns=_MINUTES, errors=(400, 403))
async def day_table(year: str, month: str, query: Narrowed, db: Database, caller: Caller) -> Json:
    """Minutes of each person by day of a month."""
    return await _table(db, caller, query, "day", periods.month(year, month))


# Quotas

_QUOTA = "/data/persons/{person_id:uuid}/quota-shots"
_quotas = Rule(
    "the person concerned, studio manager, or with a production its manager or supervisor",
    lambda _: True,
    in_query("project", "project_id"),
)


_SHARE = {
    "allOf": [
        UNTYPED,
        {"type": "object", "properties": {"full_name": {"type": "string"}, "weight": {"type": "number"}}},
    ]
}


async def _quota(db: Database, caller: Caller, person_id: UUID, query: Quota, period: Period) -> Json:
    if query.count_mode not in quotas.MODES:
        raise BadRequest(f"count_mode: {query.count_mode!r} is not one of {', '.join(quotas.MODES)}.")
    mode: Mode = query.count_mode
    project_id, task_type_id = _id(query.project_id), _id(query.task_type_id)
    supervises = project_id is not None and caller.supervises
    require(
        supervises or caller.is_admin or caller.id == person_id,
        "Quotas are for the person and those who supervise the production asked for.",
    )
    row = await db.row(
        quotas.shots(mode),
        person_id=person_id,
        project_id=project_id,
        task_type_id=task_type_id,
        by_project=project_id is not None,
        by_task_type=task_type_id is not None,
        first=period.first,
        last=period.last,
        timezone=zone_of(caller.timezone),
    )
    if row is None:
        raise NotFound(f"There is nobody with the id {person_id}.")
    if not row["known"]:
        raise NotFound(f"There is no production {project_id}.")
    require(not row["is_bot"], "Bots have no quotas.")
    return Json(row["rows"].encode())


@get(_QUOTA + "/month/{year:str}/{month:str}", access=_quotas, returns=[_SHARE], errors=(400, 403, 404))
async def month_quota(person_id: UUID, year: str, month: str, query: Quota, db: Database, caller: Caller) -> Json:
    """Shots of a person in a month, with the share done of each."""
    return await _quota(db, caller, person_id, query, periods.month(year, month))


@get(_QUOTA + "/week/{year:str}/{week:str}", access=_quotas, returns=[_SHARE], errors=(400, 403, 404))
async def week_quota(person_id: UUID, year: str, week: str, query: Quota, db: Database, caller: Caller) -> Json:
    """Shots of a person in an ISO week, with the share done of each."""
    return await _quota(db, caller, person_id, query, periods.week(year, week))


@get(_QUOTA + "/day/{year:str}/{month:str}/{day:str}", access=_quotas, returns=[_SHARE], errors=(400, 403, 404))
async def day_quota(
    person_id: UUID, year: str, month: str, day: str, query: Quota, db: Database, caller: Caller
) -> Json:
    """Shots of a person on a day, with the share done of each."""
    return await _quota(db, caller, person_id, query, periods.day(year, month, day))

"""Routes of the hours spent on a task. Source: spec tasks, operations on time-spents; spec projects, entities."""

from datetime import date
from typing import Any
from uuid import UUID

from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.http.access import Caller, Rule, at, client_here, entity_access, not_client, require, task_access
from pegbar.core.http.body import Strict
from pegbar.core.http.routing import delete, get, post
from pegbar.tasks.events import TASK_UPDATE, TIME_SPENT_DELETE, TIME_SPENT_NEW, TIME_SPENT_UPDATE
from pegbar.tasks.time import actions, queries
from pegbar.tasks.time.periods import iso_day
from pegbar.tasks.time.resources import time_spents
from pegbar.tasks.time.shapes import TIME_SPENT

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
        return await db.json(queries.of_project_own, project_id=project_id, caller_id=caller.id)
    return await db.json(queries.of_project, project_id=project_id)


_entity_but_clients = (entity_access("entity_id") & not_client).else_empty(client_here)


@get("/data/entities/{entity_id:uuid}/time-spents", access=_entity_but_clients, returns=[time_spents])
async def entity_time_spents(entity_id: UUID, db: Database, caller: Caller) -> Json:
    """Hours spent on the tasks of an entity, latest first; vendors see their own."""
    only = caller.id if caller.role_here == "vendor" else None
    return await db.json(queries.of_entity, entity_id=entity_id, only=only)

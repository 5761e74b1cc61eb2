"""Routes of budgets. Source: spec projects, "Budgets"."""

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Request
from msgspec import UNSET, Meta, UnsetType

from pegbar.core.data.database import Database, Json, Reader, Transaction
from pegbar.core.data.values import to_date
from pegbar.core.http.access import admin, manager_of
from pegbar.core.http.body import Strict
from pegbar.core.http.routing import delete, found, get, path_uuid, post, put
from pegbar.productions.budgets import actions, queries
from pegbar.productions.resources import budget_entries, budgets

_AT = "/data/projects/{project_id:str}/budgets"
_ONE = f"{_AT}/{{budget_id:str}}"
_ENTRIES = f"{_ONE}/entries"
_ENTRY = f"{_ENTRIES}/{{entry_id:str}}"
_MANAGER: dict[str, Any] = {"access": manager_of("project_id"), "tag": "Budgets", "errors": (400, 404)}

Name = Annotated[str, Meta(min_length=1, max_length=255)]
Currency = Annotated[str, Meta(max_length=3)]
Position = Literal["supervisor", "lead", "artist"]
Seniority = Literal["senior", "mid", "junior"]
Whole = Annotated[int, Meta(ge=-(2**31), lt=2**31)]


class NewBudget(Strict):
    """A revision of a production's quote."""

    name: Name
    currency: Currency = "USD"


class ChangedBudget(Strict):
    """What changes of a budget; null leaves it."""

    name: Annotated[str, Meta(max_length=255)] | None = None
    currency: Currency | None = None


class NewEntry(Strict):
    """A line of a budget: somebody's time, or anybody's of a department."""

    department_id: UUID
    start_date: date
    months_duration: Whole
    daily_salary: float
    person_id: UUID | None = None
    position: Position | None = None
    seniority: Seniority | None = None


class ChangedEntry(Strict):
    """What changes of a line; what is left out stays."""

    department_id: UUID | UnsetType = UNSET
    start_date: date | UnsetType = UNSET
    months_duration: Whole | UnsetType = UNSET
    daily_salary: float | UnsetType = UNSET
    person_id: UUID | UnsetType | None = UNSET
    position: Position | UnsetType | None = UNSET
    seniority: Seniority | UnsetType | None = UNSET
    exceptions: dict[str, Any] | UnsetType | None = UNSET


def _columns(body: msgspec.Struct) -> dict[str, Any]:
    """The columns that a body writes; a rank of null is the usual one."""
    usual = {"position": "artist", "seniority": "mid"}
    columns = {name: value for name, value in msgspec.structs.asdict(body).items() if value is not UNSET}
    return {name: usual.get(name) if value is None else value for name, value in columns.items()}


async def _budget(db: Reader, project_id: str, budget_id: UUID) -> Json:
    row = await db.json_row(queries.one_budget, project_id=path_uuid(project_id), budget_id=budget_id)
    return found(row, "The budget")


async def _entry(db: Reader, project_id: str, budget_id: str, entry_id: UUID) -> Json:
    ids = {"project_id": path_uuid(project_id), "budget_id": path_uuid(budget_id), "entry_id": entry_id}
    return found(await db.json_row(queries.one_entry, **ids), "The budget entry")


#: `{department_id: {"total": minutes, person_id: {"total": minutes, "YYYY-MM": minutes}}}`.
_HOURS = {"type": "object", "additionalProperties": {"type": "object"}}


@get(f"{_AT}/time-spents", access=admin, returns=_HOURS, tag="Budgets", errors=(400,))
async def budget_hours(project_id: str, db: Database) -> Any:
    """Minutes logged on a production's tasks, by department of the task type, person and month."""
    return actions.hours_tree(await db.rows(queries.hours, project_id=path_uuid(project_id)))


@get(
    "/data/projects/{project_id:uuid}/task-types/{task_type_id:str}/time-spents",
    returns={"type": "object", "additionalProperties": {"type": "array", "items": {"type": "object"}}},
    **_MANAGER,
)
async def hours_of_task_type(
    request: Request[Any, Any, Any], project_id: UUID, task_type_id: str, db: Database
) -> Json:
    """Hours logged on a production's tasks of a type, by person; `start_date` and `end_date` narrow them."""
    days = {
        name: to_date(name, text) for name in ("start_date", "end_date") if (text := request.query_params.get(name))
    }
    statement = queries.hours_of_task_type("start_date" in days, "end_date" in days)
    row = await db.json_row(statement, project_id=project_id, task_type_id=path_uuid(task_type_id), **days)
    assert row is not None
    return row


@get(_AT, returns=[queries.SHORT_BUDGET], **_MANAGER)
async def list_budgets(project_id: str, db: Database) -> Json:
    """The budgets of a production, the latest revision first."""
    return await db.json(queries.of_project, project_id=path_uuid(project_id))


@post(_AT, status=200, returns=budgets, events=(actions.CREATED,), **_MANAGER)
async def add_budget(project_id: str, body: NewBudget, tx: Transaction) -> Json:
    """Open the next revision of a production's budget."""
    budget_id = await actions.add_budget(tx, path_uuid(project_id), body.name, body.currency)
    return await _budget(tx, project_id, budget_id)


@get(_ONE, returns=budgets, **_MANAGER)
async def read_budget(project_id: str, budget_id: str, db: Database) -> Json:
    """A budget of a production."""
    return await _budget(db, project_id, path_uuid(budget_id))


@put(_ONE, returns=budgets, events=(actions.UPDATED,), **_MANAGER)
async def change_budget(project_id: str, budget_id: str, body: ChangedBudget, tx: Transaction) -> Json:
    """Rename a budget or change its currency; its revision stays."""
    values = {name: value for name, value in msgspec.structs.asdict(body).items() if value is not None}
    await actions.change_budget(tx, path_uuid(project_id), path_uuid(budget_id), values)
    return await _budget(tx, project_id, path_uuid(budget_id))


@delete(_ONE, events=(actions.DELETED,), **_MANAGER)
async def remove_budget(project_id: str, budget_id: str, tx: Transaction) -> None:
    """Delete a budget with its lines."""
    await actions.remove_budget(tx, path_uuid(project_id), path_uuid(budget_id))


@get(_ENTRIES, returns=[queries.SHORT_ENTRY], **_MANAGER)
async def list_entries(project_id: str, budget_id: str, db: Database) -> Json:
    """The lines of a budget."""
    ids = {"project_id": path_uuid(project_id), "budget_id": path_uuid(budget_id)}
    return await db.json(queries.entries_of_budget, **ids)


@post(_ENTRIES, status=200, returns=budget_entries, events=(actions.ENTRY_CREATED,), **_MANAGER)
async def add_entry(project_id: str, budget_id: str, body: NewEntry, tx: Transaction) -> Json:
    """Add a line to a budget."""
    entry_id = await actions.add_entry(tx, path_uuid(project_id), path_uuid(budget_id), _columns(body))
    return await _entry(tx, project_id, budget_id, entry_id)


@get(_ENTRY, returns=budget_entries, **_MANAGER)
async def read_entry(project_id: str, budget_id: str, entry_id: str, db: Database) -> Json:
    """A line of a budget."""
    return await _entry(db, project_id, budget_id, path_uuid(entry_id))


@put(_ENTRY, returns=budget_entries, events=(actions.ENTRY_UPDATED,), **_MANAGER)
async def change_entry(project_id: str, budget_id: str, entry_id: str, body: ChangedEntry, tx: Transaction) -> Json:
    """Change a line of a budget; what is left out stays."""
    values = _columns(body)
    if "exceptions" in values:
        values["exceptions"] = actions.read_exceptions(values["exceptions"])
    ids = (path_uuid(project_id), path_uuid(budget_id), path_uuid(entry_id))
    await actions.change_entry(tx, *ids, values)
    return await _entry(tx, project_id, budget_id, ids[2])


@delete(_ENTRY, events=(actions.ENTRY_DELETED,), **_MANAGER)
async def remove_entry(project_id: str, budget_id: str, entry_id: str, tx: Transaction) -> None:
    """Delete a line of a budget."""
    await actions.remove_entry(tx, path_uuid(project_id), path_uuid(budget_id), path_uuid(entry_id))

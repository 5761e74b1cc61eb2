"""Generic routes of time spents. Source: spec crud, "time-spents"."""

from typing import Any
from uuid import UUID

from litestar import Request
from sqlalchemy import select

from pegbar.core.data import filters, values
from pegbar.core.data.changes import Change
from pegbar.core.data.database import Database
from pegbar.core.data.filters import Special
from pegbar.core.data.parameters import param
from pegbar.core.data.resource import Access, Resource, list_rows
from pegbar.core.data.writes import writes
from pegbar.core.errors import BadRequest, Refused
from pegbar.core.http.access import Caller, Rule, admin, of_row, require
from pegbar.core.http.routing import get
from pegbar.tasks import recount
from pegbar.tasks.tables import task_person_link
from pegbar.timesheets.tables import time_spent

_ASSIGNED = select(task_person_link.c.task_id).where(
    task_person_link.c.task_id == param("task_id"),
    task_person_link.c.person_id == param("person_id"),
)
_knows_task = Rule(
    "the person concerned while assigned, studio manager or manager of the production",
    lambda _: True,
    of_row("task", time_spent.c.task_id),
)


async def _check(change: Change) -> None:
    if change.after("task_id") is None:
        raise Refused("task_id is required.", field="task_id")
    if change.after("duration") is not None and change.after("duration") <= 0:
        raise Refused("duration must be more than 0 minutes.", field="duration")
    await recount.lock_hours(change.tx, _tasks(change))


async def _refresh(change: Change) -> None:
    await recount.from_hours(change.tx, _tasks(change))


def _tasks(change: Change) -> list[UUID]:
    """The task, and the one it was on before."""
    ids = {change.after("task_id"), None if change.before is None else change.before["task_id"]}
    return sorted(ids - {None}, key=str)


async def _check_removal(change: Change) -> None:
    row, caller = change.before, change.caller
    assert row is not None
    assigned = await change.tx.value(_ASSIGNED, task_id=row["task_id"], person_id=row["person_id"])
    require(assigned is not None, "The person is not assigned to the task.")
    require(caller.manages or row["person_id"] == caller.id, "Only the person and managers remove hours.")
    await recount.lock_hours(change.tx, _tasks(change))


def _day(name: str) -> Any:
    def parse(text: str) -> Any:
        try:
            return values.to_date(name, text)
        except Refused as refused:
            raise BadRequest(refused.message) from None

    return parse


time_spents = Resource(
    time_spent,
    path="/data/time-spents",
    type="TimeSpent",
    access=Access(delete=_knows_task),
    writes=writes("duration date task_id person_id"),
    specials={
        "start_date": Special(_day("start_date"), time_spent.c.date >= param("f_start_date")),
        "end_date": Special(_day("end_date"), time_spent.c.date <= param("f_end_date")),
    },
    check=_check,
    saved=_refresh,
    deleting=_check_removal,
    deleted=_refresh,
    of_production=True,
    streams=True,
    skip=frozenset({"list"}),
    tag="Time spents",
)


@get("/data/time-spents", access=admin, returns=time_spents, tag="Time spents")
async def list_time_spents(request: Request[Any, Any, Any], db: Database, caller: Caller) -> Any:
    """List time-spents; `start_date` and `end_date` together keep the days between, both included."""
    query = request.query_params.multi_items()
    listing = filters.parse_listing(query, time_spents.columns, time_spents.by_key, time_spents.specials)
    if len({"start_date", "end_date"} & {chosen.attribute for chosen in listing.filters}) == 1:
        raise BadRequest("start_date and end_date go together.")
    return await list_rows(time_spents, db, caller, listing)

"""Routes of the signed-in person's own data. Source: spec user."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request
from msgspec import UNSET, UnsetType

from pegbar.accounts.people import actions as people
from pegbar.accounts.people.rules import UNLIMITED
from pegbar.accounts.presence import actions as presence
from pegbar.accounts.presence import queries as presence_queries
from pegbar.accounts.resources import persons
from pegbar.config import settings
from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.data.marks import headers_of, tag_of, unchanged
from pegbar.core.errors import BadRequest
from pegbar.core.http.access import Caller, person_identity
from pegbar.core.http.body import Strict, json_beside_query
from pegbar.core.http.routing import Foreseen, Reply, delete, found, get, post
from pegbar.productions.shapes import FULL
from pegbar.timesheets.periods import iso_day
from pegbar.timesheets.queries import TIME_SPENT
from pegbar.workspace import context, own, task_rows, todo

#: The row of a day; an empty object when there is none.
_OR_NOTHING = {"type": "object"}


_contexts = context.Contexts()


@get("/data/user/context", access=person_identity, along=context.STATE, returns=context.keys(context.Viewer("user")))
async def user_context(request: Request[Any, Any, Any], db: Database, caller: Caller) -> Reply:
    """Everything the web client loads at start; 304 when the client has it already."""
    # Clients compare it with how many people there are: without a limit it is a number that nobody reaches.
    limit = settings().user_limit or UNLIMITED
    state = str(caller.along)
    tag = tag_of(state, request, caller.id, caller.role, limit)
    if (same := unchanged(request, tag)) is not None:
        return same
    body = await _contexts.read(db, caller, state)
    if caller.is_admin:
        body = Json(body[:-1] + b',"user_limit":' + msgspec.json.encode(limit) + b"}")
    return Reply(body, headers=headers_of(tag))


@get(
    "/data/user/tasks",
    access=person_identity,
    foreseen=Foreseen(lambda role: todo.own(done=False, for_admin=role == "admin"), is_list=True),
    returns=[task_rows.ROW],
)
async def tasks_to_do(db: Database, caller: Caller) -> Json:
    """The caller's tasks that are not done, in their open productions."""
    return await db.json(todo.own(done=False, for_admin=caller.is_admin))


@get("/data/user/done-tasks", access=person_identity, returns=[task_rows.ROW])
async def done_tasks(db: Database, caller: Caller) -> Json:
    """The caller's tasks that are done, in their open productions, latest first."""
    return await db.json(todo.own(done=True, for_admin=caller.is_admin))


class Between(msgspec.Struct):
    """A range of days, both included."""

    start_date: str | UnsetType = UNSET
    end_date: str | UnsetType = UNSET


class Named(msgspec.Struct):
    """A production by its name."""

    name: str | UnsetType = UNSET


@get("/data/user/projects/open", access=person_identity, returns=[FULL])
async def own_open_projects(query: Named, db: Database, caller: Caller) -> Json:
    """The caller's open productions, whole; those of a name when it is given."""
    statement = own.projects(for_admin=caller.is_admin, named=query.name is not UNSET)
    params = {} if query.name is UNSET else {"name": query.name.replace("\0", "")}
    return await db.json(statement, **params)


@get("/data/user/time-spents", access=person_identity, returns=[own.DETAILED], errors=(400,))
async def own_time_spents(request: Request[Any, Any, Any], query: Between, db: Database) -> Json:
    """The caller's hours, all of them or from `start_date` to `end_date`, both included."""
    params = {**await json_beside_query(request), **msgspec.to_builtins(query)}
    first, last = params.get("start_date"), params.get("end_date")
    if bool(first) != bool(last):
        raise BadRequest("start_date and end_date go together.")
    if not first:
        return await db.json(own.time_spents(dated=False))
    days = {"first": iso_day("start_date", str(first)), "last": iso_day("end_date", str(last))}
    return await db.json(own.time_spents(dated=True), **days)


@get("/data/user/time-spents/{day:str}", access=person_identity, returns=[TIME_SPENT], errors=(400,))
async def own_time_spents_of_day(day: str, db: Database) -> Json:
    """The caller's hours on one day."""
    return await db.json(own.time_spents_of_day, day=iso_day("date", day[:10]))


@get(
    "/data/user/tasks/{task_id:uuid}/time-spents/{day:str}",
    access=person_identity,
    returns=_OR_NOTHING,
    errors=(400,),
)
async def own_time_spent_on_task(task_id: UUID, day: str, db: Database) -> Json:
    """The caller's hours on a task on one day; an empty object when there are none."""
    when = iso_day("date", day[:10])
    row = await db.json_row(own.time_spent_on_task, task_id=task_id, day=when)
    return row or Json(b"{}")


@get("/data/user/day-offs/{day:str}", access=person_identity, returns=_OR_NOTHING, errors=(400,))
async def own_day_off(day: str, db: Database) -> Json:
    """The caller's day off that covers a date; an empty object when there is none."""
    row = await db.json_row(own.day_off_of, day=iso_day("date", day[:10]))
    return row or Json(b"{}")


_ACCOUNT_CHANGED = (persons.events["update"],)


@get("/data/user/desktop-login-logs", access=person_identity, returns=[presence_queries.LOGIN])
async def own_desktop_logins(db: Database, caller: Caller) -> Json:
    """The caller's desktop logins, the latest first."""
    return await db.json(presence_queries.logins_of_person, person_id=caller.id)


class DesktopLogin(Strict):
    """When the caller sat down; now unless given."""

    date: str | UnsetType = UNSET


@post(
    "/data/user/desktop-login-logs",
    access=person_identity,
    returns=presence_queries.LOGIN,
    events=_ACCOUNT_CHANGED,
    errors=(400,),
)
async def log_own_desktop_login(
    request: Request[Any, Any, Any], body: DesktopLogin, tx: Transaction, caller: Caller
) -> Json:
    """Record that the caller sat down at their desk; `date` is a day, or a day and a time, of the query or the body."""
    date = request.query_params.get("date", body.date)
    at = presence.moment(None if isinstance(date, UnsetType) else date)
    login_id = await presence.log_in(tx, caller.id, at)
    return found(await tx.json_row(presence_queries.one_login, login_id=login_id))


@delete("/actions/user/clear-avatar", access=person_identity, events=_ACCOUNT_CHANGED)
async def clear_own_avatar(tx: Transaction, caller: Caller) -> None:
    """Forget the caller's picture."""
    await people.clear_avatar(tx, caller.id)

"""The event log and the sign-ins, newest first. Source: spec review, "GET /data/events/last" and those after it."""

import re
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import ARRAY, Executable, Select, any_, bindparam, or_, select

from pegbar.accounts.standing import CALLER, on, teams
from pegbar.accounts.tables import login_log
from pegbar.core.data.database import Database, Json
from pegbar.core.data.filters import uuid_filter
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import TIMESTAMP, String
from pegbar.core.data.values import to_timestamp
from pegbar.core.data.wire import Wire, json_object, wire_of
from pegbar.core.errors import BadRequest
from pegbar.core.http.access import Caller, admin, authenticated, global_manager, require
from pegbar.core.http.routing import get
from pegbar.core.live.events import api_event

_MOST = 1000
_PART = re.compile(r"[a-z0-9_-]+")
FILE_EVENTS = (
    "preview-file:add-file",
    "organisation:set-thumbnail",
    "person:set-thumbnail",
    "project:set-thumbnail",
)
EVENT: Wire = wire_of(api_event).only("id", "created_at", "name", "user_id", "project_id", "data")
_LOGIN: Wire = wire_of(login_log).only("id", "created_at", "ip_address", "person_id", "origin")


class LogQuery(msgspec.Struct):
    """Which entries of a log."""

    after: str | UnsetType = UNSET
    before: str | UnsetType = UNSET
    limit: int = 100
    person_ids: list[str] = msgspec.field(default_factory=list)
    cursor_login_log_id: str | None = None


class EventQuery(LogQuery):
    """Which events."""

    project_id: str | None = None
    name: str | UnsetType = UNSET
    name_prefixes: list[str] = msgspec.field(default_factory=list)
    name_suffixes: list[str] = msgspec.field(default_factory=list)
    only_files: str | None = None
    cursor_event_id: str | None = None


def _moment(name: str, value: str) -> Any:
    try:
        return to_timestamp(name, value)
    except BadRequest:
        raise BadRequest(f"{name}: {value!r} is not a date (YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS).") from None


def _window(query: LogQuery) -> dict[str, Any]:
    """The parameters that both logs have."""
    if query.limit < 0:
        raise BadRequest("limit must not be negative.")
    params: dict[str, Any] = {"limit": min(query.limit, _MOST)}
    for name in ("after", "before"):
        value = getattr(query, name)
        if value is not UNSET:
            params[name] = _moment(name, value)
    if query.person_ids:
        params["person_ids"] = [uuid_filter(person_id) for person_id in query.person_ids]
    return params


def _parts(name: str, values: list[str], pattern: str) -> list[str]:
    for value in values:
        if not _PART.fullmatch(value):
            raise BadRequest(f"{name}: {value!r} may hold lowercase letters, digits, dashes and underscores only.")
    return [pattern.format(value.replace("_", r"\_")) for value in values]


def _event_parameters(query: EventQuery) -> dict[str, Any]:
    params = _window(query)
    if query.project_id is not None:
        params["project_id"] = uuid_filter(query.project_id)
    if query.name is not UNSET:
        params["name"] = query.name
    if query.name_prefixes:
        params["prefixes"] = _parts("name_prefixes", query.name_prefixes, "{}:%")
    if query.name_suffixes:
        params["suffixes"] = _parts("name_suffixes", query.name_suffixes, "%:{}")
    if query.cursor_event_id is not None:
        params["cursor_id"] = uuid_filter(query.cursor_event_id)
    return params


def _windowed(table: Any, author: Any, wire: Wire, names: frozenset[str]) -> Select[Any]:
    """The conditions that both logs share."""
    statement = select(json_object(wire)).select_from(table)
    if "after" in names:
        statement = statement.where(table.c.created_at > param("after", TIMESTAMP))
    if "before" in names:
        statement = statement.where(table.c.created_at < param("before", TIMESTAMP))
    if "person_ids" in names:
        statement = statement.where(author == any_(param("person_ids")))
    if "cursor_at" in names:
        cursor_at, cursor_id = param("cursor_at"), param("cursor_id")
        same_moment = (table.c.created_at == cursor_at) & (table.c.id > cursor_id)
        statement = statement.where(or_(table.c.created_at < cursor_at, same_moment))
    return statement.order_by(table.c.created_at.desc(), table.c.id).limit(param("limit"))


@lru_cache(512)
def _events(names: frozenset[str], only_files: bool, of_teams: bool) -> Executable:
    statement = _windowed(api_event, api_event.c.user_id, EVENT, names)
    if "project_id" in names:
        statement = statement.where(api_event.c.project_id == param("project_id"))
    if "name" in names:
        statement = statement.where(api_event.c.name == param("name", String))
    for parameter in ("prefixes", "suffixes"):
        if parameter in names:
            patterns = bindparam(parameter, type_=ARRAY(String))
            statement = statement.where(api_event.c.name.op("LIKE")(any_(patterns)))
    if only_files:
        statement = statement.where(or_(*[api_event.c.name == file_event for file_event in FILE_EVENTS]))
    if of_teams:
        statement = statement.where(api_event.c.project_id.in_(teams(CALLER, "manager")))
    return statement


@lru_cache(64)
def _logins(names: frozenset[str]) -> Executable:
    return _windowed(login_log, login_log.c.person_id, _LOGIN, names)


_EVENT_AT = select(api_event.c.created_at).where(api_event.c.id == param("cursor_id"))
_LOGIN_AT = select(login_log.c.created_at).where(login_log.c.id == param("cursor_id"))
_MANAGES = select(on(CALLER, param("project_id")).leads("manager"))
_NAMES = select(api_event.c.name).distinct().order_by(api_event.c.name)


async def _cursor(db: Database, params: dict[str, Any], statement: Executable) -> None:
    """Add the time of the cursor to its id."""
    cursor: UUID | None = params.get("cursor_id")
    if cursor is not None:
        params["cursor_at"] = await db.value(statement, cursor_id=cursor)
        if params["cursor_at"] is None:
            raise BadRequest(f"There is nothing in the log with the id {cursor}.")


async def _check_manager(db: Database, caller: Caller, project_id: UUID | None) -> None:
    """Managers read the events of their own productions; those who manage a team only must name it."""
    if project_id is None:
        require(caller.role == "manager", "Access needs: studio or production manager.")
        return
    manages = await db.value(_MANAGES, project_id=project_id)
    require(manages, "Access needs: manager of the production.")


@get(
    "/data/events/last",
    access=authenticated.further("studio managers, and production managers for their productions"),
    returns=[EVENT],
    errors=(400, 403),
)
async def last_events(query: EventQuery, db: Database, caller: Caller) -> Json:
    """The last events of the log; managers get those of their productions."""
    params = _event_parameters(query)
    if not caller.is_admin:
        await _check_manager(db, caller, params.get("project_id"))
    await _cursor(db, params, _EVENT_AT)
    statement = _events(frozenset(params), query.only_files == "true", not caller.is_admin)
    return await db.json(statement, **params)


@get("/data/events/names", access=global_manager, returns=list[str])
async def event_names(db: Database) -> list[str]:
    """The names of the events in the log."""
    return await db.column(_NAMES)


@get("/data/events/login-logs/last", access=admin, returns=[_LOGIN], errors=(400,))
async def last_logins(query: LogQuery, db: Database) -> Json:
    """The last sign-ins."""
    params = _window(query)
    if query.cursor_login_log_id is not None:
        params["cursor_id"] = uuid_filter(query.cursor_login_log_id)
    await _cursor(db, params, _LOGIN_AT)
    return await db.json(_logins(frozenset(params)), **params)

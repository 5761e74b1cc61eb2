"""Routes of the tasks of open productions. Source: spec tasks, GET /data/tasks/open-tasks, its stats and burndown."""

from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Request

from pegbar.core.data.database import Database, Json
from pegbar.core.data.filters import uuid_filter
from pegbar.core.data.values import to_timestamp
from pegbar.core.errors import BadRequest
from pegbar.core.http.access import Caller, Rule, in_query
from pegbar.core.http.body import query_or_body
from pegbar.core.http.routing import found, get
from pegbar.tasks.open_tasks import queries
from pegbar.tasks.open_tasks.queries import OpenTasks

_MOST = 2**31 - 1
#: Roles that are shown fewer tasks, or less of them.
_NARROWED = frozenset({"client", "vendor"})
_members = Rule(
    "anyone signed in; with `project_id`, members of that production; vendors find their own tasks",
    lambda caller: caller.project_id is None or caller.is_member,
    in_query("project", "project_id"),
)


_INT, _NUMBER, _ID = {"type": "integer"}, {"type": "number"}, {"type": "string", "format": "uuid"}
_DAY = {"type": ["string", "null"], "format": "date"}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _array(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


_HOURS = {"total_duration": _NUMBER, "total_estimation": _NUMBER}
_COUNTS = {"amount": _INT, "amount_done": _INT, **_HOURS}
_PAGE = _object(
    data=_array(queries.ITEM),
    stats=_object(total=_INT, **_HOURS, status=_array(_object(task_status_id=_ID, amount=_INT))),
    limit=_INT,
    is_more={"type": "boolean"},
    page=_INT,
)
_BY_TYPE = _object(project_id=_ID, task_type_id=_ID, task_status_id=_ID, **_COUNTS)
_STATISTICS = {
    "type": "object",
    "additionalProperties": _object(**_COUNTS, task_types=_array(_BY_TYPE)),
    "description": "By production",
}
_BURNDOWN = _object(
    total=_INT,
    total_estimation=_NUMBER,
    start_date=_DAY,
    end_date=_DAY,
    done_by_day=_array(_object(date={"type": "string", "format": "date"}, done=_INT, done_estimation=_NUMBER)),
)


class OpenTaskFilters(msgspec.Struct):
    """Which tasks. `person_id` is `unassigned`, or ids with commas between."""

    project_id: str = ""
    task_type_id: str = ""
    task_status_id: str = ""
    studio_id: str = ""
    department_id: str = ""
    person_id: str = ""
    start_date: str = ""
    due_date: str = ""
    priority: int | str = ""


class OpenTaskQuery(OpenTaskFilters):
    """Which tasks, and which page of them."""

    page: int = 1
    limit: int = 100


def _filters(query: OpenTaskFilters) -> dict[str, Any]:
    """The filters, as the statements take them. 400 naming what is no id, date or number."""
    params: dict[str, Any] = {
        name: uuid_filter(value)
        for name in ("project_id", "task_type_id", "task_status_id", "studio_id", "department_id")
        if (value := getattr(query, name))
    }
    params |= {
        name: to_timestamp(name, value) for name in ("start_date", "due_date") if (value := getattr(query, name))
    }
    if query.person_id == "unassigned":
        params["unassigned"] = None
    elif query.person_id:
        params["person_id"] = [uuid_filter(person_id.strip()) for person_id in query.person_id.split(",")]
    if query.priority != "":
        params["priority"] = _priority(query.priority)
    return params


def _priority(text: int | str) -> int:
    try:
        number = int(text)
    except ValueError:
        raise BadRequest(f"priority: {text!r} is not a whole number.") from None
    if abs(number) > _MOST:
        raise BadRequest(f"priority: {number} is out of range.")
    return number


def _which(caller: Caller, params: Mapping[str, Any]) -> OpenTasks:
    """The tasks that the parameters narrow, and whether the caller is shown every one of them."""
    roles = caller.roles
    if "project_id" in params:
        # The rule knows the caller's place in the production of the query string, not in that of a body.
        roles = frozenset({caller.role_here}) if params["project_id"] == caller.project_id else _NARROWED
    alike = caller.is_admin or not roles & _NARROWED
    return OpenTasks(for_admin=caller.is_admin, alike=alike, filters=frozenset(params))


async def _about(request: Request[Any, Any, Any], query: Any, caller: Caller) -> tuple[Any, OpenTasks, dict[str, Any]]:
    """The query with what a JSON body adds, the tasks it is about, and the parameters of a statement about them."""
    query = await query_or_body(request, query)
    params = _filters(query)
    which = _which(caller, params)
    params.pop("unassigned", None)
    return query, which, params


@get("/data/tasks/open-tasks", access=_members, returns=_PAGE, errors=(400, 404))
async def open_tasks(request: Request[Any, Any, Any], query: OpenTaskQuery, db: Database, caller: Caller) -> Json:
    """The tasks of the caller's open productions, or of one of any state, in pages.

    In the order of productions, episodes, sequences, kinds, entities and types. `stats` sums up this page and those
    after it. Clients get tasks blanked, vendors theirs.
    """
    query, which, params = await _about(request, query, caller)
    page, limit = max(query.page, 1), max(query.limit, 1)
    if page * limit > _MOST:
        raise BadRequest("page is out of range.")
    statement = queries.page_of(which)
    window = {"limit": limit, "offset": (page - 1) * limit}
    row = found(await db.row(statement, **params, **window))
    is_more = "true" if row["total"] > limit else "false"
    tail = f',"stats":{row["stats"]},"limit":{limit},"is_more":{is_more},"page":{page}}}'
    return Json(f'{{"data":{row["rows"]}{tail}'.encode())


@get("/data/tasks/open-tasks/stats", access=_members, returns=_STATISTICS)
async def open_tasks_statistics(db: Database, caller: Caller) -> Json:
    """Of each of the caller's open productions, how many tasks of each type have each status, and their hours."""
    statement = queries.statistics(_which(caller, {}))
    return found(await db.json_row(statement))


@get("/data/tasks/open-tasks/burndown", access=_members, returns=_BURNDOWN, errors=(400, 404))
async def open_tasks_burndown(
    request: Request[Any, Any, Any], query: OpenTaskFilters, db: Database, caller: Caller
) -> Json:
    """How many tasks were done on each day, from the first day of the tasks (or their productions) to the last."""
    _, which, params = await _about(request, query, caller)
    statement = queries.burndown(which)
    return found(await db.json_row(statement, **params))

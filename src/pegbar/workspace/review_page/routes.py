"""Routes of the review desk. Source: spec user, GET tasks-to-check."""

from typing import Any

from litestar import Request

from pegbar.core.data.database import Database, Json
from pegbar.core.http.access import Caller, person_identity
from pegbar.core.http.body import json_beside_query
from pegbar.core.http.routing import found, get
from pegbar.core.http.streaming import stream_array
from pegbar.workspace.review_page import queries
from pegbar.workspace.review_page.queries import Checks

_PATH = "/data/user/tasks-to-check"
_KEYS = ("project_ids", "task_type_ids", "task_status_ids", "episode_ids", "person_ids")
_ROWS = {"type": "array", "items": {"type": "object"}}
_NUMBERS = {name: {"type": "number"} for name in ("total", "total_duration", "total_estimation")}
_PAGE = {
    "type": "object",
    "properties": {
        "data": _ROWS,
        "stats": {"type": "object", "properties": _NUMBERS, "required": list(_NUMBERS)},
        "page": {"type": "integer"},
        "limit": {"type": "integer"},
        "is_more": {"type": "boolean"},
    },
    "required": ["data", "stats", "page", "limit", "is_more"],
}
_ROWS_OR_PAGE = {"anyOf": [_ROWS, _PAGE]}
_VALUES = {
    "type": "object",
    "properties": {key: {"type": "array", "items": {"type": "string", "format": "uuid"}} for key in _KEYS},
    "required": list(_KEYS),
}


@get(_PATH, access=person_identity, returns=_ROWS_OR_PAGE, errors=(400,))
async def tasks_to_check(request: Request[Any, Any, Any], query: Checks, db: Database, caller: Caller) -> Any:
    """The tasks that wait for the caller's verdict: all of them, or with `page` a page of them and the sums of all.

    `{data, stats: {total, total_duration, total_estimation}, page, limit, is_more}` is what a page looks like.
    """
    request_params = queries.read_checks(query, await json_beside_query(request))
    if request_params.page is None:
        statement = queries.tasks(request_params.filters, request_params.order, for_admin=caller.is_admin)
        return await stream_array(db, caller, statement, **request_params.values)
    statement = queries.page(request_params.filters, request_params.order, for_admin=caller.is_admin)
    window = {"limit": request_params.limit, "offset": (request_params.page - 1) * request_params.limit}
    row = found(await db.row(statement, **window, **request_params.values))
    more = "true" if request_params.page * request_params.limit < row["total"] else "false"
    return Json(
        f'{{"data":{row["data"]},"stats":{row["stats"]},"page":{request_params.page},"limit":{request_params.limit},'
        f'"is_more":{more}}}'.encode()
    )


@get(f"{_PATH}/filter-values", access=person_identity, returns=_VALUES)
async def values_to_filter_by(db: Database, caller: Caller) -> Json:
    """The values that narrow the caller's tasks to check: five sorted lists of ids."""
    statement = queries.filter_values(for_admin=caller.is_admin)
    return found(await db.json_row(statement))

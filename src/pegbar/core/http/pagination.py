"""Pages of lists, and the envelope they come in. Source: spec tasks, GET /data/projects/{project_id}/tasks."""

from collections.abc import Mapping
from typing import Any

from pegbar.core.data.database import Json
from pegbar.core.errors import BadRequest

_MOST = 2**31 - 1


def window(page: int, limit: int) -> dict[str, int]:
    """The part of a list that a page is."""
    if limit < 1 or limit > _MOST:
        raise BadRequest("limit must be a number of rows.")
    offset = (max(page, 1) - 1) * limit
    if offset > _MOST:
        raise BadRequest("page is out of range.")
    return {"limit": limit, "offset": offset}


def envelope(rows: Json, total: int, page: int, part: dict[str, int]) -> Json:
    """The envelope of a page: `{data, total, nb_pages, limit, offset, page}`."""
    pages = -(-total // part["limit"])
    tail = f',"total":{total},"nb_pages":{pages},"limit":{part["limit"]},"offset":{part["offset"]},"page":{page}}}'
    return Json(b'{"data":' + rows + tail.encode())


def enveloped(row: Any, **more: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of such an envelope of rows, and of what else it holds."""
    numbers = {name: {"type": "integer"} for name in ("total", "nb_pages", "limit", "offset", "page")}
    properties = {"data": {"type": "array", "items": row}, **numbers, **more}
    return {"type": "object", "properties": properties, "required": list(properties)}


def plain_or_enveloped(row: Any) -> dict[str, Any]:
    """The schema of a list that comes in pages when one is asked for."""
    return {"anyOf": [{"type": "array", "items": row}, enveloped(row)]}

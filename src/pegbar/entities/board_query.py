"""The query string of a board. Source: spec entities and spec shots, "with-tasks"."""

from typing import Any
from uuid import UUID

from litestar import Request
from sqlalchemy import ColumnElement

from pegbar.core.data.database import Database
from pegbar.core.errors import BadRequest
from pegbar.core.http.access import Caller
from pegbar.entities.boards import IS, Asked, Board, answer
from pegbar.entities.task_shapes import audience

AnyRequest = Request[Any, Any, Any]


def asked_id(request: AnyRequest, name: str) -> UUID | None:
    """An id of the query string; 400 for anything else."""
    value = request.query_params.get(name)
    if value is None:
        return None
    try:
        return UUID(value)
    except ValueError:
        raise BadRequest(f"Invalid UUID format for {name}: {value}") from None


def asked_episode(request: AnyRequest) -> UUID | None:
    """The episode asked for; `all` and `main` are none."""
    return None if request.query_params.get("episode_id") in ("all", "main") else asked_id(request, "episode_id")


async def board(
    request: AnyRequest,
    db: Database,
    caller: Caller,
    shown: Board,
    *conditions: ColumnElement[bool],
    own: bool = False,
    **given: Any,
) -> Any:
    """A board narrowed by `project_id`, `id` and conditions."""
    project_id, entity_id = asked_id(request, "project_id"), asked_id(request, "id")
    if project_id is not None:
        given["project_id"] = project_id
    if entity_id is not None:
        given["entity_id"] = entity_id
        conditions = (*conditions, IS)
    asked = Asked(
        audience=audience(caller),
        in_project=project_id is not None,
        one=entity_id is not None,
        own=own,
        conditions=conditions,
    )
    return await answer(request, db, caller, shown, asked, given)

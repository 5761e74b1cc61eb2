"""Routes of the bars of a schedule, made when they are first looked at. Source: spec projects, "schedule-items"."""

from typing import Any
from uuid import UUID

import msgspec

from pegbar.core.data.database import Database, Json
from pegbar.core.data.filters import uuid_filter
from pegbar.core.http.access import Caller, client_here, member_of, not_client, not_vendor
from pegbar.core.http.routing import get, path_uuid
from pegbar.planning.items.actions import bars
from pegbar.planning.items.queries import BELOW_TASK_TYPE, Kind
from pegbar.planning.resources import schedule_items

_AT = "/data/projects/{project_id:uuid}/schedule-items"
_DECLARED: dict[str, Any] = {
    "access": (member_of("project_id") & not_client & not_vendor).else_empty(client_here),
    "events": (schedule_items.events["new"],),
    "tag": "Schedule",
}


class ItemQuery(msgspec.Struct):
    """What narrows the bars below a task type."""

    episode_id: str = ""


@get(f"{_AT}/task-types", **_DECLARED)
async def task_type_items(project_id: UUID, db: Database, caller: Caller) -> Json:
    """Schedule items of the task types that have tasks in a production, earliest first; missing ones are made."""
    return await bars(db, caller, project_id, "task-types")


def _declare(kind: Kind) -> None:
    words = kind.replace("-", " ")

    @get(
        f"{_AT}/{{task_type_id:str}}/{kind}",
        summary=f"Schedule items of a task type for the {words} of a production, by name; missing ones are made.",
        errors=(400, 404),
        **_DECLARED,
    )
    async def items(project_id: UUID, task_type_id: str, query: ItemQuery, db: Database, caller: Caller) -> Json:
        episode_id = uuid_filter(query.episode_id) if query.episode_id else None
        of = {"task_type_id": path_uuid(task_type_id), "episode_id": episode_id}
        return await bars(db, caller, project_id, kind, **of)


for _kind in BELOW_TASK_TYPE:
    _declare(_kind)

"""Routes of what schedule versions plan. Source: spec projects, "Production schedule versions"."""

from typing import Any
from uuid import UUID

import msgspec

from pegbar.core.data.database import Database, Transaction
from pegbar.core.data.filters import uuid_filter
from pegbar.core.http.access import Caller, Place, manager_of, member_of, not_client, not_vendor
from pegbar.core.http.body import Strict
from pegbar.core.http.routing import get, post
from pegbar.core.http.streaming import stream_array
from pegbar.planning.versions import actions, queries
from pegbar.productions.events import PROJECT_CHANGED
from pegbar.tasks.events import TASK_UPDATE

_OF_VERSION = Place("project", "version_id", queries.project_of_version)
_ACTIONS = "/actions/production-schedule-versions/{version_id:uuid}"
_ACTION: dict[str, Any] = {"access": manager_of(_OF_VERSION), "status": 200, "tag": "Schedule", "errors": (400, 404)}
_UPDATED = actions.VERSION_CHANGED


class LinkQuery(msgspec.Struct):
    """What narrows the tasks that a version plans, and whether their assignees are told."""

    task_type_id: str = ""
    relations: bool = False


class Source(Strict):
    """The version to fill another one from."""

    production_schedule_version_id: UUID


@get(
    "/data/production-schedule-versions/{version_id:uuid}/task-links",
    access=member_of(_OF_VERSION) & not_vendor & not_client,
    tag="Schedule",
    errors=(400, 404),
)
async def version_task_links(version_id: UUID, query: LinkQuery, db: Database, caller: Caller) -> Any:
    """What a schedule version plans for the tasks of its production."""
    params: dict[str, Any] = {"task_type_id": uuid_filter(query.task_type_id)} if query.task_type_id else {}
    return await stream_array(db, caller, queries.links(query.relations, bool(params)), version_id=version_id, **params)


@post(f"{_ACTIONS}/set-task-links-from-production", **_ACTION)
async def fill_version_from_production(version_id: UUID, tx: Transaction) -> dict[str, Any]:
    """Fill a schedule version with the dates, estimations and assignees that the tasks have now."""
    return {"success": True, "task_link_count": await actions.take_from_production(tx, version_id)}


@post(f"{_ACTIONS}/set-task-links-from-production-schedule-version", events=(_UPDATED,), **_ACTION)
async def fill_version_from_version(version_id: UUID, body: Source, tx: Transaction) -> dict[str, Any]:
    """Fill a schedule version with what another version of the production plans."""
    source_id = body.production_schedule_version_id
    return {"success": True, "task_link_count": await actions.take_from_version(tx, version_id, source_id)}


@post(f"{_ACTIONS}/apply-to-production", events=(TASK_UPDATE, _UPDATED, PROJECT_CHANGED), **_ACTION)
async def apply_version(version_id: UUID, tx: Transaction) -> dict[str, Any]:
    """Give the tasks the dates and estimations that a schedule version plans, and lock it."""
    return {"success": True, "task_count": await actions.apply(tx, version_id)}

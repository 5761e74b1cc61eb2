"""Routes of schedules. Source: spec crud, "Access matrix"; spec projects, "Production schedule versions"."""

from typing import Any

from litestar import Request

from pegbar.core import filters
from pegbar.core.access import Caller, authenticated, require
from pegbar.core.database import Database
from pegbar.core.resource import Resource, list_rows
from pegbar.core.routing import get
from pegbar.planning.resources import schedule_version_links, schedule_versions
from pegbar.productions.team import caller_at


async def _of_production(resource: Resource, request: Request[Any, Any, Any], db: Database, caller: Caller) -> Any:
    """The rows of one production for its staff, or all of them for an administrator."""
    query = request.query_params.multi_items()
    asked = request.query_params.get("project_id")
    if asked is None:
        require(caller.is_admin, "Access needs: studio manager, or a project_id.")
    else:
        caller = await caller_at(db, caller, filters.uuid_filter(asked))
        require(
            caller.is_member and caller.role_here not in ("vendor", "client"),
            "Access needs: member of the production who is neither vendor nor client.",
        )
    listing = filters.parse_listing(query, resource.columns, resource.by_key, resource.specials)
    return await list_rows(resource, db, caller, listing)


@get("/data/production-schedule-versions", access=authenticated, returns=schedule_versions, tag="Schedule")
async def list_schedule_versions(request: Request[Any, Any, Any], db: Database, caller: Caller) -> Any:
    """List the schedule versions of a production."""
    return await _of_production(schedule_versions, request, db, caller)


@get("/data/production-schedule-version-task-links", access=authenticated, returns=schedule_version_links)
async def list_schedule_version_links(request: Request[Any, Any, Any], db: Database, caller: Caller) -> Any:
    """List what the schedule versions of a production plan for its tasks."""
    return await _of_production(schedule_version_links, request, db, caller)

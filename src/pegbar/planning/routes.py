"""Routes of schedules.

Source: spec crud, "Access matrix"; spec projects, "Production schedule versions"; spec tasks, task-dates.
"""

from typing import Any
from uuid import UUID

from litestar import Request

from pegbar.core.data import filters
from pegbar.core.data.database import Database, Json
from pegbar.core.data.resource import Resource, list_rows
from pegbar.core.http.access import Caller, Rule, in_query, member_of, not_client, not_vendor, vendor_here
from pegbar.core.http.routing import get
from pegbar.planning import availability, queries
from pegbar.planning.resources import schedule_version_links, schedule_versions

#: The plans of one production for its staff, or all of them for an administrator.
_plans = Rule(
    "studio manager; with ?project_id= any member of the production but vendors and clients",
    lambda caller: caller.is_staff,
    in_query("project", "project_id"),
)


async def _list(resource: Resource, request: Request[Any, Any, Any], db: Database, caller: Caller) -> Any:
    query = request.query_params.multi_items()
    listing = filters.parse_listing(query, resource.columns, resource.by_key, resource.specials)
    return await list_rows(resource, db, caller, listing)


@get("/data/production-schedule-versions", access=_plans, returns=schedule_versions, tag="Schedule")
async def list_schedule_versions(request: Request[Any, Any, Any], db: Database, caller: Caller) -> Any:
    """List the schedule versions of a production."""
    return await _list(schedule_versions, request, db, caller)


@get("/data/production-schedule-version-task-links", access=_plans, returns=schedule_version_links)
async def list_schedule_version_links(request: Request[Any, Any, Any], db: Database, caller: Caller) -> Any:
    """List what the schedule versions of a production plan for its tasks."""
    return await _list(schedule_version_links, request, db, caller)


@get(
    "/data/projects/{project_id:uuid}/milestones",
    access=(member_of("project_id") & not_client & not_vendor).else_empty(vendor_here),
    tag="Schedule",
)
async def milestones_of_project(project_id: UUID, db: Database) -> Json:
    """Milestones of a production, earliest first."""
    return await db.json(queries.milestones_of_project, project_id=project_id)


@get(
    "/data/projects/{project_id:uuid}/schedule-items",
    access=member_of("project_id") & not_client & not_vendor,
    tag="Schedule",
)
async def schedule_of_project(project_id: UUID, db: Database) -> Json:
    """Schedule items of a production: those there are, none is made."""
    return await db.json(queries.schedule_of_project, project_id=project_id)


#: Who plans people: by their role in the studio and, on one production, in its team.
_planners = Rule(
    "studio manager, or at least supervisor; with ?project_id= in the team of the production",
    lambda caller: (
        caller.is_admin or (caller.role in ("manager", "supervisor") and (caller.project_id is None or caller.is_staff))
    ),
    in_query("project", "project_id"),
)


@get("/data/persons/task-dates", access=_planners, tag="Schedule", errors=(400, 404))
async def task_dates_of_people(request: Request[Any, Any, Any], db: Database, caller: Caller) -> Json:
    """From when to when people have tasks in a production, or in the open productions that concern the caller."""
    if asked_for := request.query_params.get("project_id"):
        return await db.json(availability.of_people("project"), project_id=filters.uuid_filter(asked_for))
    if caller.is_admin:
        return await db.json(availability.of_people("studio"))
    return await db.json(availability.of_people("own"))

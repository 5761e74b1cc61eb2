"""Routes of statistics by episode. Source: spec shots, `episodes/stats` and `episodes/retake-stats`."""

from uuid import UUID

from sqlalchemy import Executable

from pegbar.core.data.database import Database, Json
from pegbar.core.http.access import Caller, member_of, not_client, require
from pegbar.core.http.routing import found, get
from pegbar.entities.statistics import queries

#: By episode, then by task type.
_BY_EPISODE = {
    "type": "object",
    "additionalProperties": {"type": "object", "additionalProperties": {"type": "object"}},
}
_members = member_of("project_id").further("clients where the production shows them its statistics")


async def _counted(db: Database, caller: Caller, statement: Executable, project_id: UUID) -> Json:
    """Statistics as the caller may see them: a vendor's are of their own tasks."""
    row = await db.row(statement, project_id=project_id, own=caller.role_here == "vendor")
    row = found(row, "The production")
    visible = caller.role_here != "client" or row["for_clients"] is not False
    require(visible, "This production does not show its statistics to clients.")
    return Json(row["answer"].encode())


@get("/data/projects/{project_id:uuid}/episodes/stats", access=_members, tag="Statistics", returns=_BY_EPISODE)
async def episode_statistics(project_id: UUID, db: Database, caller: Caller) -> Json:
    """Number of tasks, frames and drawings by episode, task type and task status, with the sums under `all`."""
    return await _counted(db, caller, queries.by_status, project_id)


@get(
    "/data/projects/{project_id:uuid}/episodes/retake-stats",
    access=member_of("project_id") & not_client,
    tag="Statistics",
    returns=_BY_EPISODE,
)
async def episode_retakes(project_id: UUID, db: Database, caller: Caller) -> Json:
    """What is done, in retake or neither by episode and task type, now and take by take; the sums are under `all`."""
    return await _counted(db, caller, queries.by_take, project_id)

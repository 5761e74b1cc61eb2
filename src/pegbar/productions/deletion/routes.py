"""Where a studio manager sees how far the deletion of a large production is."""

from pegbar.core.data.database import Database, Json
from pegbar.core.http.access import admin
from pegbar.core.http.routing import get
from pegbar.productions.deletion import queries


@get("/data/projects/removals", access=admin, returns=[queries.REMOVAL], tag="Projects")
async def project_removals(db: Database) -> Json:
    """Productions that are deleted and still lose their rows.

    A list of `project_id`, `project_name`, `requested_by`, `requested_at`, `updated_at`, `total` and `removed` rows,
    `doing` (what goes at the moment) and `last_error`.
    """
    return await db.json(queries.removals)

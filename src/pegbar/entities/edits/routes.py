"""Routes of edits beside the regular ones. Source: spec entities, "Edits"."""

from uuid import UUID

from pegbar.core.data.database import Database, Json
from pegbar.core.data.wire import wire_of
from pegbar.core.http.access import Caller, not_vendor
from pegbar.core.http.routing import get
from pegbar.entities import rules
from pegbar.entities.edits import kind
from pegbar.entities.kinds import EDIT, EPISODE
from pegbar.entities.listing import BELOW, entities_listed
from pegbar.entities.queries import versions
from pegbar.entities.regular import WithRelations
from pegbar.entities.tables import entity_version
from pegbar.entities.task_shapes import DETAILED, audience, detailed

_VERSION = wire_of(entity_version, "EditVersion")


@get("/data/edits/{edit_id:uuid}/versions", access=rules.sees(EDIT, "edit_id"))
async def edit_versions(edit_id: UUID, db: Database, caller: Caller) -> Json:
    """The history of an edit, newest first."""
    statement = versions(_VERSION, audience(caller), EDIT)
    return await db.json(statement, entity_id=edit_id)


@get(
    "/data/episodes/{episode_id:uuid}/edits",
    access=rules.sees(EPISODE, "episode_id"),
    returns=[kind.EDITS_OF_EPISODE.wire],
)
async def episode_edits(episode_id: UUID, query: WithRelations, db: Database, caller: Caller) -> Json:
    """Edits of an episode."""
    rows = kind.EDITS_OF_EPISODE_WITH_RELATIONS if query.relations else kind.EDITS_OF_EPISODE
    return await entities_listed(db, caller, rows, BELOW, parent_id=episode_id)


@get(
    "/data/episodes/{episode_id:uuid}/edit-tasks",
    access=rules.belongs(EPISODE, "episode_id") & not_vendor,
    returns=[DETAILED],
)
async def episode_edit_tasks(episode_id: UUID, query: WithRelations, db: Database, caller: Caller) -> Json:
    """Tasks of the edits of an episode."""
    statement = detailed(kind.TASKS_OF_EPISODE, caller.role_here == "client", query.relations)
    return await db.json(statement, entity_id=episode_id)

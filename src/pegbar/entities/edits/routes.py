"""Routes of edits. Source: spec entities, "Edits"."""

from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request
from sqlalchemy import bindparam, select, true

from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.data.resource import scope_parameters
from pegbar.core.data.schema import Uuid
from pegbar.core.data.wire import wire_of
from pegbar.core.http.access import Caller, manager_of, member_of, not_vendor
from pegbar.core.http.body import Strict
from pegbar.core.http.routing import found, get, post
from pegbar.entities import events, rules
from pegbar.entities.actions import create_entity, named, require_parent
from pegbar.entities.board_routes import EDITS as BOARD
from pegbar.entities.boards import IS, Asked, statement
from pegbar.entities.kinds import EDIT, EPISODE, ensure_type, is_kind
from pegbar.entities.listing import BELOW, IN_PROJECT, Listed, criteria, entities_listed
from pegbar.entities.queries import one_of_kind
from pegbar.entities.scopes import of_callers
from pegbar.entities.shapes import RELATIONS, row_of_kind
from pegbar.entities.shots.queries import OWN_TASKS, versions
from pegbar.entities.tables import entity, entity_version
from pegbar.entities.task_shapes import DETAILED, TASK_TYPE, audience, detailed, types_of
from pegbar.entities.tasks import WithRelations
from pegbar.productions.tables import project
from pegbar.tasks.tables import task

AnyRequest = Request[Any, Any, Any]

_BY_NAME = (entity.c.name, entity.c.id)
_EDITS = Listed(EDIT, row_of_kind(EDIT), order=_BY_NAME)
_RELATED = Listed(EDIT, row_of_kind(EDIT).but(**{each.key: each.ids(entity) for each in RELATIONS}), order=_BY_NAME)
#: For vendors too: those who see an episode see all its edits.
_ALL, _ALL_RELATED = replace(_EDITS, for_vendors=true()), replace(_RELATED, for_vendors=true())
_NAMED = Listed(
    EDIT,
    row_of_kind(EDIT).but(project_name=project.c.name),
    source=entity.join(project, project.c.id == entity.c.project_id),
    order=_BY_NAME,
)
_VERSION = wire_of(entity_version, "EditVersion")
_EDIT_TASKS = task.c.entity_id.in_(
    select(entity.c.id).where(entity.c.parent_id == bindparam("entity_id", type_=Uuid), is_kind(EDIT))
)


async def _asked(request: AnyRequest, db: Database, caller: Caller) -> Json:
    conditions = of_callers(caller) if caller.project_id is None else []
    return await entities_listed(
        db, caller, _NAMED, *conditions, criteria=criteria(request, "entity_type_id", "episode_id")
    )


@get("/data/edits", access=rules.lists_edits, returns=[_NAMED.wire])
async def edits(request: AnyRequest, db: Database, caller: Caller) -> Json:
    """Edits of a production, else of all the caller's, by name; any column filters."""
    return await _asked(request, db, caller)


@get("/data/edits/all", access=rules.lists_edits, returns=[_NAMED.wire])
async def all_edits(request: AnyRequest, db: Database, caller: Caller) -> Json:
    """The same as `/data/edits`."""
    return await _asked(request, db, caller)


@get("/data/projects/{project_id:uuid}/edits", access=member_of("project_id"), returns=[_EDITS.wire])
async def project_edits(project_id: UUID, db: Database, caller: Caller) -> Json:
    """Edits of a production, by name."""
    return await entities_listed(db, caller, _EDITS, IN_PROJECT, project_id=project_id)


@get("/data/edits/{edit_id:uuid}", access=rules.sees(EDIT, "edit_id"))
async def edit(edit_id: UUID, db: Database, caller: Caller) -> Json:
    """An edit with its tasks."""
    rows = statement(BOARD, Asked(audience(caller), one=True, conditions=(IS,)))
    about = {"entity_id": edit_id, "project_id": caller.project_id, **scope_parameters(rows, caller)}
    return found(await db.json_row(rows, **about))


@get("/data/edits/{edit_id:uuid}/tasks", access=rules.sees(EDIT, "edit_id"), returns=[DETAILED])
async def edit_tasks(edit_id: UUID, query: WithRelations, db: Database, caller: Caller) -> Json:
    """Tasks of an edit."""
    return await db.json(detailed(OWN_TASKS, caller.role_here == "client", query.relations), entity_id=edit_id)


@get("/data/edits/{edit_id:uuid}/task-types", access=rules.sees(EDIT, "edit_id"), returns=[TASK_TYPE])
async def edit_task_types(edit_id: UUID, db: Database) -> Json:
    """Types of the tasks of an edit."""
    return await db.json(types_of(OWN_TASKS), entity_id=edit_id)


@get("/data/edits/{edit_id:uuid}/versions", access=rules.sees(EDIT, "edit_id"))
async def edit_versions(edit_id: UUID, db: Database, caller: Caller) -> Json:
    """The history of an edit, newest first."""
    rows = versions(_VERSION, audience(caller), EDIT)
    return await db.json(rows, entity_id=edit_id, **scope_parameters(rows, caller))


@get("/data/episodes/{episode_id:uuid}/edits", access=rules.sees(EPISODE, "episode_id"), returns=[_EDITS.wire])
async def episode_edits(episode_id: UUID, query: WithRelations, db: Database, caller: Caller) -> Json:
    """Edits of an episode."""
    return await entities_listed(db, caller, _ALL_RELATED if query.relations else _ALL, BELOW, parent_id=episode_id)


@get(
    "/data/episodes/{episode_id:uuid}/edit-tasks",
    access=rules.belongs(EPISODE, "episode_id") & not_vendor,
    returns=[DETAILED],
)
async def episode_edit_tasks(episode_id: UUID, query: WithRelations, db: Database, caller: Caller) -> Json:
    """Tasks of the edits of an episode."""
    rows = detailed(_EDIT_TASKS, caller.role_here == "client", query.relations)
    return await db.json(rows, entity_id=episode_id)


class NewEdit(Strict):
    """An edit to make."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=160)]
    description: str | None = ""
    data: dict[str, Any] | None = None
    episode_id: UUID | None = None
    parent_id: UUID | None = None  #: the episode, as Gazu names it


@post(
    "/data/projects/{project_id:uuid}/edits",
    access=manager_of("project_id"),
    events=[events.NEW[EDIT]],
    returns=_EDITS.wire,
)
async def create_edit(project_id: UUID, body: NewEdit, tx: Transaction) -> Json:
    """Make an edit, unless the episode has one of that name: that one is answered, unchanged."""
    episode_id = body.episode_id or body.parent_id
    if episode_id is not None:
        await require_parent(tx, project_id, await ensure_type(tx, EPISODE), episode_id)
    type_id = await ensure_type(tx, EDIT)
    edit_id = await named(tx, EDIT, project_id, type_id, body.name, episode_id)
    if edit_id is None:
        edit_id = await create_entity(
            tx,
            project_id,
            type_id,
            name=body.name,
            parent_id=episode_id,
            description=body.description,
            data=body.data or {},
            about={"parent_id": episode_id},
        )
    return found(await tx.json_row(one_of_kind(EDIT), entity_id=edit_id))

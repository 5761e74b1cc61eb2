"""Routes of concepts and their folders. Source: spec entities, "Concepts"."""

from uuid import UUID

from sqlalchemy import true

from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.http.access import Caller, staff_of, supervisor_of
from pegbar.core.http.routing import delete, found, get, post, put
from pegbar.entities import events, rules
from pegbar.entities.boards import View, statement
from pegbar.entities.concepts import actions, kind
from pegbar.entities.concepts.actions import Folder, Move
from pegbar.entities.kinds import CONCEPT, FOLDER
from pegbar.entities.listing import IN_PROJECT, entities_listed
from pegbar.entities.queries import one_of_kind
from pegbar.entities.scopes import FOR_CLIENTS
from pegbar.entities.task_shapes import audience

_staff = staff_of("project_id")
_supervises = supervisor_of(rules.the(FOLDER, "concept_folder_id"))


@get("/data/entities/{entity_id:uuid}/entities-linked/with-tasks", access=rules.sees_entity)
async def linked_entities(entity_id: UUID, db: Database, caller: Caller) -> Json:
    """What refers to an entity in its production, with tasks; vendors get theirs, clients no concepts."""
    shown = FOR_CLIENTS if caller.role_here == "client" else true()
    rows = statement(kind.LINKED, View(audience(caller), conditions=(kind.REFERS, shown)))
    about = {"linked_id": entity_id, "project_id": caller.project_id}
    return await db.json(rows, **about)


@get("/data/projects/{project_id:uuid}/concept-folders", access=_staff, returns=[kind.FOLDERS.wire])
async def concept_folders(project_id: UUID, db: Database, caller: Caller) -> Json:
    """Concept folders of a production, by name."""
    return await entities_listed(db, caller, kind.FOLDERS, IN_PROJECT, project_id=project_id)


@post(
    "/data/projects/{project_id:uuid}/concept-folders",
    access=supervisor_of("project_id"),
    events=[events.NEW[FOLDER]],
    returns=kind.FOLDERS.wire,
)
async def create_folder(project_id: UUID, body: Folder, tx: Transaction) -> Json:
    """Make a concept folder, unless the production has one of that name: that one is answered."""
    folder_id = await actions.create_folder(tx, project_id, body)
    return found(await tx.json_row(one_of_kind(FOLDER), entity_id=folder_id))


@put(
    "/data/concept-folders/{concept_folder_id:uuid}",
    access=_supervises,
    events=[events.UPDATE[FOLDER]],
    errors=(400,),
    returns=kind.FOLDERS.wire,
)
async def rename_folder(concept_folder_id: UUID, body: Folder, tx: Transaction, caller: Caller) -> Json:
    """Rename a concept folder."""
    assert caller.project_id is not None
    await actions.rename_folder(tx, caller.project_id, concept_folder_id, body.name)
    return found(await tx.json_row(one_of_kind(FOLDER), entity_id=concept_folder_id))


@delete(
    "/data/concept-folders/{concept_folder_id:uuid}",
    access=_supervises,
    events=[events.UPDATE[CONCEPT], events.DELETE[FOLDER]],
)
async def delete_folder(concept_folder_id: UUID, tx: Transaction, caller: Caller) -> None:
    """Delete a concept folder; its concepts go to the root."""
    assert caller.project_id is not None
    await actions.delete_folder(tx, caller.project_id, concept_folder_id)


@post(
    "/actions/projects/{project_id:uuid}/move-concepts",
    access=supervisor_of("project_id"),
    status=200,
    events=[events.UPDATE[CONCEPT]],
    returns=list[UUID],
)
async def move_concepts(project_id: UUID, body: Move, tx: Transaction) -> list[UUID]:
    """Put concepts in a folder, or at the root; the ids of those moved."""
    return await actions.move_into(tx, project_id, body.concept_ids, body.concept_folder_id)

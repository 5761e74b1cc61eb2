"""Routes of concepts and their folders. Source: spec entities, "Concepts"."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from litestar import Request
from sqlalchemy import bindparam, select, true

from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.data.resource import scope_parameters
from pegbar.core.data.schema import Uuid
from pegbar.core.data.wire import Wire
from pegbar.core.http.access import Caller, not_client, staff_of, supervisor_of
from pegbar.core.http.routing import delete, found, get, post, put
from pegbar.entities import events, rules
from pegbar.entities.board_routes import CONCEPTS, LINKED
from pegbar.entities.boards import IS, Asked, statement
from pegbar.entities.concepts import actions
from pegbar.entities.concepts.actions import Folder, Move, NewConcept
from pegbar.entities.kinds import CONCEPT, FOLDER
from pegbar.entities.listing import IN_PROJECT, Listed, criteria, entities_listed
from pegbar.entities.queries import one_of_kind
from pegbar.entities.scopes import ASSIGNED, FOR_CLIENTS, of_callers
from pegbar.entities.shapes import RELATIONS, row_of_kind
from pegbar.entities.shots.queries import OWN_TASKS
from pegbar.entities.tables import entity, entity_concept_link
from pegbar.entities.task_shapes import DETAILED, TASK_TYPE, audience, detailed, types_of
from pegbar.entities.tasks import WithRelations
from pegbar.productions.tables import project

AnyRequest = Request[Any, Any, Any]

_BY_NAME = (entity.c.name, entity.c.id)
_CONCEPTS = Listed(CONCEPT, row_of_kind(CONCEPT), order=_BY_NAME)
_NAMED = Listed(
    CONCEPT,
    row_of_kind(CONCEPT).but(project_name=project.c.name),
    source=entity.join(project, project.c.id == entity.c.project_id),
    order=_BY_NAME,
)
_FOLDERS = Listed(FOLDER, row_of_kind(FOLDER), order=_BY_NAME)
#: A concept alone: the row of the board, and the rest of the entity.
_PAGE = replace(
    CONCEPTS, row=Wire({**row_of_kind(CONCEPT), **{each.key: each.ids(entity) for each in RELATIONS}, **CONCEPTS.row})
)
_REFERS: Any = entity.c.id.in_(
    select(entity_concept_link.c.entity_in_id).where(
        entity_concept_link.c.entity_out_id == bindparam("linked_id", type_=Uuid)
    )
)

_staff = staff_of("project_id")
_sees = rules.sees(CONCEPT, "concept_id") & not_client
_supervises = supervisor_of(rules.the(FOLDER, "concept_folder_id"))


@get("/data/concepts", access=rules.lists_concepts, returns=[_NAMED.wire])
async def concepts(request: AnyRequest, db: Database, caller: Caller) -> Json:
    """Concepts of a production, else of all the caller's, by name; any column filters."""
    conditions = of_callers(caller) if caller.project_id is None else []
    if "assigned_to" in request.query_params:
        conditions.append(ASSIGNED)
    return await entities_listed(db, caller, _NAMED, *conditions, criteria=criteria(request, "entity_type_id"))


@get("/data/projects/{project_id:uuid}/concepts", access=_staff, returns=[_CONCEPTS.wire])
async def project_concepts(project_id: UUID, db: Database, caller: Caller) -> Json:
    """Concepts of a production, by name."""
    return await entities_listed(db, caller, _CONCEPTS, IN_PROJECT, project_id=project_id)


@get("/data/concepts/{concept_id:uuid}", access=_sees)
async def concept(concept_id: UUID, db: Database, caller: Caller) -> Json:
    """A concept with its tasks and what it is linked to."""
    rows = statement(_PAGE, Asked(audience(caller), one=True, conditions=(IS,)))
    about = {"entity_id": concept_id, "project_id": caller.project_id, **scope_parameters(rows, caller)}
    return found(await db.json_row(rows, **about))


@get("/data/concepts/{concept_id:uuid}/tasks", access=_sees, returns=[DETAILED])
async def concept_tasks(concept_id: UUID, query: WithRelations, db: Database) -> Json:
    """Tasks of a concept."""
    return await db.json(detailed(OWN_TASKS, False, query.relations), entity_id=concept_id)


@get("/data/concepts/{concept_id:uuid}/task-types", access=_sees, returns=[TASK_TYPE])
async def concept_task_types(concept_id: UUID, db: Database) -> Json:
    """Types of the tasks of a concept."""
    return await db.json(types_of(OWN_TASKS), entity_id=concept_id)


@get("/data/entities/{entity_id:uuid}/entities-linked/with-tasks", access=rules.sees_entity)
async def linked_entities(entity_id: UUID, db: Database, caller: Caller) -> Json:
    """What refers to an entity in its production, with tasks; vendors get theirs, clients no concepts."""
    shown = FOR_CLIENTS if caller.role_here == "client" else true()
    rows = statement(LINKED, Asked(audience(caller), conditions=(_REFERS, shown)))
    about = {"linked_id": entity_id, "project_id": caller.project_id, **scope_parameters(rows, caller)}
    return await db.json(rows, **about)


@post("/data/projects/{project_id:uuid}/concepts", access=_staff, events=[events.NEW[CONCEPT]], returns=_CONCEPTS.wire)
async def create_concept(project_id: UUID, body: NewConcept, tx: Transaction) -> Json:
    """Make a concept, unless the production has one of that name: that one is answered, unchanged."""
    concept_id = await actions.create_concept(tx, project_id, body)
    return found(await tx.json_row(one_of_kind(CONCEPT), entity_id=concept_id))


@get("/data/projects/{project_id:uuid}/concept-folders", access=_staff, returns=[_FOLDERS.wire])
async def concept_folders(project_id: UUID, db: Database, caller: Caller) -> Json:
    """Concept folders of a production, by name."""
    return await entities_listed(db, caller, _FOLDERS, IN_PROJECT, project_id=project_id)


@post(
    "/data/projects/{project_id:uuid}/concept-folders",
    access=supervisor_of("project_id"),
    events=[events.NEW[FOLDER]],
    returns=_FOLDERS.wire,
)
async def create_folder(project_id: UUID, body: Folder, tx: Transaction) -> Json:
    """Make a concept folder, unless the production has one of that name: that one is answered."""
    folder_id = await actions.create_folder(tx, project_id, body.name)
    return found(await tx.json_row(one_of_kind(FOLDER), entity_id=folder_id))


@put(
    "/data/concept-folders/{concept_folder_id:uuid}",
    access=_supervises,
    events=[events.UPDATE[FOLDER]],
    errors=(400,),
    returns=_FOLDERS.wire,
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

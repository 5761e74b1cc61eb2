"""Writes on concepts and their folders. Source: spec entities, "Concepts"."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from sqlalchemy import any_, select, update

from pegbar.core.data import belonging
from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import utc_now
from pegbar.core.errors import BadRequest, NotFound
from pegbar.core.http.body import Strict
from pegbar.entities import events
from pegbar.entities.actions import Metadata, NewEntity, create_once, named, refer_to, require_parent
from pegbar.entities.kinds import CONCEPT, FOLDER, ensure_type, is_kind
from pegbar.entities.tables import entity

_ids = param("ids")
_project_id = param("project_id")

_MOVE = (
    update(entity)
    .where(entity.c.id == any_(_ids), entity.c.project_id == _project_id, is_kind(CONCEPT))
    .values(parent_id=param("folder_id"), updated_at=param("now"))
    .returning(entity.c.id)
)
_INSIDE = select(entity.c.id).where(entity.c.parent_id == param("folder_id"), is_kind(CONCEPT))


class Linked(msgspec.Struct):
    """An entity by its id."""

    id: UUID


class NewConcept(NewEntity):
    """A concept to make, in a folder or at the root; it may refer to other entities."""

    description: str | None = None
    data: Metadata | None = None
    parent_id: UUID | None = None
    entity_concept_links: list[UUID | Linked] = msgspec.field(default_factory=list)


class Folder(NewEntity):
    """A concept folder."""


class Move(Strict):
    """Concepts, and the folder to put them in; none is the root."""

    concept_ids: list[UUID]
    concept_folder_id: UUID | None = None


async def create_concept(tx: Transaction, project_id: UUID, new: NewConcept) -> UUID:
    """A concept, made unless the production has one of that name, with what it refers to."""
    concept_id, is_new = await create_once(tx, CONCEPT, project_id, new)
    if is_new:
        links = new.entity_concept_links
        wanted = dict.fromkeys(linked.id if isinstance(linked, Linked) else linked for linked in links)
        for entity_id in await belonging.foreign(tx, entity, wanted, project_id):
            raise BadRequest(f"entity_concept_links: {entity_id} is not of this production.")
        await refer_to(tx, concept_id, wanted)
    return concept_id


async def create_folder(tx: Transaction, project_id: UUID, new: Folder) -> UUID:
    """A folder, made unless the production has one of that name."""
    folder_id, _ = await create_once(tx, FOLDER, project_id, new)
    return folder_id


async def rename_folder(tx: Transaction, project_id: UUID, folder_id: UUID, name: str) -> None:
    """Rename a folder. 400 when another one of the production has the name."""
    type_id = await ensure_type(tx, FOLDER)
    if await named(tx, FOLDER, project_id, type_id, name, besides=folder_id) is not None:
        raise BadRequest("name: another concept folder of this production has this name.")
    await tx.update(entity, folder_id, name=name)
    tx.emit(events.UPDATE[FOLDER], project_id=project_id, concept_folder_id=folder_id)


async def move_concepts(
    tx: Transaction, project_id: UUID, concept_ids: Sequence[UUID], folder_id: UUID | None
) -> list[UUID]:
    """Put concepts in a folder, or at the root; the ids of those that are concepts of the production."""
    moved = set(
        await tx.column(_MOVE, ids=list(concept_ids), project_id=project_id, folder_id=folder_id, now=utc_now())
    )
    in_order = [concept_id for concept_id in dict.fromkeys(concept_ids) if concept_id in moved]
    for concept_id in in_order:
        tx.emit(events.UPDATE[CONCEPT], project_id=project_id, concept_id=concept_id)
    return in_order


async def move_into(
    tx: Transaction, project_id: UUID, concept_ids: Sequence[UUID], folder_id: UUID | None
) -> list[UUID]:
    """The same; 404 for a folder that is not the production's."""
    if folder_id is not None:
        await require_parent(tx, project_id, FOLDER, folder_id)
    return await move_concepts(tx, project_id, concept_ids, folder_id)


async def delete_folder(tx: Transaction, project_id: UUID, folder_id: UUID) -> None:
    """Delete a folder; its concepts go to the root."""
    await move_concepts(tx, project_id, await tx.column(_INSIDE, folder_id=folder_id), None)
    if not await tx.delete(entity, id=folder_id):
        raise NotFound(f"There is no concept folder {folder_id}.")
    tx.emit(events.DELETE[FOLDER], project_id=project_id, concept_folder_id=folder_id)

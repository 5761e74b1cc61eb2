"""Writes on entities."""

from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import bindparam, select, text, true

from pegbar.core.data.database import Transaction
from pegbar.core.data.schema import String, Uuid
from pegbar.core.errors import NotFound
from pegbar.entities import events
from pegbar.entities.kinds import ASSET, CONCEPT, FOLDER, kind_of_type
from pegbar.entities.tables import entity
from pegbar.productions.tables import project

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))").bindparams(bindparam("key", type_=String))

_project = bindparam("project_id", type_=Uuid)
_type = bindparam("entity_type_id", type_=Uuid)

#: The oldest entity of a name among those of its production and type.
_OF_NAME = (
    select(entity.c.id)
    .where(entity.c.name == bindparam("name", type_=String))
    .where(entity.c.project_id == _project, entity.c.entity_type_id == _type)
    .where(entity.c.id.is_distinct_from(bindparam("besides", type_=Uuid)))
    .order_by(entity.c.created_at, entity.c.id)
    .limit(1)
)
#: Where a name is taken once: under a parent (no parent is a parent too), in a production, or there and not canceled.
_TAKEN = {
    "parent": _OF_NAME.where(entity.c.parent_id.is_not_distinct_from(bindparam("parent_id", type_=Uuid))),
    "production": _OF_NAME,
    "in use": _OF_NAME.where(entity.c.canceled.is_not(true())),
}
Within = Literal["parent", "production", "in use"]
#: The kinds whose names are not taken by parent.
_WITHIN: Mapping[str, Within] = {ASSET: "in use", CONCEPT: "production", FOLDER: "production"}
_OF_TYPE = (
    select(entity.c.id, entity.c.parent_id)
    .where(entity.c.id == bindparam("entity_id", type_=Uuid))
    .where(entity.c.project_id == _project, entity.c.entity_type_id == _type)
)
_PROJECT = select(project.c.id).where(project.c.id == _project)


async def named(
    tx: Transaction,
    kind: str,
    project_id: UUID,
    type_id: UUID,
    name: str,
    parent_id: UUID | None = None,
    *,
    besides: UUID | None = None,
    within: Within | None = None,
) -> UUID | None:
    """The entity that has this name where it is taken once for its kind, unless it is the one `besides` which is asked.

    Whoever asks for the same next waits until this transaction ends, so of several who make one entity the first does.
    """
    await tx.execute(_LOCK, key=f"entity {project_id} {type_id} {name}")
    within = within or _WITHIN.get(kind, "parent")
    about = {"parent_id": parent_id} if within == "parent" else {}
    found: UUID | None = await tx.value(
        _TAKEN[within], project_id=project_id, entity_type_id=type_id, name=name, besides=besides, **about
    )
    return found


async def require_parent(tx: Transaction, project_id: UUID, type_id: UUID, entity_id: UUID) -> UUID | None:
    """The parent of an entity, which must be of this production and type; 404 otherwise."""
    row = await tx.row(_OF_TYPE, entity_id=entity_id, project_id=project_id, entity_type_id=type_id)
    if row is None:
        raise NotFound(f"There is no such entity {entity_id} in this production.")
    above: UUID | None = row["parent_id"]
    return above


async def create_entity(tx: Transaction, project_id: UUID, entity_type_id: UUID, **columns: Any) -> UUID:
    """Insert an entity of the caller and emit `<kind>:new`; `about` adds to the event."""
    about: dict[str, Any] = columns.pop("about", {})
    kind = await kind_of_type(tx, entity_type_id)
    row_id = await tx.insert(
        entity, project_id=project_id, entity_type_id=entity_type_id, created_by=tx.author_id, **columns
    )
    assert row_id is not None
    tx.emit(events.NEW[kind], project_id=project_id, **{events.key_of(kind): row_id}, **about)
    return row_id


async def require_project(tx: Transaction, project_id: UUID) -> None:
    """404 unless the production exists."""
    if await tx.value(_PROJECT, project_id=project_id) is None:
        raise NotFound(f"There is no production {project_id}.")

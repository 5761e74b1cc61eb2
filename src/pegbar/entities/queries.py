"""Reads about any entity."""

from functools import lru_cache

from sqlalchemy import Executable, bindparam, select

from pegbar.core.data.schema import Uuid
from pegbar.core.data.wire import Wire, json_object
from pegbar.entities.kinds import kind_text
from pegbar.entities.shapes import row_of_kind
from pegbar.entities.tables import entity


@lru_cache
def one(wire: Wire) -> Executable:
    """An entity by its id."""
    return select(json_object(wire)).select_from(entity).where(entity.c.id == bindparam("entity_id", type_=Uuid))


@lru_cache
def one_of_kind(kind: str) -> Executable:
    """The row of an entity whose kind is known."""
    return one(row_of_kind(kind))


#: Where an entity belongs, and what it is.
place_of = select(entity.c.project_id, kind_text().label("kind")).where(
    entity.c.id == bindparam("entity_id", type_=Uuid)
)

"""Reads about any entity."""

from functools import lru_cache

from sqlalchemy import ColumnElement, Executable, FromClause, any_, select

from pegbar.core.data.parameters import param
from pegbar.core.data.wire import Wire, json_object
from pegbar.entities.kinds import kind_text
from pegbar.entities.metadata import version_data_for
from pegbar.entities.shapes import row_of_kind
from pegbar.entities.tables import entity, entity_version
from pegbar.entities.task_shapes import MINE
from pegbar.tasks.tables import task

ENTITY_ID = param("entity_id")
IS: ColumnElement[bool] = entity.c.id == ENTITY_ID

#: The tasks of an entity, and those of them that are the caller's: conditions on `task`.
OWN_TASKS: ColumnElement[bool] = task.c.entity_id == ENTITY_ID
OWN_ASSIGNED_TASKS: ColumnElement[bool] = OWN_TASKS & MINE


@lru_cache
def one(wire: Wire) -> Executable:
    """An entity by its id."""
    return page(wire, entity)


@lru_cache
def several(wire: Wire) -> Executable:
    """Entities by their ids, in no order."""
    return select(entity.c.id, json_object(wire).label("row")).where(entity.c.id == any_(param("ids")))


@lru_cache
def page(wire: Wire, source: FromClause) -> Executable:
    """An entity by its id, with what stands beside it."""
    return select(json_object(wire)).select_from(source).where(IS)


@lru_cache
def one_of_kind(kind: str) -> Executable:
    """The row of an entity whose kind is known."""
    return one(row_of_kind(kind))


#: Where an entity belongs, and what it is.
place_of = select(entity.c.project_id, kind_text().label("kind")).where(IS)


@lru_cache
def versions(wire: Wire, audience: str, kind: str) -> Executable:
    """The versions of an entity of this kind, newest first, as an audience sees them."""
    return (
        select(json_object(wire.but(data=version_data_for(audience, kind))))
        .where(entity_version.c.entity_id == ENTITY_ID)
        .order_by(entity_version.c.created_at.desc(), entity_version.c.id)
    )

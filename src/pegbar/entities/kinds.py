"""What an entity is: its kind, decided by the name of its entity type. Source: spec entities, "Entity kinds"."""

from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, bindparam, case, literal_column, select, text
from sqlalchemy.sql.selectable import ScalarSelect

from pegbar.core.data.database import Reader, Transaction
from pegbar.core.data.schema import TIMESTAMP, String, Text, Uuid, default_of, utc_now
from pegbar.core.data.wire import JsonText, constant
from pegbar.entities.tables import CONCEPT_NAME, FOLDER_NAME, entity
from pegbar.studio.tables import entity_type

SHOT, SEQUENCE, EPISODE, SCENE, EDIT, ASSET = ("Shot", "Sequence", "Episode", "Scene", "Edit", "Asset")
CONCEPT, FOLDER = CONCEPT_NAME, FOLDER_NAME
#: Entity types of these names are special; every other one is an asset type.
SPECIAL = (SHOT, SEQUENCE, EPISODE, SCENE, EDIT, CONCEPT, FOLDER)

#: SQL: the order in which whoever locks several entities locks them, with their `entity_type`: what is cast before what
#: casts it, and what is above before what is below. Two who lock the same entities then wait, and never for each other.
LOCK_ORDER = f"array_position(ARRAY{[EPISODE, SEQUENCE, SCENE, SHOT]}, entity_type.name::text) NULLS FIRST, entity.id"


def kind_of(type_name: str) -> str:
    """The kind of the entities of a type."""
    return type_name if type_name in SPECIAL else ASSET


def _quoted(name: str) -> ColumnElement[str]:
    return literal_column(f"'{name}'", Text)


@lru_cache
def type_id(kind: str) -> ScalarSelect[Any]:
    """SQL: the id of a special type (NULL while nothing of that kind was ever made). Evaluated once a statement."""
    assert kind in SPECIAL, kind
    return select(entity_type.c.id).where(entity_type.c.name == _quoted(kind)).scalar_subquery()


def is_kind(kind: str, rows: FromClause = entity) -> ColumnElement[bool]:
    """SQL: whether entities are of a kind."""
    if kind == ASSET:
        return is_asset_type(rows.c.entity_type_id)
    return rows.c.entity_type_id == type_id(kind)


def is_asset_type(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """SQL: whether a column names an asset type."""
    special = select(entity_type.c.id).where(entity_type.c.name.in_([_quoted(name) for name in SPECIAL]))
    return column.not_in(special)


def kind_json(rows: FromClause = entity) -> ColumnElement[str]:
    """SQL: the `type` of an entity, as JSON."""
    cases = [(rows.c.entity_type_id == type_id(name), constant(name)) for name in SPECIAL]
    return case(*cases, else_=constant(ASSET)).cast(JsonText())


def kind_text(rows: FromClause = entity) -> ColumnElement[str]:
    """SQL: the kind of an entity, as text."""
    return case(
        *[(rows.c.entity_type_id == type_id(name), _quoted(name)) for name in SPECIAL],
        else_=_quoted(ASSET),
    )


_TYPE_NAME = select(entity_type.c.name).where(entity_type.c.id == bindparam("type_id", type_=Uuid))

_TYPE_NAMED = select(entity_type.c.id).where(entity_type.c.name == bindparam("name", type_=String))

_ADD_TYPE = text(
    """
    WITH added AS (
      INSERT INTO entity_type (id, name, archived, created_at, updated_at) VALUES (:id, :name, false, :now, :now)
      ON CONFLICT (name) DO NOTHING RETURNING id
    )
    SELECT id FROM added UNION ALL SELECT id FROM entity_type WHERE name = :name LIMIT 1
    """
).bindparams(bindparam("id", type_=Uuid), bindparam("now", type_=TIMESTAMP), bindparam("name", type_=String))


async def kind_of_type(db: Reader, entity_type_id: UUID) -> str:
    """The kind of the entities of a type, by its id."""
    return kind_of(await db.value(_TYPE_NAME, type_id=entity_type_id) or "")


async def is_asset_type_id(db: Reader, entity_type_id: UUID) -> bool:
    """Whether an id names an asset type."""
    name: str | None = await db.value(_TYPE_NAME, type_id=entity_type_id)
    return name is not None and kind_of(name) == ASSET


async def ensure_type(tx: Transaction, kind: str) -> UUID:
    """The id of a special type; it is made, without an event, the first time it is needed."""
    known: UUID | None = await tx.value(_TYPE_NAMED, name=kind)
    while known is None:
        known = await tx.value(_ADD_TYPE, id=default_of(entity_type.c.id), name=kind, now=utc_now())
    return known

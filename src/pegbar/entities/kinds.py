"""What an entity is: its kind, decided by the name of its entity type. Source: spec entities, "Entity kinds"."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, Select, case, select
from sqlalchemy.sql.selectable import ScalarSelect

from pegbar.core.data.database import Reader, Transaction
from pegbar.core.data.parameters import param, sql
from pegbar.core.data.schema import String, default_of, utc_now
from pegbar.core.data.wire import JsonText, constant, word
from pegbar.entities.tables import CONCEPT_NAME, FOLDER_NAME, entity
from pegbar.studio.tables import entity_type

SHOT, SEQUENCE, EPISODE, SCENE, EDIT, ASSET = ("Shot", "Sequence", "Episode", "Scene", "Edit", "Asset")
CONCEPT, FOLDER = CONCEPT_NAME, FOLDER_NAME

#: Where a name is taken once: under a parent (no parent is a parent too), in a production, or there and not canceled.
Within = Literal["parent", "production", "in use"]


@dataclass(frozen=True)
class Kind:
    """A kind of entity, as statements, writes and events know it. Its routes are declared in its folder (`kind.py`)."""

    name: str  #: of its entity type; of assets, any name that the others leave
    subject: str  #: what its events call it
    parent: str | None = None  #: the kind of what it hangs from
    named: Within = "parent"  #: where a name is taken once
    columns: tuple[str, ...] = ()  #: columns and relations of its own that callers write
    managed: tuple[str, ...] = ()  #: the same, for managers of the production alone
    new: tuple[str, ...] = ()  #: what `<subject>:new` tells besides the key
    updated: tuple[str, ...] = ()  #: what `<subject>:update` tells besides the key
    cast: bool = False  #: whether `<subject>:casting-update` is told

    @property
    def key(self) -> str:
        """The key of an event and the parameter of a path that name an entity of this kind, such as `shot_id`."""
        return f"{self.subject.replace('-', '_')}_id"

    @property
    def plural(self) -> str:
        """The word of the paths, such as `shots`."""
        return f"{self.subject}s"

    @property
    def one(self) -> str:
        """One of them in a sentence, such as `an edit`."""
        return f"{'an' if self.subject[0] in 'ae' else 'a'} {self.subject}"


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            ASSET,
            "asset",
            named="in use",
            managed=("is_shared", "ready_for"),
            new=("asset_type",),
            updated=("data",),
            cast=True,
        ),
        Kind(SHOT, "shot", parent=SEQUENCE, columns=("nb_frames",), new=("episode_id",), cast=True),
        Kind(SEQUENCE, "sequence", parent=EPISODE),
        Kind(EPISODE, "episode", cast=True),
        Kind(SCENE, "scene", parent=SEQUENCE),
        Kind(EDIT, "edit", parent=EPISODE, new=("parent_id",)),
        Kind(CONCEPT, "concept", parent=FOLDER, named="production", columns=("entity_concept_links",)),
        Kind(FOLDER, "concept-folder", named="production"),
    )
}
#: Entity types of these names are special; every other one is an asset type.
SPECIAL = tuple(name for name in KINDS if name != ASSET)

#: SQL: the order in which whoever locks several entities locks them, with their `entity_type`: what is cast before what
#: casts it, and what is above before what is below. Two who lock the same entities then wait, and never for each other.
LOCK_ORDER = f"array_position(ARRAY{[EPISODE, SEQUENCE, SCENE, SHOT]}, entity_type.name::text) NULLS FIRST, entity.id"


def kind_of(type_name: str) -> str:
    """The kind of the entities of a type."""
    return type_name if type_name in SPECIAL else ASSET


@lru_cache
def type_id(kind: str) -> ScalarSelect[Any]:
    """SQL: the id of a special type (NULL while nothing of that kind was ever made). Evaluated once a statement."""
    assert kind in SPECIAL, kind
    return select(entity_type.c.id).where(entity_type.c.name == word(kind)).scalar_subquery()


def is_kind(kind: str, rows: FromClause = entity) -> ColumnElement[bool]:
    """SQL: whether entities are of a kind."""
    if kind == ASSET:
        return is_asset_type(rows.c.entity_type_id)
    return rows.c.entity_type_id == type_id(kind)


def is_none_of(*kinds: str, rows: FromClause = entity) -> ColumnElement[bool]:
    """SQL: whether entities are of none of these special kinds, of which some may never have been made."""
    return rows.c.entity_type_id.not_in(_types_named(*kinds))


def _types_named(*names: str) -> Select[Any]:
    """SQL: the ids of the types with these names; a type that was never made is not among them."""
    ids = select(entity_type.c.id).where(entity_type.c.name.in_([word(name) for name in names]))
    return ids.correlate_except(entity_type)


def is_asset_type(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """SQL: whether a column names an asset type."""
    return column.not_in(_types_named(*SPECIAL))


def kind_json(rows: FromClause = entity) -> ColumnElement[str]:
    """SQL: the `type` of an entity, as JSON."""
    cases = [(rows.c.entity_type_id == type_id(name), constant(name)) for name in SPECIAL]
    return case(*cases, else_=constant(ASSET)).cast(JsonText())


def kind_text(rows: FromClause = entity) -> ColumnElement[str]:
    """SQL: the kind of an entity, as text."""
    return case(
        *[(rows.c.entity_type_id == type_id(name), word(name)) for name in SPECIAL],
        else_=word(ASSET),
    )


def kind_by_type(types: FromClause = entity_type) -> ColumnElement[str]:
    """SQL: the same by the joined row of its type: quicker for one entity than looking up the special types."""
    return case((types.c.name.in_([word(name) for name in SPECIAL]), types.c.name), else_=word(ASSET))


_TYPE_NAME = select(entity_type.c.name).where(entity_type.c.id == param("type_id"))

_TYPE_NAMED = select(entity_type.c.id).where(entity_type.c.name == param("name", String))

_ADD_TYPE = sql(
    """
    WITH added AS (
      INSERT INTO entity_type (id, name, archived, created_at, updated_at) VALUES (:id, :name, false, :now, :now)
      ON CONFLICT (name) DO NOTHING RETURNING id
    )
    SELECT id FROM added UNION ALL SELECT id FROM entity_type WHERE name = :name LIMIT 1
    """,
    name=String,
)


async def kind_of_type(db: Reader, entity_type_id: UUID) -> str:
    """The kind of the entities of a type, by its id."""
    return kind_of(await db.value(_TYPE_NAME, type_id=entity_type_id) or "")


async def is_asset_type_id(db: Reader, entity_type_id: UUID) -> bool:
    """Whether an id names an asset type."""
    name: str | None = await db.value(_TYPE_NAME, type_id=entity_type_id)
    return name is not None and kind_of(name) == ASSET


async def ensure_type(tx: Transaction, kind: str) -> UUID:
    """The id of a type by its name; a special one is made, without an event, the first time it is needed."""
    known: UUID | None = await tx.value(_TYPE_NAMED, name=kind)
    while known is None:
        known = await tx.value(_ADD_TYPE, id=default_of(entity_type.c.id), name=kind, now=utc_now())
    return known

"""How entities look on the wire. Source: spec entities, "JSON shapes"; spec shots, "EntityRow"."""

from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Text, cast, func, select
from sqlalchemy.dialects.postgresql import JSONB

from pegbar.core.data.changes import Relation
from pegbar.core.data.wire import JsonText, Wire, constant, wire_of, word
from pegbar.entities.kinds import CONCEPT, kind_json
from pegbar.entities.tables import asset_instance_link, entity, entity_concept_link, entity_link
from pegbar.productions.tables import project


def of_production(related: FromClause, row: FromClause) -> ColumnElement[bool]:
    """Ids of another production's entities are told of what is shared, on either side, only."""
    return (related.c.project_id == row.c.project_id) | related.c.is_shared | row.c.is_shared


def _placed_in_production(related: FromClause, row: FromClause) -> ColumnElement[bool]:
    """The same of the assets that instances are of."""
    placed = entity.alias()
    seen = select(placed.c.id).where(placed.c.id == related.c.asset_id, of_production(placed, row))
    return seen.correlate_except(placed).exists()


_links, _concept_links = entity_link.c, entity_concept_link.c
RELATIONS = (
    Relation("entities_out", _links.entity_in_id, _links.entity_out_id, among=of_production),
    Relation("entities_in", _links.entity_out_id, _links.entity_in_id, among=of_production),
    Relation("entity_concept_links", _concept_links.entity_in_id, _concept_links.entity_out_id, among=of_production),
    Relation(
        "instance_casting",
        asset_instance_link.c.entity_id,
        asset_instance_link.c.asset_instance_id,
        among=_placed_in_production,
    ),
)

#: The ids of what an entity is linked to.
LINKED_IDS = {relation.key: relation.ids(entity) for relation in RELATIONS}
#: The row of any entity; its `type` is its kind.
ROW = wire_of(entity).but(type=kind_json())
#: The row with the ids of what it is linked to.
ROW_WITH_RELATIONS = ROW.but(**LINKED_IDS)
#: The ids that a concept refers to.
CONCEPT_LINKS = LINKED_IDS["entity_concept_links"]
#: What some writes answer: the kind is not told.
UNTYPED = ROW.but(type=constant("Entity"))
UNTYPED_WITH_RELATIONS = ROW_WITH_RELATIONS.but(type=constant("Entity"))


@lru_cache
def row_of_kind(kind: str) -> Wire:
    """The row of an entity whose kind is known; concepts tell what they refer to."""
    more = {"entity_concept_links": CONCEPT_LINKS} if kind == CONCEPT else {}
    return ROW.but(type=constant(kind), **more)


# What is above an entity

sequence = entity.alias("sequence")
episode = entity.alias("episode")

#: An entity with its production.
with_project = entity.join(project, project.c.id == entity.c.project_id)
#: The same, with the sequence and the episode above it, where there are.
below_sequence = with_project.outerjoin(sequence, sequence.c.id == entity.c.parent_id).outerjoin(
    episode, episode.c.id == sequence.c.parent_id
)
#: The same of a sequence or an edit, with the episode above it, where there is one.
below_episode = with_project.outerjoin(episode, episode.c.id == entity.c.parent_id)


# Values


def text_or(column: ColumnElement[Any], fallback: str) -> ColumnElement[str]:
    """An id as text, or what stands for none."""
    return func.coalesce(cast(column, Text), word(fallback), type_=Text)


EMPTY_OBJECT = cast(word("{}"), JSONB)
#: The metadata; none are an empty object.
DATA = func.coalesce(func.nullif(entity.c.data, cast(word("null"), JSONB)), EMPTY_OBJECT, type_=JSONB)


def frames(data: ColumnElement[Any]) -> dict[str, ColumnElement[str]]:
    """The frame keys of the metadata, as the JSON values they are."""
    return {key: cast(data.op("->")(word(key)), Text).cast(JsonText()) for key in ("frame_in", "frame_out", "fps")}

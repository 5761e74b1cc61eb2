"""How entities look on the wire. Source: spec entities, "JSON shapes"; spec shots, "EntityRow"."""

from functools import lru_cache

from sqlalchemy import ColumnElement, FromClause, select

from pegbar.core.data.resource import Relation
from pegbar.core.data.wire import Wire, constant, wire_of
from pegbar.entities.kinds import CONCEPT, kind_json
from pegbar.entities.tables import asset_instance_link, entity, entity_concept_link, entity_link


def _of_production(related: FromClause, row: FromClause) -> ColumnElement[bool]:
    """Ids of another production's entities are told of what is shared, on either side, only."""
    return (related.c.project_id == row.c.project_id) | related.c.is_shared | row.c.is_shared


def _placed_in_production(related: FromClause, row: FromClause) -> ColumnElement[bool]:
    """The same of the assets that instances are of."""
    placed = entity.alias()
    seen = select(placed.c.id).where(placed.c.id == related.c.asset_id, _of_production(placed, row))
    return seen.correlate_except(placed).exists()


_links, _concept_links = entity_link.c, entity_concept_link.c
RELATIONS = (
    Relation("entities_out", _links.entity_in_id, _links.entity_out_id, among=_of_production),
    Relation("entities_in", _links.entity_out_id, _links.entity_in_id, among=_of_production),
    Relation("entity_concept_links", _concept_links.entity_in_id, _concept_links.entity_out_id, among=_of_production),
    Relation(
        "instance_casting",
        asset_instance_link.c.entity_id,
        asset_instance_link.c.asset_instance_id,
        among=_placed_in_production,
    ),
)

#: The row of any entity; its `type` is its kind.
ROW = wire_of(entity).but(type=kind_json())
#: The row with the ids of what it is linked to.
ROW_WITH_RELATIONS = ROW.but(**{each.key: each.ids(entity) for each in RELATIONS})
#: The ids that a concept refers to.
CONCEPT_LINKS = RELATIONS[2].ids(entity)
#: What some writes answer: the kind is not told.
UNTYPED = ROW.but(type=constant("Entity"))
UNTYPED_WITH_RELATIONS = ROW_WITH_RELATIONS.but(type=constant("Entity"))


@lru_cache
def row_of_kind(kind: str) -> Wire:
    """The row of an entity whose kind is known; concepts tell what they refer to."""
    more = {"entity_concept_links": CONCEPT_LINKS} if kind == CONCEPT else {}
    return ROW.but(type=constant(kind), **more)

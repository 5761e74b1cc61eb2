"""Lists of the entities of a kind. Source: spec entities, "Criteria"; spec shots, "Criterion filters"."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from litestar import Request
from sqlalchemy import (
    ColumnElement,
    Executable,
    FromClause,
    bindparam,
    exists,
    select,
)

from pegbar.core.data import filters
from pegbar.core.data.database import Database, Json
from pegbar.core.data.filters import Filter
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import Uuid
from pegbar.core.data.wire import Wire, json_object
from pegbar.core.http.access import Caller
from pegbar.entities.kinds import is_kind
from pegbar.entities.metadata import data_for
from pegbar.entities.resources import entities
from pegbar.entities.scopes import ASSIGNED
from pegbar.entities.tables import entity
from pegbar.entities.task_shapes import audience

_IGNORED = frozenset({"page", "limit", "relations", "fields"})

BY_NAME = (entity.c.name, entity.c.id)

IN_PROJECT: ColumnElement[bool] = entity.c.project_id == param("project_id")
OF_TYPE: ColumnElement[bool] = entity.c.entity_type_id == param("type_id")
BELOW: ColumnElement[bool] = entity.c.parent_id == param("parent_id")
ROOT: ColumnElement[bool] = entity.c.parent_id.is_(None)


@dataclass(frozen=True, eq=False)
class Listed:
    """A way to list the entities of a kind."""

    kind: str
    wire: Wire
    source: FromClause = entity
    order: tuple[Any, ...] = ()
    for_vendors: ColumnElement[bool] = ASSIGNED  #: the rows that a vendor sees

    def wire_for(self, audience: str) -> Wire:
        """The keys for an audience."""
        return self.wire if audience == "studio" else self.wire.but(data=data_for(audience, self.kind))


@lru_cache(4096)
def _statement(
    listed: Listed, audience: str, chosen: tuple[Filter, ...], conditions: tuple[ColumnElement[bool], ...]
) -> Executable:
    filtered = [_condition(criterion) for criterion in chosen]
    if audience == "vendor":
        filtered.append(listed.for_vendors)
    rows = select(json_object(listed.wire_for(audience))).select_from(listed.source)
    return rows.where(is_kind(listed.kind), *conditions, *filtered).order_by(*listed.order)


def _condition(criterion: Filter) -> ColumnElement[bool]:
    if criterion.operator == "has":
        relation = entities.by_key[criterion.attribute]
        wanted = relation.other == bindparam(criterion.parameter, type_=Uuid)
        return exists(select(relation.other).where(relation.owner == entity.c.id, wanted).correlate(entity))
    return filters.condition(criterion, entity.c[criterion.attribute])


Criteria = tuple[tuple[Filter, ...], Mapping[str, Any]]


def criteria(request: Request[Any, Any, Any], *ignored: str) -> Criteria:
    """The filters of a query string, and their values."""
    query = [(name, text) for name, text in request.query_params.multi_items() if name not in _IGNORED | set(ignored)]
    listing = filters.parse_listing(query, entities.columns, entities.by_key, {})
    return listing.filters, listing.params


async def entities_listed(
    db: Database,
    caller: Caller,
    listed: Listed,
    *conditions: ColumnElement[bool],
    criteria: Criteria = ((), {}),
    **about: Any,
) -> Json:
    """Entities of a kind as this caller sees them: those with every condition, narrowed for a vendor."""
    chosen, values = criteria
    statement = _statement(listed, audience(caller), chosen, conditions)
    return await db.json(statement, **values, **about)

"""Listings of the entities of a kind. Source: spec entities, "Criteria"; spec shots, "Criterion filters"."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from litestar import Request
from sqlalchemy import (
    ColumnElement,
    Executable,
    FromClause,
    String,
    any_,
    bindparam,
    case,
    cast,
    exists,
    func,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from pegbar.core import filters
from pegbar.core.access import Caller
from pegbar.core.database import Database, Json
from pegbar.core.filters import Filter
from pegbar.core.resource import CALLER_DEPARTMENTS, CALLER_ID, scope_parameters
from pegbar.core.schema import Text, Uuid
from pegbar.core.wire import Wire, json_object
from pegbar.entities.kinds import is_kind
from pegbar.entities.resources import entities
from pegbar.entities.scopes import ASSIGNED
from pegbar.entities.tables import entity
from pegbar.productions.tables import (
    department_metadata_descriptor_link,
    metadata_descriptor,
    project_person_link,
)
from pegbar.tasks.tables import task

_IGNORED = frozenset({"page", "limit", "relations", "fields"})

IN_PROJECT: ColumnElement[bool] = entity.c.project_id == bindparam("project_id", type_=Uuid)
OF_TYPE: ColumnElement[bool] = entity.c.entity_type_id == bindparam("type_id", type_=Uuid)
BELOW: ColumnElement[bool] = entity.c.parent_id == bindparam("parent_id", type_=Uuid)
ROOT: ColumnElement[bool] = entity.c.parent_id.is_(None)
#: Of a production whose team holds the caller; where they are a vendor, only what they have a task on.
OF_TEAM: ColumnElement[bool] = exists().where(
    project_person_link.c.project_id == entity.c.project_id,
    project_person_link.c.person_id == CALLER_ID,
    or_(
        func.coalesce(project_person_link.c.role, bindparam("caller_role", type_=String), type_=String) != "vendor",
        ASSIGNED,
    ),
)

_link = department_metadata_descriptor_link


def _departments(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists(
        select(_link.c.department_id)
        .where(_link.c.metadata_descriptor_id == metadata_descriptor.c.id, *conditions)
        .correlate(metadata_descriptor)
    )


def masked(data: ColumnElement[Any], *described: ColumnElement[bool]) -> ColumnElement[Any]:
    """SQL: metadata without the keys that only other departments than the caller's see.

    `described` chooses the descriptors that are about it.
    """
    hidden = (
        select(metadata_descriptor.c.field_name)
        .where(*described, _departments(), ~_departments(_link.c.department_id == any_(CALLER_DEPARTMENTS)))
        .correlate(entity, task)
        .scalar_subquery()
    )
    shown = data.op("-")(cast(func.array(hidden), ARRAY(Text)))
    return case((func.jsonb_typeof(data) == "object", shown), else_=cast("{}", JSONB)).cast(JSONB)


@lru_cache
def masked_data(kind: str | ColumnElement[str]) -> ColumnElement[Any]:
    """SQL: the metadata of an entity of this kind without what is of other departments than the caller's."""
    of_project = metadata_descriptor.c.project_id == entity.c.project_id
    return masked(entity.c.data, of_project, metadata_descriptor.c.entity_type == kind)


@dataclass(frozen=True, eq=False)
class Listed:
    """A way to list the entities of a kind."""

    kind: str
    wire: Wire
    source: FromClause = entity
    order: tuple[Any, ...] = ()
    masks: bool = True  #: vendors do not see the metadata of other departments
    for_vendors: ColumnElement[bool] = ASSIGNED  #: the rows that a vendor sees

    def wire_for(self, role: str) -> Wire:
        """The keys for a role."""
        if role != "vendor" or not self.masks:
            return self.wire
        return Wire({**self.wire, "data": masked_data(self.kind)})


@lru_cache(4096)
def _statement(
    listed: Listed, role: str, chosen: tuple[Filter, ...], conditions: tuple[ColumnElement[bool], ...]
) -> Executable:
    filtered = [_condition(each) for each in chosen]
    if role == "vendor":
        filtered.append(listed.for_vendors)
    rows = select(json_object(listed.wire_for(role))).select_from(listed.source)
    return rows.where(is_kind(listed.kind), *conditions, *filtered).order_by(*listed.order)


def _condition(chosen: Filter) -> ColumnElement[bool]:
    if chosen.operator == "has":
        relation = entities.by_key[chosen.attribute]
        wanted = relation.other == bindparam(chosen.parameter, type_=Uuid)
        return exists(select(relation.other).where(relation.owner == entity.c.id, wanted).correlate(entity))
    return filters.condition(chosen, entity.c[chosen.attribute])


def criteria(request: Request[Any, Any, Any], *ignored: str) -> tuple[tuple[Filter, ...], Mapping[str, Any]]:
    """The filters of a query string, and their values."""
    query = [(name, text) for name, text in request.query_params.multi_items() if name not in _IGNORED | set(ignored)]
    listing = filters.parse_listing(query, entities.columns, entities.by_key, {})
    return listing.filters, listing.given


async def entities_listed(
    db: Database,
    caller: Caller,
    listed: Listed,
    *conditions: ColumnElement[bool],
    criteria: tuple[tuple[Filter, ...], Mapping[str, Any]] = ((), {}),
    **given: Any,
) -> Json:
    """Entities of a kind as this caller sees them: those with every condition, narrowed for a vendor."""
    chosen, values = criteria
    role = "vendor" if caller.role_here == "vendor" else ""
    statement = _statement(listed, role, chosen, conditions)
    about = scope_parameters(statement, caller)
    return await db.json(statement, **about, **values, **given)

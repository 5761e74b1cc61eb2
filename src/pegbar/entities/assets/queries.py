"""Reads of asset types. Source: spec entities, "Asset types"."""

from functools import lru_cache

from sqlalchemy import ColumnElement, Executable, select

from pegbar.core.data import filters
from pegbar.core.data.filters import Filter
from pegbar.core.data.parameters import param
from pegbar.core.data.wire import Wire, json_object
from pegbar.entities.assets import kind
from pegbar.entities.kinds import is_asset_type
from pegbar.entities.tables import entity, entity_link
from pegbar.studio.tables import entity_type


def _types(wire: Wire, *conditions: ColumnElement[bool]) -> Executable:
    return select(json_object(wire)).where(is_asset_type(entity_type.c.id), *conditions)


_OF_PROJECT: ColumnElement[bool] = entity_type.c.id.in_(
    select(entity.c.entity_type_id).where(entity.c.project_id == param("project_id"))
)


@lru_cache(256)
def asset_types(chosen: tuple[Filter, ...], of_project: bool) -> Executable:
    """Asset types that filters choose; those in use in a production."""
    conditions = [filters.condition(criterion, entity_type.c[criterion.attribute]) for criterion in chosen]
    if of_project:
        conditions.append(_OF_PROJECT)
    return _types(kind.ASSET_TYPE_WITH_TASK_TYPES, *conditions)


asset_type = _types(kind.ASSET_TYPE_WITH_TASK_TYPES, entity_type.c.id == param("type_id"))
asset_types_of_project = _types(kind.ASSET_TYPE, _OF_PROJECT)
#: Types of everything linked to a shot.
asset_types_of_shot = select(json_object(kind.ASSET_TYPE)).where(
    entity_type.c.id.in_(
        select(entity.c.entity_type_id)
        .join(entity_link, entity_link.c.entity_out_id == entity.c.id)
        .where(entity_link.c.entity_in_id == param("entity_id"))
    )
)

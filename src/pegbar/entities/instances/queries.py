"""Reads of asset instances. Source: spec entities, "Asset instances"."""

from typing import Any

from sqlalchemy import ColumnElement, Executable, FromClause, Text, cast, func, or_, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from pegbar.core.data.parameters import param
from pegbar.core.data.wire import JsonText, json_object, wire_of, word
from pegbar.entities.scopes import linked, project_of
from pegbar.entities.tables import asset_instance, asset_instance_link, entity
from pegbar.studio.tables import entity_type

ROW = wire_of(asset_instance, "AssetInstance")
_entity_id = param("entity_id")


def _grouped(key: ColumnElement[Any], source: Any, *conditions: ColumnElement[bool]) -> Executable:
    """One JSON object: instances, by number, under what `key` names."""
    in_order = aggregate_order_by(word(","), asset_instance.c.number, asset_instance.c.id)
    items = func.string_agg(cast(json_object(ROW), Text), in_order)
    name = func.coalesce(cast(key, Text), word("None"))
    groups = (
        select(name.label("name"), items.label("items")).select_from(source).where(*conditions).group_by(key).subquery()
    )
    pairs = word('"').concat(groups.c.name).concat(word('":[')).concat(groups.c["items"]).concat(word("]"))
    joined = func.coalesce(func.string_agg(pairs, aggregate_order_by(word(","), groups.c.name)), word(""))
    return select(cast(word("{").concat(joined).concat(word("}")), JsonText()))


#: The asset that is placed, what it is placed in and the shot that shows it, each the caller's to see.
_placed, _around = entity.alias("placed"), entity.alias("around")


def _sees(row: FromClause, entity_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """The entity of a column is nothing, or the caller's to see from the entity that the request is about."""
    seen = select(row.c.id).where(linked(row, project_of(_entity_id))).correlate_except(row)
    return or_(entity_id.is_(None), entity_id.in_(seen))


_linked = asset_instance.join(asset_instance_link, asset_instance_link.c.asset_instance_id == asset_instance.c.id)
_typed = asset_instance.join(entity, entity.c.id == asset_instance.c.asset_id).join(
    entity_type, entity_type.c.id == entity.c.entity_type_id
)
in_scene = _grouped(
    asset_instance.c.asset_id,
    asset_instance,
    asset_instance.c.scene_id == _entity_id,
    _sees(_placed, asset_instance.c.asset_id),
)
cameras_in_scene = _grouped(
    asset_instance.c.asset_id,
    _typed,
    asset_instance.c.scene_id == _entity_id,
    func.lower(entity_type.c.name) == word("camera"),
    _sees(_placed, asset_instance.c.asset_id),
)
in_shot = _grouped(
    asset_instance.c.asset_id,
    _linked,
    asset_instance_link.c.entity_id == _entity_id,
    _sees(_placed, asset_instance.c.asset_id),
)
by_shot = _grouped(
    asset_instance_link.c.entity_id,
    _linked,
    asset_instance.c.asset_id == _entity_id,
    _sees(_around, asset_instance_link.c.entity_id),
)
by_scene = _grouped(
    asset_instance.c.scene_id,
    asset_instance,
    asset_instance.c.asset_id == _entity_id,
    _sees(_around, asset_instance.c.scene_id),
)
in_asset = _grouped(
    asset_instance.c.asset_id,
    asset_instance,
    asset_instance.c.target_asset_id == _entity_id,
    _sees(_placed, asset_instance.c.asset_id),
)
one_instance = select(json_object(ROW)).where(asset_instance.c.id == param("instance_id"))

"""Routes of asset instances. Source: spec entities, "Asset instances"."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Executable, FromClause, Text, bindparam, cast, func, literal_column, or_, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.data.resource import scope_parameters
from pegbar.core.data.schema import Uuid
from pegbar.core.data.wire import JsonText, json_object, wire_of
from pegbar.core.http.access import Caller, Rule, staff_of
from pegbar.core.http.body import Strict
from pegbar.core.http.routing import delete, found, get, post
from pegbar.entities import rules
from pegbar.entities.instances import actions
from pegbar.entities.kinds import ASSET, SCENE, SHOT
from pegbar.entities.queries import one
from pegbar.entities.scopes import linked, project_of
from pegbar.entities.shapes import UNTYPED
from pegbar.entities.tables import asset_instance, asset_instance_link, entity
from pegbar.studio.tables import entity_type

#: Instances by the id of what they are grouped by.
_BY_KEY = {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "object"}}}
_ROW = wire_of(asset_instance, "AssetInstance")
_entity_id = bindparam("entity_id", type_=Uuid)


def _sql(value: str) -> ColumnElement[str]:
    return literal_column(f"'{value}'", Text)


def _grouped(key: ColumnElement[Any], source: Any, *conditions: ColumnElement[bool]) -> Executable:
    """One JSON object: instances, by number, under what `key` names."""
    in_order = aggregate_order_by(_sql(","), asset_instance.c.number, asset_instance.c.id)
    items = func.string_agg(cast(json_object(_ROW), Text), in_order)
    name = func.coalesce(cast(key, Text), _sql("None"))
    groups = (
        select(name.label("name"), items.label("items")).select_from(source).where(*conditions).group_by(key).subquery()
    )
    pairs = _sql('"').concat(groups.c.name).concat(_sql('":[')).concat(groups.c["items"]).concat(_sql("]"))
    joined = func.coalesce(func.string_agg(pairs, aggregate_order_by(_sql(","), groups.c.name)), _sql(""))
    return select(cast(_sql("{").concat(joined).concat(_sql("}")), JsonText()))


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
_IN_SCENE = _grouped(
    asset_instance.c.asset_id,
    asset_instance,
    asset_instance.c.scene_id == _entity_id,
    _sees(_placed, asset_instance.c.asset_id),
)
_CAMERAS = _grouped(
    asset_instance.c.asset_id,
    _typed,
    asset_instance.c.scene_id == _entity_id,
    func.lower(entity_type.c.name) == _sql("camera"),
    _sees(_placed, asset_instance.c.asset_id),
)
_IN_SHOT = _grouped(
    asset_instance.c.asset_id,
    _linked,
    asset_instance_link.c.entity_id == _entity_id,
    _sees(_placed, asset_instance.c.asset_id),
)
_BY_SHOT = _grouped(
    asset_instance_link.c.entity_id,
    _linked,
    asset_instance.c.asset_id == _entity_id,
    _sees(_around, asset_instance_link.c.entity_id),
)
_BY_SCENE = _grouped(
    asset_instance.c.scene_id,
    asset_instance,
    asset_instance.c.asset_id == _entity_id,
    _sees(_around, asset_instance.c.scene_id),
)
_IN_ASSET = _grouped(
    asset_instance.c.asset_id,
    asset_instance,
    asset_instance.c.target_asset_id == _entity_id,
    _sees(_placed, asset_instance.c.asset_id),
)
_ONE = select(json_object(_ROW)).where(asset_instance.c.id == bindparam("instance_id", type_=Uuid))


async def _groups(db: Database, caller: Caller, statement: Executable, entity_id: UUID) -> Json:
    return found(await db.json_row(statement, entity_id=entity_id, **scope_parameters(statement, caller)))


def _places(kind: str, parameter: str) -> Rule:
    """The studio's people on the production: neither vendors nor clients."""
    return staff_of(rules.the(kind, parameter), "entity")


class NewInstance(Strict):
    """An asset to place in a scene."""

    asset_id: UUID
    description: Annotated[str, msgspec.Meta(max_length=200)] | None = None


class NewPart(Strict):
    """An asset to place in another one."""

    asset_to_instantiate_id: UUID
    description: Annotated[str, msgspec.Meta(max_length=200)] | None = None


class ShownInstance(Strict):
    """An instance for a shot to show."""

    asset_instance_id: UUID


@get("/data/scenes/{scene_id:uuid}/asset-instances", access=rules.sees(SCENE, "scene_id"), returns=_BY_KEY)
async def scene_instances(scene_id: UUID, db: Database, caller: Caller) -> Json:
    """Instances in a scene, by asset."""
    return await _groups(db, caller, _IN_SCENE, scene_id)


@get("/data/scenes/{scene_id:uuid}/camera-instances", access=rules.sees(SCENE, "scene_id"), returns=_BY_KEY)
async def scene_cameras(scene_id: UUID, db: Database, caller: Caller) -> Json:
    """Instances of cameras in a scene, by asset."""
    return await _groups(db, caller, _CAMERAS, scene_id)


@get("/data/shots/{shot_id:uuid}/asset-instances", access=rules.sees(SHOT, "shot_id"), returns=_BY_KEY)
async def shot_instances(shot_id: UUID, db: Database, caller: Caller) -> Json:
    """Instances that a shot shows, by asset."""
    return await _groups(db, caller, _IN_SHOT, shot_id)


@get("/data/assets/{asset_id:uuid}/shot-asset-instances", access=rules.sees(ASSET, "asset_id"), returns=_BY_KEY)
async def instances_by_shot(asset_id: UUID, db: Database, caller: Caller) -> Json:
    """Instances of an asset, by the shots that show them."""
    return await _groups(db, caller, _BY_SHOT, asset_id)


@get("/data/assets/{asset_id:uuid}/scene-asset-instances", access=rules.sees(ASSET, "asset_id"), returns=_BY_KEY)
async def instances_by_scene(asset_id: UUID, db: Database, caller: Caller) -> Json:
    """Instances of an asset, by scene; those in none under `None`."""
    return await _groups(db, caller, _BY_SCENE, asset_id)


@get("/data/assets/{asset_id:uuid}/asset-asset-instances", access=rules.sees(ASSET, "asset_id"), returns=_BY_KEY)
async def instances_in_asset(asset_id: UUID, db: Database, caller: Caller) -> Json:
    """Instances placed in an asset, by the asset they are of."""
    return await _groups(db, caller, _IN_ASSET, asset_id)


@post(
    "/data/scenes/{scene_id:uuid}/asset-instances",
    access=_places(SCENE, "scene_id"),
    events=[actions.NEW],
    returns=_ROW,
)
async def add_to_scene(scene_id: UUID, body: NewInstance, tx: Transaction, caller: Caller) -> Json:
    """Place an asset in a scene once more."""
    assert caller.project_id is not None
    made = await actions.add_to_scene(tx, caller.project_id, scene_id, body.asset_id, body.description)
    return found(await tx.json_row(_ONE, instance_id=made))


@post(
    "/data/assets/{asset_id:uuid}/asset-asset-instances",
    access=_places(ASSET, "asset_id"),
    events=[actions.NEW],
    returns=_ROW,
)
async def add_to_asset(asset_id: UUID, body: NewPart, tx: Transaction, caller: Caller) -> Json:
    """Place an asset in another one once more."""
    assert caller.project_id is not None
    part = body.asset_to_instantiate_id
    made = await actions.add_to_asset(tx, caller.project_id, asset_id, part, body.description)
    return found(await tx.json_row(_ONE, instance_id=made))


@post(
    "/data/shots/{shot_id:uuid}/asset-instances",
    access=_places(SHOT, "shot_id"),
    events=[actions.ADDED_TO_SHOT],
    returns=UNTYPED,
)
async def add_to_shot(shot_id: UUID, body: ShownInstance, tx: Transaction, caller: Caller) -> Json:
    """Let a shot show an instance."""
    assert caller.project_id is not None
    await actions.add_to_shot(tx, caller.project_id, shot_id, body.asset_instance_id)
    return found(await tx.json_row(one(UNTYPED), entity_id=shot_id))


@delete(
    "/data/shots/{shot_id:uuid}/asset-instances/{asset_instance_id:uuid}",
    access=_places(SHOT, "shot_id"),
    events=[actions.REMOVED_FROM_SHOT],
)
async def remove_from_shot(shot_id: UUID, asset_instance_id: UUID, tx: Transaction, caller: Caller) -> None:
    """Let a shot no longer show an instance."""
    assert caller.project_id is not None
    await actions.remove_from_shot(tx, caller.project_id, shot_id, asset_instance_id)

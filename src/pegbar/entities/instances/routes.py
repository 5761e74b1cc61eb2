"""Routes of asset instances. Source: spec entities, "Asset instances"."""

from typing import Annotated
from uuid import UUID

import msgspec
from sqlalchemy import Executable

from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.http.access import Caller, Rule, staff_of
from pegbar.core.http.body import Strict
from pegbar.core.http.routing import delete, found, get, post
from pegbar.entities import rules
from pegbar.entities.instances import actions, queries
from pegbar.entities.kinds import ASSET, SCENE, SHOT
from pegbar.entities.queries import one
from pegbar.entities.shapes import UNTYPED

#: Instances by the id of what they are grouped by.
_BY_KEY = {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "object"}}}


async def _groups(db: Database, statement: Executable, entity_id: UUID) -> Json:
    return found(await db.json_row(statement, entity_id=entity_id))


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
async def scene_instances(scene_id: UUID, db: Database) -> Json:
    """Instances in a scene, by asset."""
    return await _groups(db, queries.in_scene, scene_id)


@get("/data/scenes/{scene_id:uuid}/camera-instances", access=rules.sees(SCENE, "scene_id"), returns=_BY_KEY)
async def scene_cameras(scene_id: UUID, db: Database) -> Json:
    """Instances of cameras in a scene, by asset."""
    return await _groups(db, queries.cameras_in_scene, scene_id)


@get("/data/shots/{shot_id:uuid}/asset-instances", access=rules.sees(SHOT, "shot_id"), returns=_BY_KEY)
async def shot_instances(shot_id: UUID, db: Database) -> Json:
    """Instances that a shot shows, by asset."""
    return await _groups(db, queries.in_shot, shot_id)


@get("/data/assets/{asset_id:uuid}/shot-asset-instances", access=rules.sees(ASSET, "asset_id"), returns=_BY_KEY)
async def instances_by_shot(asset_id: UUID, db: Database) -> Json:
    """Instances of an asset, by the shots that show them."""
    return await _groups(db, queries.by_shot, asset_id)


@get("/data/assets/{asset_id:uuid}/scene-asset-instances", access=rules.sees(ASSET, "asset_id"), returns=_BY_KEY)
async def instances_by_scene(asset_id: UUID, db: Database) -> Json:
    """Instances of an asset, by scene; those in none under `None`."""
    return await _groups(db, queries.by_scene, asset_id)


@get("/data/assets/{asset_id:uuid}/asset-asset-instances", access=rules.sees(ASSET, "asset_id"), returns=_BY_KEY)
async def instances_in_asset(asset_id: UUID, db: Database) -> Json:
    """Instances placed in an asset, by the asset they are of."""
    return await _groups(db, queries.in_asset, asset_id)


@post(
    "/data/scenes/{scene_id:uuid}/asset-instances",
    access=_places(SCENE, "scene_id"),
    events=[actions.NEW],
    returns=queries.ROW,
)
async def add_to_scene(scene_id: UUID, body: NewInstance, tx: Transaction, caller: Caller) -> Json:
    """Place an asset in a scene once more."""
    assert caller.project_id is not None
    instance_id = await actions.add_to_scene(tx, caller.project_id, scene_id, body.asset_id, body.description)
    return found(await tx.json_row(queries.one_instance, instance_id=instance_id))


@post(
    "/data/assets/{asset_id:uuid}/asset-asset-instances",
    access=_places(ASSET, "asset_id"),
    events=[actions.NEW],
    returns=queries.ROW,
)
async def add_to_asset(asset_id: UUID, body: NewPart, tx: Transaction, caller: Caller) -> Json:
    """Place an asset in another one once more."""
    assert caller.project_id is not None
    part = body.asset_to_instantiate_id
    instance_id = await actions.add_to_asset(tx, caller.project_id, asset_id, part, body.description)
    return found(await tx.json_row(queries.one_instance, instance_id=instance_id))


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

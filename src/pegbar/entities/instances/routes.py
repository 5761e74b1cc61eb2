"""Routes of asset instances. Source: spec entities, "Asset instances"."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request
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

AnyRequest = Request[Any, Any, Any]

#: Instances by the id of what they are grouped by.
_BY_KEY = {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "object"}}}


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


def _declare_groups(kind: str, path: str, statement: Executable, summary: str) -> None:
    """A route that reads instances around an entity of a kind, grouped."""
    parameter = f"{kind.lower()}_id"

    async def groups(request: AnyRequest, db: Database) -> Json:
        return found(await db.json_row(statement, entity_id=request.path_params[parameter]))

    where = f"/data/{kind.lower()}s/{{{parameter}:uuid}}/{path}"
    get(where, access=rules.sees(kind, parameter), returns=_BY_KEY, summary=summary)(groups)


for _declaration in (
    (SCENE, "asset-instances", queries.in_scene, "Instances in a scene, by asset."),
    (SCENE, "camera-instances", queries.cameras_in_scene, "Instances of cameras in a scene, by asset."),
    (SHOT, "asset-instances", queries.in_shot, "Instances that a shot shows, by asset."),
    (ASSET, "shot-asset-instances", queries.by_shot, "Instances of an asset, by the shots that show them."),
    (ASSET, "scene-asset-instances", queries.by_scene, "Instances of an asset, by scene; those in none under `None`."),
    (ASSET, "asset-asset-instances", queries.in_asset, "Instances placed in an asset, by the asset they are of."),
):
    _declare_groups(*_declaration)


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

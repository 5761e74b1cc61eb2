"""Numbered copies of assets in scenes, in other assets and in shots. Source: spec entities, "Asset instances"."""

import re
import unicodedata
from uuid import UUID

from sqlalchemy import Text, func, select

from pegbar.core.data.changes import Change
from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import param, sql
from pegbar.core.data.schema import Integer
from pegbar.core.errors import BadRequest, NotFound
from pegbar.core.live.events import event
from pegbar.entities.kinds import ASSET, is_kind
from pegbar.entities.tables import asset_instance, asset_instance_link, entity

NEW = event("asset_instance:new", "asset_id", "asset_instance_id", "scene_id", "asset_instantiated")
ADDED_TO_SHOT = event("asset_instance:add-to-shot", "shot_id", "asset_instance_id")
REMOVED_FROM_SHOT = event("asset_instance:remove-from-shot", "shot_id", "asset_instance_id")

_asset_id = param("asset_id")
_ASSET = select(entity.c.name).where(
    entity.c.id == _asset_id, entity.c.project_id == param("project_id"), is_kind(ASSET)
)
_LOCK = sql("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))", key=Text)
_place = param("place_id")
_HIGHEST_IN_SCENE = select(func.max(asset_instance.c.number)).where(
    asset_instance.c.asset_id == _asset_id, asset_instance.c.scene_id == _place
)
_HIGHEST_IN_ASSET = select(func.max(asset_instance.c.number)).where(
    asset_instance.c.asset_id == _asset_id, asset_instance.c.target_asset_id == _place
)
#: An instance of an asset of a production.
_INSTANCE = (
    select(asset_instance.c.id)
    .join(entity, entity.c.id == asset_instance.c.asset_id)
    .where(asset_instance.c.id == param("instance_id"))
    .where(entity.c.project_id == param("project_id"))
)


_TWIN = select(asset_instance.c.id).where(
    asset_instance.c.asset_id == _asset_id,
    asset_instance.c.number == param("number", Integer),
    asset_instance.c.scene_id.is_not_distinct_from(param("scene_id")),
    asset_instance.c.target_asset_id.is_not_distinct_from(param("target_asset_id")),
)


async def check_number(change: Change) -> None:
    """Refuse a number that the asset has in the same scene or asset, which the table lets through where one is null."""
    names = ("asset_id", "scene_id", "target_asset_id", "number")
    if not any(change.changes(name) for name in names):
        return
    place = {name: change.after(name) for name in names}
    if place["number"] is None:
        return
    place_id = place["scene_id"] or place["target_asset_id"]
    await change.tx.execute(_LOCK, key=f"asset instance {place['asset_id']} {place_id}")
    if await change.tx.value(_TWIN, **place) not in (None, change.row_id):
        raise BadRequest("number: the asset has an instance of this number there.")


def slug(name: str) -> str:
    """An ASCII form of a name, case kept, with `_` between words."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_")


async def _add(
    tx: Transaction, project_id: UUID, asset_id: UUID, place: str, place_id: UUID, description: str | None
) -> UUID:
    """The next instance of an asset in a scene or another asset; 404 for an unknown asset."""
    name = await tx.value(_ASSET, asset_id=asset_id, project_id=project_id)
    if name is None:
        raise NotFound(f"There is no asset {asset_id} in this production.")
    await tx.execute(_LOCK, key=f"asset instance {asset_id} {place_id}")
    highest = _HIGHEST_IN_SCENE if place == "scene_id" else _HIGHEST_IN_ASSET
    number = (await tx.value(highest, asset_id=asset_id, place_id=place_id) or 0) + 1
    full = f"{slug(name)[:70]}_{number:04}"
    values = {place: place_id, "asset_id": asset_id, "number": number, "name": full, "description": description}
    instance_id = await tx.insert(asset_instance, **values)
    assert instance_id is not None
    return instance_id


async def add_to_scene(
    tx: Transaction, project_id: UUID, scene_id: UUID, asset_id: UUID, description: str | None
) -> UUID:
    """Place an asset in a scene once more."""
    instance_id = await _add(tx, project_id, asset_id, "scene_id", scene_id, description)
    tx.emit(NEW, project_id=project_id, scene_id=scene_id, asset_id=asset_id, asset_instance_id=instance_id)
    return instance_id


async def add_to_asset(
    tx: Transaction, project_id: UUID, target_id: UUID, asset_id: UUID, description: str | None
) -> UUID:
    """Place an asset in another one once more."""
    instance_id = await _add(tx, project_id, asset_id, "target_asset_id", target_id, description)
    tx.emit(NEW, project_id=project_id, asset_id=target_id, asset_instantiated=asset_id, asset_instance_id=instance_id)
    return instance_id


async def add_to_shot(tx: Transaction, project_id: UUID, shot_id: UUID, instance_id: UUID) -> None:
    """Let a shot show an instance; nothing happens when it does already."""
    if await tx.value(_INSTANCE, instance_id=instance_id, project_id=project_id) is None:
        raise NotFound(f"There is no asset instance {instance_id} in this production.")
    row = {"entity_id": shot_id, "asset_instance_id": instance_id}
    if await tx.insert_many(asset_instance_link, [row], skip_existing=True):
        tx.emit(ADDED_TO_SHOT, project_id=project_id, shot_id=shot_id, asset_instance_id=instance_id)


async def remove_from_shot(tx: Transaction, project_id: UUID, shot_id: UUID, instance_id: UUID) -> None:
    """Let a shot no longer show an instance; 404 when it does not."""
    if not await tx.delete(asset_instance_link, entity_id=shot_id, asset_instance_id=instance_id):
        raise NotFound(f"The shot does not show the asset instance {instance_id}.")
    tx.emit(REMOVED_FROM_SHOT, project_id=project_id, shot_id=shot_id, asset_instance_id=instance_id)

"""Making assets. Source: spec entities, "Assets"."""

from typing import Annotated, Any
from uuid import UUID

import msgspec

from pegbar.core.body import Strict
from pegbar.core.database import Transaction
from pegbar.core.errors import BadRequest, NotFound
from pegbar.entities.actions import create_entity, named, require_parent
from pegbar.entities.kinds import ASSET, EPISODE, ensure_type, is_asset_type_id


class NewAsset(Strict):
    """An asset to make."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=160)]
    description: str | None = ""
    data: dict[str, Any] | None = msgspec.field(default_factory=dict)
    is_shared: bool | None = False
    episode_id: UUID | None = None


async def require_asset_type(tx: Transaction, asset_type_id: UUID) -> None:
    """404 unless this is an asset type."""
    if not await is_asset_type_id(tx, asset_type_id):
        raise NotFound(f"There is no asset type {asset_type_id}.")


async def create_asset(tx: Transaction, project_id: UUID, asset_type_id: UUID, new: NewAsset) -> UUID:
    """An asset. 404 for an unknown asset type or episode, 400 when the production has one of that name and type."""
    await require_asset_type(tx, asset_type_id)
    if await named(tx, ASSET, project_id, asset_type_id, new.name) is not None:
        raise BadRequest(f"name: this production has an asset {new.name!r} of this type already.", field="name")
    if new.episode_id is not None:
        await require_parent(tx, project_id, await ensure_type(tx, EPISODE), new.episode_id)
    return await create_entity(
        tx,
        project_id,
        asset_type_id,
        name=new.name,
        description=new.description,
        data=new.data,
        is_shared=bool(new.is_shared),
        source_id=new.episode_id,
        about={"asset_type": asset_type_id},
    )

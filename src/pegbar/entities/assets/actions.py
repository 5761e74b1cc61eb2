"""Making assets. Source: spec entities, "Assets"."""

from uuid import UUID

import msgspec
from sqlalchemy import cast, func, literal_column, select, true

from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import param, sql
from pegbar.core.data.schema import JSONB, String, Text, utc_now
from pegbar.core.errors import BadRequest, NotFound
from pegbar.entities.actions import Metadata, NewEntity, create_entity, named, require_parent
from pegbar.entities.kinds import ASSET, EPISODE, ensure_type, is_asset_type_id
from pegbar.entities.tables import entity
from pegbar.studio.resources import entity_types


class NewAsset(NewEntity):
    """An asset to make."""

    description: str | None = ""
    data: Metadata | None = msgspec.field(default_factory=dict)
    is_shared: bool | None = False
    episode_id: UUID | None = None


_ADD_TYPE = sql(
    """
    INSERT INTO entity_type (id, name, archived, created_at, updated_at)
    SELECT pegbar.new_id(), :name, false, :now, :now ON CONFLICT (name) DO NOTHING RETURNING id
    """,
    name=String,
)


async def ensure_asset_type(tx: Transaction, name: str) -> UUID:
    """The id of an asset type, which is made the first time it is needed."""
    made: UUID | None = await tx.value(_ADD_TYPE, name=name, now=utc_now())
    if made is None:
        return await ensure_type(tx, name)
    tx.emit(entity_types.events["new"], asset_type_id=made)
    return made


_NULL, _EMPTY = (cast(literal_column(f"'{value}'", Text), JSONB) for value in ("null", "{}"))

#: An asset in use that nothing but its id tells from another one to be made.
_THE_SAME = (
    select(entity.c.id)
    .where(entity.c.name == param("name", String), entity.c.canceled.is_not(true()))
    .where(entity.c.project_id == param("project_id"))
    .where(entity.c.entity_type_id == param("entity_type_id"))
    .where(func.coalesce(entity.c.description, "") == param("description", Text))
    .where(func.coalesce(func.nullif(entity.c.data, _NULL), _EMPTY) == param("data", JSONB))
    .where(entity.c.is_shared == param("is_shared"))
    .where(entity.c.source_id.is_not_distinct_from(param("episode_id")))
    .limit(1)
)


async def create_asset(tx: Transaction, project_id: UUID, asset_type_id: UUID, new: NewAsset) -> UUID:
    """An asset. 404 for an unknown asset type or episode, 400 when it exists already.

    Another one of that name is made all the same when something else tells the two apart, as the recordings have it.
    """
    if not await is_asset_type_id(tx, asset_type_id):
        raise NotFound(f"There is no asset type {asset_type_id}.")
    if await named(tx, ASSET, project_id, asset_type_id, new.name) is not None:
        place = {"project_id": project_id, "entity_type_id": asset_type_id, "episode_id": new.episode_id}
        same = {"description": new.description or "", "data": new.data or {}, "is_shared": bool(new.is_shared)}
        if await tx.value(_THE_SAME, name=new.name, **place, **same) is not None:
            raise BadRequest(f"name: this production has the asset {new.name!r} of this type already.", field="name")
    if new.episode_id is not None:
        await require_parent(tx, project_id, EPISODE, new.episode_id)
    return await create_entity(
        tx,
        ASSET,
        project_id,
        asset_type_id,
        name=new.name,
        description=new.description,
        data=new.data,
        is_shared=bool(new.is_shared),
        source_id=new.episode_id,
    )

"""Sharing assets among productions. Source: spec entities, "Shared assets"."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
from sqlalchemy import update

from pegbar.core.data.database import Json, Transaction
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import utc_now
from pegbar.core.errors import NotFound
from pegbar.core.http.access import Caller, require
from pegbar.entities import events
from pegbar.entities.casting import readiness
from pegbar.entities.kinds import ASSET
from pegbar.entities.sharing import queries
from pegbar.entities.tables import entity

_SHARE = (
    update(entity)
    .where(queries.AMONG)
    .values(is_shared=param("is_shared", entity.c.is_shared.type), updated_at=param("now"))
)


async def managed_assets(tx: Transaction, caller: Caller, asset_ids: Sequence[UUID]) -> list[asyncpg.Record]:
    """These assets; 404 when one is unknown, 403 when the caller does not manage the production of every one."""
    rows = await tx.rows(queries.assets, ids=list(asset_ids))
    missing = set(asset_ids) - {row["id"] for row in rows}
    if missing:
        raise NotFound(f"There is no asset {min(missing)}.")
    if not caller.is_admin:
        managed = await tx.column(queries.managed)
        manages_all = {row["project_id"] for row in rows} <= set(managed)
        require(manages_all, "You do not manage the production of every asset.")
    return rows


async def share(tx: Transaction, assets: Sequence[asyncpg.Record], *, shared: bool) -> Json:
    """Share assets, or stop it; whatever casts them is counted again."""
    if not assets:
        return Json(b"[]")
    asset_ids = [row["id"] for row in assets]
    await tx.execute(_SHARE, ids=asset_ids, is_shared=shared, now=utc_now())
    for row in assets:
        events.emit(tx, events.UPDATE, ASSET, row["project_id"], row["id"])
    await readiness.refresh_casting_of(tx, asset_ids)
    return await tx.json(queries.rows, ids=asset_ids)

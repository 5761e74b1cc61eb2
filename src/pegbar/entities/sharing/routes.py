"""Routes of shared assets. Source: spec entities, "Shared assets"."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement

from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.data.values import to_uuid
from pegbar.core.http.access import Caller, authenticated, manager_of, member_of
from pegbar.core.http.body import Strict
from pegbar.core.http.routing import get, post
from pegbar.entities import events
from pegbar.entities.kinds import ASSET
from pegbar.entities.shapes import row_of_kind
from pegbar.entities.sharing import actions, queries
from pegbar.entities.task_shapes import audience

_managers = authenticated.further("managers of the production of every asset listed")
_EVENTS = (events.UPDATE[ASSET],)


class Sharing(Strict):
    """Whether assets are shared, and which; none listed is all of the production."""

    is_shared: bool = True
    asset_ids: list[UUID] | None = None


@post(
    "/actions/assets/share",
    access=_managers,
    status=200,
    events=_EVENTS,
    errors=(403, 404),
    returns=[row_of_kind(ASSET)],
)
async def share_assets(body: Sharing, tx: Transaction, caller: Caller) -> Json:
    """Share assets of any productions that the caller manages, or stop it."""
    assets = await actions.managed_assets(tx, caller, list(dict.fromkeys(body.asset_ids or ())))
    return await actions.share(tx, assets, shared=body.is_shared)


@post(
    "/actions/projects/{project_id:uuid}/assets/share",
    access=manager_of("project_id"),
    status=200,
    events=_EVENTS,
    returns=[row_of_kind(ASSET)],
)
async def share_project_assets(project_id: UUID, body: Sharing, tx: Transaction) -> Json:
    """Share assets of a production, all of them unless listed, or stop it."""
    if body.asset_ids:
        assets = await tx.rows(queries.assets_of_project_among, ids=body.asset_ids, project_id=project_id)
    else:
        assets = await tx.rows(queries.assets_of_project, project_id=project_id)
    return await actions.share(tx, assets, shared=body.is_shared)


@post(
    "/actions/projects/{project_id:uuid}/asset-types/{asset_type_id:uuid}/assets/share",
    access=manager_of("project_id"),
    status=200,
    events=_EVENTS,
    returns=[row_of_kind(ASSET)],
)
async def share_assets_of_type(project_id: UUID, asset_type_id: UUID, body: Sharing, tx: Transaction) -> Json:
    """Share the assets of a type in a production, or stop it."""
    assets = await tx.rows(queries.assets_of_type, project_id=project_id, type_id=asset_type_id)
    return await actions.share(tx, assets, shared=body.is_shared)


async def _used_by(
    db: Database, caller: Caller, project_id: UUID, *conditions: ColumnElement[bool], **about: Any
) -> Json:
    statement = queries.used(audience(caller), *conditions)
    return await db.json(statement, project_id=project_id, **about)


@get(
    "/data/projects/{project_id:uuid}/assets/shared-used", access=member_of("project_id"), returns=[row_of_kind(ASSET)]
)
async def shared_used(project_id: UUID, db: Database, caller: Caller) -> Json:
    """Shared assets of other productions that this one uses; vendors get those they have a task on."""
    return await _used_by(db, caller, project_id)


@get(
    "/data/projects/{project_id:uuid}/episodes/{episode_id:str}/assets/shared-used",
    access=member_of("project_id"),
    returns=[row_of_kind(ASSET)],
)
async def shared_used_in_episode(project_id: UUID, episode_id: str, db: Database, caller: Caller) -> Json:
    """Shared assets of other productions that an episode uses; `all` and `main` are the whole production."""
    if episode_id in ("all", "main"):
        return await _used_by(db, caller, project_id)
    return await _used_by(db, caller, project_id, queries.IN_EPISODE, episode_id=to_uuid(episode_id, "episode_id"))

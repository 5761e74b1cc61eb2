"""Sharing assets among productions. Source: spec entities, "Shared assets"."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Executable, any_, bindparam, select, true, update

from pegbar.accounts.standing import CALLER, teams
from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.data.resource import scope_parameters
from pegbar.core.data.schema import TIMESTAMP, Uuid, utc_now
from pegbar.core.data.values import to_uuid
from pegbar.core.data.wire import json_object
from pegbar.core.errors import NotFound
from pegbar.core.http.access import Caller, authenticated, manager_of, member_of, require
from pegbar.core.http.body import Strict
from pegbar.core.http.routing import get, post
from pegbar.entities import events
from pegbar.entities.casting import readiness
from pegbar.entities.kinds import ASSET, is_kind
from pegbar.entities.metadata import data_for
from pegbar.entities.scopes import ASSIGNED
from pegbar.entities.shapes import row_of_kind
from pegbar.entities.tables import entity, entity_link
from pegbar.entities.task_shapes import audience

_ids = bindparam("ids", type_=ARRAY(Uuid))
_project_id = bindparam("project_id", type_=Uuid)

_AMONG: ColumnElement[bool] = entity.c.id == any_(_ids)
_IN_PROJECT: ColumnElement[bool] = entity.c.project_id == _project_id
_OF_TYPE: ColumnElement[bool] = entity.c.entity_type_id == bindparam("type_id", type_=Uuid)


def _chosen(*conditions: ColumnElement[bool]) -> Executable:
    rows = select(entity.c.id, entity.c.project_id).where(is_kind(ASSET), *conditions)
    return rows.order_by(entity.c.id).with_for_update(of=entity)


_LISTED, _LISTED_HERE, _ALL_HERE, _ALL_OF_TYPE = (
    _chosen(_AMONG),
    _chosen(_AMONG, _IN_PROJECT),
    _chosen(_IN_PROJECT),
    _chosen(_IN_PROJECT, _OF_TYPE),
)
_SHARE = (
    update(entity)
    .where(_AMONG)
    .values(
        is_shared=bindparam("is_shared", type_=entity.c.is_shared.type), updated_at=bindparam("now", type_=TIMESTAMP)
    )
)
_ROWS = select(json_object(row_of_kind(ASSET))).where(_AMONG)

_MANAGED = teams(CALLER, "manager")


class Sharing(Strict):
    """Whether assets are shared, and which; none listed is all of the production."""

    is_shared: bool = True
    asset_ids: list[UUID] | None = None


_managers = authenticated.further("managers of the production of every asset listed")
_EVENTS = (events.UPDATE[ASSET],)


async def _share(tx: Transaction, assets: Sequence[tuple[UUID, UUID]], *, shared: bool) -> Json:
    """Share assets, or stop it; whatever casts them is counted again."""
    ids = [asset_id for asset_id, _ in assets]
    if not ids:
        return Json(b"[]")
    await tx.execute(_SHARE, ids=ids, is_shared=shared, now=utc_now())
    for asset_id, project_id in assets:
        tx.emit(events.UPDATE[ASSET], project_id=project_id, asset_id=asset_id)
    await readiness.refresh_casting_of(tx, ids)
    return await tx.json(_ROWS, ids=ids)


async def _manages(tx: Transaction, caller: Caller, projects: Sequence[UUID]) -> bool:
    """Whether the caller is a manager of all these productions."""
    if caller.is_admin:
        return True
    return set(projects) <= set(await tx.column(_MANAGED, **scope_parameters(_MANAGED, caller)))


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
    wanted = list(dict.fromkeys(body.asset_ids or ()))
    rows = await tx.rows(_LISTED, ids=wanted)
    missing = set(wanted) - {row["id"] for row in rows}
    if missing:
        raise NotFound(f"There is no asset {min(missing)}.")
    projects = sorted({row["project_id"] for row in rows})
    require(await _manages(tx, caller, projects), "You do not manage the production of every asset.")
    return await _share(tx, [(row["id"], row["project_id"]) for row in rows], shared=body.is_shared)


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
        rows = await tx.rows(_LISTED_HERE, ids=body.asset_ids, project_id=project_id)
    else:
        rows = await tx.rows(_ALL_HERE, project_id=project_id)
    return await _share(tx, [(row["id"], row["project_id"]) for row in rows], shared=body.is_shared)


@post(
    "/actions/projects/{project_id:uuid}/asset-types/{asset_type_id:uuid}/assets/share",
    access=manager_of("project_id"),
    status=200,
    events=_EVENTS,
    returns=[row_of_kind(ASSET)],
)
async def share_assets_of_type(project_id: UUID, asset_type_id: UUID, body: Sharing, tx: Transaction) -> Json:
    """Share the assets of a type in a production, or stop it."""
    rows = await tx.rows(_ALL_OF_TYPE, project_id=project_id, type_id=asset_type_id)
    return await _share(tx, [(row["id"], row["project_id"]) for row in rows], shared=body.is_shared)


_user = entity.alias("caster")
_above = entity.alias("above")


@lru_cache
def _used(audience: str, *conditions: ColumnElement[bool]) -> Executable:
    """Shared assets of other productions that entities of this one, below another entity, cast."""
    casts = (
        select(entity_link.c.entity_out_id)
        .join(_user, _user.c.id == entity_link.c.entity_in_id)
        .join(_above, _above.c.id == _user.c.parent_id)
        .where(_user.c.project_id == _project_id, *conditions)
    )
    row = row_of_kind(ASSET)
    return select(json_object(row.but(data=data_for(audience, ASSET)))).where(
        is_kind(ASSET),
        ASSIGNED if audience == "vendor" else true(),
        entity.c.is_shared,
        entity.c.canceled.is_not(true()),
        entity.c.project_id != _project_id,
        entity.c.id.in_(casts),
    )


_IN_EPISODE: ColumnElement[bool] = _above.c.parent_id == bindparam("episode_id", type_=Uuid)


async def _used_by(
    db: Database, caller: Caller, project_id: UUID, *conditions: ColumnElement[bool], **about: Any
) -> Json:
    statement = _used(audience(caller), *conditions)
    return await db.json(statement, project_id=project_id, **about, **scope_parameters(statement, caller))


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
    return await _used_by(db, caller, project_id, _IN_EPISODE, episode_id=to_uuid(episode_id, "episode_id"))

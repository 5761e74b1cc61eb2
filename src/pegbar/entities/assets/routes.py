"""Routes of assets and asset types. Source: spec entities."""

from typing import Any
from uuid import UUID

from litestar import Request

from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.data.filters import parse_listing, uuid_filter
from pegbar.core.data.resource import scope_parameters
from pegbar.core.http.access import Caller, authenticated, manager_of, member_of
from pegbar.core.http.routing import found, get, post
from pegbar.entities import events, rules
from pegbar.entities.assets import actions, queries, shapes
from pegbar.entities.assets.actions import NewAsset
from pegbar.entities.kinds import ASSET, SHOT
from pegbar.entities.listing import IN_PROJECT, OF_TYPE, criteria, entities_listed
from pegbar.entities.queries import one_of_kind
from pegbar.entities.scopes import ASSIGNED, of_callers
from pegbar.entities.task_shapes import audience
from pegbar.studio.tables import entity_type

AnyRequest = Request[Any, Any, Any]


async def _assets(request: AnyRequest, db: Database, caller: Caller, *forced: Any, **given: Any) -> Json:
    """Assets that the query string asks for, on top of what the path forces."""
    conditions, query = list(forced), request.query_params
    if "assigned_to" in query:
        conditions.append(ASSIGNED)
    episode_id = query.get("episode_id")
    if episode_id == "main":
        conditions.append(shapes.OF_MAIN_PACK)
    elif episode_id is not None and episode_id != "all":
        conditions.append(shapes.OF_EPISODE)
        given["episode_id"] = uuid_filter(episode_id)
    ignored = ["episode_id", *(["project_id"] if IN_PROJECT in forced else [])]
    if OF_TYPE in forced:
        ignored.append("entity_type_id")
    chosen = criteria(request, *ignored)
    return await entities_listed(db, caller, shapes.ASSETS, *conditions, criteria=chosen, **given)


async def _asked(request: AnyRequest, db: Database, caller: Caller) -> Json:
    """Assets of the production asked for, else of all the caller's."""
    named = bool(request.query_params.get("project_id"))
    return await _assets(request, db, caller, *([] if named else of_callers(caller)))


@get("/data/assets", access=rules.lists_assets, returns=[shapes.ASSETS.wire])
async def assets(request: AnyRequest, db: Database, caller: Caller) -> Json:
    """Assets of a production or an episode, else of all the caller's productions; any column filters."""
    return await _asked(request, db, caller)


@get("/data/assets/all", access=rules.lists_assets, returns=[shapes.ASSETS.wire])
async def all_assets(request: AnyRequest, db: Database, caller: Caller) -> Json:
    """The same as `/data/assets`."""
    return await _asked(request, db, caller)


@get(
    "/data/projects/{project_id:uuid}/assets",
    access=member_of("project_id"),
    returns=[shapes.ASSETS.wire],
    malformed=400,
)
async def project_assets(project_id: UUID, request: AnyRequest, db: Database, caller: Caller) -> Json:
    """Assets of a production; any column filters."""
    return await _assets(request, db, caller, IN_PROJECT, project_id=project_id)


@get(
    "/data/projects/{project_id:uuid}/asset-types/{asset_type_id:uuid}/assets",
    access=member_of("project_id"),
    returns=[shapes.ASSETS.wire],
    malformed=400,
)
async def project_assets_of_type(
    project_id: UUID, asset_type_id: UUID, request: AnyRequest, db: Database, caller: Caller
) -> Json:
    """Assets of a type in a production; any column filters."""
    return await _assets(request, db, caller, IN_PROJECT, OF_TYPE, project_id=project_id, type_id=asset_type_id)


@get("/data/assets/{asset_id:uuid}", access=rules.sees(ASSET, "asset_id"), returns=shapes.asset_page("studio"))
async def asset(asset_id: UUID, db: Database, caller: Caller) -> Json:
    """An asset with its tasks; a vendor gets their own, a client no studio fields."""
    statement = queries.page(audience(caller))
    return found(await db.json_row(statement, entity_id=asset_id, **scope_parameters(statement, caller)))


@post(
    "/data/projects/{project_id:uuid}/asset-types/{asset_type_id:uuid}/assets/new",
    access=manager_of("project_id"),
    events=[events.NEW[ASSET]],
    returns=shapes.ASSETS.wire,
)
async def create_asset(project_id: UUID, asset_type_id: UUID, body: NewAsset, tx: Transaction) -> Json:
    """Make an asset. Several may share a name."""
    asset_id = await actions.create_asset(tx, project_id, asset_type_id, body)
    return found(await tx.json_row(one_of_kind(ASSET), entity_id=asset_id))


@get("/data/asset-types", access=authenticated, returns=[shapes.ASSET_TYPE_WITH_TASK_TYPES])
async def asset_types(request: AnyRequest, db: Database) -> Json:
    """Asset types with the task types of their workflow; `project_id` keeps those in use there."""
    query = [pair for pair in request.query_params.multi_items() if pair[0] not in ("page", "limit", "fields")]
    listing = parse_listing(query, {column.name: column for column in entity_type.columns}, (), {})
    given = dict(listing.given)
    project_id = request.query_params.get("project_id")
    if project_id is not None:
        given["project_id"] = uuid_filter(project_id)
    return await db.json(queries.asset_types(listing.filters, project_id is not None), **given)


@get("/data/asset-types/{asset_type_id:uuid}", access=authenticated, returns=shapes.ASSET_TYPE_WITH_TASK_TYPES)
async def asset_type(asset_type_id: UUID, db: Database) -> Json:
    """An asset type with the task types of its workflow."""
    return found(await db.json_row(queries.asset_type, type_id=asset_type_id), "The asset type")


@get("/data/projects/{project_id:uuid}/asset-types", access=member_of("project_id"), returns=[shapes.ASSET_TYPE])
async def project_asset_types(project_id: UUID, db: Database) -> Json:
    """Types of the assets that a production has."""
    return await db.json(queries.asset_types_of_project, project_id=project_id)


@get("/data/shots/{shot_id:uuid}/asset-types", access=rules.belongs(SHOT, "shot_id"), returns=[shapes.ASSET_TYPE])
async def shot_asset_types(shot_id: UUID, db: Database) -> Json:
    """Types of what is cast in a shot."""
    return await db.json(queries.asset_types_of_shot, entity_id=shot_id)

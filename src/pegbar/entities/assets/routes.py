"""Routes of assets and asset types. Source: spec entities."""

from typing import Any
from uuid import UUID

from litestar import Request
from sqlalchemy import ColumnElement

from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.data.filters import parse_listing, uuid_filter
from pegbar.core.http.access import Caller, authenticated, manager_of, member_of
from pegbar.core.http.routing import found, get, post
from pegbar.entities import boards, events, rules
from pegbar.entities.assets import actions, kind, queries
from pegbar.entities.assets.actions import NewAsset
from pegbar.entities.kinds import ASSET, SHOT
from pegbar.entities.listing import IN_PROJECT, OF_TYPE, criteria, entities_listed
from pegbar.entities.queries import one_of_kind
from pegbar.entities.scopes import ASSIGNED, of_callers
from pegbar.productions import changes
from pegbar.studio.tables import entity_type

AnyRequest = Request[Any, Any, Any]


async def _assets(
    request: AnyRequest, db: Database, caller: Caller, *conditions: ColumnElement[bool], **about: Any
) -> Json:
    """Assets that the query string names, among those of the path."""
    narrowed, query = list(conditions), request.query_params
    if "assigned_to" in query:
        narrowed.append(ASSIGNED)
    episode_id = query.get("episode_id")
    if episode_id == "main":
        narrowed.append(kind.OF_MAIN_PACK)
    elif episode_id is not None and episode_id != "all":
        narrowed.append(kind.OF_EPISODE)
        about["episode_id"] = uuid_filter(episode_id)
    of_path = {"project_id": "project_id", "type_id": "entity_type_id"}
    chosen = criteria(request, *[name for key, name in of_path.items() if key in about])
    return await entities_listed(db, caller, kind.ROWS, *narrowed, criteria=chosen, **about)


async def _of_production_or_all(request: AnyRequest, db: Database, caller: Caller) -> Json:
    """Assets of the production that the query string names, else of all the caller's."""
    named = bool(request.query_params.get("project_id"))
    return await _assets(request, db, caller, *([] if named else of_callers(caller)))


@get("/data/assets", access=rules.lists_assets, returns=[kind.ROWS.wire])
async def assets(request: AnyRequest, db: Database, caller: Caller) -> Json:
    """Assets of a production or an episode, else of all the caller's productions; any column filters."""
    return await _of_production_or_all(request, db, caller)


@get("/data/assets/all", access=rules.lists_assets, returns=[kind.ROWS.wire])
async def all_assets(request: AnyRequest, db: Database, caller: Caller) -> Json:
    """The same as `/data/assets`."""
    return await _of_production_or_all(request, db, caller)


@get(
    "/data/projects/{project_id:uuid}/assets",
    access=member_of("project_id"),
    returns=[kind.ROWS.wire],
    malformed=400,
)
async def project_assets(project_id: UUID, request: AnyRequest, db: Database, caller: Caller) -> Json:
    """Assets of a production; any column filters."""
    return await _assets(request, db, caller, IN_PROJECT, project_id=project_id)


@get(
    "/data/projects/{project_id:uuid}/asset-types/{asset_type_id:uuid}/assets",
    access=member_of("project_id"),
    returns=[kind.ROWS.wire],
    malformed=400,
)
async def project_assets_of_type(
    project_id: UUID, asset_type_id: UUID, request: AnyRequest, db: Database, caller: Caller
) -> Json:
    """Assets of a type in a production; any column filters."""
    return await _assets(request, db, caller, IN_PROJECT, OF_TYPE, project_id=project_id, type_id=asset_type_id)


@get("/data/assets/with-tasks", access=rules.lists_assets, along=changes.STATE)
async def assets_board(request: AnyRequest, db: Database, caller: Caller) -> Any:
    """Assets with their tasks, by type and name; compact, streamed and cached on demand."""
    conditions, about = boards.in_episode(request, kind.BOARD.in_episode)
    board = kind.BOARD_OF_EPISODE if about else kind.BOARD
    if "project_id" not in request.query_params:
        board = kind.BOARD_EVERYWHERE
        conditions += of_callers(caller)  # an episode casts assets of other productions too
    own = "assigned_to" in request.query_params
    if own:
        conditions.append(ASSIGNED)
    return await boards.answer(request, db, caller, board, *conditions, own=own, **about)


@post(
    "/data/projects/{project_id:uuid}/asset-types/{asset_type_id:uuid}/assets/new",
    access=manager_of("project_id"),
    events=[events.NEW[ASSET]],
    returns=kind.ROWS.wire,
)
async def create_asset(project_id: UUID, asset_type_id: UUID, body: NewAsset, tx: Transaction) -> Json:
    """Make an asset. Several may share a name."""
    asset_id = await actions.create_asset(tx, project_id, asset_type_id, body)
    return found(await tx.json_row(one_of_kind(ASSET), entity_id=asset_id))


@get("/data/asset-types", access=authenticated, returns=[kind.ASSET_TYPE_WITH_TASK_TYPES])
async def asset_types(request: AnyRequest, db: Database) -> Json:
    """Asset types with the task types of their workflow; `project_id` keeps those in use there."""
    query = [pair for pair in request.query_params.multi_items() if pair[0] not in ("page", "limit", "fields")]
    listing = parse_listing(query, {column.name: column for column in entity_type.columns}, (), {})
    values = dict(listing.params)
    project_id = request.query_params.get("project_id")
    if project_id is not None:
        values["project_id"] = uuid_filter(project_id)
    return await db.json(queries.asset_types(listing.filters, project_id is not None), **values)


@get("/data/asset-types/{asset_type_id:uuid}", access=authenticated, returns=kind.ASSET_TYPE_WITH_TASK_TYPES)
async def asset_type(asset_type_id: UUID, db: Database) -> Json:
    """An asset type with the task types of its workflow."""
    return found(await db.json_row(queries.asset_type, type_id=asset_type_id), "The asset type")


@get("/data/projects/{project_id:uuid}/asset-types", access=member_of("project_id"), returns=[kind.ASSET_TYPE])
async def project_asset_types(project_id: UUID, db: Database) -> Json:
    """Types of the assets that a production has."""
    return await db.json(queries.asset_types_of_project, project_id=project_id)


@get("/data/shots/{shot_id:uuid}/asset-types", access=rules.belongs(SHOT, "shot_id"), returns=[kind.ASSET_TYPE])
async def shot_asset_types(shot_id: UUID, db: Database) -> Json:
    """Types of what is cast in a shot."""
    return await db.json(queries.asset_types_of_shot, entity_id=shot_id)

"""Routes of boards. Source: spec entities, "GET /data/assets/with-tasks"; spec shots, "shot board" and the others."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from litestar import Request
from sqlalchemy import ColumnElement, Text, cast, func, literal_column
from sqlalchemy.dialects.postgresql import JSONB

from pegbar.core.access import Caller, not_vendor
from pegbar.core.database import Database
from pegbar.core.errors import BadRequest
from pegbar.core.routing import get
from pegbar.core.wire import JsonText, Wire
from pegbar.entities import rules
from pegbar.entities.assets import shapes as assets
from pegbar.entities.boards import IS, Asked, Board, answer
from pegbar.entities.kinds import ASSET, EPISODE, SCENE, SEQUENCE, SHOT
from pegbar.entities.listing import BELOW, OF_TEAM
from pegbar.entities.scopes import ASSIGNED, ASSIGNED_IN_EPISODE, ASSIGNED_IN_SEQUENCE
from pegbar.entities.shapes import row_of_kind
from pegbar.entities.shots import queries, shapes
from pegbar.entities.shots.shapes import frame
from pegbar.entities.tables import entity
from pegbar.entities.task_shapes import ASSET_BOARD, BOARD, SHOT_BOARD, audience
from pegbar.productions.tables import project
from pegbar.studio.tables import entity_type

AnyRequest = Request[Any, Any, Any]


def _text(value: str) -> ColumnElement[str]:
    return literal_column(f"'{value}'", Text)


def _frames(data: ColumnElement[Any]) -> dict[str, ColumnElement[str]]:
    return {key: frame(key, data) for key in ("fps", "frame_in", "frame_out")}


_DATA = func.coalesce(func.nullif(entity.c.data, cast(_text("null"), JSONB)), cast(_text("{}"), JSONB), type_=JSONB)
_TASKS = {"tasks": _text("")}  # the board fills it

_shot = row_of_kind(SHOT).but(
    **_frames(entity.c.data),
    data=_DATA,
    episode_id=shapes.episode.c.id,
    episode_name=func.coalesce(shapes.episode.c.name, _text(""), type_=Text),
    sequence_id=shapes.sequence.c.id,
    sequence_name=shapes.sequence.c.name,
    project_name=project.c.name,
    **_TASKS,
)
SHOTS = Board(
    SHOT,
    _shot.only(
        *("canceled", "data", "description", "entity_type_id", "episode_id", "episode_name", "fps", "frame_in"),
        *("frame_out", "id", "name", "nb_frames", "parent_id", "preview_file_id", "project_id", "project_name"),
        *("sequence_id", "sequence_name", "source_id", "nb_entities_out", "is_casting_standby", "type", "tasks"),
    ),
    SHOT_BOARD,
    shapes.below_sequence,
    fields="shot_fields",
    from_data=_frames,
)

ASSETS = Board(
    ASSET,
    Wire(
        id=entity.c.id,
        name=entity.c.name,
        preview_file_id=assets.text_or(entity.c.preview_file_id, ""),
        description=entity.c.description,
        asset_type_name=entity_type.c.name,
        asset_type_id=entity.c.entity_type_id,
        canceled=entity.c.canceled,
        ready_for=assets.text_or(entity.c.ready_for, "None"),
        episode_id=assets.text_or(entity.c.source_id, ""),
        casting_episode_ids=assets.CASTING_EPISODES,
        is_casting_standby=entity.c.is_casting_standby,
        is_shared=entity.c.is_shared,
        data=_DATA,
        **_TASKS,
    ),
    ASSET_BOARD,
    assets.page_source,
    order=(entity_type.c.name, entity.c.name, entity.c.id),
    fields="asset_fields",
)

#: Episodes are told for a production only, and with an episode asked for, only that one.
ASSETS_OF_EPISODE = replace(ASSETS, row=ASSETS.row.but(casting_episode_ids=assets.CASTING_EPISODE))
ASSETS_EVERYWHERE = replace(ASSETS, row=ASSETS.row.but(casting_episode_ids=_text("[]").cast(JsonText())))

_other = row_of_kind(SEQUENCE).but(
    **_frames(entity.c.data),
    data=_DATA,
    episode_id=assets.text_or(entity.c.parent_id, "None"),
    preview_file_id=assets.text_or(entity.c.preview_file_id, ""),
    **_TASKS,
)
_OTHER = _other.only(
    *("id", "name", "status", "episode_id", "description", "frame_in", "frame_out", "fps", "preview_file_id"),
    *("canceled", "data", "tasks"),
)
SEQUENCES = Board(SEQUENCE, _OTHER, BOARD, entity, for_vendors=ASSIGNED_IN_SEQUENCE, from_data=_frames)
EPISODES = Board(EPISODE, _OTHER, BOARD, entity, for_vendors=ASSIGNED_IN_EPISODE, from_data=_frames)
SCENES = Board(SCENE, _OTHER, BOARD, entity, masks=False)


def _uuid(request: AnyRequest, name: str) -> UUID | None:
    """An id of the query string; 400 for anything else."""
    value = request.query_params.get(name)
    if value is None:
        return None
    try:
        return UUID(value)
    except ValueError:
        raise BadRequest(f"Invalid UUID format for {name}: {value}") from None


def _episode(request: AnyRequest) -> UUID | None:
    """The episode asked for; `all` and `main` are none."""
    return None if request.query_params.get("episode_id") in ("all", "main") else _uuid(request, "episode_id")


async def _board(
    request: AnyRequest,
    db: Database,
    caller: Caller,
    board: Board,
    episode: ColumnElement[bool],
    *more: ColumnElement[bool],
    own: bool = False,
) -> Any:
    """A board narrowed by `project_id`, `episode_id` and `id`; `episode` is the condition with the parameter."""
    conditions = list(more)
    given: dict[str, UUID] = {}
    if (project_id := _uuid(request, "project_id")) is not None:
        given["project_id"] = project_id
    if (entity_id := _uuid(request, "id")) is not None:
        conditions.append(IS)
        given["entity_id"] = entity_id
    if request.query_params.get("episode_id") == "main":
        conditions.append(assets.OF_MAIN_PACK if board is ASSETS else queries.OF_NO_EPISODE)
    elif (episode_id := _episode(request)) is not None:
        conditions.append(episode)
        given[_PARAMETER.get(board.kind, "parent_id")] = episode_id
    if board is ASSETS:
        board = ASSETS_EVERYWHERE if project_id is None else ASSETS_OF_EPISODE if "episode_id" in given else ASSETS
    asked = Asked(
        role=audience(caller.role_here),
        in_project=project_id is not None,
        one=entity_id is not None,
        own=own,
        conditions=tuple(conditions),
    )
    return await answer(request, db, caller, board, asked, given)


_PARAMETER = {SHOT: "episode_id", ASSET: "episode_id"}


@get("/data/assets/with-tasks", access=rules.lists_assets)
async def assets_board(request: AnyRequest, db: Database, caller: Caller) -> Any:
    """Assets with their tasks, by type and name; compact, streamed and cached on demand."""
    more = [] if caller.is_admin or caller.project_id is not None else [OF_TEAM]
    own = "assigned_to" in request.query_params
    return await _board(request, db, caller, ASSETS, assets.OF_EPISODE, *more, *([ASSIGNED] if own else []), own=own)


@get("/data/shots/with-tasks", access=rules.lists_production)
async def shots_board(request: AnyRequest, db: Database, caller: Caller) -> Any:
    """Shots with their tasks; compact, streamed and cached on demand."""
    return await _board(request, db, caller, SHOTS, queries.OF_EPISODE)


@get("/data/sequences/with-tasks", access=rules.lists_production)
async def sequences_board(request: AnyRequest, db: Database, caller: Caller) -> Any:
    """Sequences with their tasks."""
    return await _board(request, db, caller, SEQUENCES, BELOW)


@get("/data/episodes/with-tasks", access=rules.lists_production)
async def episodes_board(request: AnyRequest, db: Database, caller: Caller) -> Any:
    """Episodes with their tasks."""
    return await _board(request, db, caller, EPISODES, BELOW)


@get("/data/scenes/with-tasks", access=rules.lists_production & not_vendor)
async def scenes_board(request: AnyRequest, db: Database, caller: Caller) -> Any:
    """Scenes with their tasks."""
    return await _board(request, db, caller, SCENES, BELOW)

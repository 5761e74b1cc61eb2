"""Routes of boards. Source: spec entities, "GET /data/assets/with-tasks"; spec shots, "shot board" and the others."""

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, func, literal_column
from sqlalchemy.dialects.postgresql import JSONB

from pegbar.core.data.database import Database
from pegbar.core.data.wire import JsonText, Wire
from pegbar.core.http.access import Caller, not_vendor
from pegbar.core.http.routing import get
from pegbar.entities import rules
from pegbar.entities.assets import shapes as assets
from pegbar.entities.board_query import AnyRequest, asked_episode, board
from pegbar.entities.boards import Board
from pegbar.entities.kinds import ASSET, CONCEPT, EDIT, EPISODE, SCENE, SEQUENCE, SHOT, kind_json
from pegbar.entities.listing import BELOW, ROOT
from pegbar.entities.scopes import ASSIGNED, ASSIGNED_IN_EPISODE, ASSIGNED_IN_SEQUENCE, of_callers
from pegbar.entities.shapes import CONCEPT_LINKS, row_of_kind
from pegbar.entities.shots import queries, shapes
from pegbar.entities.shots.shapes import frame
from pegbar.entities.tables import entity
from pegbar.entities.task_shapes import ASSET_BOARD, BOARD, CONCEPT_BOARD, EDIT_BOARD, LINKED_BOARD, SHOT_BOARD
from pegbar.media.tables import preview_file
from pegbar.productions import changes
from pegbar.productions.tables import project
from pegbar.studio.tables import entity_type


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
    assets.board_source,
    order=(entity_type.c.name, entity.c.name, entity.c.id),
    fields="asset_fields",
)

#: Episodes are told for a production only, and with an episode asked for, only that one.
ASSETS_OF_EPISODE = replace(
    ASSETS, source=assets.page_source, row=ASSETS.row.but(casting_episode_ids=assets.CASTING_EPISODE)
)
ASSETS_EVERYWHERE = replace(
    ASSETS, source=assets.page_source, row=ASSETS.row.but(casting_episode_ids=_text("[]").cast(JsonText()))
)

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
SCENES = Board(SCENE, _OTHER, BOARD, entity, from_data=_frames)

EDITS = Board(
    EDIT,
    row_of_kind(EDIT)
    .but(
        data=_DATA,
        episode_id=shapes.episode.c.id,
        episode_name=func.coalesce(shapes.episode.c.name, _text(""), type_=Text),
        project_name=project.c.name,
        **_TASKS,
    )
    .only(
        *("canceled", "data", "description", "entity_type_id", "episode_id", "episode_name", "id", "name"),
        *(
            "parent_id",
            "preview_file_id",
            "project_id",
            "project_name",
            "source_id",
            "nb_entities_out",
            "tasks",
            "type",
        ),
    ),
    EDIT_BOARD,
    shapes.below_episode,
)
CONCEPTS = Board(
    CONCEPT,
    row_of_kind(CONCEPT).but(
        **_frames(entity.c.data),
        data=_DATA,
        preview_file_status=preview_file.c.status,
        project_name=project.c.name,
        entity_concept_links=CONCEPT_LINKS,
        **_TASKS,
    ),
    CONCEPT_BOARD,
    entity.join(project, project.c.id == entity.c.project_id).outerjoin(
        preview_file, preview_file.c.id == entity.c.preview_file_id
    ),
    from_data=_frames,
)
#: Entities of any kind, concepts mostly, as what they refer to shows them.
LINKED = replace(CONCEPTS, kind=None, row=CONCEPTS.row.but(type=kind_json()), task_keys=LINKED_BOARD)


def _in_episode(
    request: AnyRequest, of: ColumnElement[bool], main: ColumnElement[bool], parameter: str
) -> tuple[list[ColumnElement[bool]], dict[str, Any]]:
    """The condition of the episode asked for, `of` it or of the `main` pack, and its value."""
    if request.query_params.get("episode_id") == "main":
        return [main], {}
    episode_id = asked_episode(request)
    return ([], {}) if episode_id is None else ([of], {parameter: episode_id})


@get("/data/assets/with-tasks", access=rules.lists_assets, along=changes.STATE)
async def assets_board(request: AnyRequest, db: Database, caller: Caller) -> Any:
    """Assets with their tasks, by type and name; compact, streamed and cached on demand."""
    conditions, given = _in_episode(request, assets.OF_EPISODE, assets.OF_MAIN_PACK, "episode_id")
    shown = ASSETS_OF_EPISODE if given else ASSETS
    if "project_id" not in request.query_params:
        shown = ASSETS_EVERYWHERE
        conditions += of_callers(caller)  # an episode casts assets of other productions too
    own = "assigned_to" in request.query_params
    if own:
        conditions.append(ASSIGNED)
    return await board(request, db, caller, shown, *conditions, own=own, **given)


@get("/data/shots/with-tasks", access=rules.lists_production, along=changes.STATE)
async def shots_board(request: AnyRequest, db: Database, caller: Caller) -> Any:
    """Shots with their tasks; compact, streamed and cached on demand."""
    conditions, given = _in_episode(request, queries.OF_EPISODE, queries.OF_NO_EPISODE, "episode_id")
    return await board(request, db, caller, SHOTS, *conditions, **given)


@get("/data/sequences/with-tasks", access=rules.lists_production)
async def sequences_board(request: AnyRequest, db: Database, caller: Caller) -> Any:
    """Sequences with their tasks."""
    conditions, given = _in_episode(request, BELOW, ROOT, "parent_id")
    return await board(request, db, caller, SEQUENCES, *conditions, **given)


@get("/data/episodes/with-tasks", access=rules.lists_production)
async def episodes_board(request: AnyRequest, db: Database, caller: Caller) -> Any:
    """Episodes with their tasks."""
    conditions, given = _in_episode(request, BELOW, ROOT, "parent_id")
    return await board(request, db, caller, EPISODES, *conditions, **given)


@get("/data/scenes/with-tasks", access=rules.lists_production & not_vendor)
async def scenes_board(request: AnyRequest, db: Database, caller: Caller) -> Any:
    """Scenes with their tasks."""
    conditions, given = _in_episode(request, BELOW, ROOT, "parent_id")
    return await board(request, db, caller, SCENES, *conditions, **given)


@get("/data/edits/with-tasks", access=rules.lists_edits)
async def edits_board(request: AnyRequest, db: Database, caller: Caller) -> Any:
    """Edits with their tasks."""
    conditions, given = _in_episode(request, BELOW, ROOT, "parent_id")
    if caller.project_id is None:
        conditions += of_callers(caller)
    return await board(request, db, caller, EDITS, *conditions, **given)


@get("/data/concepts/with-tasks", access=rules.lists_concepts)
async def concepts_board(request: AnyRequest, db: Database, caller: Caller) -> Any:
    """Concepts with their tasks."""
    conditions = of_callers(caller) if caller.project_id is None else []
    own = "assigned_to" in request.query_params
    if own:
        conditions.append(ASSIGNED)
    return await board(request, db, caller, CONCEPTS, *conditions, own=own)

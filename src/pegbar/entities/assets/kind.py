"""Assets and asset types, declared. Source: spec entities, "JSON shapes" and "Assets"."""

from dataclasses import replace
from functools import lru_cache

from sqlalchemy import Text, func, literal_column, or_, select
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by

from pegbar.core.data.parameters import param
from pegbar.core.data.wire import JsonText, Wire, json_list, json_text, wire_of, word
from pegbar.entities import rules
from pegbar.entities.boards import TASKS, Board, InEpisode
from pegbar.entities.kinds import ASSET, EPISODE, is_kind
from pegbar.entities.listing import Listed
from pegbar.entities.metadata import data_for
from pegbar.entities.queries import page
from pegbar.entities.regular import OR_CANCELS, Page, Regular
from pegbar.entities.shapes import DATA, EMPTY_OBJECT, LINKED_IDS, row_of_kind, text_or, with_project
from pegbar.entities.tables import entity, entity_link
from pegbar.entities.task_shapes import tasks_of_entity
from pegbar.productions.tables import project
from pegbar.studio.tables import entity_type, task_type_asset_type_link

ROWS = Listed(ASSET, row_of_kind(ASSET))

ASSET_TYPE = wire_of(entity_type, "AssetType")
ASSET_TYPE_WITH_TASK_TYPES = ASSET_TYPE.but(
    task_types=json_list(
        select(task_type_asset_type_link.c.task_type_id)
        .where(task_type_asset_type_link.c.asset_type_id == entity_type.c.id)
        .correlate(entity_type)
    )
)

_episode = entity.alias("episode")
_episode_id = param("episode_id")
_cast_in_episode = select(entity_link.c.entity_out_id).where(entity_link.c.entity_in_id == _episode_id)
#: Assets of an episode: those that belong to it and those cast in it.
OF_EPISODE = or_(entity.c.source_id == _episode_id, entity.c.id.in_(_cast_in_episode))
OF_MAIN_PACK = entity.c.source_id.is_(None)
ASSETS_IN_EPISODE = InEpisode(OF_EPISODE, OF_MAIN_PACK, "episode_id")

_with_type = with_project.join(entity_type, entity_type.c.id == entity.c.entity_type_id)

_casting_episodes = (
    select(_episode.c.id)
    .select_from(entity_link.join(_episode, _episode.c.id == entity_link.c.entity_in_id))
    .where(entity_link.c.entity_out_id == entity.c.id, is_kind(EPISODE, _episode))
    .order_by(_episode.c.name)
    .correlate(entity)
)
#: The episodes that cast an asset, by name: everywhere, or the one asked for.
_CASTING_EPISODES_EVERYWHERE = json_list(_casting_episodes.where(_episode.c.project_id == entity.c.project_id))
_CASTING_EPISODE = json_list(_casting_episodes.where(_episode.c.id == _episode_id))

_comma = literal_column("','", Text)
#: The episodes of a production that cast each asset, gathered from the episodes: most links are of shots.
_casting = (
    select(
        entity_link.c.entity_out_id,
        func.string_agg(json_text(_episode.c.id), aggregate_order_by(_comma, _episode.c.name)).label("episodes"),
    )
    .join(_episode, _episode.c.id == entity_link.c.entity_in_id)
    .where(is_kind(EPISODE, _episode), _episode.c.project_id == param("project_id"))
    .group_by(entity_link.c.entity_out_id)
    .subquery("casting")
)
_CASTING_EPISODES = func.concat(literal_column("'['"), _casting.c.episodes, literal_column("']'"), type_=JsonText())

#: What pages and boards tell of an asset in words of their own.
_KEYS = {
    "preview_file_id": text_or(entity.c.preview_file_id, ""),
    "ready_for": text_or(entity.c.ready_for, "None"),
    "episode_id": text_or(entity.c.source_id, ""),
    "project_name": project.c.name,
    "asset_type_id": entity.c.entity_type_id,
    "asset_type_name": entity_type.c.name,
}

#: The keys of its tasks there.
_TASKS = (
    *("id", "due_date", "done_date", "duration", "entity_id", "estimation", "end_date", "is_subscribed"),
    *("last_comment_date", "last_preview_file_id", "priority", "real_start_date", "retake_count", "start_date"),
    *("difficulty", "task_status_id", "task_type_id", "assignees", "data"),
)
BOARD = Board(
    ASSET,
    Wire(
        id=entity.c.id,
        name=entity.c.name,
        description=entity.c.description,
        canceled=entity.c.canceled,
        is_casting_standby=entity.c.is_casting_standby,
        is_shared=entity.c.is_shared,
        data=DATA,
        casting_episode_ids=_CASTING_EPISODES,
        **_KEYS,
        **TASKS,
    ).only(
        *("id", "name", "preview_file_id", "description", "asset_type_name", "asset_type_id", "canceled", "ready_for"),
        *("episode_id", "casting_episode_ids", "is_casting_standby", "is_shared", "data", "tasks"),
    ),
    _TASKS,
    _with_type.outerjoin(_casting, _casting.c.entity_out_id == entity.c.id),
    order=(entity_type.c.name, entity.c.name, entity.c.id),
    fields="asset_fields",
    in_episode=ASSETS_IN_EPISODE,
)
#: Episodes are told for a production only, and with an episode asked for, only that one.
BOARD_OF_EPISODE = replace(BOARD, source=_with_type, row=BOARD.row.but(casting_episode_ids=_CASTING_EPISODE))
BOARD_EVERYWHERE = replace(BOARD, source=_with_type, row=BOARD.row.but(casting_episode_ids=word("[]").cast(JsonText())))


@lru_cache
def _asset(audience: str) -> Wire:
    """An asset alone: its row, its type, its episodes and its tasks, as an audience sees them."""
    return row_of_kind(ASSET).but(
        "source_id",
        "nb_frames",
        **LINKED_IDS,
        **_KEYS,
        data=func.coalesce(data_for(audience, ASSET), EMPTY_OBJECT, type_=JSONB),
        casting_episode_ids=_CASTING_EPISODES_EVERYWHERE,
        tasks=tasks_of_entity(_TASKS, audience),
    )


#: Lists and boards of assets are in `routes.py`: they go by episode and type.
ASSETS = Regular(
    ASSET,
    sees=rules.sees(ASSET, "asset_id"),
    page=Page(
        lambda audience: page(_asset(audience), _with_type),
        "An asset with its tasks; a vendor gets their own, a client no studio fields.",
        _asset("studio"),
    ),
    removes=OR_CANCELS,
)

"""How assets and asset types look. Source: spec entities, "JSON shapes"."""

from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Text, bindparam, cast, func, literal_column, or_, select
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by

from pegbar.core.data.schema import Uuid
from pegbar.core.data.wire import JsonText, Wire, json_list, json_text, wire_of
from pegbar.entities.kinds import ASSET, EPISODE, is_kind
from pegbar.entities.listing import Listed
from pegbar.entities.metadata import data_for
from pegbar.entities.shapes import RELATIONS, row_of_kind
from pegbar.entities.tables import entity, entity_link
from pegbar.entities.task_shapes import ASSET_BOARD, tasks_of_entity
from pegbar.productions.tables import project
from pegbar.studio.tables import entity_type, task_type_asset_type_link

ASSETS = Listed(ASSET, row_of_kind(ASSET))

ASSET_TYPE = wire_of(entity_type, "AssetType")
ASSET_TYPE_WITH_TASK_TYPES = ASSET_TYPE.but(
    task_types=json_list(
        select(task_type_asset_type_link.c.task_type_id)
        .where(task_type_asset_type_link.c.asset_type_id == entity_type.c.id)
        .correlate(entity_type)
    )
)

_episode = entity.alias("episode")
_episode_id = bindparam("episode_id", type_=Uuid)
_cast_in_episode = select(entity_link.c.entity_out_id).where(entity_link.c.entity_in_id == _episode_id)
#: Assets of an episode: those that belong to it and those cast in it.
OF_EPISODE = or_(entity.c.source_id == _episode_id, entity.c.id.in_(_cast_in_episode))
OF_MAIN_PACK = entity.c.source_id.is_(None)

page_source = entity.join(project, project.c.id == entity.c.project_id).join(
    entity_type, entity_type.c.id == entity.c.entity_type_id
)

_casting_episodes = (
    select(_episode.c.id)
    .select_from(entity_link.join(_episode, _episode.c.id == entity_link.c.entity_in_id))
    .where(entity_link.c.entity_out_id == entity.c.id, is_kind(EPISODE, _episode))
    .order_by(_episode.c.name)
    .correlate(entity)
)
#: The episodes that cast an asset, by name: everywhere, or the one asked for.
CASTING_EPISODES_EVERYWHERE = json_list(_casting_episodes.where(_episode.c.project_id == entity.c.project_id))
CASTING_EPISODE = json_list(_casting_episodes.where(_episode.c.id == _episode_id))

_comma = literal_column("','", Text)
#: The episodes of a production that cast each asset, gathered from the episodes: most links are of shots.
casting = (
    select(
        entity_link.c.entity_out_id,
        func.string_agg(json_text(_episode.c.id), aggregate_order_by(_comma, _episode.c.name)).label("episodes"),
    )
    .join(_episode, _episode.c.id == entity_link.c.entity_in_id)
    .where(is_kind(EPISODE, _episode), _episode.c.project_id == bindparam("project_id", type_=Uuid))
    .group_by(entity_link.c.entity_out_id)
    .subquery("casting")
)
board_source = page_source.outerjoin(casting, casting.c.entity_out_id == entity.c.id)
CASTING_EPISODES = func.concat(literal_column("'['"), casting.c.episodes, literal_column("']'"), type_=JsonText())


def text_or(column: ColumnElement[Any], fallback: str) -> ColumnElement[str]:
    """An id as text, or what stands for none."""
    return func.coalesce(cast(column, Text), literal_column(f"'{fallback}'", Text), type_=Text)


@lru_cache
def asset_page(role: str) -> Wire:
    """An asset alone: its row, its type, its episodes and its tasks, as a role sees them."""
    data = data_for(role, ASSET)
    empty = cast(literal_column("'{}'", Text), JSONB)
    return row_of_kind(ASSET).but(
        "source_id",
        "nb_frames",
        **{each.key: each.ids(entity) for each in RELATIONS},
        data=func.coalesce(data, empty, type_=JSONB),
        preview_file_id=text_or(entity.c.preview_file_id, ""),
        ready_for=text_or(entity.c.ready_for, "None"),
        episode_id=text_or(entity.c.source_id, ""),
        project_name=project.c.name,
        asset_type_id=entity.c.entity_type_id,
        asset_type_name=entity_type.c.name,
        casting_episode_ids=CASTING_EPISODES_EVERYWHERE,
        tasks=tasks_of_entity(ASSET_BOARD, role),
    )

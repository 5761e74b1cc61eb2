"""The breakdown of a production as a sheet. Source: spec exchange, "casting.csv" and "Worth fixing" 9."""

from functools import lru_cache
from typing import Any, Literal

from sqlalchemy import ColumnElement, FromClause, Select, Text, func, select

from pegbar.core.data.parameters import param
from pegbar.entities.kinds import EPISODE, SHOT, is_kind, is_none_of
from pegbar.entities.scopes import FOR_CLIENTS, linked
from pegbar.entities.tables import entity, entity_link
from pegbar.exchange.exports.cells import NOTHING, words
from pegbar.exchange.exports.export import Column, Export
from pegbar.productions.tables import project
from pegbar.studio.tables import entity_type

#: The links to tell: those of the main pack's assets, of episodes, of shots, or of everything else.
Part = Literal["main", "all", "shots", "rest"]

_PROJECT_ID, _EPISODE_ID = param("project_id"), param("episode_id")
_asset, _asset_type = entity.alias("asset"), entity_type.alias("asset_type")
_sequence, _episode = entity.alias("sequence"), entity.alias("episode")
_IS_SERIES = (
    select(project.c.production_type.is_not_distinct_from(words("tvshow")))
    .where(project.c.id == _PROJECT_ID)
    .scalar_subquery()
)
#: Links with what casts, and the asset that is cast.
_LINKS = (
    entity_link.join(entity, entity.c.id == entity_link.c.entity_in_id)
    .join(entity_type, entity_type.c.id == entity.c.entity_type_id)
    .join(_asset, _asset.c.id == entity_link.c.entity_out_id)
    .join(_asset_type, _asset_type.c.id == _asset.c.entity_type_id)
)
_OF_MAIN_PACK = entity.c.source_id.is_(None) & is_none_of(SHOT, EPISODE)


def _or_nothing(text: ColumnElement[Any]) -> ColumnElement[str]:
    return func.coalesce(text, NOTHING, type_=Text)


def _rows(
    source: FromClause,
    *conditions: ColumnElement[bool],
    episode: ColumnElement[str] = NOTHING,
    parent: ColumnElement[Any] = entity_type.c.name,
) -> Select[Any]:
    """Links to assets that the caller sees, in the order of the names."""
    names = {
        "episode": _or_nothing(episode),
        "parent": _or_nothing(parent),
        "name": entity.c.name,
        "asset_type": _asset_type.c.name,
        "asset": _asset.c.name,
    }
    return (
        select(
            *(value.label(key) for key, value in names.items()),
            entity_link.c.nb_occurences.label("occurences"),
            entity_link.c.label.label("label"),
        )
        .select_from(source)
        .where(entity.c.project_id == _PROJECT_ID, linked(_asset, _PROJECT_ID), *conditions)
        .order_by(*(value.collate("C") for value in names.values()), entity_link.c.id)
    )


def _sections(part: Part, episode_asked: bool, *seen: ColumnElement[bool]) -> list[Select[Any]]:
    main = _rows(_LINKS, _OF_MAIN_PACK, *seen, episode=words("MP"))
    if part == "main":
        return [main]
    if part == "all":
        return [_rows(_LINKS, is_kind(EPISODE), *seen, parent=words("Episode"))]
    if part == "shots":
        with_sequence = _LINKS.outerjoin(_sequence, _sequence.c.id == entity.c.parent_id)
        source = with_sequence.outerjoin(_episode, _episode.c.id == _sequence.c.parent_id)
        in_episode: list[ColumnElement[bool]] = (
            [~_IS_SERIES | (_sequence.c.parent_id == _EPISODE_ID)] if episode_asked else []
        )
        return [_rows(source, is_kind(SHOT), *in_episode, *seen, episode=_episode.c.name, parent=_sequence.c.name)]
    of_episode = _LINKS.join(_episode, _episode.c.id == entity.c.source_id)
    in_episode = [entity.c.source_id == _EPISODE_ID] if episode_asked else []
    return [
        _rows(of_episode, is_none_of(SHOT, EPISODE), _IS_SERIES, *in_episode, *seen, episode=_episode.c.name),
        main.where(_IS_SERIES),
        _rows(_LINKS, is_none_of(SHOT), ~_IS_SERIES, *seen),
    ]


@lru_cache(64)
def export(part: Part, *, episode_asked: bool, for_client: bool) -> Export:
    """A breakdown. Takes `project_id`, and `episode_id` when it is asked for."""
    seen = [FOR_CLIENTS] if for_client else []
    columns = (
        *(() if part == "all" else (Column("Episode", "episode", when=_IS_SERIES),)),
        Column("Parent", "parent"),
        Column("Name", "name"),
        Column("Asset Type", "asset_type"),
        Column("Asset", "asset"),
        Column("Occurences", "occurences", "number"),
        Column("Label", "label"),
    )
    named = select(project.c.name.concat(words(" casting"))).where(project.c.id == _PROJECT_ID)
    return Export(words("kitsu ").concat(named.scalar_subquery()), columns, _sections(part, episode_asked, *seen))

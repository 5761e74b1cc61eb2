"""Reads of castings and their links. Source: spec entities, "Casting: reads" and "Entity links"."""

from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Executable,
    Select,
    Text,
    any_,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from pegbar.core.data.compiled import planned_once
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import TIMESTAMP
from pegbar.core.data.wire import JsonText, Wire, json_object, wire_of, word
from pegbar.entities.kinds import ASSET, EPISODE, SHOT, is_kind
from pegbar.entities.metadata import data_for
from pegbar.entities.scopes import linked, project_of, uses
from pegbar.entities.shapes import row_of_kind
from pegbar.entities.tables import entity, entity_link, link_tally, project_link
from pegbar.studio.tables import entity_type

_asset = entity.alias("asset")
_type = entity_type.alias("asset_type")
_sequence = entity.alias("sequence")
_episode = entity.alias("episode")

_entity_id = param("entity_id")
_project_id = param("project_id")

#: An asset in the casting of one entity.
ENTRY = Wire(
    asset_id=_asset.c.id,
    asset_name=_asset.c.name,
    asset_type_name=_type.c.name,
    ready_for=_asset.c.ready_for,
    episode_id=_asset.c.source_id,
    preview_file_id=_asset.c.preview_file_id,
    nb_occurences=entity_link.c.nb_occurences,
    label=entity_link.c.label,
    is_shared=_asset.c.is_shared,
    project_id=_asset.c.project_id,
)
#: An asset in the castings of many.
_GROUPED = ENTRY.but("ready_for", "episode_id", name=_asset.c.name)
_OF_SHOTS = _GROUPED.but(sequence_name=_sequence.c.name)
_OF_ASSETS = _GROUPED.but("is_shared", "project_id")

_IN_ORDER = (_type.c.name, _asset.c.name, _asset.c.id)


def _cast(project_id: ColumnElement[Any]) -> Any:
    """Links of entities of a production to assets in use that the caller sees, with the asset and its type."""
    used = (_asset.c.id == entity_link.c.entity_out_id) & _asset.c.canceled.is_not(True) & linked(_asset, project_id)
    return entity_link.join(_asset, used).join(_type, _type.c.id == _asset.c.entity_type_id)


def _listed(wire: Wire) -> ColumnElement[str]:
    """The entries of one casting, in order."""
    items = func.string_agg(cast(json_object(wire), Text), aggregate_order_by(word(","), *_IN_ORDER))
    return word("[").concat(items).concat(word("]"))


def _by_entity(rows: Select[Any]) -> Executable:
    """One JSON object: castings by the id of their entity. `rows` selects `id`, `listed` and `rank`."""
    inner = rows.subquery()
    pairs = word('"').concat(cast(inner.c.id, Text)).concat(word('":')).concat(inner.c.listed)
    joined = func.coalesce(func.string_agg(pairs, aggregate_order_by(word(","), inner.c.rank, inner.c.id)), word(""))
    return select(cast(word("{").concat(joined).concat(word("}")), JsonText()))


#: The casting of one entity.
casting = (
    select(json_object(ENTRY))
    .select_from(_cast(project_of(_entity_id)))
    .where(entity_link.c.entity_in_id == _entity_id)
    .order_by(*_IN_ORDER)
)

#: The castings of these entities, an empty one included.
castings = _by_entity(
    select(
        entity.c.id,
        func.coalesce(
            select(_listed(ENTRY))
            .select_from(_cast(entity.c.project_id))
            .where(entity_link.c.entity_in_id == entity.c.id)
            .having(func.count() > literal_column("0"))
            .correlate(entity)
            .scalar_subquery(),
            word("[]"),
        ).label("listed"),
        func.array_position(param("ids"), entity.c.id).label("rank"),
    ).where(entity.c.id == any_(param("ids")))
)


def _of_shots(*conditions: ColumnElement[bool]) -> Executable:
    return _by_entity(
        select(
            entity.c.id,
            _listed(_OF_SHOTS).label("listed"),
            func.row(func.min(_sequence.c.name), func.min(entity.c.name)).label("rank"),
        )
        .select_from(
            _cast(_project_id)
            .join(entity, entity.c.id == entity_link.c.entity_in_id)
            .join(_sequence, _sequence.c.id == entity.c.parent_id)
        )
        .where(entity.c.project_id == _project_id, is_kind(SHOT), *conditions)
        .group_by(entity.c.id)
    )


casting_of_sequence = planned_once(_of_shots(entity.c.parent_id == param("sequence_id")))
casting_of_episode_shots = _of_shots(_sequence.c.parent_id == param("episode_id"))
casting_of_all_shots = _of_shots()


def _of_entities(wire: Wire, *conditions: ColumnElement[bool]) -> Executable:
    return _by_entity(
        select(entity.c.id, _listed(wire).label("listed"), func.min(entity.c.name).label("rank"))
        .select_from(_cast(_project_id).join(entity, entity.c.id == entity_link.c.entity_in_id))
        .where(entity.c.project_id == _project_id, *conditions)
        .group_by(entity.c.id)
    )


casting_of_episodes = _of_entities(_GROUPED, is_kind(EPISODE))
casting_of_asset_type = _of_entities(_OF_ASSETS, entity.c.entity_type_id == param("type_id"))

#: Where an asset appears: in shots.
cast_in_shots = (
    select(
        json_object(
            Wire(
                shot_id=entity.c.id,
                shot_name=entity.c.name,
                sequence_name=_sequence.c.name,
                episode_id=func.coalesce(cast(_episode.c.id, Text), word("None"), type_=Text),
                episode_name=_episode.c.name,
                preview_file_id=entity.c.preview_file_id,
                nb_occurences=entity_link.c.nb_occurences,
            )
        )
    )
    .select_from(
        entity_link.join(entity, entity.c.id == entity_link.c.entity_in_id)
        .join(_sequence, _sequence.c.id == entity.c.parent_id)
        .outerjoin(_episode, _episode.c.id == _sequence.c.parent_id)
    )
    .where(
        entity_link.c.entity_out_id == _entity_id,
        entity.c.canceled.is_not(True),
        uses(entity, _entity_id),
    )
    .order_by(_episode.c.name.asc().nulls_last(), _sequence.c.name, entity.c.name)
)

#: Where an asset appears: in other assets.
cast_in_assets = (
    select(json_object(ENTRY.only("asset_id", "asset_name", "asset_type_name", "preview_file_id", "nb_occurences")))
    .select_from(
        entity_link.join(_asset, _asset.c.id == entity_link.c.entity_in_id).join(
            _type, _type.c.id == _asset.c.entity_type_id
        )
    )
    .where(entity_link.c.entity_out_id == _entity_id)
    .where(is_kind(ASSET, _asset), uses(_asset, _entity_id))
    .order_by(_type.c.name, _asset.c.name)
)

ROW = row_of_kind(ASSET)


@lru_cache
def assets_of(audience: str) -> Executable:
    """The assets linked out of an entity, those no longer in use too, as an audience sees them."""
    return (
        select(json_object(ROW.but(data=data_for(audience, ASSET))))
        .select_from(entity_link.join(entity, entity.c.id == entity_link.c.entity_out_id))
        .where(entity_link.c.entity_in_id == _entity_id, linked(entity, project_of(_entity_id)))
    )


# Links, one by one

_PRECISE = literal_column("""'\\"YYYY-MM-DD"T"HH24:MI:SS.US\\"'""", Text)
LINK = wire_of(entity_link, "EntityLink")


def _precise(column: ColumnElement[Any]) -> ColumnElement[str]:
    """A date with its microseconds, as a cursor needs it."""
    return func.to_char(column, _PRECISE, type_=Text).cast(JsonText())


LINK_FOR_CURSORS = LINK.but(
    created_at=_precise(entity_link.c.created_at), updated_at=_precise(entity_link.c.updated_at)
)
PLAIN_LINK = LINK_FOR_CURSORS.but("updated_at")

_LINKS = entity_link.join(entity, entity.c.id == entity_link.c.entity_in_id)
_HERE = project_link.c.project_id == _project_id
_BY_DATE = (project_link.c.created_at, project_link.c.link_id)

_number = func.coalesce(func.sum(link_tally.c.amount), literal_column("0"))
number_of_links = select(cast(_number, BigInteger)).where(link_tally.c.project_id == _project_id)


@lru_cache
def links(wire: Wire, *, after: bool = False, limited: bool = False, paged: bool = False) -> Executable:
    """The links of a production, oldest first: from a cursor, at most so many, or a page."""
    chosen = select(project_link.c.link_id, project_link.c.created_at).where(_HERE).order_by(*_BY_DATE)
    if after:
        here = param("cursor", TIMESTAMP), param("cursor_id")
        chosen = chosen.where(tuple_(*_BY_DATE) > tuple_(*here))
    if limited:
        chosen = chosen.limit(bindparam("limit"))
    part = (chosen.offset(bindparam("offset")) if paged else chosen).subquery("chosen")
    return (
        select(json_object(wire))
        .select_from(part.join(entity_link, entity_link.c.id == part.c.link_id))
        .order_by(part.c.created_at, part.c.link_id)
    )


#: A link, its production and what it links.
one_link = (
    select(json_object(LINK), entity.c.project_id, entity_link.c.entity_in_id, entity_link.c.entity_out_id)
    .select_from(_LINKS)
    .where(entity_link.c.id == param("link_id"))
)

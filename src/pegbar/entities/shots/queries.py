"""Reads of shots, sequences, episodes and scenes. Source: spec shots, "Operations"."""

from functools import lru_cache

from sqlalchemy import ColumnElement, Executable, FromClause, bindparam, case, exists, select

from pegbar.core.data.schema import Uuid
from pegbar.core.data.wire import Wire, json_object, wire_of
from pegbar.entities.kinds import ASSET, EPISODE, SCENE, SEQUENCE, is_kind
from pegbar.entities.metadata import data_for, version_data_for
from pegbar.entities.shots import shapes
from pegbar.entities.tables import entity, entity_version
from pegbar.entities.task_shapes import MINE
from pegbar.tasks.tables import task

ENTITY_ID = bindparam("entity_id", type_=Uuid)
_parent = entity.alias("parent")


@lru_cache
def page(wire: Wire, source: FromClause) -> Executable:
    """An entity alone, with what a page shows of it."""
    return select(json_object(wire)).select_from(source).where(entity.c.id == ENTITY_ID)


@lru_cache
def shot_page(role: str) -> Executable:
    """A shot alone, as a role sees it."""
    return page(shapes.shot_page(role), shapes.below_sequence)


def _page_in_episode(kind: str, audience: str, alone: Wire, in_episode: Wire, source: FromClause) -> Executable:
    """An entity alone; the keys about its episode are there when it has one."""
    rows = [json_object(wire.but(data=data_for(audience, kind))) for wire in (alone, in_episode)]
    row = case((shapes.episode.c.id.is_(None), rows[0]), else_=rows[1])
    return select(row).select_from(source).where(entity.c.id == ENTITY_ID)


@lru_cache
def sequence_page(audience: str) -> Executable:
    """A sequence alone, as an audience sees it."""
    wires = shapes.SEQUENCE_PAGE, shapes.SEQUENCE_PAGE_IN_EPISODE
    return _page_in_episode(SEQUENCE, audience, *wires, shapes.below_episode)


@lru_cache
def scene_page(audience: str) -> Executable:
    """A scene alone, as an audience sees it."""
    return _page_in_episode(SCENE, audience, shapes.SCENE_PAGE, shapes.SCENE_PAGE_IN_EPISODE, shapes.below_sequence)


@lru_cache
def episode_page(audience: str) -> Executable:
    """An episode alone, as an audience sees it."""
    return page(shapes.EPISODE_PAGE.but(data=data_for(audience, EPISODE)), shapes.below_episode)


_below_episode = (
    select(entity.c.id).join(_parent, _parent.c.id == entity.c.parent_id).where(_parent.c.parent_id == ENTITY_ID)
)

#: Shots of the sequences of an episode.
OF_EPISODE: ColumnElement[bool] = entity.c.parent_id.in_(
    select(_parent.c.id).where(_parent.c.parent_id == bindparam("episode_id", type_=Uuid))
)
#: What is below no sequence of an episode.
OF_NO_EPISODE: ColumnElement[bool] = ~exists(
    select(_parent.c.id).where(_parent.c.id == entity.c.parent_id, _parent.c.parent_id.is_not(None)).correlate(entity)
)
#: Shots made from a scene.
FROM_SCENE: ColumnElement[bool] = entity.c.source_id == bindparam("scene_id", type_=Uuid)

#: Which tasks a route is about: conditions on `task`.
OWN_TASKS: ColumnElement[bool] = task.c.entity_id == ENTITY_ID
OWN_ASSIGNED_TASKS: ColumnElement[bool] = OWN_TASKS & MINE
TASKS_BELOW_SEQUENCE: ColumnElement[bool] = task.c.entity_id.in_(
    select(entity.c.id).where(entity.c.parent_id == ENTITY_ID)
)
TASKS_BELOW_EPISODE: ColumnElement[bool] = task.c.entity_id.in_(_below_episode)
ASSET_TASKS_OF_EPISODE: ColumnElement[bool] = task.c.entity_id.in_(
    select(entity.c.id).where(entity.c.source_id == ENTITY_ID, is_kind(ASSET))
)

VERSION = wire_of(entity_version, "ShotVersion")


@lru_cache
def versions(wire: Wire, audience: str, kind: str) -> Executable:
    """The versions of an entity of this kind, newest first, as an audience sees them."""
    return (
        select(json_object(wire.but(data=version_data_for(audience, kind))))
        .where(entity_version.c.entity_id == ENTITY_ID)
        .order_by(entity_version.c.created_at.desc(), entity_version.c.id)
    )

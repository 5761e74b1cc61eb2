"""Reads of shots, sequences, episodes and scenes. Source: spec shots, "Operations"."""

from functools import lru_cache

from sqlalchemy import ColumnElement, Executable, FromClause, bindparam, case, exists, select

from pegbar.core.schema import Uuid
from pegbar.core.wire import Wire, json_object, wire_of
from pegbar.entities.kinds import ASSET, is_kind
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


def _page_in_episode(alone: Wire, in_episode: Wire, source: FromClause) -> Executable:
    """An entity alone; the keys about its episode are there when it has one."""
    row = case((shapes.episode.c.id.is_(None), json_object(alone)), else_=json_object(in_episode))
    return select(row).select_from(source).where(entity.c.id == ENTITY_ID)


sequence_page = _page_in_episode(shapes.SEQUENCE_PAGE, shapes.SEQUENCE_PAGE_IN_EPISODE, shapes.below_episode)
scene_page = _page_in_episode(shapes.SCENE_PAGE, shapes.SCENE_PAGE_IN_EPISODE, shapes.below_sequence)

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

#: The versions of a shot, newest first.
VERSION = wire_of(entity_version, "ShotVersion")
versions = (
    select(json_object(VERSION))
    .where(entity_version.c.entity_id == ENTITY_ID)
    .order_by(entity_version.c.created_at.desc(), entity_version.c.id)
)

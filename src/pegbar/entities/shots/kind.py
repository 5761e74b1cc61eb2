"""Shots, and the sequences, episodes and scenes around them, declared. Source: spec shots, "Operations"."""

from dataclasses import replace
from functools import lru_cache
from typing import Annotated, Any
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Executable, FromClause, Text, case, exists, func, select, true

from pegbar.core.data.parameters import param
from pegbar.core.data.values import accept
from pegbar.core.data.wire import Wire, json_object, word
from pegbar.core.http.access import not_vendor
from pegbar.entities import rules
from pegbar.entities.actions import Metadata, NewEntity
from pegbar.entities.boards import TASKS, Board, InEpisode
from pegbar.entities.kinds import ASSET, EDIT, EPISODE, KINDS, SCENE, SEQUENCE, SHOT, is_kind
from pegbar.entities.listing import BELOW, BY_NAME, ROOT, Listed
from pegbar.entities.metadata import data_for
from pegbar.entities.queries import ENTITY_ID, IS, page
from pegbar.entities.regular import OR_CANCELS, Below, Creation, Lists, Page, Regular, only_unused
from pegbar.entities.scopes import ASSIGNED, ASSIGNED_IN_EPISODE, ASSIGNED_IN_SEQUENCE
from pegbar.entities.shapes import (
    DATA,
    LINKED_IDS,
    below_episode,
    below_sequence,
    episode,
    frames,
    row_of_kind,
    sequence,
    text_or,
)
from pegbar.entities.tables import ENTITY_STATUSES, entity
from pegbar.entities.task_shapes import tasks_of_entity
from pegbar.productions.tables import project
from pegbar.tasks.tables import task

_BY_NAME_IN_ANY_CASE = (func.lower(entity.c.name), entity.c.id)
_NAMES = {"project_name": project.c.name, "sequence_name": sequence.c.name}
_EPISODE_NAME = func.coalesce(episode.c.name, word(""), type_=Text)

_parent = entity.alias("parent")
#: Shots of the sequences of an episode.
OF_EPISODE: ColumnElement[bool] = entity.c.parent_id.in_(
    select(_parent.c.id).where(_parent.c.parent_id == param("episode_id"))
)
#: What is below no sequence of an episode.
_OF_NO_EPISODE: ColumnElement[bool] = ~exists(
    select(_parent.c.id).where(_parent.c.id == entity.c.parent_id, _parent.c.parent_id.is_not(None)).correlate(entity)
)
#: Shots made from a scene.
FROM_SCENE: ColumnElement[bool] = entity.c.source_id == param("scene_id")
#: Tasks of the assets of an episode.
ASSET_TASKS_OF_EPISODE: ColumnElement[bool] = task.c.entity_id.in_(
    select(entity.c.id).where(entity.c.source_id == ENTITY_ID, is_kind(ASSET))
)
_IN_EPISODE = InEpisode(BELOW, ROOT, "parent_id")
#: Shots are in the episode of their sequence.
SHOTS_IN_EPISODE = InEpisode(OF_EPISODE, _OF_NO_EPISODE, "episode_id")
#: A whole number, or one written as text.
Whole = int | Annotated[str, msgspec.Meta(pattern=r"^\s*[+-]?\d{1,10}\s*$")]


# Shots

#: Shots with the names above them.
NAMED_SHOTS = Listed(SHOT, row_of_kind(SHOT).but(**_NAMES), below_sequence, _BY_NAME_IN_ANY_CASE)
_SHOT_PLACES = {
    "episode_id": episode.c.id,
    "episode_name": _EPISODE_NAME,
    "sequence_id": sequence.c.id,
    "sequence_name": sequence.c.name,
    "project_name": project.c.name,
}
#: The keys of compact rows, in their order, and those of their tasks.
_SHOT_KEYS = (
    *("canceled", "data", "description", "entity_type_id", "episode_id", "episode_name", "fps", "frame_in"),
    *("frame_out", "id", "name", *KINDS[SHOT].columns, "parent_id", "preview_file_id", "project_id", "project_name"),
    *("sequence_id", "sequence_name", "source_id", "nb_entities_out", "is_casting_standby", "type", "tasks"),
)

_SHOT_TASKS = (
    *("id", "duration", "due_date", "end_date", "done_date", "entity_id", "estimation", "is_subscribed"),
    *("last_comment_date", "last_preview_file_id", "nb_assets_ready", "priority", "real_start_date", "retake_count"),
    *("start_date", "difficulty", "nb_drawings", "task_status_id", "task_type_id", "assignees", "data"),
)


@lru_cache
def _shot(audience: str) -> Wire:
    """A shot alone: its row, what is above it, its frames and its tasks, as an audience sees them."""
    data = data_for(audience, SHOT)
    tasks = tasks_of_entity(_SHOT_TASKS, audience)
    return row_of_kind(SHOT).but(**frames(data), **LINKED_IDS, data=data, **_SHOT_PLACES, tasks=tasks)


class NewShot(NewEntity):
    """A shot to make."""

    sequence_id: UUID | None = None
    data: Metadata | None = None
    nb_frames: Whole | None = None
    description: str | None = None

    def columns(self) -> dict[str, Any]:
        """The number of frames may be text."""
        return {**super().columns(), "nb_frames": accept(entity.c.nb_frames, self.nb_frames)}


SHOTS = Regular(
    SHOT,
    sees=rules.sees(SHOT, "shot_id"),
    lists=Lists(NAMED_SHOTS, ("", "/all"), of_parent=True),
    in_project=Listed(SHOT, row_of_kind(SHOT), order=BY_NAME),
    page=Page(
        lambda audience: page(_shot(audience), below_sequence),
        "A shot with its tasks; a vendor gets their own, a client no studio fields.",
        _shot("studio"),
    ),
    board=Board(
        SHOT,
        row_of_kind(SHOT).but(**frames(entity.c.data), data=DATA, **_SHOT_PLACES, **TASKS).only(*_SHOT_KEYS),
        _SHOT_TASKS,
        below_sequence,
        fields="shot_fields",
        from_data=frames,
        in_episode=SHOTS_IN_EPISODE,
    ),
    creates=Creation(NewShot),
    removes=OR_CANCELS,
)
#: For vendors too: those who see an episode see all its shots.
SHOTS_OF_EPISODE = Listed(SHOT, row_of_kind(SHOT), order=BY_NAME, for_vendors=true())
SHOTS_OF_EPISODE_WITH_RELATIONS = replace(SHOTS_OF_EPISODE, wire=row_of_kind(SHOT).but(**LINKED_IDS))


# Sequences, episodes and scenes: their boards have the same keys

_BOARD_KEYS = (
    *("id", "name", "status", "episode_id", "description", "frame_in", "frame_out", "fps", "preview_file_id"),
    *("canceled", "data", "tasks"),
)

_BOARD_TASKS = (
    *("id", "estimation", "entity_id", "end_date", "due_date", "done_date", "duration", "last_comment_date"),
    *("last_preview_file_id", "priority", "real_start_date", "retake_count", "start_date", "difficulty"),
    *("task_status_id", "task_type_id", "data", "is_subscribed", "assignees"),
)


def _board(kind: str, vendors: ColumnElement[bool] = ASSIGNED) -> Board:
    row = row_of_kind(kind).but(
        **frames(entity.c.data),
        data=DATA,
        episode_id=text_or(entity.c.parent_id, "None"),
        preview_file_id=text_or(entity.c.preview_file_id, ""),
        **TASKS,
    )
    row = row.only(*_BOARD_KEYS)
    return Board(kind, row, _BOARD_TASKS, entity, for_vendors=vendors, from_data=frames, in_episode=_IN_EPISODE)


def _page_in_episode(audience: str, kind: str, wire: Wire, source: FromClause) -> Executable:
    """An entity alone; the keys about its episode are there when it has one."""
    alone = wire.but(data=data_for(audience, kind))
    in_episode = alone.but(episode_id=episode.c.id, episode_name=episode.c.name)
    row = case((episode.c.id.is_(None), json_object(alone)), else_=json_object(in_episode))
    return select(row).select_from(source).where(IS)


SEQUENCE_ROWS = Listed(SEQUENCE, row_of_kind(SEQUENCE), order=BY_NAME, for_vendors=ASSIGNED_IN_SEQUENCE)
_SEQUENCE = row_of_kind(SEQUENCE).but(project_name=project.c.name)


@lru_cache
def _sequence_page(audience: str) -> Executable:
    return _page_in_episode(audience, SEQUENCE, _SEQUENCE, below_episode)


class NewSequence(NewEntity):
    """A sequence to make."""

    episode_id: UUID | None = None
    description: str | None = ""
    data: Metadata | None = None


SEQUENCES = Regular(
    SEQUENCE,
    sees=rules.sees(SEQUENCE, "sequence_id"),
    lists=Lists(SEQUENCE_ROWS, of_parent=True),
    in_project=SEQUENCE_ROWS,
    page=Page(_sequence_page, "A sequence, with its episode if it has one.", _SEQUENCE),
    board=_board(SEQUENCE, ASSIGNED_IN_SEQUENCE),
    below=Below(task.c.entity_id.in_(select(entity.c.id).where(entity.c.parent_id == ENTITY_ID)), "below a sequence"),
    creates=Creation(NewSequence),
    removes=only_unused("its shots and scenes", SHOT, SCENE),
)

_EPISODES = Listed(EPISODE, row_of_kind(EPISODE), order=BY_NAME, for_vendors=ASSIGNED_IN_EPISODE)
_EPISODE = row_of_kind(EPISODE).but(project_name=project.c.name)
_BELOW_EPISODE = task.c.entity_id.in_(
    select(entity.c.id).join(_parent, _parent.c.id == entity.c.parent_id).where(_parent.c.parent_id == ENTITY_ID)
)


@lru_cache
def _episode_page(audience: str) -> Executable:
    return page(_EPISODE.but(data=data_for(audience, EPISODE)), below_episode)


class NewEpisode(NewEntity):
    """An episode to make; a status that does not exist is `running`."""

    status: str | None = "running"
    description: str | None = ""
    data: Metadata | None = None

    def columns(self) -> dict[str, Any]:
        """Its status is one that exists."""
        return {**super().columns(), "status": self.status if self.status in ENTITY_STATUSES else "running"}


EPISODES = Regular(
    EPISODE,
    sees=rules.sees(EPISODE, "episode_id"),
    lists=Lists(_EPISODES),
    in_project=_EPISODES,
    page=Page(_episode_page, "An episode.", _EPISODE),
    board=_board(EPISODE, ASSIGNED_IN_EPISODE),
    below=Below(_BELOW_EPISODE, "below the sequences of an episode"),
    relations=False,
    creates=Creation(NewEpisode),
    removes=only_unused("all that is in it", SHOT, SCENE, ASSET, EDIT, SEQUENCE),
)

_SCENES = Listed(SCENE, row_of_kind(SCENE), order=BY_NAME)
_NAMED_SCENES = Listed(SCENE, row_of_kind(SCENE).but(**_NAMES), below_sequence, _BY_NAME_IN_ANY_CASE)
_SCENE = row_of_kind(SCENE).but(**_NAMES, sequence_id=sequence.c.id)
#: For vendors too: those who see a sequence see all its scenes.
SCENES_OF_SEQUENCE = replace(_SCENES, for_vendors=true())


@lru_cache
def _scene_page(audience: str) -> Executable:
    return _page_in_episode(audience, SCENE, _SCENE, below_sequence)


class NewScene(NewEntity):
    """A scene to make."""

    sequence_id: UUID | None = None

    def columns(self) -> dict[str, Any]:
        """It has no metadata yet."""
        return {**super().columns(), "data": {}}


SCENES = Regular(
    SCENE,
    sees=rules.sees(SCENE, "scene_id"),
    lists=Lists(_NAMED_SCENES, ("/all",)),
    lister=rules.lists_production & not_vendor,
    in_project=_SCENES,
    page=Page(_scene_page, "A scene, with its sequence and the episode of that, if it has one.", _SCENE),
    board=_board(SCENE),
    relations=False,
    creates=Creation(NewScene),
)

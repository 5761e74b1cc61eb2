"""How shots, sequences, episodes and scenes look. Source: spec shots, "Operations"."""

from dataclasses import replace
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, func, literal_column, true

from pegbar.core.data.wire import JsonText, Wire
from pegbar.entities.kinds import EPISODE, SCENE, SEQUENCE, SHOT
from pegbar.entities.listing import Listed
from pegbar.entities.metadata import data_for
from pegbar.entities.scopes import ASSIGNED_IN_EPISODE, ASSIGNED_IN_SEQUENCE
from pegbar.entities.shapes import RELATIONS, row_of_kind
from pegbar.entities.tables import entity
from pegbar.entities.task_shapes import SHOT_BOARD, tasks_of_entity
from pegbar.productions.tables import project

sequence = entity.alias("sequence")
episode = entity.alias("episode")

_with_project = entity.join(project, project.c.id == entity.c.project_id)
#: An entity with the sequence and the episode above it, where there are.
below_sequence = _with_project.outerjoin(sequence, sequence.c.id == entity.c.parent_id).outerjoin(
    episode, episode.c.id == sequence.c.parent_id
)
#: A sequence with the episode above it, where there is one.
below_episode = _with_project.outerjoin(episode, episode.c.id == entity.c.parent_id)

_BY_NAME = (entity.c.name, entity.c.id)

SHOTS = Listed(SHOT, row_of_kind(SHOT), order=_BY_NAME)
SHOTS_WITH_RELATIONS = Listed(
    SHOT, row_of_kind(SHOT).but(**{each.key: each.ids(entity) for each in RELATIONS}), order=_BY_NAME
)
#: For vendors too: those who see an episode or a sequence see all its shots or scenes.
ALL_SHOTS = replace(SHOTS, for_vendors=true())
ALL_SHOTS_WITH_RELATIONS = replace(SHOTS_WITH_RELATIONS, for_vendors=true())
SEQUENCES = Listed(SEQUENCE, row_of_kind(SEQUENCE), order=_BY_NAME, for_vendors=ASSIGNED_IN_SEQUENCE)
EPISODES = Listed(EPISODE, row_of_kind(EPISODE), order=_BY_NAME, for_vendors=ASSIGNED_IN_EPISODE)
SCENES = Listed(SCENE, row_of_kind(SCENE), order=_BY_NAME)
ALL_SCENES = replace(SCENES, for_vendors=true())

_NAMES = {"project_name": project.c.name, "sequence_name": sequence.c.name}
#: Shots and scenes with the names above them.
NAMED_SHOTS = Listed(
    SHOT, row_of_kind(SHOT).but(**_NAMES), source=below_sequence, order=(func.lower(entity.c.name), entity.c.id)
)
NAMED_SCENES = Listed(
    SCENE,
    row_of_kind(SCENE).but(**_NAMES),
    source=below_sequence,
    order=(func.lower(entity.c.name), entity.c.id),
)


def frame(key: str, data: ColumnElement[Any]) -> ColumnElement[str]:
    """A frame key of the metadata, as the JSON value it is."""
    return cast(data.op("->")(literal_column(f"'{key}'", Text)), Text).cast(JsonText())


@lru_cache
def shot_page(role: str) -> Wire:
    """A shot alone: its row, what is above it, its frames and its tasks, as a role sees them."""
    data = data_for(role, SHOT)
    frames = {key: frame(key, data) for key in ("frame_in", "frame_out", "fps")}
    relations = {each.key: each.ids(entity) for each in RELATIONS}
    return row_of_kind(SHOT).but(
        **frames,
        **relations,
        data=data,
        episode_id=episode.c.id,
        episode_name=func.coalesce(episode.c.name, literal_column("''", Text), type_=Text),
        sequence_id=sequence.c.id,
        sequence_name=sequence.c.name,
        project_name=project.c.name,
        tasks=tasks_of_entity(SHOT_BOARD, role),
    )


#: A sequence, an episode or a scene alone.
SEQUENCE_PAGE = row_of_kind(SEQUENCE).but(project_name=project.c.name)
SEQUENCE_PAGE_IN_EPISODE = SEQUENCE_PAGE.but(episode_id=episode.c.id, episode_name=episode.c.name)
EPISODE_PAGE = row_of_kind(EPISODE).but(project_name=project.c.name)
SCENE_PAGE = row_of_kind(SCENE).but(**_NAMES, sequence_id=sequence.c.id)
SCENE_PAGE_IN_EPISODE = SCENE_PAGE.but(episode_id=episode.c.id, episode_name=episode.c.name)

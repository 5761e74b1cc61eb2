"""Routes that make and change shots, sequences, episodes and scenes. Source: spec shots."""

from typing import Any
from uuid import UUID

from pegbar.core.data.database import Json, Transaction
from pegbar.core.http.access import Caller, manager_of
from pegbar.core.http.routing import delete, found, post, put
from pegbar.entities import events, rules
from pegbar.entities.kinds import EPISODE, SCENE, SEQUENCE, SHOT
from pegbar.entities.queries import one, one_of_kind
from pegbar.entities.shapes import UNTYPED, row_of_kind
from pegbar.entities.shots import actions
from pegbar.entities.shots.bodies import LinkedShot, NewEpisode, NewScene, NewSequence, NewShot


@post(
    "/data/projects/{project_id:uuid}/shots",
    access=manager_of("project_id"),
    events=[events.NEW[SHOT]],
    returns=row_of_kind(SHOT),
)
async def create_shot(project_id: UUID, body: NewShot, tx: Transaction) -> Json:
    """Make a shot, unless the sequence has one of that name: that one is answered, unchanged."""
    shot_id = await actions.create_shot(tx, project_id, body)
    return found(await tx.json_row(one_of_kind(SHOT), entity_id=shot_id))


@post(
    "/data/projects/{project_id:uuid}/sequences",
    access=manager_of("project_id"),
    events=[events.NEW[SEQUENCE]],
    returns=row_of_kind(SEQUENCE),
)
async def create_sequence(project_id: UUID, body: NewSequence, tx: Transaction) -> Json:
    """Make a sequence, unless the episode has one of that name: that one is answered, unchanged."""
    sequence_id = await actions.create_sequence(tx, project_id, body)
    return found(await tx.json_row(one_of_kind(SEQUENCE), entity_id=sequence_id))


@post(
    "/data/projects/{project_id:uuid}/episodes",
    access=manager_of("project_id"),
    events=[events.NEW[EPISODE]],
    returns=row_of_kind(EPISODE),
)
async def create_episode(project_id: UUID, body: NewEpisode, tx: Transaction) -> Json:
    """Make an episode, unless the production has one of that name: that one is answered, unchanged."""
    episode_id = await actions.create_episode(tx, project_id, body)
    return found(await tx.json_row(one_of_kind(EPISODE), entity_id=episode_id))


@post(
    "/data/projects/{project_id:uuid}/scenes",
    access=manager_of("project_id"),
    events=[events.NEW[SCENE]],
    returns=row_of_kind(SCENE),
)
async def create_scene(project_id: UUID, body: NewScene, tx: Transaction) -> Json:
    """Make a scene, unless the sequence has one of that name: that one is answered, unchanged."""
    scene_id = await actions.create_scene(tx, project_id, body)
    return found(await tx.json_row(one_of_kind(SCENE), entity_id=scene_id))


@put(
    "/data/shots/{shot_id:uuid}",
    access=rules.manages(SHOT, "shot_id"),
    events=[events.UPDATE[SHOT]],
    errors=(400,),
    returns=UNTYPED,
)
async def update_shot(shot_id: UUID, document: dict[str, Any], tx: Transaction, caller: Caller) -> Json:
    """Change a shot. `data` is replaced whole; `PUT /data/entities/{id}` merges it."""
    await actions.update_shot(tx, caller, shot_id, document)
    return found(await tx.json_row(one(UNTYPED), entity_id=shot_id))


@post(
    "/data/scenes/{scene_id:uuid}/shots",
    access=rules.manages(SCENE, "scene_id"),
    events=[events.UPDATE[SHOT], events.ADD_TO_SCENE],
    returns=UNTYPED,
)
async def link_shot(scene_id: UUID, body: LinkedShot, tx: Transaction) -> Json:
    """Make a shot come from a scene of its production."""
    await actions.link_shot(tx, scene_id, body.shot_id)
    return found(await tx.json_row(one(UNTYPED), entity_id=body.shot_id))


@delete(
    "/data/scenes/{scene_id:uuid}/shots/{shot_id:uuid}",
    access=rules.manages(SCENE, "scene_id"),
    events=[events.UPDATE[SHOT], events.REMOVE_FROM_SCENE],
)
async def unlink_shot(scene_id: UUID, shot_id: UUID, tx: Transaction) -> None:
    """Take a shot from the scene it comes from."""
    await actions.unlink_shot(tx, scene_id, shot_id)

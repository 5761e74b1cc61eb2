"""Routes of shots, sequences, episodes and scenes beside the regular ones. Source: spec shots, "Operations"."""

from typing import Any
from uuid import UUID

from litestar import Request

from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.data.wire import wire_of
from pegbar.core.http.access import Caller, authenticated, not_vendor
from pegbar.core.http.routing import delete, found, get, post, put
from pegbar.entities import events, removal, rules
from pegbar.entities.kinds import EPISODE, SCENE, SEQUENCE, SHOT
from pegbar.entities.listing import BELOW, criteria, entities_listed
from pegbar.entities.queries import one, versions
from pegbar.entities.regular import WithRelations
from pegbar.entities.shapes import UNTYPED
from pegbar.entities.shots import actions, kind
from pegbar.entities.shots.actions import LinkedShot
from pegbar.entities.tables import entity_version
from pegbar.entities.task_shapes import DETAILED, audience, detailed

AnyRequest = Request[Any, Any, Any]

_VERSION = wire_of(entity_version, "ShotVersion")


# Shots


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


@get("/data/shots/{shot_id:uuid}/versions", access=rules.sees(SHOT, "shot_id"), returns=[_VERSION])
async def shot_versions(shot_id: UUID, db: Database, caller: Caller) -> Json:
    """The history of a shot's name and frame range, newest first."""
    statement = versions(_VERSION, audience(caller), SHOT)
    return await db.json(statement, entity_id=shot_id)


# Sequences


@get(
    "/data/sequences/{sequence_id:uuid}/shots",
    access=rules.belongs(SEQUENCE, "sequence_id"),
    returns=[kind.NAMED_SHOTS.wire],
)
async def sequence_shots(sequence_id: UUID, request: AnyRequest, db: Database, caller: Caller) -> Json:
    """Shots of a sequence, by name; any column filters."""
    chosen = criteria(request, "entity_type_id")
    return await entities_listed(db, caller, kind.NAMED_SHOTS, BELOW, criteria=chosen, parent_id=sequence_id)


@get(
    "/data/sequences/{sequence_id:uuid}/scenes",
    access=rules.sees(SEQUENCE, "sequence_id"),
    returns=[kind.SCENES_OF_SEQUENCE.wire],
)
async def sequence_scenes(sequence_id: UUID, db: Database, caller: Caller) -> Json:
    """Scenes of a sequence, by name."""
    return await entities_listed(db, caller, kind.SCENES_OF_SEQUENCE, BELOW, parent_id=sequence_id)


# Episodes


@get("/data/episodes/all/sequences", access=authenticated, returns=[kind.SEQUENCE_ROWS.wire])
async def no_episode_sequences() -> Json:
    """`all` is no episode: it has no sequences."""
    return Json(b"[]")


@get("/data/episodes/main/sequences", access=authenticated, returns=[kind.SEQUENCE_ROWS.wire])
async def main_pack_sequences() -> Json:
    """The main pack is no episode: it has no sequences."""
    return Json(b"[]")


@get(
    "/data/episodes/{episode_id:uuid}/sequences",
    access=rules.belongs(EPISODE, "episode_id"),
    returns=[kind.SEQUENCE_ROWS.wire],
)
async def episode_sequences(episode_id: UUID, request: AnyRequest, db: Database, caller: Caller) -> Json:
    """Sequences of an episode, by name; any column filters."""
    chosen = criteria(request, "entity_type_id")
    return await entities_listed(db, caller, kind.SEQUENCE_ROWS, BELOW, criteria=chosen, parent_id=episode_id)


@get(
    "/data/episodes/{episode_id:uuid}/shots",
    access=rules.sees(EPISODE, "episode_id"),
    returns=[kind.SHOTS_OF_EPISODE.wire],
)
async def episode_shots(episode_id: UUID, request: AnyRequest, db: Database, caller: Caller) -> Json:
    """Shots of an episode; `relations=true` adds the ids of what they are linked to."""
    related = request.query_params.get("relations", "").lower() == "true"
    rows = kind.SHOTS_OF_EPISODE_WITH_RELATIONS if related else kind.SHOTS_OF_EPISODE
    return await entities_listed(db, caller, rows, kind.OF_EPISODE, episode_id=episode_id)


@get(
    "/data/episodes/{episode_id:uuid}/asset-tasks",
    access=rules.belongs(EPISODE, "episode_id") & not_vendor,
    returns=[DETAILED],
)
async def episode_asset_tasks(episode_id: UUID, query: WithRelations, db: Database, caller: Caller) -> Json:
    """Tasks of the assets of an episode."""
    statement = detailed(kind.ASSET_TASKS_OF_EPISODE, caller.role_here == "client", query.relations)
    return await db.json(statement, entity_id=episode_id)


# Scenes


@get("/data/scenes/{scene_id:uuid}/shots", access=rules.sees(SCENE, "scene_id"), returns=[kind.NAMED_SHOTS.wire])
async def scene_shots(scene_id: UUID, db: Database, caller: Caller) -> Json:
    """Shots made from a scene, by name."""
    return await entities_listed(db, caller, kind.NAMED_SHOTS, kind.FROM_SCENE, scene_id=scene_id)


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


@delete(
    "/data/scenes/{scene_id:uuid}",
    access=rules.removes(rules.the(SCENE, "scene_id")),
    events=[events.UPDATE[SCENE], events.DELETE[SCENE]],
)
async def delete_scene(scene_id: UUID, tx: Transaction) -> None:
    """Remove a scene; one that is in use is canceled."""
    await removal.remove_scene(tx, scene_id)

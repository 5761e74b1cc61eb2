"""Listings and pages of shots, sequences, episodes and scenes. Source: spec shots, "Operations"."""

from typing import Any
from uuid import UUID

from litestar import Request

from pegbar.core.data.database import Database, Json
from pegbar.core.data.resource import scope_parameters
from pegbar.core.http.access import Caller, authenticated, member_of, not_vendor
from pegbar.core.http.routing import found, get
from pegbar.entities import rules
from pegbar.entities.kinds import EPISODE, SCENE, SEQUENCE, SHOT
from pegbar.entities.listing import BELOW, IN_PROJECT, Listed, criteria, entities_listed
from pegbar.entities.shots import queries, shapes
from pegbar.entities.task_shapes import audience

AnyRequest = Request[Any, Any, Any]
_IGNORED = ("entity_type_id", "sequence_id", "episode_id")


async def _asked(request: AnyRequest, db: Database, caller: Caller, listed: Listed, above: str | None = None) -> Json:
    """The listing a query string asks for; `above` is the parameter that names the parent."""
    parent = request.query_params.get(above) if above else None
    if parent and caller.project_id is not None:
        return await entities_listed(
            db,
            caller,
            listed,
            BELOW,
            IN_PROJECT,
            criteria=criteria(request, "project_id", *_IGNORED),
            parent_id=UUID(parent),
            project_id=caller.project_id,
        )
    return await entities_listed(db, caller, listed, criteria=criteria(request, *_IGNORED))


@get("/data/shots", access=rules.lists_sequence, returns=[shapes.NAMED_SHOTS.wire])
async def shots(request: AnyRequest, db: Database, caller: Caller) -> Json:
    """Shots of a production or a sequence, by name; any column filters."""
    return await _asked(request, db, caller, shapes.NAMED_SHOTS, "sequence_id")


@get("/data/shots/all", access=rules.lists_sequence, returns=[shapes.NAMED_SHOTS.wire])
async def all_shots(request: AnyRequest, db: Database, caller: Caller) -> Json:
    """The same as `/data/shots`."""
    return await _asked(request, db, caller, shapes.NAMED_SHOTS, "sequence_id")


@get("/data/scenes/all", access=rules.lists_production & not_vendor, returns=[shapes.NAMED_SCENES.wire])
async def all_scenes(request: AnyRequest, db: Database, caller: Caller) -> Json:
    """Scenes of a production, by name; any column filters."""
    return await _asked(request, db, caller, shapes.NAMED_SCENES)


@get("/data/sequences", access=rules.lists_episode, returns=[shapes.SEQUENCES.wire])
async def sequences(request: AnyRequest, db: Database, caller: Caller) -> Json:
    """Sequences of a production or an episode, by name; any column filters."""
    return await _asked(request, db, caller, shapes.SEQUENCES, "episode_id")


@get("/data/episodes", access=rules.lists_production, returns=[shapes.EPISODES.wire])
async def episodes(request: AnyRequest, db: Database, caller: Caller) -> Json:
    """Episodes of a production, by name; any column filters."""
    return await _asked(request, db, caller, shapes.EPISODES)


@get("/data/projects/{project_id:uuid}/shots", access=member_of("project_id"), returns=[shapes.SHOTS.wire])
async def project_shots(project_id: UUID, db: Database, caller: Caller) -> Json:
    """Shots of a production, by name."""
    return await entities_listed(db, caller, shapes.SHOTS, IN_PROJECT, project_id=project_id)


@get("/data/projects/{project_id:uuid}/sequences", access=member_of("project_id"), returns=[shapes.SEQUENCES.wire])
async def project_sequences(project_id: UUID, db: Database, caller: Caller) -> Json:
    """Sequences of a production, by name."""
    return await entities_listed(db, caller, shapes.SEQUENCES, IN_PROJECT, project_id=project_id)


@get("/data/projects/{project_id:uuid}/episodes", access=member_of("project_id"), returns=[shapes.EPISODES.wire])
async def project_episodes(project_id: UUID, db: Database, caller: Caller) -> Json:
    """Episodes of a production, by name."""
    return await entities_listed(db, caller, shapes.EPISODES, IN_PROJECT, project_id=project_id)


@get("/data/projects/{project_id:uuid}/scenes", access=member_of("project_id"), returns=[shapes.SCENES.wire])
async def project_scenes(project_id: UUID, db: Database, caller: Caller) -> Json:
    """Scenes of a production, by name."""
    return await entities_listed(db, caller, shapes.SCENES, IN_PROJECT, project_id=project_id)


@get("/data/shots/{shot_id:uuid}", access=rules.sees(SHOT, "shot_id"), returns=shapes.shot_page("studio"))
async def shot(shot_id: UUID, db: Database, caller: Caller) -> Json:
    """A shot with its tasks; a vendor gets their own, a client no studio fields."""
    statement = queries.shot_page(audience(caller))
    return found(await db.json_row(statement, entity_id=shot_id, **scope_parameters(statement, caller)))


@get("/data/sequences/{sequence_id:uuid}", access=rules.sees(SEQUENCE, "sequence_id"), returns=shapes.SEQUENCE_PAGE)
async def sequence(sequence_id: UUID, db: Database, caller: Caller) -> Json:
    """A sequence, with its episode if it has one."""
    statement = queries.sequence_page(audience(caller))
    return found(await db.json_row(statement, entity_id=sequence_id, **scope_parameters(statement, caller)))


@get("/data/episodes/{episode_id:uuid}", access=rules.sees(EPISODE, "episode_id"), returns=shapes.EPISODE_PAGE)
async def episode(episode_id: UUID, db: Database, caller: Caller) -> Json:
    """An episode."""
    statement = queries.episode_page(audience(caller))
    return found(await db.json_row(statement, entity_id=episode_id, **scope_parameters(statement, caller)))


@get("/data/scenes/{scene_id:uuid}", access=rules.sees(SCENE, "scene_id"), returns=shapes.SCENE_PAGE)
async def scene(scene_id: UUID, db: Database, caller: Caller) -> Json:
    """A scene, with its sequence and the episode of that, if it has one."""
    statement = queries.scene_page(audience(caller))
    return found(await db.json_row(statement, entity_id=scene_id, **scope_parameters(statement, caller)))


@get(
    "/data/sequences/{sequence_id:uuid}/shots",
    access=rules.belongs(SEQUENCE, "sequence_id"),
    returns=[shapes.NAMED_SHOTS.wire],
)
async def sequence_shots(sequence_id: UUID, request: AnyRequest, db: Database, caller: Caller) -> Json:
    """Shots of a sequence, by name; any column filters."""
    return await entities_listed(
        db, caller, shapes.NAMED_SHOTS, BELOW, criteria=criteria(request, *_IGNORED), parent_id=sequence_id
    )


@get(
    "/data/sequences/{sequence_id:uuid}/scenes",
    access=rules.sees(SEQUENCE, "sequence_id"),
    returns=[shapes.SCENES.wire],
)
async def sequence_scenes(sequence_id: UUID, db: Database, caller: Caller) -> Json:
    """Scenes of a sequence, by name."""
    return await entities_listed(db, caller, shapes.ALL_SCENES, BELOW, parent_id=sequence_id)


@get("/data/scenes/{scene_id:uuid}/shots", access=rules.sees(SCENE, "scene_id"), returns=[shapes.NAMED_SHOTS.wire])
async def scene_shots(scene_id: UUID, db: Database, caller: Caller) -> Json:
    """Shots made from a scene, by name."""
    return await entities_listed(db, caller, shapes.NAMED_SHOTS, queries.FROM_SCENE, scene_id=scene_id)


@get("/data/episodes/all/sequences", access=authenticated, returns=[shapes.SEQUENCES.wire])
async def no_episode_sequences() -> Json:
    """`all` is no episode: it has no sequences."""
    return Json(b"[]")


@get("/data/episodes/main/sequences", access=authenticated, returns=[shapes.SEQUENCES.wire])
async def main_pack_sequences() -> Json:
    """The main pack is no episode: it has no sequences."""
    return Json(b"[]")


@get(
    "/data/episodes/{episode_id:uuid}/sequences",
    access=rules.belongs(EPISODE, "episode_id"),
    returns=[shapes.SEQUENCES.wire],
)
async def episode_sequences(episode_id: UUID, request: AnyRequest, db: Database, caller: Caller) -> Json:
    """Sequences of an episode, by name; any column filters."""
    return await entities_listed(
        db, caller, shapes.SEQUENCES, BELOW, criteria=criteria(request, *_IGNORED), parent_id=episode_id
    )


@get("/data/episodes/{episode_id:uuid}/shots", access=rules.sees(EPISODE, "episode_id"), returns=[shapes.SHOTS.wire])
async def episode_shots(episode_id: UUID, request: AnyRequest, db: Database, caller: Caller) -> Json:
    """Shots of an episode; `relations=true` adds the ids of what they are linked to."""
    wanted = request.query_params.get("relations", "").lower() == "true"
    listed = shapes.ALL_SHOTS_WITH_RELATIONS if wanted else shapes.ALL_SHOTS
    return await entities_listed(db, caller, listed, queries.OF_EPISODE, episode_id=episode_id)


@get("/data/shots/{shot_id:uuid}/versions", access=rules.sees(SHOT, "shot_id"), returns=[queries.VERSION])
async def shot_versions(shot_id: UUID, db: Database, caller: Caller) -> Json:
    """The history of a shot's name and frame range, newest first."""
    statement = queries.versions(queries.VERSION, audience(caller), SHOT)
    return await db.json(statement, entity_id=shot_id, **scope_parameters(statement, caller))

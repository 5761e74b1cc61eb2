"""The tasks of shots, sequences, episodes and scenes, and what is below them. Source: spec shots, "Task shapes"."""

from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement

from pegbar.core.data.database import Database, Json
from pegbar.core.http.access import Caller, not_vendor
from pegbar.core.http.routing import get
from pegbar.entities import rules
from pegbar.entities.kinds import ASSET, EPISODE, SCENE, SEQUENCE, SHOT
from pegbar.entities.shots import queries
from pegbar.entities.task_shapes import DETAILED, TASK_TYPE, detailed, types_of


class WithRelations(msgspec.Struct):
    """`relations=true` adds the assignees."""

    relations: bool = False


async def _detailed(
    db: Database, caller: Caller, which: ColumnElement[bool], entity_id: UUID, *, relations: bool = False
) -> Json:
    """Detailed tasks, without studio fields for clients."""
    return await db.json(detailed(which, caller.role_here == "client", relations), entity_id=entity_id)


async def _own(db: Database, caller: Caller, entity_id: UUID, *, relations: bool = False) -> Json:
    """Tasks of a sequence or an episode itself; a vendor gets those assigned to them."""
    if caller.role_here != "vendor":
        return await _detailed(db, caller, queries.OWN_TASKS, entity_id, relations=relations)
    return await db.json(
        detailed(queries.OWN_ASSIGNED_TASKS, False, relations), entity_id=entity_id, caller_id=caller.id
    )


@get("/data/assets/{asset_id:uuid}/tasks", access=rules.sees(ASSET, "asset_id"), returns=[DETAILED])
async def asset_tasks(asset_id: UUID, query: WithRelations, db: Database, caller: Caller) -> Json:
    """Tasks of an asset."""
    return await _detailed(db, caller, queries.OWN_TASKS, asset_id, relations=query.relations)


@get("/data/assets/{asset_id:uuid}/task-types", access=rules.sees(ASSET, "asset_id"), returns=[TASK_TYPE])
async def asset_task_types(asset_id: UUID, db: Database) -> Json:
    """Types of the tasks of an asset."""
    return await db.json(types_of(queries.OWN_TASKS), entity_id=asset_id)


@get("/data/shots/{shot_id:uuid}/tasks", access=rules.sees(SHOT, "shot_id"), returns=[DETAILED])
async def shot_tasks(shot_id: UUID, query: WithRelations, db: Database, caller: Caller) -> Json:
    """Tasks of a shot."""
    return await _detailed(db, caller, queries.OWN_TASKS, shot_id, relations=query.relations)


@get("/data/shots/{shot_id:uuid}/task-types", access=rules.sees(SHOT, "shot_id"), returns=[TASK_TYPE])
async def shot_task_types(shot_id: UUID, db: Database) -> Json:
    """Types of the tasks of a shot."""
    return await db.json(types_of(queries.OWN_TASKS), entity_id=shot_id)


@get("/data/scenes/{scene_id:uuid}/tasks", access=rules.sees(SCENE, "scene_id"), returns=[DETAILED])
async def scene_tasks(scene_id: UUID, db: Database, caller: Caller) -> Json:
    """Tasks of a scene."""
    return await _detailed(db, caller, queries.OWN_TASKS, scene_id)


@get("/data/scenes/{scene_id:uuid}/task-types", access=rules.sees(SCENE, "scene_id"), returns=[TASK_TYPE])
async def scene_task_types(scene_id: UUID, db: Database) -> Json:
    """Types of the tasks of a scene."""
    return await db.json(types_of(queries.OWN_TASKS), entity_id=scene_id)


@get("/data/sequences/{sequence_id:uuid}/tasks", access=rules.sees(SEQUENCE, "sequence_id"), returns=[DETAILED])
async def sequence_tasks(sequence_id: UUID, query: WithRelations, db: Database, caller: Caller) -> Json:
    """Tasks of a sequence itself."""
    return await _own(db, caller, sequence_id, relations=query.relations)


@get("/data/sequences/{sequence_id:uuid}/task-types", access=rules.sees(SEQUENCE, "sequence_id"), returns=[TASK_TYPE])
async def sequence_task_types(sequence_id: UUID, db: Database) -> Json:
    """Types of the tasks below a sequence."""
    return await db.json(types_of(queries.TASKS_BELOW_SEQUENCE), entity_id=sequence_id)


@get(
    "/data/sequences/{sequence_id:uuid}/shot-tasks",
    access=rules.belongs(SEQUENCE, "sequence_id") & not_vendor,
    returns=[DETAILED],
)
async def sequence_shot_tasks(sequence_id: UUID, query: WithRelations, db: Database, caller: Caller) -> Json:
    """Tasks below a sequence."""
    return await _detailed(db, caller, queries.TASKS_BELOW_SEQUENCE, sequence_id, relations=query.relations)


@get("/data/episodes/{episode_id:uuid}/tasks", access=rules.sees(EPISODE, "episode_id"), returns=[DETAILED])
async def episode_tasks(episode_id: UUID, db: Database, caller: Caller) -> Json:
    """Tasks of an episode itself."""
    return await _own(db, caller, episode_id)


@get("/data/episodes/{episode_id:uuid}/task-types", access=rules.sees(EPISODE, "episode_id"), returns=[TASK_TYPE])
async def episode_task_types(episode_id: UUID, db: Database) -> Json:
    """Types of the tasks below the sequences of an episode."""
    return await db.json(types_of(queries.TASKS_BELOW_EPISODE), entity_id=episode_id)


@get(
    "/data/episodes/{episode_id:uuid}/shot-tasks",
    access=rules.belongs(EPISODE, "episode_id") & not_vendor,
    returns=[DETAILED],
)
async def episode_shot_tasks(episode_id: UUID, query: WithRelations, db: Database, caller: Caller) -> Json:
    """Tasks below the sequences of an episode."""
    return await _detailed(db, caller, queries.TASKS_BELOW_EPISODE, episode_id, relations=query.relations)


@get(
    "/data/episodes/{episode_id:uuid}/asset-tasks",
    access=rules.belongs(EPISODE, "episode_id") & not_vendor,
    returns=[DETAILED],
)
async def episode_asset_tasks(episode_id: UUID, query: WithRelations, db: Database, caller: Caller) -> Json:
    """Tasks of the assets of an episode."""
    return await _detailed(db, caller, queries.ASSET_TASKS_OF_EPISODE, episode_id, relations=query.relations)

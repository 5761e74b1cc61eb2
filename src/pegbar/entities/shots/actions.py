"""Making shots, sequences, episodes and scenes. Source: spec shots, "Creation is idempotent"."""

from typing import Any
from uuid import UUID

from pegbar.core.database import Transaction
from pegbar.core.values import accept
from pegbar.entities.actions import create_entity, named, require_parent
from pegbar.entities.kinds import EPISODE, SCENE, SEQUENCE, SHOT, ensure_type
from pegbar.entities.shots.bodies import NewEpisode, NewScene, NewSequence, NewShot
from pegbar.entities.tables import ENTITY_STATUSES, entity


async def _create_once(
    tx: Transaction, kind: str, project_id: UUID, name: str, parent_id: UUID | None = None, **columns: Any
) -> UUID:
    """The entity of this name and parent, made unless it exists."""
    type_id = await ensure_type(tx, kind)
    existing = await named(tx, project_id, type_id, name, parent_id)
    if existing is not None:
        return existing
    return await create_entity(tx, project_id, type_id, name=name, parent_id=parent_id, **columns)


async def create_shot(tx: Transaction, project_id: UUID, new: NewShot) -> UUID:
    """A shot, made unless its sequence has one of that name. 404 for an unknown sequence."""
    episode_id = None
    if new.sequence_id is not None:
        sequence_type = await ensure_type(tx, SEQUENCE)
        episode_id = await require_parent(tx, project_id, sequence_type, new.sequence_id)
    return await _create_once(
        tx,
        SHOT,
        project_id,
        new.name,
        new.sequence_id,
        data=new.data or {},
        nb_frames=accept(entity.c.nb_frames, new.nb_frames),
        description=new.description,
        about={"episode_id": episode_id},
    )


async def create_sequence(tx: Transaction, project_id: UUID, new: NewSequence) -> UUID:
    """A sequence, made unless its episode has one of that name. 404 for an unknown episode."""
    if new.episode_id is not None:
        await require_parent(tx, project_id, await ensure_type(tx, EPISODE), new.episode_id)
    return await _create_once(
        tx, SEQUENCE, project_id, new.name, new.episode_id, description=new.description, data=new.data or {}
    )


async def create_episode(tx: Transaction, project_id: UUID, new: NewEpisode) -> UUID:
    """An episode, made unless the production has one of that name."""
    status = new.status if new.status in ENTITY_STATUSES else "running"
    return await _create_once(
        tx, EPISODE, project_id, new.name, status=status, description=new.description, data=new.data or {}
    )


async def create_scene(tx: Transaction, project_id: UUID, new: NewScene) -> UUID:
    """A scene, made unless its sequence has one of that name. 404 for an unknown sequence."""
    if new.sequence_id is not None:
        await require_parent(tx, project_id, await ensure_type(tx, SEQUENCE), new.sequence_id)
    return await _create_once(tx, SCENE, project_id, new.name, new.sequence_id, data={})

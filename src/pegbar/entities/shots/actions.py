"""Writes on shots, sequences, episodes and scenes. Source: spec shots, "Creation is idempotent" and "Operations"."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select

from pegbar.config import FALSE, TRUE
from pegbar.core.data.database import Transaction
from pegbar.core.data.resource import Change
from pegbar.core.data.schema import Uuid, utc_now
from pegbar.core.data.values import accept
from pegbar.core.data.writes import check_references
from pegbar.core.errors import BadRequest, NotFound
from pegbar.core.http.access import Caller
from pegbar.core.http.body import validate
from pegbar.entities import events, versions
from pegbar.entities.actions import create_entity, named, require_parent
from pegbar.entities.editing import check_place
from pegbar.entities.kinds import EPISODE, SCENE, SEQUENCE, SHOT, ensure_type
from pegbar.entities.resources import entities
from pegbar.entities.shots.bodies import NewEpisode, NewScene, NewSequence, NewShot, ShotChanges
from pegbar.entities.tables import ENTITY_STATUSES, entity


async def _create_once(
    tx: Transaction, kind: str, project_id: UUID, name: str, parent_id: UUID | None = None, **columns: Any
) -> UUID:
    """The entity of this name and parent, made unless it exists."""
    type_id = await ensure_type(tx, kind)
    existing = await named(tx, kind, project_id, type_id, name, parent_id)
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


_SHOT = select(entity).where(entity.c.id == bindparam("shot_id", type_=Uuid)).with_for_update()

#: The columns that `PUT /data/shots/{id}` takes: a shot stays one.
_TAKEN = (entities.writes.update & frozenset(entity.c.keys())) - {"entity_type_id"}


def _canceled(value: Any) -> Any:
    """A boolean, or a word for one."""
    text = str(value).lower()
    if text not in TRUE | FALSE:
        raise BadRequest(f"canceled: {value!r} is neither true nor false.")
    return text in TRUE


def _changes(document: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that a document changes. Raises InvalidBody or 400, naming the field."""
    validate(document, ShotChanges)
    given = {key: value for key, value in document.items() if key in _TAKEN}
    if given.get("canceled") is not None:
        given["canceled"] = _canceled(given["canceled"])
    return {key: accept(entity.c[key], value) for key, value in given.items()}


async def update_shot(tx: Transaction, caller: Caller, shot_id: UUID, document: Mapping[str, Any]) -> None:
    """Change columns of a shot; its metadata is replaced whole. 400 for a taken name or a parent not a sequence."""
    before = await tx.row(_SHOT, shot_id=shot_id)
    if before is None:
        raise NotFound(f"There is no shot {shot_id}.")
    changes = _changes(document)
    after = {**before, **changes}
    if changes.get("parent_id") is not None:
        sequence_type = await ensure_type(tx, SEQUENCE)
        try:
            await require_parent(tx, before["project_id"], sequence_type, changes["parent_id"])
        except NotFound:
            raise BadRequest("parent_id names no sequence of this production.") from None
    if changes.get("source_id") not in (None, before["source_id"]):
        await check_place(tx, "source_id", changes["source_id"], before["project_id"], shot_id)
    await check_references(entities, Change(tx, caller, document, values=changes, before=before, row_id=shot_id))
    if (after["name"], after["parent_id"]) != (before["name"], before["parent_id"]):
        place = (before["project_id"], before["entity_type_id"], after["name"], after["parent_id"])
        if await named(tx, SHOT, *place, besides=shot_id) is not None:
            raise BadRequest("name: another shot of this sequence has this name.")
    await tx.update(entity, shot_id, **changes)
    edit = versions.Edit(
        person_id=tx.author_id,
        at=utc_now(),
        name_before=before["name"],
        name_after=after["name"],
        before=versions.frames(before["data"]),
        after=versions.frames(after["data"]),
    )
    await versions.record(tx, shot_id, edit)
    tx.emit(events.UPDATE[SHOT], project_id=before["project_id"], shot_id=shot_id)


async def link_shot(tx: Transaction, scene_id: UUID, shot_id: UUID) -> None:
    """Make a shot come from a scene of its production. 404 for an unknown shot or one of another production."""
    scene = await tx.row(_SHOT, shot_id=scene_id)
    shot_type = await ensure_type(tx, SHOT)
    assert scene is not None
    await require_parent(tx, scene["project_id"], shot_type, shot_id)
    await tx.update(entity, shot_id, source_id=scene_id)
    tx.emit(events.UPDATE[SHOT], project_id=scene["project_id"], shot_id=shot_id)
    tx.emit(events.ADD_TO_SCENE, project_id=scene["project_id"], scene_id=scene_id, shot_id=shot_id)


async def unlink_shot(tx: Transaction, scene_id: UUID, shot_id: UUID) -> None:
    """Take a shot from the scene it comes from. 404 for a shot that does not come from it."""
    shot = await tx.row(_SHOT, shot_id=shot_id)
    if shot is None or shot["source_id"] != scene_id:
        raise NotFound(f"The shot {shot_id} does not come from this scene.")
    await tx.update(entity, shot_id, source_id=None)
    tx.emit(events.UPDATE[SHOT], project_id=shot["project_id"], shot_id=shot_id)
    tx.emit(events.REMOVE_FROM_SCENE, project_id=shot["project_id"], scene_id=scene_id, shot_id=shot_id)

"""Changes of shots, and which scene they come from. Source: spec shots, "Operations"."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select

from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import param
from pegbar.core.data.values import accept
from pegbar.core.errors import BadRequest, NotFound
from pegbar.core.http.access import Caller
from pegbar.core.http.body import Strict, validate
from pegbar.entities import editing, events
from pegbar.entities.actions import Metadata, Name, name_is_taken, require_parent, require_place
from pegbar.entities.kinds import SEQUENCE, SHOT, is_kind
from pegbar.entities.resources import entities
from pegbar.entities.shots.kind import Whole
from pegbar.entities.tables import entity
from pegbar.environment import FALSE, TRUE


class ShotChanges(Strict):
    """What is checked of a changed shot before its columns are."""

    name: Name | msgspec.UnsetType = msgspec.UNSET
    description: str | msgspec.UnsetType | None = msgspec.UNSET
    data: Metadata | msgspec.UnsetType | None = msgspec.UNSET
    nb_frames: Whole | msgspec.UnsetType | None = msgspec.UNSET
    parent_id: UUID | msgspec.UnsetType | None = msgspec.UNSET
    canceled: bool | str | int | msgspec.UnsetType = msgspec.UNSET


class LinkedShot(Strict):
    """The shot to link to a scene."""

    shot_id: UUID


#: The columns that `PUT /data/shots/{id}` takes: a shot stays one.
_WRITTEN = (entities.writes.update & entities.columns.keys()) - {"entity_type_id"}

_ENTITY = select(entity).where(entity.c.id == param("entity_id")).with_for_update()
_SEQUENCE = select(entity.c.id).where(
    entity.c.id == param("entity_id"),
    entity.c.project_id == param("project_id"),
    is_kind(SEQUENCE),
)


def _canceled(value: Any) -> Any:
    """A boolean, or a word for one."""
    text = str(value).lower()
    if text not in TRUE | FALSE:
        raise BadRequest(f"canceled: {value!r} is neither true nor false.")
    return text in TRUE


def _columns(document: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that a document changes. Raises InvalidBody or 400, naming the field."""
    validate(document, ShotChanges)
    values = {key: value for key, value in document.items() if key in _WRITTEN}
    if values.get("canceled") is not None:
        values["canceled"] = _canceled(values["canceled"])
    return {key: accept(entity.c[key], value) for key, value in values.items()}


async def update_shot(tx: Transaction, caller: Caller, shot_id: UUID, document: Mapping[str, Any]) -> None:
    """Change columns of a shot; its metadata is replaced whole. 400 for a taken name or a parent not a sequence."""
    change = await editing.begin(tx, caller, shot_id, document)
    change.values = _columns(document)
    parent_id = change.values.get("parent_id")
    if parent_id is not None:
        if await tx.value(_SEQUENCE, entity_id=parent_id, project_id=change.after("project_id")) is None:
            raise BadRequest("parent_id names no sequence of this production.")
        change.vouched.add("parent_id")
    await require_place([change])
    if await name_is_taken(change, SHOT):
        raise BadRequest("name: another shot of this sequence has this name.")
    await editing.write(change, SHOT)


async def link_shot(tx: Transaction, scene_id: UUID, shot_id: UUID) -> None:
    """Make a shot come from a scene of its production. 404 for an unknown shot or one of another production."""
    scene = await tx.row(_ENTITY, entity_id=scene_id)
    assert scene is not None
    await require_parent(tx, scene["project_id"], SHOT, shot_id)
    await tx.update(entity, shot_id, source_id=scene_id)
    tx.emit(events.UPDATE[SHOT], project_id=scene["project_id"], shot_id=shot_id)
    tx.emit(events.ADD_TO_SCENE, project_id=scene["project_id"], scene_id=scene_id, shot_id=shot_id)


async def unlink_shot(tx: Transaction, scene_id: UUID, shot_id: UUID) -> None:
    """Take a shot from the scene it comes from. 404 for a shot that does not come from it."""
    shot = await tx.row(_ENTITY, entity_id=shot_id)
    if shot is None or shot["source_id"] != scene_id:
        raise NotFound(f"The shot {shot_id} does not come from this scene.")
    await tx.update(entity, shot_id, source_id=None)
    tx.emit(events.UPDATE[SHOT], project_id=shot["project_id"], shot_id=shot_id)
    tx.emit(events.REMOVE_FROM_SCENE, project_id=shot["project_id"], scene_id=scene_id, shot_id=shot_id)

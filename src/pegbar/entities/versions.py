"""The history of a shot's name and frame range. Source: spec shots, "Shot versions"."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import insert, select, update

from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import String
from pegbar.entities.tables import entity, entity_version

#: Seconds since the last change, and since the beginning, within which edits of one person make one version.
PAUSE, BURST = 60, 300

Frames = tuple[Any, Any]


def frames(data: Any) -> Frames:
    """The frame range of a shot's metadata; a missing frame is 0, an explicit null stays."""
    known: Mapping[str, Any] = data if isinstance(data, dict) else {}
    return known.get("frame_in", 0), known.get("frame_out", 0)


@dataclass(frozen=True)
class Edit:
    """A change of a shot, as far as its history is concerned."""

    person_id: UUID | None
    at: datetime
    name_before: str
    name_after: str
    before: Frames
    after: Frames

    @property
    def matters(self) -> bool:
        """Whether the name or the range changes."""
        return self.name_before != self.name_after or self.before != self.after


@dataclass(frozen=True)
class Version:
    """The latest version of a shot."""

    id: UUID
    person_id: UUID | None
    name: str
    frames: Frames
    created_at: datetime
    updated_at: datetime


def _seconds(start: datetime, end: datetime) -> float:
    return (end.replace(microsecond=0) - start.replace(microsecond=0)).total_seconds()


def folds(version: Version, edit: Edit) -> bool:
    """Whether an edit goes into the latest version instead of making one: it belongs to the same burst."""
    if version.person_id != edit.person_id:
        return False
    if edit.before != edit.after and version.name != edit.name_before:
        return False
    for recorded, before, after in zip(version.frames, edit.before, edit.after, strict=True):
        if before == after and recorded != before:
            return False
    return _seconds(version.updated_at, edit.at) <= PAUSE and _seconds(version.created_at, edit.at) <= BURST


_shot_id = param("shot_id")
_LATEST = (
    select(entity_version)
    .where(entity_version.c.entity_id == _shot_id)
    .order_by(entity_version.c.created_at.desc(), entity_version.c.id)
    .limit(1)
)
_DATA_NOW = select(entity.c.data).where(entity.c.id == _shot_id).scalar_subquery()
_FOLD = (
    update(entity_version)
    .where(entity_version.c.id == param("version_id"))
    .values(data=_DATA_NOW, updated_at=param("at"))
)
_ADD = insert(entity_version).from_select(
    ["id", "created_at", "updated_at", "name", "entity_id", "person_id", "data"],
    select(
        param("version_id"),
        param("at"),
        param("at"),
        param("name", String),
        entity.c.id,
        param("person_id"),
        entity.c.data,
    ).where(entity.c.id == _shot_id),
)


async def record(tx: Transaction, shot_id: UUID, edit: Edit) -> None:
    """Keep the shot's previous name with its new metadata, if the edit matters to its history."""
    if not edit.matters:
        return
    row = await tx.row(_LATEST, shot_id=shot_id)
    if row is not None:
        latest = Version(
            row["id"], row["person_id"], row["name"], frames(row["data"]), row["created_at"], row["updated_at"]
        )
        if folds(latest, edit):
            await tx.execute(_FOLD, version_id=latest.id, shot_id=shot_id, at=edit.at)
            return
    await tx.execute(
        _ADD, version_id=uuid4(), at=edit.at, name=edit.name_before, person_id=edit.person_id, shot_id=shot_id
    )

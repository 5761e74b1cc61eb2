"""The history of a shot's name and frame range. Source: spec shots, "Shot versions"."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import sql

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


_LATEST = sql(
    """
    SELECT DISTINCT ON (entity_id) id, entity_id, person_id, name, data, created_at, updated_at
      FROM entity_version WHERE entity_id = ANY(:ids) ORDER BY entity_id, created_at DESC, id
    """
)
_FOLD = sql(
    """
    UPDATE entity_version SET data = entity.data, updated_at = :at
      FROM entity WHERE entity_version.id = ANY(:ids) AND entity.id = entity_version.entity_id
    """
)
_ADD = sql(
    """
    INSERT INTO entity_version (id, created_at, updated_at, name, entity_id, person_id, data)
    SELECT pegbar.new_id(), :at, :at, edited.name, entity.id, edited.person_id, entity.data
      FROM unnest(:ids, :names ::text[], :person_ids) AS edited (id, name, person_id)
      JOIN entity ON entity.id = edited.id
    """
)


async def record(tx: Transaction, edits: Mapping[UUID, Edit]) -> None:
    """Keep the previous names of shots with their new metadata, where edits matter to their history. All are of now."""
    edits = {shot_id: edit for shot_id, edit in edits.items() if edit.matters}
    if not edits:
        return
    folded: dict[UUID, UUID] = {}
    for row in await tx.rows(_LATEST, ids=list(edits)):
        about = (row["id"], row["person_id"], row["name"], frames(row["data"]), row["created_at"], row["updated_at"])
        if folds(Version(*about), edits[row["entity_id"]]):
            folded[row["entity_id"]] = row["id"]
    at = next(iter(edits.values())).at
    if folded:
        await tx.execute(_FOLD, ids=list(folded.values()), at=at)
    new = {shot_id: edit for shot_id, edit in edits.items() if shot_id not in folded}
    if new:
        names, persons = [edit.name_before for edit in new.values()], [edit.person_id for edit in new.values()]
        await tx.execute(_ADD, ids=list(new), names=names, person_ids=persons, at=at)

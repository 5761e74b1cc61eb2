"""The entries of a playlist: which entity, in which preview. Source: spec review, "Entries of playlist.shots"."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import any_, select

from pegbar.core.data import belonging
from pegbar.core.data.database import Reader
from pegbar.core.data.parameters import param
from pegbar.core.data.values import check_json
from pegbar.core.errors import BadRequest
from pegbar.entities.tables import entity
from pegbar.media.tables import preview_file
from pegbar.tasks.tables import task

Entry = dict[str, Any]

_ENTITIES_OF_PREVIEWS = (
    select(preview_file.c.id, task.c.entity_id)
    .join(task, task.c.id == preview_file.c.task_id)
    .where(preview_file.c.id == any_(param("preview_ids")))
)


def as_uuid(value: Any) -> UUID | None:
    """A UUID, or None for anything else."""
    try:
        return value if isinstance(value, UUID) else UUID(value)
    except (ValueError, TypeError, AttributeError):
        return None


def entity_of(entry: Mapping[str, Any]) -> Any:
    """The entity of a stored entry, which old playlists name otherwise."""
    return entry.get("id") or entry.get("shot_id") or entry.get("entity_id")


async def own_previews(db: Reader, entries: Iterable[Mapping[str, Any]]) -> list[Entry]:
    """The entries, with the previews that are not of their own entity set to null."""
    listed = [dict(entry) for entry in entries]
    preview_ids = {preview_id for entry in listed if (preview_id := as_uuid(entry.get("preview_file_id")))}
    owners: dict[UUID, UUID] = {}
    if preview_ids:
        rows = await db.rows(_ENTITIES_OF_PREVIEWS, preview_ids=list(preview_ids))
        owners = {row["id"]: row["entity_id"] for row in rows}
    for entry in listed:
        if "preview_file_id" in entry:
            preview_id = as_uuid(entry["preview_file_id"])
            mine = preview_id in owners and owners[preview_id] == as_uuid(entity_of(entry))
            entry["preview_file_id"] = str(preview_id) if mine else None
    return listed


async def check_places(
    db: Reader, project_id: UUID | None, entries: Iterable[Mapping[str, Any]], stored: Iterable[Any], field: str
) -> None:
    """Refuse (400) entities of other productions, unless they are shared or the playlist holds them already."""
    kept = {as_uuid(entity_of(entry)) for entry in stored if isinstance(entry, dict)}
    wanted = {of for entry in entries if (of := as_uuid(entity_of(entry))) is not None} - kept
    for entity_id in await belonging.foreign(db, entity, wanted, project_id):
        raise BadRequest(f"{field}: {entity_id} is not of this production.")


def checked(value: Any) -> list[Entry]:
    """What a caller sent as entries; 400 unless it is a list of objects."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise BadRequest("shots must be a list of objects with entity_id and preview_file_id.")
    for entry in value:
        if not isinstance(entity_of(entry) or "", str):
            raise BadRequest(f"shots: {str(entity_of(entry))[:80]!r} is no id of an entity.")
    check_json("shots", value)
    return value


def canonical(entries: Iterable[Mapping[str, Any]]) -> list[Entry]:
    """The entries with their two keys only; those without an entity are dropped."""
    return [
        {"entity_id": entity_id, "preview_file_id": entry.get("preview_file_id")}
        for entry in entries
        if (entity_id := entry.get("entity_id") or entry.get("id"))
    ]

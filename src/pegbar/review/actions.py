"""What people do with playlists. Source: spec review, "add-entity, add-entities", "…/playlists/temp"."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from pegbar.core.data.database import Json, Reader, Transaction
from pegbar.core.errors import BadRequest, NotFound
from pegbar.core.http.access import Caller, require
from pegbar.review import additions, entries, queries, reading
from pegbar.review.entries import as_uuid
from pegbar.review.events import PLAYLIST_ADD_ENTITY
from pegbar.review.resources import check_editor
from pegbar.review.tables import playlist

Couple = tuple[UUID, UUID | None]


async def check_for_clients(db: Reader, playlist_id: UUID) -> None:
    """Refuse (403) a playlist that is not made for clients: for them, who read no other."""
    row = await db.row(queries.playlist_state, playlist_id=playlist_id)
    require(row is not None and bool(row["for_client"]), "This playlist is not for clients.")


async def temporary_entries(
    db: Reader, task_ids: Sequence[UUID], entity_ids: Sequence[UUID], *, is_sorted: bool
) -> Json:
    """The entries of a playlist that is made of tasks for the moment. Raises NotFound, Forbidden; all come or none."""
    rows = await db.rows(
        reading.entries_of_tasks, task_ids=list(task_ids), entity_ids=list(entity_ids), is_sorted=is_sorted
    )
    unknown = set(task_ids) - {row["task_id"] for row in rows}
    if unknown:
        raise NotFound(f"There is no task {min(unknown)}.")
    for row in rows:
        require(row["reached"], f"The task {row['task_id']} is not for you.")
    return Json(f"[{','.join(row['entry'] for row in rows)}]".encode())


async def add_entities(tx: Transaction, caller: Caller, playlist_id: UUID, wanted: Sequence[Couple]) -> Json:
    """Append entities to a playlist, in the preview given or in their latest one; the playlist.

    Couples that it holds are left out. The playlist's row is locked, so nobody's addition is lost.
    """
    row = await tx.row(queries.locked_playlist, playlist_id=playlist_id)
    if row is None:
        raise NotFound(f"There is no playlist {playlist_id}.")
    check_editor(caller, row["created_by"])
    requested = [
        {"entity_id": str(of), "preview_file_id": None if preview is None else str(preview)} for of, preview in wanted
    ]
    stored: list[Any] = list(row["shots"] or [])
    await _check_known(tx, requested)
    await entries.check_places(tx, row["project_id"], requested, stored, "entity_id")
    chosen = await entries.own_previews(tx, requested)
    bare = [UUID(entry["entity_id"]) for entry in chosen if entry["preview_file_id"] is None]
    latest: dict[str, str] = {}
    if bare:
        rows = await tx.rows(queries.latest_previews, entity_ids=bare, task_type_id=row["task_type_id"])
        latest = {str(preview["entity_id"]): str(preview["id"]) for preview in rows}
    known = {_couple(entry) for entry in stored if isinstance(entry, dict)}
    added = []
    for entry in chosen:
        preview_id = entry["preview_file_id"] or latest.get(entry["entity_id"])
        new = {"entity_id": entry["entity_id"], **({"preview_file_id": preview_id} if preview_id else {})}
        if _couple(new) not in known:
            known.add(_couple(new))
            added.append(new)
    if added:
        await tx.update(playlist, playlist_id, shots=[*stored, *added])
        await additions.record(tx, playlist_id, [_couple(new) for new in added])
    for new in added:
        tx.emit(
            PLAYLIST_ADD_ENTITY,
            project_id=row["project_id"],
            playlist_id=playlist_id,
            entity_id=new["entity_id"],
            preview_file_id=new.get("preview_file_id"),
        )
    answer = await tx.json_row(queries.playlist_row, playlist_id=playlist_id)
    assert answer is not None
    return answer


async def _check_known(tx: Transaction, requested: Sequence[entries.Entry]) -> None:
    entity_ids = list(dict.fromkeys(UUID(entry["entity_id"]) for entry in requested))
    known = set(await tx.column(queries.known_entities, entity_ids=entity_ids))
    for entity_id in entity_ids:
        if entity_id not in known:
            raise BadRequest(f"entity_id: there is no entity {entity_id}.")


def _couple(entry: dict[str, Any]) -> Couple | tuple[None, None]:
    """What makes an entry the same as another. Old ones that hold only `id` are like no other."""
    of = as_uuid(entry.get("entity_id"))
    return (None, None) if of is None else (of, as_uuid(entry.get("preview_file_id")))

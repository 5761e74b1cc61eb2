"""What people do with previews. Source: spec media, operations."""

from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import any_, func, select, text

from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import utc_now
from pegbar.core.data.values import check_json, to_int
from pegbar.core.data.wire import json_object, wire_of
from pegbar.core.errors import InvalidBody, NotFound
from pegbar.entities.tables import entity
from pegbar.media import annotations, faces, queries, revisions
from pegbar.media.events import PREVIEW_ANNOTATED, PREVIEW_UPDATE
from pegbar.media.movies.chosen import SHOW_FRAME, check_frame, show_frame
from pegbar.media.removal import remove_previews
from pegbar.media.tables import preview_file
from pegbar.tasks.tables import comment, comment_preview_link, task

_ON_COMMENT = (
    select(comment.c.id, comment.c.person_id, comment.c.for_client, task.c.project_id)
    .join(comment_preview_link, comment_preview_link.c.comment == comment.c.id)
    .join(task, task.c.id == comment.c.object_id)
    .join(
        preview_file,
        (preview_file.c.id == comment_preview_link.c.preview_file) & (preview_file.c.task_id == task.c.id),
    )
    .where(
        comment.c.id == param("comment_id"),
        comment.c.object_id == param("task_id"),
        comment_preview_link.c.preview_file == param("preview_id"),
    )
)
_ENTITY = (
    select(
        json_object(
            wire_of(entity, "Entity").but(
                preview_file_status=select(preview_file.c.status)
                .where(preview_file.c.id == entity.c.preview_file_id)
                .scalar_subquery()
            )
        )
    )
    .select_from(entity)
    .where(entity.c.id == param("entity_id"))
)
_IDS = param("preview_ids")
_IN_ORDER = (
    select(json_object(queries.PREVIEW))
    .where(preview_file.c.id == any_(_IDS))
    .order_by(func.array_position(_IDS, preview_file.c.id))
)
_ANNOTATIONS = (
    select(preview_file.c.annotations, task.c.project_id)
    .select_from(preview_file.outerjoin(task, task.c.id == preview_file.c.task_id))
    .where(preview_file.c.id == param("preview_id"))
    .with_for_update(of=preview_file)
)
#: Milliseconds to wait for others who change the same preview; 503 after them.
_PATIENCE = text("SET LOCAL lock_timeout = 5000")


def at_least_zero(name: str, value: Any) -> int:
    """A whole number from 0 on; 400 naming the field."""
    number = to_int(name, value)
    if number < 0:
        raise InvalidBody([(name, "must not be negative")])
    return number


async def with_comments(tx: Transaction, preview_id: UUID) -> Json:
    """A preview with the ids of its comments."""
    row = await tx.json_row(queries.preview_with_comments, preview_id=preview_id)
    assert row is not None
    return row


async def _state(tx: Transaction, preview_id: UUID) -> asyncpg.Record:
    row = await tx.row(queries.locked_preview_state, preview_id=preview_id)
    if row is None:
        raise NotFound(f"There is no preview {preview_id}.")
    return row


async def check_on_comment(tx: Transaction, task_id: UUID, comment_id: UUID, preview_id: UUID) -> asyncpg.Record:
    """Raise NotFound unless the preview is one of this comment, and the comment one of this task."""
    row = await tx.row(_ON_COMMENT, task_id=task_id, comment_id=comment_id, preview_id=preview_id)
    if row is None:
        raise NotFound(f"There is no preview {preview_id} on the comment {comment_id} of this task.")
    return row


async def remove_from_comment(
    tx: Transaction, task_id: UUID, comment_id: UUID, preview_id: UUID, *, force: bool = False
) -> None:
    """Remove a preview of a comment, with its files; the comment stays."""
    comment_row = await check_on_comment(tx, task_id, comment_id, preview_id)
    await remove_previews(tx, [preview_id], force=force)
    revisions.emit_comment_update(tx, comment_row, task_id, comment_row["project_id"])


async def remove(tx: Transaction, preview_id: UUID, *, force: bool = False) -> None:
    """Delete a preview, with its files."""
    await _state(tx, preview_id)
    await remove_previews(tx, [preview_id], force=force)


async def set_main(tx: Transaction, preview_id: UUID) -> Json:
    """Make a preview stand for its entity; the entity."""
    await _state(tx, preview_id)
    entity_id = await faces.stand_for_entity(tx, preview_id)
    if entity_id is None:
        raise NotFound("This preview is of no entity.")
    row = await tx.json_row(_ENTITY, entity_id=entity_id)
    assert row is not None
    return row


async def set_main_frame(db: Database, caller_id: UUID, preview_id: UUID, frame: int, *, in_job: bool) -> Json:
    """The same for a movie, which shows one of its frames from then on.

    Raises BadRequest for what is no movie, and for a frame that it does not have.
    """
    await check_frame(db, preview_id, frame)
    if not in_job:
        await show_frame(db, preview_id, frame, holder=caller_id)

    async def stand(tx: Transaction) -> Json:
        if in_job:
            tx.defer(SHOW_FRAME, preview_id=preview_id, frame=frame)
        return await set_main(tx, preview_id)

    return await db.write(caller_id, stand)


async def move(tx: Transaction, preview_id: UUID, position: int) -> Json:
    """Move a preview in its revision; the previews of it in their order.

    From "Worth fixing": the main preview of a revision stands for the task, so a new one is told and takes its place.
    """
    state = await _state(tx, preview_id)
    ids, changed = await revisions.move(tx, state, position)
    if changed:
        for sibling_id in ids:
            tx.emit(PREVIEW_UPDATE, project_id=state["project_id"], preview_file_id=sibling_id)
        await faces.follow_position(tx, ids)
    return await tx.json(_IN_ORDER, preview_ids=list(ids))


async def annotate(
    tx: Transaction,
    author_id: UUID,
    preview_id: UUID,
    additions: list[dict[str, Any]],
    updates: list[dict[str, Any]],
    deletions: list[dict[str, Any]],
) -> Json:
    """Change the drawings over a preview, one writer at a time; the preview.

    For everybody who draws, guests of share links too: who may is for the route to say.
    """
    for kind, entries in (("additions", additions), ("updates", updates), ("deletions", deletions)):
        annotations.check(kind, entries)
        check_json(kind, entries)
    await tx.execute(_PATIENCE)
    row = await tx.row(_ANNOTATIONS, preview_id=preview_id)
    if row is None:
        raise NotFound(f"There is no preview {preview_id}.")
    now = utc_now()
    after = annotations.changed(row["annotations"], additions, updates, deletions)
    annotations.check_size(after)
    await tx.update(preview_file, preview_id, annotations=after, updated_at=now)
    tx.emit(
        PREVIEW_ANNOTATED,
        project_id=row["project_id"],
        preview_file_id=preview_id,
        person_id=author_id,
        updated_at=now,
    )
    answer = await tx.json_row(queries.preview_row, preview_id=preview_id)
    assert answer is not None
    return answer

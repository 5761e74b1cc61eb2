"""An upload becomes a preview. Source: spec media, "Preview lifecycle", "Upload kinds", "Picture pipeline".

What is slow (decoding, storing) happens before the transaction that makes it visible; that one is short and checks
again that nobody else uploaded meanwhile. From "Worth fixing": a refused upload keeps the row, and a broken preview may
be uploaded again.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import select

from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.data.parameters import param
from pegbar.core.errors import Conflict, NotFound
from pegbar.core.http.uploads import Upload
from pegbar.core.storage import Address, mark_deleted, record, store
from pegbar.core.work.jobs import job
from pegbar.media import addresses, faces, queries, variants
from pegbar.media.events import PREVIEW_ADD_FILE, PREVIEW_UPDATE
from pegbar.media.movies.jobs import make_later
from pegbar.media.movies.making import data_after, encodes, made
from pegbar.media.movies.workshop import UnreadableMovie
from pegbar.media.pictures import DERIVED, ORIGINAL, rendered
from pegbar.media.revisions import emit_comment_update
from pegbar.media.tables import preview_file
from pegbar.media.variants import Stored, store_rendered
from pegbar.tasks.tables import comment, comment_preview_link

_SAID = (
    select(comment.c.id, comment.c.person_id, comment.c.for_client)
    .join(comment_preview_link, comment_preview_link.c.comment == comment.c.id)
    .where(comment_preview_link.c.preview_file == param("preview_id"))
    .order_by(comment.c.created_at)
    .limit(1)
)


def check_waiting(state: asyncpg.Record | None, preview_id: UUID) -> asyncpg.Record:
    """Refuse an upload to a preview that has its file. Raises NotFound and Conflict."""
    if state is None:
        raise NotFound(f"There is no preview {preview_id}.")
    if state["original_name"] and state["status"] != "broken":
        raise Conflict("This preview already has its file; add another preview to the comment instead.")
    return state


async def publish(
    db: Database,
    author_id: UUID,
    preview_id: UUID,
    upload: Upload,
    *,
    in_job: bool = False,
    normalize: bool = True,
) -> Json:
    """Store an upload as the file of a preview; the preview as JSON. Movies are shown as they are without `normalize`.

    Raises BadRequest for a type of file that is not taken and for a picture that cannot be read, Conflict when the
    preview has its file. A movie that cannot be read is a broken preview.
    """
    check_waiting(await db.row(queries.preview_state, preview_id=preview_id), preview_id)
    kind = addresses.kind_of(upload.extension)
    columns: dict[str, Any] = {"original_name": upload.stem[:250], "status": "ready"}
    if kind == "picture":
        stored, more = await _take_picture(author_id, preview_id, upload.path, in_job=in_job)
    elif kind == "movie":
        stored, more = await _take_movie(db, author_id, preview_id, upload, in_job=in_job, encode=encodes(normalize))
    else:
        stored, more = await _take_other(preview_id, upload)
    viewable = None
    if upload.extension in addresses.VIEWABLE:
        viewable = await variants.of_upload(db, author_id, preview_id, upload, in_job=in_job)
        stored += viewable.stored
    async with db.transaction(author_id) as tx:
        state = check_waiting(await tx.row(queries.locked_preview_state, preview_id=preview_id), preview_id)
        columns |= {**more, "data": data_after(state["data"], more.get("data", {})) or None}
        if state["status"] == "broken":
            await _forget(tx, preview_id, columns, [address for address, _ in stored])
        await tx.update(preview_file, preview_id, **columns)
        for address, size in stored:
            await record(tx, address, size)
        await announce(tx, state, columns, kind)
        derive_later(tx, preview_id, columns)
        row = await tx.json_row(queries.preview_row, preview_id=preview_id)
        assert row is not None
        if viewable is not None:
            await variants.note(tx, preview_id, viewable)
        return row


async def _forget(tx: Transaction, preview_id: UUID, columns: dict[str, Any], stored: list[Address]) -> None:
    """Remove what a broken preview had stored and the new one will not write."""
    kept = set(addresses.all_of_preview(preview_id, columns["extension"]))
    if columns["status"] == "ready":
        kept.discard(addresses.movie("source", preview_id))
    gone = [
        address for address in addresses.all_of_preview(preview_id) if address not in kept and address not in stored
    ]
    await mark_deleted(tx, gone, force=True)


async def announce(tx: Transaction, state: asyncpg.Record, columns: dict[str, Any], kind: addresses.Kind) -> None:
    """The events of an upload, in the order clients know."""
    preview_id, project_id, status = state["id"], state["project_id"], columns["status"]
    tx.emit(PREVIEW_UPDATE, project_id=project_id, preview_file_id=preview_id, status=status)
    if status == "ready" and kind != "other" and state["position"] == 1:
        await faces.stand_for_task(tx, preview_id)
    if kind == "movie" and status != "processing":
        tx.emit(PREVIEW_UPDATE, project_id=project_id, preview_file_id=preview_id)
    elif kind == "picture" and status == "ready":
        tx.emit(PREVIEW_UPDATE, project_id=project_id, preview_file_id=preview_id, status=status)
    comment_row = await tx.row(_SAID, preview_id=preview_id)
    if comment_row is None:
        return
    emit_comment_update(tx, comment_row, state["task_id"], project_id)
    tx.emit(
        PREVIEW_ADD_FILE,
        project_id=project_id,
        comment_id=comment_row["id"],
        task_id=state["task_id"],
        preview_file_id=preview_id,
        revision=state["revision"],
        extension=columns["extension"],
        status=status,
    )


async def _take_picture(
    author_id: UUID, preview_id: UUID, source: Path, *, in_job: bool
) -> tuple[list[Stored], dict[str, Any]]:
    """The picture as PNG and, unless a job makes them, what is derived from it."""
    pictures = (ORIGINAL,) if in_job else (ORIGINAL, *DERIVED)
    async with rendered(source, pictures, holder=author_id) as picture:
        stored = await store_rendered(preview_id, picture)
        columns = {"extension": "png", "width": picture.width, "height": picture.height, "file_size": stored[0][1]}
    return stored, {**columns, "status": "processing" if in_job else "ready"}


async def _take_movie(
    db: Database, author_id: UUID, preview_id: UUID, upload: Upload, *, in_job: bool, encode: bool
) -> tuple[list[Stored], dict[str, Any]]:
    """The movie as it is shown, or its source alone, which leaves the preview `processing` until a job has made it."""
    if not upload.size:
        raise UnreadableMovie("The movie is empty.")
    if in_job and encode:
        address = addresses.movie("source", preview_id)
        stored = [(address, await store().put(address, upload.path))]
        columns = {"extension": "mp4", "file_size": upload.size, "width": 0, "height": 0, "duration": 0.0}
        return stored, {**columns, "status": "processing", "data": {"movie_prefixes": ["source"]}}
    async with made(db, preview_id, upload.path, encode=encode, holder=author_id) as movie:
        # It took its time: what somebody else uploaded meanwhile is not written over.
        check_waiting(await db.row(queries.preview_state, preview_id=preview_id), preview_id)
        stored = await movie.store()
    return stored, movie.columns


async def _take_other(preview_id: UUID, upload: Upload) -> tuple[list[Stored], dict[str, Any]]:
    address = addresses.other(preview_id)
    size = await store().put(address, upload.path)
    return [(address, size)], {"extension": upload.extension, "file_size": size}


DERIVE = job("media.derive_pictures")


def derive_later(tx: Transaction, preview_id: UUID, columns: Mapping[str, Any]) -> None:
    """Leave the thumbnails of a picture that has none yet, and a movie of which there is the source alone, to a job."""
    if columns["status"] != "processing":
        return
    if columns["extension"] == "png":
        tx.defer(DERIVE, preview_id=preview_id)
    elif columns["extension"] == "mp4" and columns["original_name"]:
        make_later(tx, preview_id)


@DERIVE.task
async def derive_pictures(db: Database, *, preview_id: str) -> None:
    """Make the thumbnails of a picture that an upload left for later; the preview is then ready, or broken."""
    row_id = UUID(preview_id)
    derived = await variants.remade(db, row_id, addresses.picture("original", row_id))
    await _end(db, row_id, derived.error, derived.stored)


@DERIVE.given_up
async def leave_broken(db: Database, *, preview_id: str) -> None:
    """The preview of a picture whose storage stayed away is broken, and may be uploaded again."""
    await _end(db, UUID(preview_id), "Its thumbnails could not be made or stored; the log of the server tells why.")


async def _end(db: Database, preview_id: UUID, error: str | None, stored: Sequence[Stored] = ()) -> None:
    status = "broken" if error else "ready"
    async with db.transaction() as tx:
        state = await tx.row(queries.locked_preview_state, preview_id=preview_id)
        if state is None:
            return
        columns = {"data": {**(state["data"] or {}), "error": error}} if error else {}
        await tx.update(preview_file, preview_id, status=status, **columns)
        for address, size in stored:
            await record(tx, address, size)
        tx.emit(PREVIEW_UPDATE, project_id=state["project_id"], preview_file_id=preview_id, status=status)
        if status == "ready" and state["position"] == 1:
            await faces.stand_for_task(tx, preview_id)

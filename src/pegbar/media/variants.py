"""The pictures derived from what is stored of a preview: thumbnails, and a picture to view.

They are made in the request, or by a job where the studio wants that or the picture is large, and again by `pegbar
media thumbnails`. Source: spec media, "Picture pipeline", "Job queue", "Admin commands expected"; beyond it, EXR, PSD
and other files that are kept as they come get the same variants. Their rows stay as specified, ready and 0 x 0: what
goes wrong with the variants is in `data.variants_error` and in the log.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import structlog

from pegbar.config import settings
from pegbar.core.data.database import Database, Transaction
from pegbar.core.data.parameters import sql
from pegbar.core.data.schema import Text, utc_now
from pegbar.core.errors import ApiError
from pegbar.core.http.uploads import Upload
from pegbar.core.storage import Address, disk_errors, fetch, record, store
from pegbar.core.turns import Holder
from pegbar.core.work.jobs import job
from pegbar.media import addresses, faces, queries
from pegbar.media.events import PREVIEW_UPDATE
from pegbar.media.pictures import DERIVED, Colour, LargePicture, Rendered, UnreadablePicture, rendered
from pegbar.media.tables import preview_file

log = structlog.get_logger()

#: The extensions of files that are kept as they come, and shown by pictures made from them.
VIEWABLE = addresses.VIEWABLE | addresses.PHOTOS

#: A binary that is stored, not yet recorded.
Stored = tuple[Address, int]


@dataclass(frozen=True)
class Derived:
    """What was made of a file that is kept as it came: the pictures, else why there are none, or that a job makes them."""

    stored: list[Stored] = field(default_factory=list)
    error: str | None = None
    later: bool = False


async def store_rendered(preview_id: UUID, picture: Rendered) -> list[Stored]:
    """Store the pictures that were made for a preview."""
    stored = []
    for prefix, path in picture.files.items():
        address = addresses.picture(prefix, preview_id)
        stored.append((address, await store().put(address, path)))
    return stored


async def _derive(
    db: Database, holder: Holder, preview_id: UUID, source: Path, name: str, *, small_only: bool = False
) -> Derived:
    """Make and store the variants of a file. Raises LargePicture, and ApiError for what may pass by itself."""
    colour = Colour.of(await db.value(queries.production_data, preview_id=preview_id))
    try:
        async with rendered(source, DERIVED, holder=holder, name=name, colour=colour, small_only=small_only) as picture:
            return Derived(await store_rendered(preview_id, picture))
    except UnreadablePicture as error:
        log.warning("the variants of a preview cannot be made", preview=str(preview_id), reason=error.message)
        return Derived(error=error.message)


async def of_upload(db: Database, holder: Holder, preview_id: UUID, upload: Upload, *, in_job: bool) -> Derived:
    """The variants of an upload that is kept as it comes; a large one's are left to a job. Nothing here refuses it."""
    if in_job:
        return Derived(later=True)
    try:
        return await _derive(db, holder, preview_id, upload.path, upload.name, small_only=True)
    except LargePicture:
        return Derived(later=True)
    except ApiError as error:
        log.warning("the variants of a preview are made later", preview=str(preview_id), reason=error.message)
        return Derived(later=True)


_NOTE = sql(
    """
    UPDATE preview_file SET data = nullif(
             CASE WHEN :error ::text IS NULL THEN coalesce(nullif(data, 'null'), '{}') - 'variants_error'
                  ELSE coalesce(nullif(data, 'null'), '{}') || jsonb_build_object('variants_error', :error ::text) END,
             '{}'), updated_at = :now
     WHERE id = :preview_id AND (:error ::text IS NOT NULL OR data ? 'variants_error')
       AND coalesce(jsonb_typeof(data), 'null') IN ('object', 'null')
    """,
    error=Text,
)


async def note(tx: Transaction, preview_id: UUID, error: str | None) -> None:
    """Keep in a preview's data why it has no variants; forget it when it has."""
    await tx.execute(_NOTE, preview_id=preview_id, error=error, now=utc_now())


DERIVE = job("media.derive_pictures")


def derive_later(
    tx: Transaction, preview_id: UUID, columns: Mapping[str, Any], *, viewable: Derived | None = None
) -> None:
    """Leave the variants of a preview that has none yet to a job."""
    waits = columns["status"] == "processing" and columns["extension"] == "png"
    if waits or (viewable is not None and viewable.later):
        tx.defer(DERIVE, preview_id=preview_id)


@DERIVE.task
async def derive_pictures(db: Database, *, preview_id: str) -> None:
    """Make the variants that an upload left for later. A picture is then ready, or broken; other kinds were ready."""
    await rebuild(db, UUID(preview_id), in_job=True)


async def rebuild(db: Database, preview_id: UUID, *, in_job: bool = False) -> str | None:
    """Make the variants of a preview from what is stored of it; why they cannot be made, or None.

    Raises ApiError for what may pass by itself.
    """
    state = await db.row(queries.preview_state, preview_id=preview_id)
    if state is None:
        return "the preview is deleted"
    extension = (state["extension"] or "").lower()
    viewable = extension in VIEWABLE
    source = addresses.other(preview_id) if viewable else addresses.picture("original", preview_id)
    folder = settings().upload_folder
    with disk_errors():
        folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder, prefix="derive-") as scratch:
        copy = Path(scratch) / "source"
        if not await fetch(source, copy):
            derived = Derived(error="its file is not stored")
        else:
            try:
                derived = await _derive(db, None, preview_id, copy, f"{state['original_name']}.{extension}")
            except ApiError as error:
                log.warning("the variants of a preview are tried again", preview=str(preview_id), reason=error.message)
                raise
    await _settle(db, preview_id, derived, viewable=viewable, in_job=in_job)
    return derived.error


async def _settle(db: Database, preview_id: UUID, derived: Derived, *, viewable: bool, in_job: bool) -> None:
    """Write what became of a preview, unless it was deleted meanwhile. Only an upload's job changes its status."""
    async with db.transaction() as tx:
        state = await tx.row(queries.locked_preview_state, preview_id=preview_id)
        if state is None:
            return
        status = state["status"]
        if viewable:
            await note(tx, preview_id, derived.error)
        elif in_job:
            status = "broken" if derived.error else "ready"
            await tx.update(preview_file, preview_id, status=status)
        for address, size in derived.stored:
            await record(tx, address, size)
        if derived.stored or in_job:
            tx.emit(PREVIEW_UPDATE, project_id=state["project_id"], preview_file_id=preview_id, status=status)
        if in_job and not viewable and status == "ready" and state["position"] == 1:
            await faces.stand_for_task(tx, preview_id)

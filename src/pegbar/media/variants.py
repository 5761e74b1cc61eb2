"""The pictures derived from what is stored of a preview: thumbnails, and a picture to view.

They are made in the request, or by a job (where the studio wants that, or the picture is large), and again by `pegbar
media thumbnails`. Source: spec media, "Picture pipeline", "Job queue", "Admin commands expected"; beyond it, EXR, PSD
and other files that are kept as they come get the same variants. Their rows stay as specified, ready and 0 x 0: what
goes wrong with the variants is in `data.variants_error` and in the log.
"""

from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
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
from pegbar.media import addresses, queries
from pegbar.media.events import PREVIEW_UPDATE
from pegbar.media.pictures import DERIVED, Colour, LargePicture, Rendered, UnreadablePicture, rendered

log = structlog.get_logger()

#: A binary that is stored, not yet recorded.
Stored = tuple[Address, int]


@dataclass(frozen=True)
class Derived:
    """The pictures made of a preview, else why there are none, or that a job is to make them."""

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


async def note(tx: Transaction, preview_id: UUID, derived: Derived) -> None:
    """Keep in a preview's data why it has no variants, or forget it; have a job make those that are left for later."""
    if derived.later:
        make_later(tx, preview_id)
    else:
        await tx.execute(_NOTE, preview_id=preview_id, error=derived.error, now=utc_now())


async def remakable(db: Database, project: str | None = None) -> list[UUID]:
    """The ready previews whose variants are made from what is stored, of a production by its name or of all."""
    extensions = sorted(addresses.VIEWABLE | {"png", "mp4"})
    return [row["id"] for row in await db.rows(queries.remakable_previews, project=project, extensions=extensions)]


async def remade(db: Database, preview_id: UUID, source: Address, name: str = "") -> Derived:
    """The variants of a preview, made from a binary of it and stored. Raises ApiError for what may pass by itself."""
    folder = settings().upload_folder
    with disk_errors():
        folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder, prefix="derive-") as scratch:
        copy = Path(scratch) / "source"
        try:
            if not await fetch(source, copy):
                return Derived(error="Its file is not stored.")
            return await _derive(db, None, preview_id, copy, name)
        except ApiError as error:
            log.warning("the variants of a preview are tried again", preview=str(preview_id), reason=error.message)
            raise


async def rebuild(db: Database, preview_id: UUID) -> str | None:
    """Make the variants of a preview again from what is stored of it, and tell it; why they cannot be made, or None.

    Its status stays. Raises ApiError for what may pass by itself.
    """
    state = await db.row(queries.preview_state, preview_id=preview_id)
    if state is None:
        return "The preview is deleted."
    extension = (state["extension"] or "").lower()
    viewable = extension in addresses.VIEWABLE
    source = addresses.other(preview_id) if viewable else addresses.picture("original", preview_id)
    derived = await remade(db, preview_id, source, f"{state['original_name']}.{extension}")
    async with db.transaction() as tx:
        state = await tx.row(queries.locked_preview_state, preview_id=preview_id)
        if state is None:
            return "The preview is deleted."
        if viewable:
            await note(tx, preview_id, derived)
        for address, size in derived.stored:
            await record(tx, address, size)
        if derived.stored:
            event = {"preview_file_id": preview_id, "status": state["status"]}
            tx.emit(PREVIEW_UPDATE, project_id=state["project_id"], **event)
    return derived.error


MAKE = job("media.make_variants")


def make_later(tx: Transaction, preview_id: UUID) -> None:
    """Leave the variants of a file that is kept as it came to a job."""
    tx.defer(MAKE, preview_id=preview_id)


@MAKE.task
async def make_variants(db: Database, *, preview_id: str) -> None:
    """Make the variants that an upload left for later. The preview was ready before, and stays so without them."""
    await rebuild(db, UUID(preview_id))

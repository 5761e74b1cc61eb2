"""Previews that follow a status automation to the next task. Source: spec media, "Preview lifecycle" (its end)."""

from uuid import UUID

import asyncpg
from sqlalchemy import func, select

from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import param
from pegbar.core.storage import Address, record, store
from pegbar.media import addresses, queries, variants
from pegbar.media.publishing import announce, derive_later
from pegbar.media.revisions import add_preview
from pegbar.media.tables import preview_file
from pegbar.tasks.hooks import REVISION_IMPORTED, RevisionImport

_COPIED = ("extension", "original_name", "status", "file_size", "width", "height", "duration", "data")
_TASK_ID = param("task_id")
_other = preview_file.alias("other")
_LAST_REVISION = (
    select(preview_file)
    .where(
        preview_file.c.task_id == _TASK_ID,
        preview_file.c.revision
        == select(func.max(_other.c.revision)).where(_other.c.task_id == _TASK_ID).scalar_subquery(),
    )
    .order_by(preview_file.c.position, preview_file.c.created_at)
)


def _addresses(source: asyncpg.Record, target: UUID) -> list[tuple[Address, Address]]:
    """What may be stored for a preview, and where it goes for another one."""
    return list(zip(addresses.all_of_preview(source["id"]), addresses.all_of_preview(target), strict=True))


async def _copy(tx: Transaction, source: asyncpg.Record, imported: RevisionImport) -> None:
    columns = {name: source[name] for name in _COPIED}
    if isinstance(source["data"], dict):
        columns["data"] = {
            name: value for name, value in source["data"].items() if name not in ("progress", "attempts")
        }
    copy_id = await add_preview(tx, imported.author_id, imported.to_task_id, imported.to_comment_id, **columns)
    for there, here in _addresses(source, copy_id):
        size = await store().copy(there, here)
        if size is not None:
            await record(tx, here, size)
    state = await tx.row(queries.preview_state, preview_id=copy_id)
    assert state is not None
    kinds: dict[str, addresses.Kind] = {"png": "picture", "mp4": "movie"}
    await announce(tx, state, columns, kinds.get(source["extension"], "other"))
    derive_later(tx, copy_id, columns)
    if source["extension"] in addresses.VIEWABLE and await store().stat(addresses.picture("previews", copy_id)) is None:
        variants.make_later(tx, copy_id)


@REVISION_IMPORTED.register()
async def import_last_revision(imported: RevisionImport) -> None:
    """Copy the previews of a task's last revision to a comment of the next task, with their files."""
    for source in await imported.tx.rows(_LAST_REVISION, task_id=imported.from_task_id):
        await _copy(imported.tx, source, imported)

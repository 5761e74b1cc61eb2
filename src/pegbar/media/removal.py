"""Previews that go, with what is stored for them. Source: spec media, "Preview lifecycle"; crud, "preview-files"."""

from collections.abc import AsyncIterator, Sequence
from uuid import UUID

from sqlalchemy import ARRAY, bindparam, text

from pegbar.core.data.database import Transaction
from pegbar.core.data.removal import Removal, going, remove
from pegbar.core.data.schema import Uuid
from pegbar.core.storage import mark_deleted
from pegbar.entities.tables import entity
from pegbar.media import addresses, faces, queries
from pegbar.media.events import PREVIEW_DELETE
from pegbar.media.tables import preview_file
from pegbar.tasks.hooks import PREVIEWS_ORPHANED, PreviewsOrphaned
from pegbar.tasks.tables import task

_SHOWING = text(
    """
    SELECT ARRAY(SELECT id FROM task WHERE id = ANY(:task_ids) AND last_preview_file_id = ANY(:ids)) AS tasks,
           ARRAY(SELECT id FROM entity WHERE preview_file_id = ANY(:ids)) AS entities
    """
).bindparams(*[bindparam(name, type_=ARRAY(Uuid)) for name in ("task_ids", "ids")])


async def remove_previews(tx: Transaction, preview_ids: Sequence[UUID], *, force: bool = False) -> None:
    """Delete previews, with their stored files at once when forced."""
    rows = await tx.rows(queries.locked_preview_states, preview_ids=list(preview_ids))
    await remove(tx, preview_file, [row["id"] for row in rows], force=force)


@going(preview_file)
async def replace_previews(removal: Removal, preview_ids: list[UUID]) -> AsyncIterator[None]:
    """The stored files of previews go; the tasks and entities that showed them show the next one."""
    tx = removal.tx
    rows = await tx.rows(queries.preview_states, preview_ids=preview_ids)
    stored = [address for row in rows for address in addresses.all_of_preview(row["id"], row["extension"])]
    await mark_deleted(tx, stored, force=removal.force)
    task_ids: set[UUID] = set()
    entity_ids: set[UUID] = set()
    if not removal.production:
        showing = await tx.row(_SHOWING, ids=preview_ids, task_ids=list({row["task_id"] for row in rows} - {None}))
        assert showing is not None
        task_ids = set(showing["tasks"]) - set(removal.goes(task))
        entity_ids = set(showing["entities"]) - set(removal.goes(entity))
    yield
    await faces.replace_gone(tx, sorted(task_ids), sorted(entity_ids))
    for row in rows:
        tx.emit(PREVIEW_DELETE, project_id=row["project_id"], preview_file_id=row["id"])


@PREVIEWS_ORPHANED.register()
async def remove_previews_of_comments(gone: PreviewsOrphaned) -> None:
    """The previews published with comments go with them."""
    await remove_previews(gone.tx, gone.preview_file_ids)

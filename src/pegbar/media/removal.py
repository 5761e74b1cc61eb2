"""Taking previews away, with what refers to them and what is stored for them.

Source: spec media, "Preview lifecycle" (Deletion); spec crud, "preview-files" (DELETE).
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ARRAY, any_, bindparam, delete, select, text

from pegbar.core.data.database import Transaction
from pegbar.core.data.schema import Uuid
from pegbar.core.storage import mark_deleted
from pegbar.entities.hooks import ENTITIES_REMOVED, Removal
from pegbar.media import addresses, faces, queries
from pegbar.media.events import PREVIEW_DELETE
from pegbar.media.tables import preview_file
from pegbar.tasks.hooks import PREVIEWS_ORPHANED, TASKS_REMOVED, PreviewsOrphaned, TaskRemoval
from pegbar.tasks.tables import task

_IDS = bindparam("preview_ids", type_=ARRAY(Uuid))

_RELEASE = text(
    """
    WITH news_rows AS (
      UPDATE news SET preview_file_id = NULL WHERE preview_file_id = ANY(:preview_ids)
    ), comments AS (
      UPDATE comment SET preview_file_id = NULL WHERE preview_file_id = ANY(:preview_ids)
    ), links AS (
      DELETE FROM comment_preview_link WHERE preview_file = ANY(:preview_ids)
    )
    UPDATE entity SET preview_file_id = NULL WHERE preview_file_id = ANY(:preview_ids) RETURNING id
    """
).bindparams(_IDS)
_DELETE = delete(preview_file).where(preview_file.c.id == any_(_IDS))

_OF_TASKS = select(preview_file.c.id).where(preview_file.c.task_id == any_(bindparam("task_ids", type_=ARRAY(Uuid))))
_OF_ENTITIES = (
    select(preview_file.c.id)
    .join(task, task.c.id == preview_file.c.task_id)
    .where(task.c.entity_id == any_(bindparam("entity_ids", type_=ARRAY(Uuid))))
)


async def remove_previews(
    tx: Transaction,
    preview_ids: Sequence[UUID],
    *,
    force: bool = False,
    tasks_stay: bool = True,
    entities_stay: bool = True,
) -> None:
    """Delete previews. Their tasks and entities get the next one to show, unless those go too."""
    if not preview_ids:
        return
    rows = await tx.rows(queries.locked_preview_states, preview_ids=list(preview_ids))
    ids = [row["id"] for row in rows]
    entity_ids = await tx.column(_RELEASE, preview_ids=ids)
    await tx.execute(_DELETE, preview_ids=ids)
    stored = [each for row in rows for each in addresses.all_of_preview(row["id"], row["extension"])]
    await mark_deleted(tx, stored, force=force)
    if entities_stay:
        task_ids = list({row["task_id"] for row in rows if row["task_id"] is not None}) if tasks_stay else []
        await faces.replace_gone(tx, ids, task_ids, entity_ids)
    for row in rows:
        tx.emit(PREVIEW_DELETE, project_id=row["project_id"], preview_file_id=row["id"])


@PREVIEWS_ORPHANED.register(order=-10)
async def remove_previews_of_comments(gone: PreviewsOrphaned) -> None:
    """The previews published with comments go with them."""
    await remove_previews(gone.tx, gone.preview_file_ids)


@TASKS_REMOVED.register(order=0)
async def remove_previews_of_tasks(removal: TaskRemoval) -> None:
    """The previews of tasks that are removed; their entities show what is left."""
    found = await removal.tx.column(_OF_TASKS, task_ids=list(removal.task_ids))
    whole = removal.whole
    await remove_previews(removal.tx, found, force=whole, tasks_stay=False, entities_stay=not whole)


@ENTITIES_REMOVED.register(order=-10)
async def remove_previews_of_entities(removal: Removal) -> None:
    """The previews of the tasks of entities that are removed."""
    ids = list(removal.entity_ids)
    found = await removal.tx.column(_OF_ENTITIES, entity_ids=ids)
    await remove_previews(removal.tx, found, force=True, tasks_stay=False, entities_stay=False)

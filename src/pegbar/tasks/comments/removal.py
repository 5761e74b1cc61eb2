"""Comments that go, with what hangs on them. Source: spec tasks, "Deleting a comment", "Task deletion cascade"."""

from collections.abc import AsyncIterator, Sequence
from uuid import UUID

from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import sql
from pegbar.core.data.removal import Removal, going, remove
from pegbar.core.storage import mark_deleted
from pegbar.tasks.comments.attachments import address
from pegbar.tasks.tables import attachment_file, comment

#: The previews published with comments. What a comment shows of another task goes on belonging to that task.
_PREVIEWS = sql(
    """
    SELECT DISTINCT p.id
      FROM comment c
      LEFT JOIN comment_preview_link shown ON shown.comment = c.id
      JOIN preview_file p ON p.id IN (shown.preview_file, c.preview_file_id)
     WHERE c.id = ANY(:ids) AND p.task_id = c.object_id
       AND NOT EXISTS (SELECT 1 FROM comment_preview_link other
                        WHERE other.preview_file = p.id AND other.comment <> ALL(:ids))
    """
)


async def remove_comments(tx: Transaction, comment_ids: Sequence[UUID]) -> list[UUID]:
    """Delete comments with what hangs on them; the previews that were published with them, which are still there."""
    ids = list(comment_ids)
    preview_ids = await tx.column(_PREVIEWS, ids=ids)
    await remove(tx, comment, ids)
    return preview_ids


@going(attachment_file)
async def drop_attachments(removal: Removal, file_ids: list[UUID]) -> AsyncIterator[None]:
    """The bytes of attachments go with them."""
    await mark_deleted(removal.tx, [address(file_id) for file_id in file_ids], force=removal.force)
    yield

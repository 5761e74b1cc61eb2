"""Comments that go, with what hangs on them. Source: spec tasks, "Deleting a comment", "Task deletion cascade"."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ARRAY, bindparam, text

from pegbar.core.data.database import Transaction
from pegbar.core.data.schema import Uuid
from pegbar.core.storage import Address, mark_deleted

#: One statement: foreign keys are checked at its end.
_FORGET = text(
    """
    WITH gone AS (DELETE FROM comment WHERE id = ANY(:ids) RETURNING id, object_id, preview_file_id),
    told AS (DELETE FROM notification WHERE comment_id = ANY(:ids)),
    published AS (DELETE FROM news WHERE comment_id = ANY(:ids) RETURNING id),
    mentions AS (DELETE FROM comment_mentions WHERE comment = ANY(:ids)),
    departments AS (DELETE FROM comment_department_mentions WHERE comment = ANY(:ids)),
    acknowledged AS (DELETE FROM comment_acknoledgments WHERE comment = ANY(:ids)),
    shown AS (DELETE FROM comment_preview_link WHERE comment = ANY(:ids) RETURNING comment, preview_file),
    attached AS (DELETE FROM attachment_file WHERE comment_id = ANY(:ids) RETURNING id)
    SELECT ARRAY(SELECT id FROM published) AS news,
           ARRAY(SELECT DISTINCT p.id FROM gone LEFT JOIN shown ON shown.comment = gone.id
                    JOIN preview_file p ON p.id IN (shown.preview_file, gone.preview_file_id)
                   WHERE p.task_id = gone.object_id
                     AND NOT EXISTS (SELECT 1 FROM comment_preview_link other
                                      WHERE other.preview_file = p.id AND other.comment <> ALL(:ids))) AS previews,
           ARRAY(SELECT id FROM attached) AS attachments
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid)))


@dataclass(frozen=True)
class Forgotten:
    """What went with comments: the ids of their news, and the previews published with them.

    What a comment shows of another task goes on belonging to that task.
    """

    news: Sequence[UUID]
    previews: Sequence[UUID]


async def forget(tx: Transaction, comment_ids: Sequence[UUID]) -> Forgotten:
    """Delete comments with their notifications, news, mentions, acknowledgements and attachments."""
    row = await tx.row(_FORGET, ids=list(comment_ids))
    assert row is not None
    await mark_deleted(tx, [Address("files", "attachments", each) for each in row["attachments"]])
    return Forgotten(row["news"], row["previews"])

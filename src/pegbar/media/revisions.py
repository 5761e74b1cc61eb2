"""New previews: under a comment, numbered one task at a time. Source: spec media, "Preview lifecycle" (Numbering).

From "Worth fixing": the task's row is locked while a number is given, and positions are the highest plus one.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from sqlalchemy import func, select, text, update

from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import utc_now
from pegbar.core.errors import BadRequest, NotFound
from pegbar.media.events import PREVIEW_NEW
from pegbar.media.tables import preview_file
from pegbar.productions.tables import project
from pegbar.tasks.events import COMMENT_UPDATE
from pegbar.tasks.tables import comment, comment_preview_link, news, task

#: The highest revision that people may choose.
HIGHEST_REVISION = 10**9
#: What is counted on from: a number above it, as some databases hold, leaves room for all that come after the others.
_COUNTED = 2 * 10**9

_COMMENT_ID = param("comment_id")
_TASK_ID = param("task_id")
_REVISION = param("revision")

_LOCKED_TASK = (
    select(task.c.id, task.c.project_id, project.c.is_single_preview_per_revision.label("single"))
    .join(project, project.c.id == task.c.project_id)
    .where(task.c.id == _TASK_ID)
    .with_for_update(of=task)
)
_COMMENT = select(comment.c.id, comment.c.person_id, comment.c.for_client).where(
    comment.c.id == _COMMENT_ID, comment.c.object_id == _TASK_ID
)
_of_comment = (
    select(preview_file.c.revision)
    .join(comment_preview_link, comment_preview_link.c.preview_file == preview_file.c.id)
    .where(comment_preview_link.c.comment == _COMMENT_ID)
    .order_by(preview_file.c.created_at)
    .limit(1)
    .scalar_subquery()
)
_NUMBERS = select(
    _of_comment.label("of_comment"),
    select(func.max(preview_file.c.revision))
    .where(preview_file.c.task_id == _TASK_ID, preview_file.c.revision <= _COUNTED)
    .scalar_subquery()
    .label("last"),
)
_HIGHEST_POSITION = select(
    func.max(preview_file.c.position).filter(preview_file.c.position <= _COUNTED),
    func.coalesce(func.bool_or(preview_file.c.position == 1), False),
).where(preview_file.c.task_id == _TASK_ID, preview_file.c.revision == _REVISION)

_TELL_NEWS = (
    update(news)
    .where(news.c.comment_id == _COMMENT_ID, news.c.preview_file_id.is_(None))
    .values(preview_file_id=param("preview_id"))
)


def preview_name() -> str:
    """The name of a new preview."""
    return str(uuid4())[:13]


def emit_comment_update(tx: Transaction, comment_row: asyncpg.Record, task_id: UUID, project_id: UUID) -> None:
    """Tell that a comment has other previews."""
    tx.emit(
        COMMENT_UPDATE,
        project_id=project_id,
        comment_id=comment_row["id"],
        task_id=task_id,
        person_id=comment_row["person_id"],
        for_client=comment_row["for_client"],
    )


def check_revision(revision: int | None) -> None:
    """400 for a revision after which others could not go on counting."""
    if revision is not None and revision > HIGHEST_REVISION:
        raise BadRequest(f"revision: {revision} is too high, {HIGHEST_REVISION} is the most.", field="revision")


async def add_preview(
    tx: Transaction, author_id: UUID, task_id: UUID, comment_id: UUID, revision: int | None = None, **values: Any
) -> UUID:
    """Make an empty preview under a comment; its id.

    Without `revision` it belongs to the comment's, or to a new one. Raises NotFound, and BadRequest for a revision
    that another comment has or that is too high, or for a second preview where the production takes one per revision.
    """
    check_revision(revision)
    subject = await tx.row(_LOCKED_TASK, task_id=task_id)
    comment_row = await tx.row(_COMMENT, comment_id=comment_id, task_id=task_id)
    if subject is None or comment_row is None:
        raise NotFound(f"There is no comment {comment_id} on the task {task_id}.")
    numbers = await tx.row(_NUMBERS, comment_id=comment_id, task_id=task_id)
    assert numbers is not None
    requested = revision
    if revision is None:
        revision = numbers["of_comment"] if numbers["of_comment"] is not None else (numbers["last"] or 0) + 1
    row = await tx.row(_HIGHEST_POSITION, task_id=task_id, revision=revision)
    assert row is not None
    if requested is not None and numbers["of_comment"] is None and row[1]:
        raise BadRequest(
            f"Revision {requested} already exists for this task. Leave the revision out, and the next one is chosen.",
            field="revision",
        )
    position = (row[0] or 0) + 1
    if position > 1 and subject["single"]:
        raise BadRequest("This production takes one preview per revision.")
    new = {"name": preview_name(), "extension": "mp4", "source": "webgui", **values}
    preview_id = await tx.insert(
        preview_file, revision=revision, position=position, task_id=task_id, person_id=author_id, **new
    )
    assert preview_id is not None
    await tx.insert(comment_preview_link, comment=comment_id, preview_file=preview_id)
    await tx.execute(_TELL_NEWS, comment_id=comment_id, preview_id=preview_id)
    tx.emit(PREVIEW_NEW, project_id=subject["project_id"], preview_file_id=preview_id, comment_id=comment_id)
    emit_comment_update(tx, comment_row, task_id, subject["project_id"])
    return preview_id


_SIBLINGS = (
    select(preview_file.c.id)
    .where(preview_file.c.task_id == _TASK_ID, preview_file.c.revision == _REVISION)
    .order_by(preview_file.c.position, preview_file.c.created_at)
)
_RENUMBER = text(
    """
    UPDATE preview_file SET position = places.n, updated_at = :now ::timestamp
      FROM unnest(:ids ::uuid[]) WITH ORDINALITY AS places (id, n)
     WHERE preview_file.id = places.id AND preview_file.position IS DISTINCT FROM places.n
    """
)


async def move(tx: Transaction, state: asyncpg.Record, position: int) -> tuple[Sequence[UUID], bool]:
    """Move a preview among its siblings; their ids in order, and whether anything changed.

    A position outside 1..n changes nothing.
    """
    await tx.row(_LOCKED_TASK, task_id=state["task_id"])
    ids = await tx.column(_SIBLINGS, task_id=state["task_id"], revision=state["revision"])
    if not 1 <= position <= len(ids):
        return ids, False
    ordered = [preview_id for preview_id in ids if preview_id != state["id"]]
    ordered.insert(position - 1, state["id"])
    changed = await tx.execute(_RENUMBER, ids=ordered, now=utc_now())
    return ordered, bool(changed)

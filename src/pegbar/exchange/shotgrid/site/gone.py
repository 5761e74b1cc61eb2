"""What was deleted on a ShotGrid site after it came over."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import Executable

from pegbar.core.data.database import Database, Transaction
from pegbar.entities.removal import remove_or_cancel
from pegbar.exchange.shotgrid.site import queries
from pegbar.exchange.shotgrid.site.records import ASSETS, NOTES, SHOTS, TASKS, VERSIONS, Kind
from pegbar.media.removal import remove_previews
from pegbar.tasks.comments.removal import remove_comments
from pegbar.tasks.events import COMMENT_DELETE
from pegbar.tasks.removal import remove_tasks

#: The kinds of which it is looked for, and the statement that finds them here.
KINDS: Mapping[Kind, Executable] = {
    ASSETS: queries.retired_assets,
    SHOTS: queries.retired_shots,
    TASKS: queries.retired_tasks,
    VERSIONS: queries.retired_versions,
    NOTES: queries.retired_notes,
}


async def still_here(db: Database, kind: Kind, project_id: UUID, numbers: Sequence[int]) -> dict[UUID, int]:
    """Rows here that stand for rows of these numbers."""
    rows = await db.rows(KINDS[kind], project_id=project_id, numbers=list(numbers))
    return {row["id"]: row["shotgun_id"] for row in rows}


async def remove(db: Database, caller_id: UUID, kind: Kind, project_id: UUID, ids: Sequence[UUID]) -> None:
    """Take rows away, with what belongs to them. Assets and shots that have tasks are canceled."""

    async def work(tx: Transaction) -> None:
        if kind in (ASSETS, SHOTS):
            await remove_or_cancel(tx, ids, forced=())
        elif kind is TASKS:
            await remove_tasks(tx, ids)
        elif kind is VERSIONS:
            await remove_previews(tx, ids)
        else:
            rows = await tx.rows(queries.comments, ids=list(ids))
            await remove_previews(tx, await remove_comments(tx, ids))
            for row in rows:
                tx.emit(COMMENT_DELETE, project_id=project_id, comment_id=row["id"], task_id=row["task_id"])

    await db.write(caller_id, work)

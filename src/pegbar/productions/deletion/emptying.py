"""Emptying a production, some rows at a time, and removing it once nothing is left."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete

from pegbar.core.data.database import Transaction
from pegbar.core.data.removal import remove
from pegbar.core.live.events import Emission
from pegbar.core.storage import Address, mark_deleted
from pegbar.productions.deletion import queries
from pegbar.productions.deletion.parts import Part, parts
from pegbar.productions.queries import PROJECT_ID
from pegbar.productions.tables import project

_DELETE = delete(project).where(project.c.id == PROJECT_ID)


@dataclass(frozen=True)
class Removed:
    """A batch that went."""

    part: Part
    rows: int


async def remove_some(tx: Transaction, project_id: UUID) -> Removed | None:
    """Remove a batch of the first part that has rows; None when none has.

    What happens to a production that nobody sees any more is not told; what happens to others because of it is.
    """
    for part in parts():
        ids = await tx.column(part.locked, project_id=project_id, most=part.at_once)
        if ids:
            await remove(tx, part.table, ids, production=project_id)
            tx.drop(Emission, lambda emission: str(emission.project_id) == str(project_id))
            return Removed(part, len(ids))
    return None


async def remove_rest(tx: Transaction, project_id: UUID) -> None:
    """Remove all that is left in a production but its row, which is locked: nothing can be added meanwhile."""
    await tx.row(queries.LOCK_PROJECT, project_id=project_id)
    while await remove_some(tx, project_id) is not None:
        pass
    await remove(tx, project, [project_id], keep=True, production=project_id)
    await mark_deleted(tx, [Address("pictures", "thumbnails", project_id)], force=True)  # and purge what is left


async def remove_row(tx: Transaction, project_id: UUID) -> None:
    """Remove the row of a production that is empty."""
    await tx.execute(_DELETE, project_id=project_id)

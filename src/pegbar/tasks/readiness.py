"""An asset made ready for a task type by an automation. Source: spec tasks, "Status automations" (ready_for)."""

from uuid import UUID

from pegbar.core.data.database import Transaction
from pegbar.entities import events
from pegbar.entities.casting.readiness import refresh_casting_of
from pegbar.entities.kinds import ASSET
from pegbar.entities.tables import entity


async def mark_ready(tx: Transaction, entity_id: UUID, project_id: UUID, kind: str, task_type_id: UUID | None) -> None:
    """Set what the asset is ready for, and count again how many assets of the shots casting it are ready."""
    if kind != ASSET or task_type_id is None:
        return
    await tx.update(entity, entity_id, ready_for=task_type_id)
    tx.emit(events.UPDATE[ASSET], project_id=project_id, asset_id=entity_id, data={"ready_for": str(task_type_id)})
    await refresh_casting_of(tx, [entity_id])

"""What tasks say when a column of theirs is renamed or removed. Source: spec projects, "Worth fixing" 8."""

from pegbar.productions.hooks import VALUES_CHANGED, ChangedValues
from pegbar.tasks.events import TASK_UPDATE


@VALUES_CHANGED.register()
async def tell(changed: ChangedValues) -> None:
    """Tell of each task whose values moved or went, so that clients read it again."""
    if changed.entity_type == "Task":
        for row in changed.rows:
            changed.tx.emit(TASK_UPDATE, project_id=row["project_id"], task_id=row["id"])

"""What entities say when a column of theirs is renamed or removed. Source: spec projects, "Worth fixing" 8."""

from pegbar.entities import events
from pegbar.productions.hooks import VALUES_CHANGED, ChangedValues


@VALUES_CHANGED.register()
async def tell(changed: ChangedValues) -> None:
    """Tell of each entity whose values moved or went, so that clients read it again."""
    if changed.entity_type in events.UPDATE:
        event, key = events.UPDATE[changed.entity_type], events.key_of(changed.entity_type)
        for row in changed.rows:
            changed.tx.emit(event, **{"project_id": row["project_id"], key: row["id"]})

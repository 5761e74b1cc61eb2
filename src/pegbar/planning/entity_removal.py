"""What schedules leave when sequences, episodes and edits are deleted. Source: spec shots, "Deletion"."""

from sqlalchemy import ARRAY, any_, bindparam, delete

from pegbar.core.data.schema import Uuid
from pegbar.entities.hooks import ENTITIES_GONE, Removal
from pegbar.planning.tables import schedule_item

_UNPLAN = delete(schedule_item).where(schedule_item.c.object_id == any_(bindparam("ids", type_=ARRAY(Uuid))))


@ENTITIES_GONE.register()
async def remove_from_schedule(removal: Removal) -> None:
    """Delete the schedule items of entities that are gone."""
    await removal.tx.execute(_UNPLAN, ids=list(removal.entity_ids))

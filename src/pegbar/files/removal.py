"""Working and output files go with the tasks and entities they are of."""

from sqlalchemy import ARRAY, bindparam, text

from pegbar.core.data.schema import Uuid
from pegbar.core.storage import Address, mark_deleted
from pegbar.entities.hooks import ENTITIES_REMOVED, Removal
from pegbar.tasks.hooks import TASKS_REMOVED, TaskRemoval

#: What was made from a working file outlives it.
_OF_TASKS = text(
    """
    WITH gone AS (DELETE FROM working_file WHERE task_id = ANY(:ids) RETURNING id),
    released AS (UPDATE output_file SET source_file_id = NULL WHERE source_file_id IN (SELECT id FROM gone))
    SELECT id FROM gone
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid)))

_OF_ENTITIES = text(
    """
    WITH working AS (DELETE FROM working_file WHERE entity_id = ANY(:ids) RETURNING id),
    outputs AS (DELETE FROM output_file WHERE entity_id = ANY(:ids) OR temporal_entity_id = ANY(:ids)
                   OR asset_instance_id IN (
                     SELECT i.id FROM asset_instance i
                      WHERE i.asset_id = ANY(:ids) OR i.scene_id = ANY(:ids) OR i.target_asset_id = ANY(:ids)
                         OR i.entity_id = ANY(:ids))
                RETURNING id),
    released AS (UPDATE output_file SET source_file_id = NULL
                  WHERE source_file_id IN (SELECT id FROM working) AND id NOT IN (SELECT id FROM outputs)),
    previews AS (UPDATE preview_file SET source_file_id = NULL WHERE source_file_id IN (SELECT id FROM outputs))
    SELECT id FROM working
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid)))


@TASKS_REMOVED.register(order=-10)
async def remove_files_of_tasks(removal: TaskRemoval) -> None:
    """The working files of tasks that are removed, with their binaries."""
    gone = await removal.tx.column(_OF_TASKS, ids=list(removal.task_ids))
    await mark_deleted(removal.tx, [Address("files", "working", each) for each in gone], force=True)


@ENTITIES_REMOVED.register(order=-5)
async def remove_files_of_entities(removal: Removal) -> None:
    """The working and output files of entities that are removed."""
    gone = await removal.tx.column(_OF_ENTITIES, ids=list(removal.entity_ids))
    await mark_deleted(removal.tx, [Address("files", "working", each) for each in gone], force=True)

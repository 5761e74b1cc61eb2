"""Making the tasks of one entity. Source: spec entities, "POST /data/entities/{entity_id}/tasks"."""

from collections.abc import Sequence
from uuid import UUID, uuid4

import msgspec
from sqlalchemy import Text, bindparam, select, text

from pegbar.core.data.database import Json, Transaction
from pegbar.core.data.schema import Uuid
from pegbar.core.errors import BadRequest, NotFound
from pegbar.core.http.access import Caller, staff_of
from pegbar.core.http.body import Strict
from pegbar.core.http.routing import found, post
from pegbar.entities.casting import readiness
from pegbar.entities.kinds import CONCEPT, SHOT, kind_text
from pegbar.entities.tables import entity
from pegbar.tasks.batches import MADE, MADE_TASK, default_status
from pegbar.tasks.events import TASK_NEW
from pegbar.tasks.tables import task

_ENTITY = select(entity.c.project_id, entity.c.entity_type_id, kind_text().label("kind")).where(
    entity.c.id == bindparam("entity_id", type_=Uuid)
)

#: Every task type, with what decides whether an entity takes it and whether it has such a task already.
_TYPES = text(
    """
    SELECT id, coalesce(for_entity, '') IN ('', :kind) AS fits,
           EXISTS (SELECT 1 FROM project_task_type_link link
                    WHERE link.project_id = :project_id AND link.task_type_id = task_type.id) AS enabled,
           NOT EXISTS (SELECT 1 FROM task_type_asset_type_link flow WHERE flow.asset_type_id = :type_id)
           OR EXISTS (SELECT 1 FROM task_type_asset_type_link flow
                       WHERE flow.asset_type_id = :type_id AND flow.task_type_id = task_type.id) AS in_workflow,
           EXISTS (SELECT 1 FROM task WHERE task.entity_id = :entity_id AND task.task_type_id = task_type.id
                    AND task.name = 'main') AS there
      FROM task_type ORDER BY priority, name, id
    """
).bindparams(
    bindparam("kind", type_=Text), *[bindparam(name, type_=Uuid) for name in ("project_id", "type_id", "entity_id")]
)
_LOCK = select(entity.c.id).where(entity.c.id == bindparam("entity_id", type_=Uuid)).with_for_update()

_staff = staff_of("entity_id", "entity")


class WantedTypes(Strict):
    """The types of the tasks to make; none is every type that fits."""

    task_type_ids: list[str] = msgspec.field(default_factory=list)


def _known(ids: Sequence[str]) -> list[UUID]:
    try:
        return list(dict.fromkeys(UUID(each) for each in ids))
    except ValueError:
        raise NotFound("There is no such task type.") from None


async def make_tasks(tx: Transaction, author: Caller, entity_id: UUID, wanted: Sequence[UUID]) -> list[UUID]:
    """Make the tasks of an entity that are missing; their ids.

    Raises NotFound for an unknown task type, BadRequest for one that the entity does not take.
    """
    await tx.value(_LOCK, entity_id=entity_id)
    about = found(await tx.row(_ENTITY, entity_id=entity_id), "The entity")
    rows = await tx.rows(
        _TYPES,
        kind=about["kind"],
        project_id=about["project_id"],
        type_id=about["entity_type_id"],
        entity_id=entity_id,
    )
    types = {row["id"]: row for row in rows}
    for each in wanted:
        if each not in types:
            raise NotFound(f"There is no task type {each}.")
        if not (types[each]["fits"] and types[each]["enabled"] and types[each]["in_workflow"]):
            raise BadRequest(f"task_type_ids: {each} is not a task type for this entity.")
    chosen = wanted or [row["id"] for row in rows if row["fits"] and row["enabled"] and row["in_workflow"]]
    missing = [each for each in chosen if not types[each]["there"]]
    status_id = await default_status(tx, for_concept=about["kind"] == CONCEPT)
    made = [
        {
            "id": uuid4(),
            "name": "main",
            "project_id": about["project_id"],
            "entity_id": entity_id,
            "task_type_id": each,
            "task_status_id": status_id,
            "assigner_id": author.id,
        }
        for each in missing
    ]
    await tx.insert_many(task, made)
    for row in made:
        tx.emit(TASK_NEW, project_id=about["project_id"], task_id=row["id"])
    if about["kind"] == SHOT and made:
        await readiness.refresh(tx, [entity_id])
    return [row["id"] for row in made]


@post("/data/entities/{entity_id:uuid}/tasks", access=_staff, returns=[MADE_TASK], events=[TASK_NEW], errors=(400, 404))
async def create_tasks(entity_id: UUID, body: WantedTypes, tx: Transaction, caller: Caller) -> Json:
    """Make tasks of an entity: of the types listed, else of every type that fits. Those made are answered."""
    made = await make_tasks(tx, caller, entity_id, _known(body.task_type_ids))
    return await tx.json(MADE, ids=made)

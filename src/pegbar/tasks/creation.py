"""What a new task must be. Source: spec crud, "tasks" (POST) and "Worth fixing"."""

from sqlalchemy import ARRAY, Text, any_, bindparam, func, select

from pegbar.accounts.tables import person
from pegbar.core.data.resource import Change
from pegbar.core.data.schema import Uuid
from pegbar.core.errors import BadRequest, NotFound, Refused
from pegbar.entities.kinds import kind_text
from pegbar.entities.tables import entity
from pegbar.studio.tables import task_type
from pegbar.tasks.tables import task

_SUBJECT = (
    select(
        entity.c.project_id,
        kind_text().label("kind"),
        task_type.c.id.label("task_type_id"),
        func.coalesce(task_type.c.for_entity, "Asset", type_=Text).label("for_entity"),
        select(task.c.id)
        .where(
            task.c.entity_id == entity.c.id,
            task.c.project_id == entity.c.project_id,
            task.c.task_type_id == task_type.c.id,
            task.c.name == bindparam("name", type_=Text),
        )
        .limit(1)
        .scalar_subquery()
        .label("same"),
    )
    .select_from(entity)
    .outerjoin(task_type, task_type.c.id == bindparam("task_type_id", type_=Uuid))
    .where(entity.c.id == bindparam("entity_id", type_=Uuid))
)

_PREVIEW_ACCOUNTS = (
    select(person.c.id)
    .where(person.c.id == any_(bindparam("ids", type_=ARRAY(Uuid))), person.c.preview_project_id.is_not(None))
    .limit(1)
)


async def check_document(change: Change) -> None:
    """Refuse a task that does not fit its entity; its project is the entity's, whatever the caller says.

    Raises NotFound for an unknown task type or entity, BadRequest for a type of another kind of entity and for preview
    accounts, Refused for a second task of the same name.
    """
    change.need("task_type_id", "entity_id")
    given = change.values
    if not given.get("name"):
        given["name"] = "main"
    row = await change.tx.row(
        _SUBJECT, name=given["name"], entity_id=given["entity_id"], task_type_id=given["task_type_id"]
    )
    if row is None:
        raise NotFound(f"There is no entity {given['entity_id']}.", field="entity_id")
    if row["task_type_id"] is None:
        raise NotFound(f"There is no task type {given['task_type_id']}.", field="task_type_id")
    if row["kind"] != row["for_entity"]:
        raise BadRequest(f"task_type_id: this task type is for {row['for_entity']}, the entity is {row['kind']}.")
    if row["same"] is not None:
        raise Refused("Task already exists.")
    given["project_id"] = row["project_id"]
    change.vouched.add("entity_id")
    await refuse_preview_accounts(change)


async def refuse_preview_accounts(change: Change) -> None:
    """Preview accounts are nobody's colleagues: they take no tasks."""
    ids = change.relations.get("assignees")
    if ids and await change.tx.value(_PREVIEW_ACCOUNTS, ids=ids) is not None:
        raise BadRequest("assignees: a preview account takes no task.")

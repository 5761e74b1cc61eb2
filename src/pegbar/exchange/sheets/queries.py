"""What sheets of assets, shots and edits are judged by. Source: spec exchange, "Shared columns"."""

from sqlalchemy import exists, func, select

from pegbar.accounts.shapes import FULL_NAME
from pegbar.accounts.tables import person
from pegbar.core.data.parameters import param, sql
from pegbar.core.data.schema import Text
from pegbar.core.data.wire import json_object
from pegbar.entities.shapes import UNTYPED
from pegbar.entities.tables import entity
from pegbar.productions.tables import (
    metadata_descriptor,
    project,
    project_asset_type_link,
    project_status_automation_link,
    project_task_type_link,
)
from pegbar.studio.tables import entity_type, task_status, task_type, task_type_asset_type_link

_PROJECT_ID = param("project_id")

#: Whether a production is a TV show, and whether its statuses set off others.
PRODUCTION = select(
    (project.c.production_type == "tvshow").label("is_show"),
    exists().where(project_status_automation_link.c.project_id == project.c.id).label("is_automated"),
).where(project.c.id == _PROJECT_ID)

#: The metadata columns of a kind of entity.
DESCRIPTORS = (
    select(metadata_descriptor.c.name, metadata_descriptor.c.field_name, metadata_descriptor.c.data_type)
    .where(metadata_descriptor.c.project_id == _PROJECT_ID, metadata_descriptor.c.entity_type == param("kind", Text))
    .order_by(metadata_descriptor.c.position, metadata_descriptor.c.name)
)

#: The metadata columns of the tasks of a type.
TASK_DESCRIPTORS = (
    select(metadata_descriptor.c.name, metadata_descriptor.c.field_name, metadata_descriptor.c.data_type)
    .where(
        metadata_descriptor.c.project_id == _PROJECT_ID,
        metadata_descriptor.c.entity_type == "Task",
        metadata_descriptor.c.task_type_id == param("task_type_id"),
    )
    .order_by(metadata_descriptor.c.position, metadata_descriptor.c.name)
)

#: A task type, and whose department it is of.
TASK_TYPE = select(task_type.c.id, task_type.c.name, task_type.c.for_entity, task_type.c.department_id).where(
    task_type.c.id == param("task_type_id")
)

#: The task types of a production, in their order.
TASK_TYPES = (
    select(task_type.c.id, task_type.c.name, task_type.c.for_entity)
    .join(project_task_type_link, project_task_type_link.c.task_type_id == task_type.c.id)
    .where(project_task_type_link.c.project_id == _PROJECT_ID)
    .order_by(project_task_type_link.c.priority, task_type.c.priority, task_type.c.name, task_type.c.id)
)

STATUSES = select(task_status.c.id, task_status.c.name, task_status.c.short_name).order_by(task_status.c.created_at)

#: Everybody, those first whom a name means when several have it.
PERSONS = select(
    person.c.id,
    FULL_NAME,
    person.c.email,
    person.c.preview_project_id.is_not(None).label("is_preview_account"),
).order_by(person.c.is_bot.is_(True), person.c.active.is_(False), person.c.created_at, person.c.id)

#: Every entity type, and whether it is one of the asset types of the production.
TYPES = (
    select(entity_type.c.id, entity_type.c.name, project_asset_type_link.c.project_id.is_not(None).label("is_used"))
    .outerjoin(
        project_asset_type_link,
        (project_asset_type_link.c.asset_type_id == entity_type.c.id)
        & (project_asset_type_link.c.project_id == _PROJECT_ID),
    )
    .order_by(entity_type.c.created_at, entity_type.c.id)
)

#: The task types that are meant for some asset types only.
WORKFLOWS = select(task_type_asset_type_link.c.asset_type_id, task_type_asset_type_link.c.task_type_id)

#: The tasks of entities with their assignees; of several of a type, the main one last.
TASKS = sql(
    """
    SELECT t.id, t.entity_id, t.task_type_id, t.task_status_id,
           ARRAY(SELECT a.person_id FROM task_person_link a WHERE a.task_id = t.id) AS assignees
      FROM task t WHERE t.entity_id = ANY(:ids)
     ORDER BY t.name = 'main', t.created_at DESC, t.id DESC
    """
)

STATUSES_OF_TASKS = sql("SELECT id, task_status_id FROM task WHERE id = ANY(:ids)")

STATUSES_WITH_IDS = sql(
    "SELECT id, is_done, is_retake, is_wip, is_feedback_request FROM task_status WHERE id = ANY(:ids)"
)

_IDS = func.unnest(param("ids")).table_valued("id", with_ordinality="n").render_derived("listed")
#: Entities in the order of these ids.
ENTITIES_IN_ORDER = (
    select(json_object(UNTYPED)).select_from(_IDS.join(entity, entity.c.id == _IDS.c.id)).order_by(_IDS.c.n)
)

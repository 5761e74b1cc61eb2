"""Reads about schedules."""

from sqlalchemy import select

from pegbar.core.data.parameters import param
from pegbar.core.data.wire import json_object, wire_of
from pegbar.planning.tables import milestone, schedule_item
from pegbar.productions.tables import project
from pegbar.studio.tables import task_type
from pegbar.tasks.tables import task

_task_type_id = param("task_type_id")
_version_id = param("version_id")

department_of_task_type = select(task_type.c.department_id).where(task_type.c.id == _task_type_id)

#: An item for the same production, task type and object, where null equals null.
same_schedule_item = select(schedule_item.c.id).where(
    schedule_item.c.project_id == param("project_id"),
    schedule_item.c.task_type_id.is_not_distinct_from(_task_type_id),
    schedule_item.c.object_id.is_not_distinct_from(param("object_id")),
)

known_task = select(task.c.id).where(task.c.id == param("task_id"))
#: The productions whose dates come from a version.
projects_from_version = select(project.c.id).where(project.c.from_schedule_version_id == _version_id)

_PROJECT_ID = param("project_id")
_MILESTONE = wire_of(milestone).only("id", "date", "name", "project_id", "task_type_id")
milestones_of_project = (
    select(json_object(_MILESTONE)).where(milestone.c.project_id == _PROJECT_ID).order_by(milestone.c.date)
)
schedule_of_project = select(json_object(wire_of(schedule_item, "ScheduleItem"))).where(
    schedule_item.c.project_id == _PROJECT_ID
)

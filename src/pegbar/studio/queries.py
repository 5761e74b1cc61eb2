"""Reads of the studio's tables. Source: spec crud, "task-types", "salary-scales"."""

from functools import lru_cache

from sqlalchemy import Executable, Table, any_, exists, func, literal, select

from pegbar.core.data.parameters import param
from pegbar.core.data.schema import Text
from pegbar.core.data.wire import json_object, wire_of
from pegbar.planning.tables import schedule_item
from pegbar.productions.tables import project_task_type_link
from pegbar.studio.tables import salary_scale, task_type

TASK_TYPE = wire_of(task_type, "TaskType")
SALARY_SCALE = wire_of(salary_scale, "SalaryScale")

_TASK_TYPE = param("task_type_id")


@lru_cache(8)
def same_name(table: Table) -> Executable:
    """Whether another row has a name, in any case."""
    return select(
        exists().where(
            func.lower(table.c.name) == func.lower(param("name", Text)),
            func.coalesce(table.c.id != param("row_id"), literal(True)),
        )
    )


#: How many schedule items and productions use a task type.
uses_of_task_type = select(
    select(func.count()).select_from(schedule_item).where(schedule_item.c.task_type_id == _TASK_TYPE).scalar_subquery(),
    select(func.count())
    .select_from(project_task_type_link)
    .where(project_task_type_link.c.task_type_id == _TASK_TYPE)
    .scalar_subquery(),
)

_IDS = param("ids")

#: Task types in the order of their ids.
task_types_in_order = (
    select(json_object(TASK_TYPE))
    .where(task_type.c.id == any_(_IDS))
    .order_by(func.array_position(_IDS, task_type.c.id))
)

salary_scales = select(json_object(SALARY_SCALE)).order_by(
    salary_scale.c.department_id, salary_scale.c.position, salary_scale.c.seniority, salary_scale.c.id
)

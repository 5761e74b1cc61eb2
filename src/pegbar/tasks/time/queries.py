"""Reads of the hours of a task or a production."""

from sqlalchemy import Date, bindparam, cast, func, select
from sqlalchemy.sql.expression import literal_column

from pegbar.core.data.schema import Text, Uuid
from pegbar.core.data.wire import json_object
from pegbar.tasks.tables import task, time_spent
from pegbar.tasks.time.shapes import TIME_SPENT

_TASK_ID = bindparam("task_id", type_=Uuid)
_COMMA = literal_column("','", Text)

_ONLY = bindparam("only", type_=Uuid)
_IF_ONLY = cast(_ONLY, Uuid).is_(None) | (time_spent.c.person_id == _ONLY)

#: One time spent.
one = select(json_object(TIME_SPENT)).where(time_spent.c.id == bindparam("time_spent_id", type_=Uuid))

#: For each person their hours on a task (`person_id`, `minutes` and `rows`, JSON without brackets); `day` and `only`
#: (a person) narrow them unless null.
of_task = (
    select(
        cast(time_spent.c.person_id, Text).label("person_id"),
        func.sum(time_spent.c.duration).label("minutes"),
        func.string_agg(cast(json_object(TIME_SPENT), Text), _COMMA).label("rows"),
    )
    .where(
        time_spent.c.task_id == _TASK_ID,
        (cast(bindparam("day", type_=Date), Date).is_(None)) | (time_spent.c.date == bindparam("day", type_=Date)),
        _IF_ONLY,
    )
    .group_by(time_spent.c.person_id)
)

#: The hours of a production.
of_project = (
    select(json_object(TIME_SPENT))
    .join(task, task.c.id == time_spent.c.task_id)
    .where(task.c.project_id == bindparam("project_id", type_=Uuid))
)

#: The hours of a production narrowed to those of the caller.
of_project_own = of_project.where(time_spent.c.person_id == bindparam("caller_id", type_=Uuid))

#: The hours of an entity, latest first; narrowed to those of a person unless `only` is null.
of_entity = (
    select(json_object(TIME_SPENT))
    .join(task, task.c.id == time_spent.c.task_id)
    .where(task.c.entity_id == bindparam("entity_id", type_=Uuid), _IF_ONLY)
    .order_by(time_spent.c.date.desc(), time_spent.c.id)
)

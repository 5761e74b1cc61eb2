"""Reads of working files. Source: spec media, "Working files"."""

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import distinct_on

from pegbar.core.data.parameters import param
from pegbar.core.data.schema import Text
from pegbar.core.data.wire import json_object
from pegbar.files.shapes import WORKING_FILE, WORKING_FILE_WITH_OUTPUTS
from pegbar.files.tables import working_file
from pegbar.tasks.tables import task

_TASK_ID, _ENTITY_ID, _FILE_ID = param("task_id"), param("entity_id"), param("file_id")
_NAME = param("name", Text)
_newest_first = (working_file.c.revision.desc(), working_file.c.created_at.desc(), working_file.c.id)

of_task = (
    select(json_object(WORKING_FILE))
    .where(working_file.c.task_id == _TASK_ID, working_file.c.revision >= 0)
    .order_by(*_newest_first)
)
#: Name and JSON of the highest revision of each name.
last_of_task = (
    select(working_file.c.name, json_object(WORKING_FILE))
    .where(working_file.c.task_id == _TASK_ID, working_file.c.revision.is_not(None))
    .ext(distinct_on(working_file.c.name))
    .order_by(working_file.c.name, *_newest_first)
)
#: By whether the outputs are wanted.
of_entity = {
    relations: select(json_object(WORKING_FILE_WITH_OUTPUTS if relations else WORKING_FILE))
    .where(
        working_file.c.entity_id == _ENTITY_ID,
        working_file.c.revision >= 0,
        or_(_TASK_ID.is_(None), working_file.c.task_id == _TASK_ID),
        or_(_NAME.is_(None), working_file.c.name == _NAME),
    )
    .order_by(*_newest_first)
    for relations in (False, True)
}
one = select(json_object(WORKING_FILE)).where(working_file.c.id == _FILE_ID)
one_with_outputs = select(json_object(WORKING_FILE_WITH_OUTPUTS)).where(working_file.c.id == _FILE_ID)
locked = select(working_file.c.id).where(working_file.c.id == _FILE_ID).with_for_update(key_share=True)

#: The highest revision that is counted on from: one that people cannot choose is no start for others.
_COUNTED = 10**9
next_revision = select(func.coalesce(func.max(working_file.c.revision) + 1, 1)).where(
    working_file.c.task_id == _TASK_ID, working_file.c.name == _NAME, working_file.c.revision <= _COUNTED
)
same = select(working_file.c.id).where(
    working_file.c.task_id == _TASK_ID,
    working_file.c.name == _NAME,
    working_file.c.revision == param("revision"),
)
#: A task whose files are numbered by nobody else until the commit.
locked_task = select(task.c.entity_id, task.c.project_id).where(task.c.id == _TASK_ID).with_for_update(key_share=True)

"""Which programs a production uses for a task type. Source: spec projects, "Task type softwares"."""

from uuid import UUID

from sqlalchemy import exists, select

from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import param
from pegbar.core.data.wire import json_object, wire_of
from pegbar.core.errors import BadRequest, NotFound
from pegbar.core.http.access import Caller, require
from pegbar.productions.events import PROJECT_CHANGED
from pegbar.productions.queries import PROJECT_ID
from pegbar.productions.tables import project_task_type_link, project_task_type_software_link
from pegbar.studio.tables import software, task_type

_links = project_task_type_software_link
_TYPE_ID = param("task_type_id")

LINK = wire_of(_links).only("project_id", "task_type_id", "software_id")

of_project = (
    select(json_object(LINK))
    .where(_links.c.project_id == PROJECT_ID)
    .order_by(_links.c.task_type_id, _links.c.software_id)
)

#: The department of a task type, and whether the production uses it.
_TASK_TYPE = select(
    task_type.c.department_id,
    exists()
    .where(project_task_type_link.c.project_id == PROJECT_ID, project_task_type_link.c.task_type_id == _TYPE_ID)
    .label("used"),
).where(task_type.c.id == _TYPE_ID)

_SOFTWARE = select(software.c.archived).where(software.c.id == param("software_id"))


async def check_task_type(tx: Transaction, caller: Caller, project_id: UUID, task_type_id: UUID) -> bool:
    """Whether the production uses a task type. A supervisor answers for the task types of their departments."""
    row = await tx.row(_TASK_TYPE, project_id=project_id, task_type_id=task_type_id)
    mine = row is not None and caller.covers_department(row["department_id"])
    require(caller.manages or mine, "The task type belongs to a department that is not yours.")
    return row is not None and bool(row["used"])


async def use_program(tx: Transaction, caller: Caller, project_id: UUID, task_type_id: UUID, software_id: UUID) -> None:
    """Use a program for a task type of a production; nothing happens if it is already."""
    if not await check_task_type(tx, caller, project_id, task_type_id):
        raise BadRequest("task_type_id is not used on this production.")
    row = await tx.row(_SOFTWARE, software_id=software_id)
    if row is None:
        raise NotFound(f"There is no software {software_id}.")
    if row["archived"]:
        raise BadRequest("software_id: this software is archived.")
    link = {"project_id": project_id, "task_type_id": task_type_id, "software_id": software_id}
    if await tx.insert_many(_links, [link], skip_existing=True):
        tx.emit(PROJECT_CHANGED, project_id=project_id)


async def drop_program(
    tx: Transaction, caller: Caller, project_id: UUID, task_type_id: UUID, software_id: UUID
) -> None:
    """Stop using a program for a task type of a production."""
    await check_task_type(tx, caller, project_id, task_type_id)
    if await tx.delete(_links, project_id=project_id, task_type_id=task_type_id, software_id=software_id):
        tx.emit(PROJECT_CHANGED, project_id=project_id)

"""Routes of the programs of task types. Source: spec projects, "Task type softwares"."""

from typing import Any
from uuid import UUID

from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.http.access import Caller, member_of, supervisor_of
from pegbar.core.http.body import Strict
from pegbar.core.http.routing import delete, get, path_uuid, post
from pegbar.productions.events import PROJECT_CHANGED
from pegbar.productions.programs import actions
from pegbar.productions.settings.shapes import read_uuid

_AT = "/data/projects/{project_id:uuid}/task-types/{task_type_id:str}/softwares"
_WRITING: dict[str, Any] = {
    "access": supervisor_of("project_id").further("supervisors for the task types of their departments"),
    "events": (PROJECT_CHANGED,),
    "tag": "Projects",
    "malformed": 400,
}


class UsedProgram(Strict):
    """A program to use."""

    software_id: str


@get(
    "/data/projects/{project_id:uuid}/task-type-softwares",
    access=member_of("project_id"),
    returns=[actions.LINK],
    tag="Projects",
)
async def programs(project_id: UUID, db: Database) -> Json:
    """The programs that a production uses, by task type."""
    return await db.json(actions.of_project, project_id=project_id)


@post(_AT, returns=actions.LINK, errors=(400, 404), **_WRITING)
async def use_program(project_id: UUID, task_type_id: str, body: UsedProgram, tx: Transaction, caller: Caller) -> Any:
    """Use a program for a task type of a production."""
    ids = (path_uuid(task_type_id), read_uuid("software_id", body.software_id))
    await actions.use_program(tx, caller, project_id, *ids)
    return {"project_id": project_id, "task_type_id": ids[0], "software_id": ids[1]}


@delete(f"{_AT}/{{software_id:str}}", errors=(400,), **_WRITING)
async def drop_program(project_id: UUID, task_type_id: str, software_id: str, tx: Transaction, caller: Caller) -> None:
    """Stop using a program for a task type of a production."""
    await actions.drop_program(tx, caller, project_id, path_uuid(task_type_id), path_uuid(software_id))

"""The rules of schedules. Source: spec crud, "schedule-items", "production-schedule-versions"."""

from sqlalchemy import update

from pegbar.core.data.changes import Change
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import utc_now
from pegbar.core.errors import BadRequest, NotFound
from pegbar.core.http.access import require
from pegbar.planning import queries
from pegbar.planning.tables import production_schedule_version
from pegbar.productions.events import PROJECT_CHANGED
from pegbar.productions.queries import locked_project
from pegbar.productions.tables import project

_VERSION_ID = param("version_id")
_NOW = param("now")

_FORGET_ORIGIN = (
    update(production_schedule_version)
    .where(production_schedule_version.c.production_schedule_from == _VERSION_ID)
    .values(production_schedule_from=None, updated_at=_NOW)
)
_FORGET_VERSION = (
    update(project)
    .where(project.c.from_schedule_version_id == _VERSION_ID)
    .values(from_schedule_version_id=None, updated_at=_NOW)
)


async def prepare_schedule_item(change: Change) -> None:
    """On update, days given as text are not taken: clients send an empty field so."""
    if change.before is not None and isinstance(change.document.get("man_days"), str):
        change.document = {key: value for key, value in change.document.items() if key != "man_days"}


async def check_schedule_item(change: Change) -> None:
    """One item for each object; supervisors plan the task types of their departments."""
    if change.before is None:
        await change.tx.row(locked_project, project_id=change.after("project_id"))
        place = {name: change.after(name) for name in ("project_id", "task_type_id", "object_id")}
        if await change.tx.row(queries.same_schedule_item, **place) is not None:
            raise BadRequest("A schedule item already exists for this production, task type and object.")
    elif not change.caller.manages and change.caller.departments:
        department_id = await change.tx.value(
            queries.department_of_task_type, task_type_id=change.before["task_type_id"]
        )
        require(
            change.caller.covers_department(department_id), "The task type belongs to a department that is not yours."
        )


async def detach_version(change: Change) -> None:
    """Forget a version where plans or productions were made from it."""
    projects = await change.tx.column(queries.projects_from_version, version_id=change.row_id)
    for statement in (_FORGET_ORIGIN, _FORGET_VERSION):
        await change.tx.execute(statement, version_id=change.row_id, now=utc_now())
    for project_id in projects:
        change.tx.emit(PROJECT_CHANGED, project_id=project_id)


async def check_version_link(change: Change) -> None:
    """A version plans tasks that exist."""
    if change.before is not None:
        return
    change.need("task_id", "production_schedule_version_id")
    if await change.tx.row(queries.known_task, task_id=change.after("task_id")) is None:
        raise NotFound(f"There is no task {change.after('task_id')}.", field="task_id")

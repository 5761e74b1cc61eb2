"""Which entities a caller lists. Source: spec crud, "Access matrix" and entities; spec entities, "Vendor scoping"."""

from sqlalchemy import ColumnElement, exists, select

from pegbar.core.access import Caller
from pegbar.core.resource import CALLER_ID
from pegbar.entities.tables import entity
from pegbar.productions.tables import project, project_person_link
from pegbar.studio.tables import project_status
from pegbar.tasks.tables import task, task_person_link

_own_open_projects = (
    select(project.c.id)
    .join(project_person_link, project_person_link.c.project_id == project.c.id)
    .join(project_status, project_status.c.id == project.c.project_status_id)
    .where(project_person_link.c.person_id == CALLER_ID, project_status.c.name == "Open")
)
IN_OWN_OPEN_PROJECTS: ColumnElement[bool] = entity.c.project_id.in_(_own_open_projects)

#: The caller has a task on the entity.
ASSIGNED: ColumnElement[bool] = exists(
    select(task.c.id)
    .join(task_person_link, task_person_link.c.task_id == task.c.id)
    .where(task.c.entity_id == entity.c.id, task_person_link.c.person_id == CALLER_ID)
    .correlate(entity)
)
_VENDOR = IN_OWN_OPEN_PROJECTS & ASSIGNED


def listed(caller: Caller) -> ColumnElement[bool]:
    """Entities of the caller's open productions; for a vendor those with a task of theirs."""
    return _VENDOR if caller.role == "vendor" else IN_OWN_OPEN_PROJECTS

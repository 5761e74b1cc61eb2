"""Which entities a caller lists. Source: spec crud, "Access matrix" and entities; spec entities, "Vendor scoping"."""

from sqlalchemy import ColumnElement, exists, or_, select

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

_own_entities = (
    select(task.c.entity_id)
    .join(task_person_link, task_person_link.c.task_id == task.c.id)
    .where(task_person_link.c.person_id == CALLER_ID)
)
#: The caller has a task on the entity.
ASSIGNED: ColumnElement[bool] = entity.c.id.in_(_own_entities)

_below = entity.alias("below")
_between = entity.alias("between")
#: The caller has a task on the sequence or on something of it.
ASSIGNED_IN_SEQUENCE: ColumnElement[bool] = ASSIGNED | exists(
    select(_below.c.id).where(_below.c.parent_id == entity.c.id, _below.c.id.in_(_own_entities)).correlate(entity)
)
#: The caller has a task on the episode, on something of its sequences, or on an asset of it.
ASSIGNED_IN_EPISODE: ColumnElement[bool] = or_(
    ASSIGNED,
    exists(
        select(_below.c.id)
        .join(_between, _between.c.id == _below.c.parent_id)
        .where(_between.c.parent_id == entity.c.id, _below.c.id.in_(_own_entities))
        .correlate(entity)
    ),
    exists(
        select(_below.c.id).where(_below.c.source_id == entity.c.id, _below.c.id.in_(_own_entities)).correlate(entity)
    ),
)
_VENDOR = IN_OWN_OPEN_PROJECTS & ASSIGNED


def listed(caller: Caller) -> ColumnElement[bool]:
    """Entities of the caller's open productions; for a vendor those with a task of theirs."""
    return _VENDOR if caller.role == "vendor" else IN_OWN_OPEN_PROJECTS

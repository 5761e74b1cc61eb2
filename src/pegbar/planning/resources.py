"""Generic routes of schedules. Source: spec crud, "schedule-items", "milestones", "production-schedule-versions"."""

from sqlalchemy import select

from pegbar.core.data.changes import Relation
from pegbar.core.data.filters import Special, uuid_filter
from pegbar.core.data.parameters import param
from pegbar.core.data.resource import Access, Resource
from pegbar.core.data.writes import MANAGERS, writes
from pegbar.core.http.access import (
    Place,
    admin,
    authenticated,
    manager_of,
    member_of,
    not_client,
    not_vendor,
    supervisor_of,
)
from pegbar.planning import actions
from pegbar.planning.tables import (
    milestone,
    production_schedule_version,
    production_schedule_version_task_link,
    production_schedule_version_task_link_person_link,
    schedule_item,
)

milestones = Resource(
    milestone,
    path="/data/milestones",
    type="Milestone",
    access=Access(
        list=admin,
        read=member_of(milestone.c.project_id) & not_vendor & not_client,
        create=manager_of(milestone.c.project_id),
        update=manager_of(milestone.c.project_id),
        delete=manager_of(milestone.c.project_id),
    ),
    writes=writes("date name task_type_id", create="project_id"),
    tag="Schedule",
)

schedule_items = Resource(
    schedule_item,
    path="/data/schedule-items",
    type="ScheduleItem",
    access=Access(
        list=admin,
        read=admin,
        create=manager_of(schedule_item.c.project_id),
        update=supervisor_of(schedule_item.c.project_id).further("supervisors for the task types of their departments"),
        delete=manager_of(schedule_item.c.project_id),
    ),
    writes=writes(
        "start_date end_date man_days task_type_id object_id",
        create="project_id",
        only={MANAGERS: "task_type_id object_id"},
    ),
    prepare=actions.prepare_schedule_item,
    check=actions.check_schedule_item,
    tag="Schedule",
)

_version_project = production_schedule_version.c.project_id

schedule_versions = Resource(
    production_schedule_version,
    path="/data/production-schedule-versions",
    type="ProductionScheduleVersion",
    access=Access(
        list=authenticated,
        read=member_of(_version_project) & not_vendor & not_client,
        create=manager_of(_version_project),
        update=manager_of(_version_project),
        delete=manager_of(_version_project),
    ),
    writes=writes("name production_schedule_from locked canceled", create="project_id"),
    deleting=actions.detach_version,
    skip=frozenset({"list"}),
    tag="Schedule",
)

_KEY = param("key")
_links = production_schedule_version_task_link
_project_of_version = select(_version_project.label("place_id")).where(production_schedule_version.c.id == _KEY)
_of_link = Place(
    "project",
    "instance_id",
    select(_version_project.label("place_id"))
    .join_from(_links, production_schedule_version)
    .where(_links.c.id == _KEY),
)
_in_body = Place("project", "production_schedule_version_id", _project_of_version, in_body=True)

schedule_version_links = Resource(
    _links,
    path="/data/production-schedule-version-task-links",
    type="ProductionScheduleVersionTaskLink",
    access=Access(
        list=authenticated,
        read=member_of(_of_link) & not_vendor & not_client,
        create=manager_of(_in_body),
        update=manager_of(_of_link),
        delete=manager_of(_of_link),
    ),
    relations=(
        Relation(
            "assignees",
            production_schedule_version_task_link_person_link.c.production_schedule_version_task_link_id,
            production_schedule_version_task_link_person_link.c.person_id,
        ),
    ),
    of_production=True,
    specials={
        "project_id": Special(
            uuid_filter,
            _links.c.production_schedule_version_id.in_(
                select(production_schedule_version.c.id).where(_version_project == param("f_project_id"))
            ),
        )
    },
    writes=writes("start_date due_date estimation assignees", create="production_schedule_version_id task_id"),
    check=actions.check_version_link,
    skip=frozenset({"list"}),
    tag="Schedule",
)

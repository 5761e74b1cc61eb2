"""Generic routes of productions. Source: spec crud, "projects"."""

from sqlalchemy import ColumnElement, select

from pegbar.core.access import Caller, admin, at, authenticated, manager_of, member_of
from pegbar.core.resource import CALLER_ID, Access, Relation, Resource
from pegbar.productions import actions, queries
from pegbar.productions.tables import (
    project,
    project_asset_type_link,
    project_person_link,
    project_preview_background_file_link,
    project_status_automation_link,
    project_task_status_link,
    project_task_type_link,
)


def own_open_projects(_: Caller) -> ColumnElement[bool]:
    """The open productions whose team holds the caller."""
    mine = select(project_person_link.c.project_id).where(project_person_link.c.person_id == CALLER_ID)
    return project.c.id.in_(mine) & (project.c.project_status_id == queries.open_status.scalar_subquery())


projects = Resource(
    project,
    path="/data/projects",
    type="Project",
    access=Access(
        list=authenticated,
        read=member_of(at("project", "instance_id")),
        create=admin,
        update=manager_of(at("project", "instance_id")),
        delete=admin,
    ),
    relations=(
        Relation("team", project_person_link.c.project_id, project_person_link.c.person_id),
        Relation("asset_types", project_asset_type_link.c.project_id, project_asset_type_link.c.asset_type_id),
        Relation("task_statuses", project_task_status_link.c.project_id, project_task_status_link.c.task_status_id),
        Relation("task_types", project_task_type_link.c.project_id, project_task_type_link.c.task_type_id),
        Relation(
            "status_automations",
            project_status_automation_link.c.project_id,
            project_status_automation_link.c.status_automation_id,
        ),
        Relation(
            "preview_background_files",
            project_preview_background_file_link.c.project_id,
            project_preview_background_file_link.c.preview_background_file_id,
        ),
    ),
    scope=own_open_projects,
    protected=frozenset({"team"}),
    check=actions.check_project,
    event_key="project_id",
    tag="Projects",
)

"""What productions and their descriptors look like. Source: spec projects, "Project JSON shapes"."""

from typing import Any

from sqlalchemy import ColumnElement, case, literal_column, select, true
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.selectable import ScalarSelect

from pegbar.accounts.people.shapes import managed_wire
from pegbar.accounts.shapes import CLIENT, MINIMAL
from pegbar.accounts.standing import CALLER, on
from pegbar.core.data.changes import Relation
from pegbar.core.data.wire import JsonText, Wire, json_list, json_map, json_object, wire_of, word
from pegbar.core.http.access import Caller
from pegbar.entities.tables import entity
from pegbar.productions.descriptors.shapes import DESCRIPTORS_FOR, FOR_CLIENT, masked
from pegbar.productions.tables import (
    department_metadata_descriptor_link,
    metadata_descriptor,
    project,
    project_asset_type_link,
    project_person_link,
    project_preview_background_file_link,
    project_status_automation_link,
    project_task_status_link,
    project_task_type_link,
)
from pegbar.studio.tables import entity_type, project_status

RELATIONS = (
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
)
DEPARTMENTS = Relation(
    "departments",
    department_metadata_descriptor_link.c.metadata_descriptor_id,
    department_metadata_descriptor_link.c.department_id,
)


_here = on(CALLER, metadata_descriptor.c.project_id)
#: Which descriptors the caller sees, by their role on each production.
DESCRIPTOR_VISIBLE = case(*[(_here.has_role(role), seen) for role, seen in DESCRIPTORS_FOR.items()], else_=true())

DESCRIPTOR_SHORT = (
    wire_of(metadata_descriptor)
    .only("id", "name", "field_name", "data_type", "choices", "for_client", "entity_type", "task_type_id", "position")
    .but(for_client=FOR_CLIENT, departments=DEPARTMENTS.ids(metadata_descriptor))
)

#: A descriptor on its own.
DESCRIPTOR = wire_of(metadata_descriptor, "MetadataDescriptor").but(
    for_client=FOR_CLIENT, departments=DEPARTMENTS.ids(metadata_descriptor)
)

PROJECT = wire_of(project, "Project")
_its_columns = (metadata_descriptor.c.project_id == project.c.id, metadata_descriptor.c.entity_type == word("Project"))
_of_caller = on(CALLER, project.c.id)
_shown_data = case(
    (project.c.data.is_(None), project.c.data),
    *[(_of_caller.has_role(role), masked(role, project.c.data, *_its_columns)) for role in DESCRIPTORS_FOR],
    else_=project.c.data,
).cast(JSONB)
#: The same as a caller who is no administrator sees it, by their role there.
PROJECT_SHOWN = PROJECT.but(data=_shown_data)

STATUS_NAME: ScalarSelect[str] = (
    select(project_status.c.name).where(project_status.c.id == project.c.project_status_id).scalar_subquery()
)

_first_episode = (
    select(entity.c.id)
    .join_from(entity, entity_type, entity_type.c.id == entity.c.entity_type_id)
    .where(entity.c.project_id == project.c.id, entity_type.c.name == word("Episode"))
    .order_by((entity.c.status == word("running")).desc(), entity.c.name, entity.c.id)
    .limit(1)
    .correlate(project)
    .scalar_subquery()
)
#: The episode that clients open first; null but for TV shows.
FIRST_EPISODE: ColumnElement[Any] = case((project.c.production_type == word("tvshow"), _first_episode))

#: The answer to a creation or change.
SAVED = PROJECT.but(first_episode_id=FIRST_EPISODE)
#: A single production without its relations.
NAMED = PROJECT.but(project_status_name=STATUS_NAME)
NAMED_SHOWN = PROJECT_SHOWN.but(project_status_name=STATUS_NAME)


def _descriptors(narrowed: bool) -> ColumnElement[str]:
    rows = select(json_object(DESCRIPTOR_SHORT)).where(metadata_descriptor.c.project_id == project.c.id)
    if narrowed:
        rows = rows.where(DESCRIPTOR_VISIBLE)
    order = (metadata_descriptor.c.position.nulls_last(), metadata_descriptor.c.name)
    return json_list(rows.order_by(*order).correlate(project))


def _full(narrowed: bool) -> Wire:
    of_type = project_task_type_link.c
    of_status = project_task_status_link.c
    type_link = {
        "priority": of_type.priority,
        "hd_bitrate_compression": of_type.hd_bitrate_compression,
        "ld_bitrate_compression": of_type.ld_bitrate_compression,
        "is_client_visible": of_type.is_client_visible,
    }
    status_link = {
        "priority": of_status.priority,
        "roles_for_board": of_status.roles_for_board,
        "is_client_allowed": of_status.is_client_allowed,
    }
    types = of_type.project_id == project.c.id
    statuses = of_status.project_id == project.c.id
    return (PROJECT_SHOWN if narrowed else PROJECT).but(
        **{relation.key: relation.ids(project) for relation in RELATIONS},
        descriptors=_descriptors(narrowed),
        task_type_links=json_map(select(of_type.task_type_id, json_object(type_link)).where(types).correlate(project)),
        task_types_priority=json_map(select(of_type.task_type_id, of_type.priority).where(types).correlate(project)),
        task_statuses_link=json_map(
            select(of_status.task_status_id, json_object(status_link)).where(statuses).correlate(project)
        ),
        first_episode_id=FIRST_EPISODE,
        project_status_name=STATUS_NAME,
    )


#: A production with its settings and descriptors: all of them, or those that the caller may see.
FULL_FOR_ADMINS = _full(narrowed=False)
FULL = _full(narrowed=True)


def named_project(caller: Caller) -> Wire:
    """A production without its relations."""
    return NAMED if caller.is_admin else NAMED_SHOWN


def full_project(caller: Caller) -> Wire:
    """A production with everything a client of the API works with."""
    return FULL_FOR_ADMINS if caller.is_admin else FULL


_shared_descriptors = (
    select(json_object(DESCRIPTOR_SHORT))
    .where(metadata_descriptor.c.project_id == project.c.id, metadata_descriptor.c.entity_type == word("Project"))
    .order_by(metadata_descriptor.c.position.nulls_last(), metadata_descriptor.c.name)
    .correlate(project)
)
#: An entry of an administrator's list of all productions.
OVERVIEW = NAMED.but(descriptors=json_list(_shared_descriptors))

_PROJECT_ROLE = project_person_link.c.role
_MEMBER = MINIMAL.but(departments=literal_column("'[]'", JsonText()))
_TEAMS = {
    "manager": managed_wire().but(project_role=_PROJECT_ROLE),
    "client": CLIENT.but(project_role=_PROJECT_ROLE),
    "other": _MEMBER.but(project_role=_PROJECT_ROLE),
}


def team_member(caller: Caller) -> Wire:
    """How the caller sees the members of a team: managers see what budgets need."""
    if caller.manages:
        return _TEAMS["manager"]
    return _TEAMS["client" if caller.role_here == "client" else "other"]

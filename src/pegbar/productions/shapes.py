"""What productions and their descriptors look like. Source: spec projects, "Project JSON shapes"."""

from typing import Any

from sqlalchemy import ColumnElement, Select, Text, any_, case, func, literal_column, or_, select, true
from sqlalchemy.sql.selectable import ScalarSelect

from pegbar.accounts.people.visibility import managed_wire
from pegbar.accounts.shapes import CLIENT, MINIMAL
from pegbar.accounts.standing import CALLER, on
from pegbar.core.access import Caller
from pegbar.core.resource import CALLER_DEPARTMENTS, Relation
from pegbar.core.wire import JsonText, Wire, json_list, json_map, json_object, wire_of
from pegbar.entities.tables import entity
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


def _word(text: str) -> ColumnElement[str]:
    return literal_column(f"'{text}'", Text)


_for_client = func.coalesce(metadata_descriptor.c.for_client, literal_column("false"))


def _vendors_see() -> ColumnElement[bool]:
    """A descriptor concerns everybody, or one of the caller's departments."""
    link = department_metadata_descriptor_link
    limited: Select[Any] = select(literal_column("1")).where(link.c.metadata_descriptor_id == metadata_descriptor.c.id)
    shared = limited.where(link.c.department_id == any_(CALLER_DEPARTMENTS))
    return or_(~limited.correlate_except(link).exists(), shared.correlate_except(link).exists())


#: The roles that see some descriptors only, and which: clients what is meant for them, vendors what concerns everybody
#: or their departments. What they do not see, they do not see the values of either.
DESCRIPTORS_FOR = {"client": _for_client, "vendor": _vendors_see()}

_here = on(CALLER, metadata_descriptor.c.project_id)
#: Which descriptors the caller sees, by their role on each production.
DESCRIPTOR_VISIBLE = case(*[(_here.has_role(role), seen) for role, seen in DESCRIPTORS_FOR.items()], else_=true())

DESCRIPTOR_SHORT = (
    wire_of(metadata_descriptor)
    .only("id", "name", "field_name", "data_type", "choices", "for_client", "entity_type", "task_type_id", "position")
    .but(for_client=_for_client, departments=DEPARTMENTS.ids(metadata_descriptor))
)

#: A descriptor on its own.
DESCRIPTOR = wire_of(metadata_descriptor, "MetadataDescriptor").but(
    for_client=_for_client, departments=DEPARTMENTS.ids(metadata_descriptor)
)

PROJECT = wire_of(project, "Project")

STATUS_NAME: ScalarSelect[str] = (
    select(project_status.c.name).where(project_status.c.id == project.c.project_status_id).scalar_subquery()
)

_first_episode = (
    select(entity.c.id)
    .join_from(entity, entity_type, entity_type.c.id == entity.c.entity_type_id)
    .where(entity.c.project_id == project.c.id, entity_type.c.name == _word("Episode"))
    .order_by((entity.c.status == _word("running")).desc(), entity.c.name, entity.c.id)
    .limit(1)
    .correlate(project)
    .scalar_subquery()
)
#: The episode that clients open first; null but for TV shows.
FIRST_EPISODE: ColumnElement[Any] = case((project.c.production_type == _word("tvshow"), _first_episode))

#: The answer to a creation or change.
SAVED = PROJECT.but(first_episode_id=FIRST_EPISODE)
#: A single production without its relations.
NAMED = PROJECT.but(project_status_name=STATUS_NAME)


def _descriptors(narrowed: bool) -> ColumnElement[str]:
    found = select(json_object(DESCRIPTOR_SHORT)).where(metadata_descriptor.c.project_id == project.c.id)
    if narrowed:
        found = found.where(DESCRIPTOR_VISIBLE)
    order = (metadata_descriptor.c.position.nulls_last(), metadata_descriptor.c.name)
    return json_list(found.order_by(*order).correlate(project))


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
    return PROJECT.but(
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


def full_project(caller: Caller) -> Wire:
    """A production with everything a client of the API works with; a statement of it takes `scope_parameters`."""
    return FULL_FOR_ADMINS if caller.is_admin else FULL


_shared_descriptors = (
    select(json_object(DESCRIPTOR_SHORT))
    .where(metadata_descriptor.c.project_id == project.c.id, metadata_descriptor.c.entity_type == _word("Project"))
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

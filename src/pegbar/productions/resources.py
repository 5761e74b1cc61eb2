"""Generic routes of productions. Source: spec crud, sections projects, project-templates, budgets and others."""

from dataclasses import replace

from pegbar.accounts.standing import Narrowing, is_going
from pegbar.core.data.changes import Change, Relation
from pegbar.core.data.resource import Access, Resource
from pegbar.core.data.writes import writes
from pegbar.core.http.access import admin, at, authenticated, global_manager, manager_of, member_of
from pegbar.productions import creation, shapes
from pegbar.productions.budgets import actions as budget_actions
from pegbar.productions.deletion.actions import remove_project
from pegbar.productions.descriptors import values
from pegbar.productions.descriptors.shapes import DESCRIPTORS_FOR
from pegbar.productions.tables import (
    budget,
    budget_entry,
    metadata_descriptor,
    project,
    project_template,
    project_template_asset_type_link,
    project_template_preview_background_file_link,
    project_template_status_automation_link,
    project_template_task_status_link,
    project_template_task_type_link,
)
from pegbar.productions.templates import rules

#: What productions and templates share.
_SETTINGS = " " + " ".join(rules.SETTINGS)

projects = Resource(
    project,
    path="/data/projects",
    type="Project",
    access=Access(
        list=authenticated,
        read=member_of(at("project", "instance_id")),
        create=admin,
        update=manager_of(at("project", "instance_id")),
        delete=replace(admin, place=at("project", "instance_id")),
    ),
    relations=shapes.RELATIONS,
    wire=shapes.PROJECT,
    shape=lambda _: shapes.SAVED,
    list_shape=lambda caller: shapes.PROJECT if caller.is_admin else shapes.PROJECT_SHOWN,
    scope=Narrowing(project.c.id),
    listed=~is_going(project.c.id),
    writes=writes(
        """
        name code description shotgun_id file_tree data has_avatar project_status_id start_date end_date man_days
        nb_episodes episode_span from_schedule_version_id is_bot_collaboration_enabled
        default_preview_background_file_id preview_background_files
        asset_types task_statuses task_types status_automations
        """
        + _SETTINGS,
        create="team",
        further="project_template_id",
    ),
    prepare=creation.prepare_project,
    check=creation.check_project,
    saved=creation.finish_project,
    alone={"delete": "the rest of a large production goes in jobs"},
    deleting=remove_project,
    event_key="project_id",
    skip=frozenset({"read"}),
    tag="Projects",
)


async def _check_template(change: Change) -> None:
    creation.check_resolution(change)
    creation.check_bitrates(change)
    await rules.check_default_background(change)


_template_links = (
    ("task_types", project_template_task_type_link, "task_type_id"),
    ("task_statuses", project_template_task_status_link, "task_status_id"),
    ("asset_types", project_template_asset_type_link, "asset_type_id"),
    ("status_automations", project_template_status_automation_link, "status_automation_id"),
    ("preview_background_files", project_template_preview_background_file_link, "preview_background_file_id"),
)

project_templates = Resource(
    project_template,
    path="/data/project-templates",
    type="ProjectTemplate",
    access=Access(list=global_manager, read=global_manager, create=admin, update=admin, delete=admin),
    relations=tuple(Relation(key, table.c.project_template_id, table.c[name]) for key, table, name in _template_links),
    writes=writes(
        "name description file_tree data metadata_descriptors" + _SETTINGS,
        update=f"{rules.BACKGROUND} preview_background_files",
        lenient=True,
    ),
    prepare=rules.prepare_template,
    check=_check_template,
    skip=frozenset({"update", "delete"}),
    tag="Project templates",
)

metadata_descriptors = Resource(
    metadata_descriptor,
    path="/data/metadata-descriptors",
    type="MetadataDescriptor",
    access=Access(list=authenticated),
    relations=(shapes.DEPARTMENTS,),
    scope=Narrowing(
        metadata_descriptor.c.project_id,
        client=DESCRIPTORS_FOR["client"],
        vendor=DESCRIPTORS_FOR["vendor"],
    ),
    writes=writes(
        "entity_type name data_type field_name choices for_client position task_type_id departments",
        create="project_id",
    ),
    update_relations=True,
    check=values.check_descriptor,
    saved=values.move_values,
    deleting=values.drop_values,
    skip=frozenset({"list"}),
    tag="Metadata descriptors",
)

budgets = Resource(
    budget,
    path="/data/budgets",
    type="Budget",
    deleting=budget_actions.deleting_budget,
    writes=writes("name currency", create="project_id revision"),
    tag="Budgets",
)

budget_entries = Resource(
    budget_entry,
    path="/data/budget-entries",
    type="BudgetEntry",
    writes=writes(
        "department_id person_id start_date months_duration daily_salary position seniority exceptions",
        create="budget_id",
    ),
    of_production=True,
    tag="Budgets",
)

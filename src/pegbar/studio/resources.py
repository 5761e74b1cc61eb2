"""Generic routes of the studio's tables. Source: spec crud, sections of the same names."""

from pegbar.accounts.queries import ORGANISATION, ORGANISATION_FOR_ADMINS
from pegbar.core.data.changes import Relation
from pegbar.core.data.resource import Access, Resource
from pegbar.core.data.writes import writes
from pegbar.core.http.access import admin, authenticated, not_vendor
from pegbar.studio import actions
from pegbar.studio.tables import (
    custom_action,
    entity_type,
    hardware_item,
    organisation,
    plugin,
    project_status,
    salary_scale,
    software,
    status_automation,
    studio,
    task_status,
    task_type,
    task_type_asset_type_link,
)

#: Everybody reads, administrators write.
FOR_ALL = Access(list=authenticated, read=authenticated, create=admin, update=admin, delete=admin)
#: Vendors do not see how the studio works.
NOT_FOR_VENDORS = Access(list=not_vendor)

_CHAT_TOKENS = frozenset(ORGANISATION_FOR_ADMINS) - frozenset(ORGANISATION)

organisations = Resource(
    organisation,
    path="/data/organisations",
    type="Organisation",
    access=FOR_ALL,
    writes=writes(
        """
        name hours_by_day has_avatar use_original_file_name timesheets_locked format_duration_in_hours hd_by_default
        chat_token_slack chat_webhook_mattermost chat_token_discord dark_theme_by_default
        """
    ),
    shape=lambda caller: ORGANISATION_FOR_ADMINS if caller.is_admin else ORGANISATION,
    refused_filters=lambda caller: frozenset() if caller.is_admin else _CHAT_TOKENS,
    tag="Organisations",
)
entity_types = Resource(
    entity_type,
    path="/data/entity-types",
    type="EntityType",
    access=FOR_ALL,
    relations=(
        Relation("task_types", task_type_asset_type_link.c.asset_type_id, task_type_asset_type_link.c.task_type_id),
    ),
    writes=writes(
        "name short_name description archived task_types",
        further="import_task_types",  # the web UI sends it
    ),
    check=actions.check_entity_type,
    update_relations=True,
    event="asset-type",
    event_key="asset_type_id",
    tag="Entity types",
)
task_types = Resource(
    task_type,
    path="/data/task-types",
    type="TaskType",
    access=FOR_ALL,
    writes=writes(
        "name short_name description color priority for_entity allow_timelog archived shotgun_id department_id"
    ),
    check=actions.check_task_type,
    deleting=actions.free_task_type,
    tag="Task types",
)
task_statuses = Resource(
    task_status,
    path="/data/task-status",
    type="TaskStatus",
    access=FOR_ALL,
    writes=writes(
        """
        name short_name description color priority archived is_done is_artist_allowed is_client_allowed is_retake
        is_feedback_request is_default is_wip for_concept shotgun_id
        """
    ),
    check=actions.check_task_status,
    tag="Task status",
)
project_statuses = Resource(
    project_status,
    path="/data/project-status",
    type="ProjectStatus",
    access=FOR_ALL,
    writes=writes("name color"),
    tag="Project status",
)
studios = Resource(
    studio,
    path="/data/studios",
    type="Studio",
    access=FOR_ALL,
    writes=writes("name color archived"),
    tag="Studios",
)
softwares = Resource(
    software,
    path="/data/softwares",
    type="Software",
    access=FOR_ALL,
    writes=writes(
        """
        name short_name archived version file_extension secondary_extensions monthly_cost inventory_amount
        """
    ),
    malformed=404,
    tag="Softwares",
)
hardware_items = Resource(
    hardware_item,
    path="/data/hardware-items",
    type="HardwareItem",
    writes=writes("name short_name archived monthly_cost inventory_amount"),
    tag="Hardware items",
)
custom_actions = Resource(
    custom_action,
    path="/data/custom-actions",
    type="CustomAction",
    access=NOT_FOR_VENDORS,
    writes=writes("name url entity_type is_ajax"),
    prepare=actions.prepare_name,
    tag="Custom actions",
)
status_automations = Resource(
    status_automation,
    path="/data/status-automations",
    type="StatusAutomation",
    access=NOT_FOR_VENDORS,
    writes=writes(
        """
        entity_type in_task_type_id in_task_status_id out_field_type out_task_type_id out_task_status_id
        import_last_revision archived
        """
    ),
    tag="Status automations",
)
#: Rows are made by the list, one for each department, position and seniority.
salary_scales = Resource(
    salary_scale,
    path="/data/salary-scales",
    type="SalaryScale",
    writes=writes(update="position seniority salary"),
    skip=frozenset({"list", "create"}),
    tag="Salary scales",
)
plugins = Resource(
    plugin,
    path="/data/plugins",
    type="Plugin",
    writes=writes(
        """
        plugin_id name description version maintainer_name maintainer_email website license revision
        frontend_project_enabled frontend_studio_enabled icon
        """
    ),
    check=actions.check_plugin,
    tag="Plugins",
)

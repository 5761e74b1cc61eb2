"""Tables of the studio."""

from uuid import uuid4

from sqlalchemy import UniqueConstraint

from pegbar.accounts.tables import POSITIONS, SENIORITIES
from pegbar.core.data.schema import (
    JSONB,
    Boolean,
    Column,
    Float,
    Integer,
    String,
    Text,
    Uuid,
    choice,
    flag,
    link_table,
    reference,
    table,
    unrecorded,
)

AUTOMATION_FIELDS = ("status", "ready_for")

organisation = table(
    "organisation",
    Column("name", String(80), nullable=False, unique=True),
    Column("hours_by_day", Float, default=8.0, nullable=False),
    flag("has_avatar"),
    flag("use_original_file_name"),
    flag("timesheets_locked"),
    flag("format_duration_in_hours"),
    flag("hd_by_default"),
    Column("chat_token_slack", String(80), default="", info=unrecorded()),
    Column("chat_webhook_mattermost", String(80), default="", info=unrecorded()),
    Column("chat_token_discord", String(80), default="", info=unrecorded()),
    flag("dark_theme_by_default"),
    holds_files=True,
    history="all",
)

studio = table(
    "studio",
    Column("name", String(80), nullable=False, unique=True),
    Column("color", String(7), nullable=False),
    flag("archived"),
    history="all",
)

entity_type = table(
    "entity_type",
    Column("name", String(30), nullable=False, index=True, unique=True),
    Column("short_name", String(20)),
    Column("description", Text),
    flag("archived"),
    history="all",
)

task_type = table(
    "task_type",
    Column("name", String(40), nullable=False),
    Column("short_name", String(20)),
    Column("description", Text),
    Column("color", String(7), default="#FFFFFF"),
    Column("priority", Integer, default=1),
    Column("for_entity", String(30), default="Asset"),
    flag("allow_timelog", True),
    flag("archived"),
    Column("shotgun_id", Integer, index=True),
    reference("department", goes="refuse"),
    UniqueConstraint("name", "for_entity", "department_id", name="task_type_uc"),
    history="all",
)

task_type_asset_type_link = link_table(
    "task_type_asset_type_link",
    reference("entity_type", "asset_type_id", primary_key=True, goes="refuse"),
    reference("task_type", primary_key=True, goes="refuse"),
    UniqueConstraint("asset_type_id", "task_type_id", name="task_type_asset_type_link_uc"),
    history="all",
)

task_status = table(
    "task_status",
    Column("name", String(40), nullable=False),
    flag("archived"),
    Column("short_name", String(10), nullable=False, index=True, unique=True),
    Column("description", Text),
    Column("color", String(7), nullable=False),
    Column("priority", Integer, default=1),
    Column("is_done", Boolean, default=False, index=True),
    flag("is_artist_allowed", True),
    flag("is_client_allowed", True),
    flag("is_retake"),
    Column("is_feedback_request", Boolean, default=False, index=True),
    Column("is_default", Boolean, default=False, index=True),
    Column("is_wip", Boolean, default=False, index=True),
    Column("shotgun_id", Integer),
    flag("for_concept", in_database=True),
    history="all",
)

project_status = table(
    "project_status",
    Column("name", String(20), nullable=False, index=True, unique=True),
    Column("color", String(7), nullable=False),
    history="all",
)

software = table(
    "software",
    Column("name", String(40), nullable=False, unique=True),
    Column("short_name", String(20), nullable=False),
    flag("archived"),
    Column("version", String(20)),
    Column("file_extension", String(20), nullable=False),
    Column("secondary_extensions", JSONB),
    Column("monthly_cost", Integer, default=0),
    Column("inventory_amount", Integer, default=0),
    history="all",
)

software_department_link = link_table(
    "software_department_link",
    reference("department", primary_key=True, goes="refuse"),
    reference("software", primary_key=True, goes="refuse"),
    Column("id", Uuid, primary_key=True, default=uuid4),
    UniqueConstraint("department_id", "software_id", name="software_department_link_uc"),
    audited=True,
    history="all",
)

hardware_item = table(
    "hardware_item",
    Column("name", String(40), nullable=False, unique=True),
    Column("short_name", String(20), nullable=False),
    flag("archived"),
    Column("monthly_cost", Integer, default=0),
    Column("inventory_amount", Integer, default=0),
    history="all",
)

hardware_item_department_link = link_table(
    "hardware_item_department_link",
    reference("department", primary_key=True, goes="refuse"),
    reference("hardware_item", primary_key=True, goes="refuse"),
    Column("id", Uuid, primary_key=True, default=uuid4),
    UniqueConstraint("hardware_item_id", "department_id", name="hardware_item_department_link_uc"),
    audited=True,
    history="all",
)

custom_action = table(
    "custom_action",
    Column("name", String(80), nullable=False),
    Column("url", String(400)),
    Column("entity_type", String(40), default="all"),
    flag("is_ajax"),
    history="all",
)

status_automation = table(
    "status_automation",
    Column("entity_type", String(40), default="asset"),
    reference("task_type", "in_task_type_id", goes="refuse"),
    reference("task_status", "in_task_status_id", goes="refuse"),
    choice("out_field_type", AUTOMATION_FIELDS, default="status", nullable=False),
    reference("task_type", "out_task_type_id", goes="refuse"),
    reference("task_status", "out_task_status_id", goes="refuse"),
    flag("import_last_revision", in_database=True),
    flag("archived"),
    history="all",
)

salary_scale = table(
    "salary_scale",
    reference("department", nullable=False, on_delete="CASCADE", goes="refuse"),
    choice("position", POSITIONS, default="artist"),
    choice("seniority", SENIORITIES, default="mid"),
    Column("salary", Integer, default=0, nullable=False),
    history="all",
)

plugin = table(
    "plugin",
    Column("plugin_id", String(80), nullable=False, index=True, unique=True),
    Column("name", String(80), nullable=False, index=True),
    Column("description", Text),
    Column("version", String(50), nullable=False),
    Column("maintainer_name", String(200), nullable=False),
    Column("maintainer_email", String(255)),
    Column("website", Text),
    Column("license", String(80), nullable=False),
    Column("revision", String(12)),
    flag("frontend_project_enabled"),
    flag("frontend_studio_enabled"),
    Column("icon", String(255)),
    history="all",
)

"""Tables of productions."""

from uuid import uuid4

from sqlalchemy import ARRAY, Index, UniqueConstraint, text

from pegbar.accounts.tables import POSITIONS, ROLES, SENIORITIES
from pegbar.core.data.schema import (
    JSONB,
    TIMESTAMP,
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    Integer,
    String,
    Text,
    Uuid,
    choice,
    flag,
    link_table,
    names,
    own_table,
    reference,
    table,
)

PRODUCTION_STYLES = (
    "2d",
    "2dpaper",
    "3d",
    "2d3d",
    "ar",
    "vfx",
    "stop-motion",
    "motion-design",
    "archviz",
    "commercial",
    "catalog",
    "immersive",
    "nft",
    "video-game",
    "vr",
)
#: The roles that see a status on a board unless a production says otherwise.
BOARD_ROLES = ("user", "admin", "supervisor", "manager", "vendor")
DATA_TYPES = ("string", "number", "list", "taglist", "boolean", "checklist", "date", "url", "textarea", "person")

project = table(
    "project",
    Column("name", String(80), nullable=False, index=True, unique=True),
    Column("code", String(80)),
    Column("description", Text),
    Column("shotgun_id", Integer),
    Column("file_tree", JSONB),
    Column("data", JSONB, info=names("person", goes="hook")),
    flag("has_avatar"),
    Column("fps", String(10), default="25"),
    Column("ratio", String(10), default="16:9"),
    Column("resolution", String(12), default="1920x1080"),
    Column("production_type", String(20), default="short"),
    choice("production_style", PRODUCTION_STYLES, default="2d3d", nullable=False),
    Column("start_date", Date),
    Column("end_date", Date),
    Column("man_days", Integer),
    Column("nb_episodes", Integer, default=0),
    Column("episode_span", Integer, default=0),
    Column("max_retakes", Integer, default=0),
    flag("is_clients_isolated"),
    flag("is_preview_download_allowed"),
    flag("is_set_preview_automated"),
    Column("homepage", String(80), default="assets"),
    flag("is_publish_default_for_artists"),
    Column("hd_bitrate_compression", Integer),
    Column("ld_bitrate_compression", Integer),
    reference("project_status", goes="refuse"),
    reference("preview_background_file", "default_preview_background_file_id", goes="refuse"),
    reference("production_schedule_version", "from_schedule_version_id", on_delete="SET NULL", goes="null"),
    flag("is_bot_collaboration_enabled", in_database=True),
    flag("is_single_preview_per_revision", in_database=True),
    Column("revision_padding", Integer, default=0, server_default="0", nullable=False),
    flag("is_frame_in_numbering", in_database=True),
    flag("is_client_stats_visible", True, in_database=True),
    flag("is_client_task_list_visible", True, in_database=True),
    flag("is_client_task_panel_visible", True, in_database=True),
    holds_files=True,
)

project_person_link = link_table(
    "project_person_link",
    reference("project", primary_key=True, goes="with", made=False),
    reference("person", primary_key=True, goes="with"),
    Column("shotgun_id", Integer),
    choice("role", ROLES),
)

project_asset_type_link = link_table(
    "project_asset_type_link",
    reference("project", primary_key=True, goes="with", made=False),
    reference("entity_type", "asset_type_id", primary_key=True, goes="refuse"),
)

project_task_type_link = link_table(
    "project_task_type_link",
    reference("project", primary_key=True, goes="with", made=False),
    reference("task_type", primary_key=True, goes="refuse"),
    Column("priority", Integer),
    Column("id", Uuid, primary_key=True, default=uuid4),
    Column("hd_bitrate_compression", Integer),
    Column("ld_bitrate_compression", Integer),
    flag("is_client_visible", True, in_database=True),
    UniqueConstraint("project_id", "task_type_id", name="project_tasktype_uc"),
    audited=True,
)

project_task_status_link = link_table(
    "project_task_status_link",
    reference("project", primary_key=True, goes="with", made=False),
    reference("task_status", primary_key=True, goes="refuse"),
    Column("priority", Integer),
    Column("roles_for_board", ARRAY(String(255)), default=lambda: list(BOARD_ROLES), info={"choices": ROLES}),
    Column("id", Uuid, primary_key=True, default=uuid4),
    Column("is_client_allowed", Boolean),
    UniqueConstraint("project_id", "task_status_id", name="project_taskstatus_uc"),
    audited=True,
)

project_status_automation_link = link_table(
    "project_status_automation_link",
    reference("project", primary_key=True, goes="with", made=False),
    reference("status_automation", primary_key=True, goes="refuse"),
)

project_preview_background_file_link = link_table(
    "project_preview_background_file_link",
    reference("project", primary_key=True, goes="with", made=False),
    reference("preview_background_file", primary_key=True, goes="refuse"),
)

project_task_type_software_link = link_table(
    "project_task_type_software_link",
    reference("project", on_delete="CASCADE", primary_key=True, goes="with", made=False),
    reference("task_type", on_delete="CASCADE", primary_key=True, goes="refuse"),
    reference("software", on_delete="CASCADE", primary_key=True, goes="refuse"),
    Column("id", Uuid, primary_key=True, default=uuid4),
    UniqueConstraint("project_id", "task_type_id", "software_id", name="project_task_type_software_uc"),
    audited=True,
)

project_template = table(
    "project_template",
    Column("name", String(80), nullable=False, index=True, unique=True),
    Column("description", Text),
    Column("fps", String(10), default="25"),
    Column("ratio", String(10), default="16:9"),
    Column("resolution", String(12), default="1920x1080"),
    Column("production_type", String(20), default="short"),
    choice("production_style", PRODUCTION_STYLES, default="2d3d", nullable=False),
    Column("max_retakes", Integer, default=0),
    flag("is_clients_isolated"),
    flag("is_preview_download_allowed"),
    flag("is_set_preview_automated"),
    flag("is_publish_default_for_artists"),
    Column("homepage", String(80), default="assets"),
    Column("hd_bitrate_compression", Integer),
    Column("ld_bitrate_compression", Integer),
    Column("file_tree", JSONB),
    Column("data", JSONB),
    Column("metadata_descriptors", JSONB, default=list),
    reference("preview_background_file", "default_preview_background_file_id", goes="refuse"),
    flag("is_single_preview_per_revision", in_database=True),
    Column("revision_padding", Integer, default=0, server_default="0", nullable=False),
    flag("is_frame_in_numbering", in_database=True),
    flag("is_client_stats_visible", True, in_database=True),
    flag("is_client_task_list_visible", True, in_database=True),
    flag("is_client_task_panel_visible", True, in_database=True),
    history="all",
)

project_template_asset_type_link = link_table(
    "project_template_asset_type_link",
    reference("project_template", primary_key=True, goes="refuse"),
    reference("entity_type", "asset_type_id", primary_key=True, goes="refuse"),
    history="all",
)

project_template_task_type_link = link_table(
    "project_template_task_type_link",
    reference("project_template", primary_key=True, goes="refuse"),
    reference("task_type", primary_key=True, goes="refuse"),
    Column("priority", Integer),
    Column("id", Uuid, default=uuid4, nullable=False),
    Column("hd_bitrate_compression", Integer),
    Column("ld_bitrate_compression", Integer),
    flag("is_client_visible", True, in_database=True),
    UniqueConstraint("project_template_id", "task_type_id", name="project_template_tasktype_uc"),
    audited=True,
    history="all",
)

project_template_task_status_link = link_table(
    "project_template_task_status_link",
    reference("project_template", primary_key=True, goes="refuse"),
    reference("task_status", primary_key=True, goes="refuse"),
    Column("priority", Integer),
    Column("roles_for_board", ARRAY(String(255)), default=lambda: list(BOARD_ROLES), info={"choices": ROLES}),
    Column("id", Uuid, default=uuid4, nullable=False),
    Column("is_client_allowed", Boolean),
    UniqueConstraint("project_template_id", "task_status_id", name="project_template_taskstatus_uc"),
    audited=True,
    history="all",
)

project_template_status_automation_link = link_table(
    "project_template_status_automation_link",
    reference("project_template", primary_key=True, goes="refuse"),
    reference("status_automation", primary_key=True, goes="refuse"),
    history="all",
)

project_template_preview_background_file_link = link_table(
    "project_template_preview_background_file_link",
    reference("project_template", primary_key=True, goes="refuse"),
    reference("preview_background_file", primary_key=True, goes="refuse"),
    history="all",
)

metadata_descriptor = table(
    "metadata_descriptor",
    reference("project", nullable=False, goes="with", made=False),
    Column("entity_type", String(60), nullable=False, index=True),
    Column("name", String(120), nullable=False),
    choice("data_type", DATA_TYPES),
    Column("field_name", String(120), nullable=False),
    Column("choices", JSONB),
    Column("for_client", Boolean, default=False, index=True),
    Column("position", Integer),
    reference("task_type", goes="refuse"),
    Index(
        "metadata_descriptor_task_type_uc",
        "project_id",
        "entity_type",
        "task_type_id",
        "name",
        unique=True,
        postgresql_where=text("(task_type_id IS NOT NULL)"),
    ),
    Index(
        "metadata_descriptor_task_type_uc2",
        "project_id",
        "entity_type",
        "task_type_id",
        "field_name",
        unique=True,
        postgresql_where=text("(task_type_id IS NOT NULL)"),
    ),
    Index(
        "metadata_descriptor_uc",
        "project_id",
        "entity_type",
        "name",
        unique=True,
        postgresql_where=text("(task_type_id IS NULL)"),
    ),
    Index(
        "metadata_descriptor_uc2",
        "project_id",
        "entity_type",
        "field_name",
        unique=True,
        postgresql_where=text("(task_type_id IS NULL)"),
    ),
)

department_metadata_descriptor_link = link_table(
    "department_metadata_descriptor_link",
    reference("metadata_descriptor", primary_key=True, goes="with"),
    reference("department", primary_key=True, goes="refuse"),
    UniqueConstraint("metadata_descriptor_id", "department_id", name="department_metadata_descriptor_link_uc"),
)

budget = table(
    "budget",
    reference("project", goes="with"),
    Column("revision", Integer, default=1, nullable=False),
    Column("name", String(255), nullable=False),
    Column("currency", String(3)),
)

#: The highest revision among the budgets that a production had, so that its number is not given again.
budget_revision = own_table(
    "budget_revision",
    Column("project_id", Uuid, primary_key=True, info=names("project", goes="with", made=False)),
    Column("last", Integer, nullable=False),
)

budget_entry = table(
    "budget_entry",
    reference("budget", nullable=False, goes="with"),
    reference("department", nullable=False, goes="refuse"),
    reference("person", goes="null"),
    Column("start_date", Date, nullable=False),
    Column("months_duration", Integer, nullable=False),
    Column("daily_salary", Float, nullable=False),
    choice("position", POSITIONS, default="artist"),
    choice("seniority", SENIORITIES, default="mid"),
    Column("exceptions", JSONB),
)

#: Who put somebody into a team.
team_addition = own_table(
    "team_addition",
    reference("project", on_delete="CASCADE", index=False, primary_key=True, goes="with", made=False),
    reference("person", on_delete="CASCADE", primary_key=True, goes="with"),
    reference("person", "added_by", on_delete="CASCADE", nullable=False, goes="with"),
)

#: Productions that are gone for everybody, and whose rows a job is deleting.
project_removal = own_table(
    "project_removal",
    Column("project_id", Uuid, primary_key=True),
    Column("project_name", String(80), nullable=False),
    Column("requested_by", Uuid, info=names("person", goes="null")),
    Column("requested_at", TIMESTAMP, nullable=False),
    Column("updated_at", TIMESTAMP, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("removed", BigInteger, nullable=False),
    Column("doing", String(40), nullable=False),
    Column("last_error", Text),
)

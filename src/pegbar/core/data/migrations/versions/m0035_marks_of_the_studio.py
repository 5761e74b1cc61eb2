"""Marks of changes to the studio: what the validator of the context is made of, whoever writes to the database."""

from alembic import op

from pegbar.core.data.migrations import run_script
from pegbar.core.data.migrations.versions.m0006_marks import CONCERNED, functions, triggers

revision = "0035"
down_revision = "0034"

_STUDIO = "'00000000-0000-0000-0000-000000000001'::uuid"
_ANY = f"SELECT {_STUDIO} FROM changed LIMIT 1"  # noqa: S608 - a constant
_OWN_OR_SHARED = f"SELECT CASE WHEN is_shared THEN {_STUDIO} ELSE person_id END FROM changed"  # noqa: S608 - a constant

#: What marks a production already marks the studio, too; of its entities, episodes (the first is the production's).
MORE = {
    "project": _ANY,
    "metadata_descriptor": _ANY,
    "department_metadata_descriptor_link": _ANY,
    "entity": f"""SELECT {_STUDIO} FROM changed WHERE entity_type_id IN (
                    SELECT id FROM public.entity_type WHERE name = 'Episode')""",  # noqa: S608 - a constant
}
#: What was not marked: scopes of changed rows.
NEW = {
    "search_filter": _OWN_OR_SHARED,
    "search_filter_group": _OWN_OR_SHARED,
    **dict.fromkeys(
        (
            *("custom_action", "department", "department_link", "person", "plugin", "preview_background_file"),
            *("project_asset_type_link", "project_person_link", "project_preview_background_file_link"),
            *("project_status_automation_link", "project_task_status_link", "project_task_type_link"),
            *("status_automation", "studio", "task_status", "task_type", "task_type_asset_type_link"),
        ),
        _ANY,
    ),
}


def upgrade() -> None:
    """Mark the studio with what its context holds."""
    connection = op.get_bind()
    for table, studio in MORE.items():
        run_script(connection, functions(table, f"({CONCERNED[table]}) UNION ({studio})"))
    for table, concerned in NEW.items():
        run_script(connection, triggers(table, concerned))

"""Everything a client of the API loads at start, in one statement. Source: spec user, GET /data/user/context."""

from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Executable, ScalarSelect, func, literal, select

from pegbar.accounts.standing import CALLER, explicit_roles, is_open, teams
from pegbar.accounts.tables import department, person
from pegbar.core.data import marks
from pegbar.core.data.parameters import CALLER_ID
from pegbar.core.data.schema import Uuid
from pegbar.core.data.wire import Wire, json_list, json_map, json_object, wire_of
from pegbar.entities.kinds import is_asset_type
from pegbar.media.tables import preview_background_file
from pegbar.notifications.tables import notification
from pegbar.productions.shapes import FULL, FULL_FOR_ADMINS
from pegbar.productions.tables import project
from pegbar.studio.tables import (
    custom_action,
    entity_type,
    plugin,
    project_status,
    status_automation,
    studio,
    task_status,
    task_type,
    task_type_asset_type_link,
)
from pegbar.workspace.colleagues import colleagues
from pegbar.workspace.saved_searches import queries as searches

IS_OPEN: ColumnElement[bool] = is_open()
IS_MINE: ColumnElement[bool] = project.c.id.in_(teams(CALLER))

_ASSET_TYPE = wire_of(entity_type, "AssetType").but(
    task_types=json_list(
        select(task_type_asset_type_link.c.task_type_id)
        .where(task_type_asset_type_link.c.asset_type_id == entity_type.c.id)
        .correlate(entity_type)
    )
)
_PLUGIN = wire_of(plugin).only(
    "id",
    "plugin_id",
    "name",
    "description",
    "version",
    "maintainer_name",
    "maintainer_email",
    "frontend_project_enabled",
    "frontend_studio_enabled",
    "icon",
)


def _all(table: Any, kind: str) -> ColumnElement[str]:
    return json_list(select(json_object(wire_of(table, kind))))


def _unread(person_id: ColumnElement[Any]) -> ScalarSelect[int]:
    unread = select(func.count()).where(notification.c.person_id == person_id, notification.c.read.is_(False))
    return unread.scalar_subquery()


#: Selects, beside the caller, what tells one state of their context from another (`Operation.along`).
STATE = select(
    func.concat(
        marks.changes_of(literal(marks.STUDIO, Uuid), person.c.id).correlate(person).scalar_subquery(),
        " ",
        _unread(person.c.id).correlate(person),
    )
)


def _roles() -> ColumnElement[str]:
    """The caller's explicit roles, by production."""
    return json_map(explicit_roles(CALLER))


def open_projects(*, for_admin: bool) -> Any:
    """The open productions of the caller, whole; all of them for administrators."""
    wire = FULL_FOR_ADMINS if for_admin else FULL
    rows = select(json_object(wire)).select_from(project).where(IS_OPEN)
    return rows if for_admin else rows.where(IS_MINE)


@lru_cache
def keys(role: str) -> Wire:
    """What the context of a caller with this global role holds; administrators get `user_limit` too."""
    return Wire(
        {
            "asset_types": json_list(select(json_object(_ASSET_TYPE)).where(is_asset_type(entity_type.c.id))),
            "custom_actions": _all(custom_action, "CustomAction"),
            "status_automations": _all(status_automation, "StatusAutomation"),
            "departments": _all(department, "Department"),
            "studios": _all(studio, "Studio"),
            "notification_count": _unread(CALLER_ID),
            "persons": colleagues(role),
            "project_status": _all(project_status, "ProjectStatus"),
            "project_roles": _roles(),
            "projects": json_list(open_projects(for_admin=role == "admin")),
            "task_types": _all(task_type, "TaskType"),
            "task_status": _all(task_status, "TaskStatus"),
            "search_filters": searches.listing_of_filters(role),
            "search_filter_groups": searches.listing_of_groups(role),
            "preview_background_files": _all(preview_background_file, "PreviewBackgroundFile"),
            "plugins": json_list(select(json_object(_PLUGIN))),
        }
    )


@lru_cache
def context(role: str) -> Executable:
    """The context of a caller with this global role."""
    return select(json_object(keys(role)))

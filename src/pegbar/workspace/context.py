"""Everything a client of the API loads at start, in one statement. Source: spec user, GET /data/user/context.

Most of it is the same for all callers of a role. A process keeps that part as long as the studio's marks, which are
read with the caller, say that it is as it was: then only the caller's own part is read.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Executable, ScalarSelect, func, select
from sqlalchemy.sql import visitors

from pegbar.accounts.standing import CALLER, explicit_roles, is_open, teams
from pegbar.accounts.tables import department, person
from pegbar.core.data import marks
from pegbar.core.data.database import Database, Json
from pegbar.core.data.kept import Kept
from pegbar.core.data.parameters import CALLER_DEPARTMENTS, CALLER_ID
from pegbar.core.data.wire import Wire, json_list, json_map, json_object, json_or_null_text, wire_of
from pegbar.core.http.access import Caller
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


def _changes_of(scope: ColumnElement[Any]) -> ScalarSelect[Any]:
    return marks.changes_of(scope).correlate(person).scalar_subquery()


#: Selects, beside the caller, what tells one state of their context from another (`Operation.along`): the studio's
#: first.
STATE = select(
    func.concat_ws(
        " ",
        marks.of_studio(),
        func.coalesce(_changes_of(person.c.id), "0"),
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


@dataclass(frozen=True)
class Viewer:
    """Who is told a context, as far as its statement is concerned."""

    role: str  #: in the studio
    manages: bool = True  #: has people in a team, by the role in the studio or there

    @classmethod
    def of(cls, caller: Caller) -> "Viewer":
        """The viewer that a caller is."""
        return cls(caller.role, caller.role in ("admin", "manager") or "manager" in caller.roles)


@lru_cache
def keys(viewer: Viewer) -> Wire:
    """What the context of a viewer holds; administrators get `user_limit` too."""
    role = viewer.role
    return Wire(
        {
            "asset_types": json_list(select(json_object(_ASSET_TYPE)).where(is_asset_type(entity_type.c.id))),
            "custom_actions": _all(custom_action, "CustomAction"),
            "status_automations": _all(status_automation, "StatusAutomation"),
            "departments": _all(department, "Department"),
            "studios": _all(studio, "Studio"),
            "notification_count": _unread(CALLER_ID),
            "persons": colleagues(role, manages=viewer.manages),
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


#: The bytes that a process keeps of contexts.
_MOST = 64 << 20
_OF_CALLER = {CALLER_ID.key, CALLER_DEPARTMENTS.key}


@lru_cache
def own_keys(viewer: Viewer) -> frozenset[str]:
    """The keys that depend on who the caller is, besides their role."""
    return frozenset(
        key
        for key, value in keys(viewer).items()
        if any(getattr(part, "key", None) in _OF_CALLER for part in visitors.iterate(value))
    )


@lru_cache
def context(viewer: Viewer, *, whole: bool = True) -> Executable:
    """The values of the context's keys as JSON texts, in their order; only those of the caller's own unless `whole`."""
    chosen = {key: value for key, value in keys(viewer).items() if whole or key in own_keys(viewer)}
    return select(*[json_or_null_text(value).label(key) for key, value in chosen.items()])


class Contexts:
    """The contexts that a process tells: what viewers of a kind share is kept for as long as the studio stays as it is.

    It is never told without being compared with the database, in the statement that reads the caller.
    """

    def __init__(self) -> None:
        #: By viewer: the values of the keys that they share.
        self._shared: Kept[dict[str, bytes]] = Kept(_MOST)

    async def read(self, db: Database, caller: Caller, state: str) -> Json:
        """The context of a caller, who was read with this `STATE`."""
        viewer, of_studio = Viewer.of(caller), state.partition(" ")[0]
        shared = self._shared.get(viewer, of_studio)
        row = await db.row(context(viewer, whole=shared is None))
        assert row is not None
        values = {key: text.encode() for key, text in row.items()}
        if shared is None:
            shared = {key: value for key, value in values.items() if key not in own_keys(viewer)}
            self._shared.put(viewer, of_studio, shared, sum(map(len, shared.values())))
        parts = [b'"' + key.encode() + b'":' + (values.get(key) or shared[key]) for key in keys(viewer)]
        return Json(b"{" + b",".join(parts) + b"}")

"""Routes of what a production uses of the studio. Source: spec projects, "Settings lists"; spec crud, link upserts."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request

from pegbar.accounts.tables import ROLES
from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.data.wire import wire_of
from pegbar.core.errors import BadRequest
from pegbar.core.http.access import Place, Rule, manager_of, member_of
from pegbar.core.http.body import Strict
from pegbar.core.http.routing import delete, get, post, put
from pegbar.productions import creation
from pegbar.productions.actions import touch
from pegbar.productions.events import PROJECT_CHANGED
from pegbar.productions.queries import project_row
from pegbar.productions.resources import projects
from pegbar.productions.settings import actions, links
from pegbar.productions.settings.links import ASSET_TYPE, AUTOMATION, BACKGROUND, TASK_STATUS, TASK_TYPE, Link
from pegbar.productions.settings.shapes import UsedTaskType, read_integer, read_uuid, read_uuids

_AT = "/data/projects/{project_id:uuid}"
_EVENTS = (PROJECT_CHANGED,)
_MANAGER: dict[str, Any] = {"access": manager_of("project_id"), "events": _EVENTS}


# Lists of things used


def _declare_list(path: str, link: Link, what: str) -> None:
    """Adding to and removing from one of a production's lists."""

    async def add(project_id: UUID, body: Any, tx: Transaction) -> Json:
        await actions.add(tx, link, project_id, read_uuid(link.name, getattr(body, link.name)))
        return await project_row(tx, project_id)

    async def remove(request: Request[Any, Any, Any], project_id: UUID, tx: Transaction) -> None:
        await actions.remove(tx, link, project_id, read_uuid(link.name, request.path_params[link.name]))

    add.__annotations__["body"] = msgspec.defstruct(
        f"Used{what.title().replace(' ', '')}", [(link.name, str)], bases=(Strict,), module=__name__
    )
    rule = manager_of("project_id")
    declared: dict[str, Any] = {"access": rule, "events": _EVENTS}
    at = f"{_AT}/settings/{path}"
    post(at, returns=projects, errors=(400,), summary=f"Use a {what}", **declared)(add)
    delete(f"{at}/{{{link.name}:str}}", summary=f"Stop using a {what}", **declared)(remove)


_declare_list("asset-types", ASSET_TYPE, "asset type")
_declare_list("task-status", TASK_STATUS, "task status")
_declare_list("status-automations", AUTOMATION, "status automation")


class UsedBackground(Strict):
    """A background to use."""

    preview_background_file_id: str


@post(f"{_AT}/settings/preview-background-files", returns=projects, errors=(400,), **_MANAGER)
async def use_background(project_id: UUID, body: UsedBackground, tx: Transaction) -> Json:
    """Use a preview background file on a production."""
    background_id = read_uuid("preview_background_file_id", body.preview_background_file_id)
    await actions.add(tx, BACKGROUND, project_id, background_id)
    return await project_row(tx, project_id)


@delete(f"{_AT}/settings/preview-background-files/{{preview_background_file_id:str}}", **_MANAGER)
async def drop_background(project_id: UUID, preview_background_file_id: str, tx: Transaction) -> None:
    """Stop using a preview background file; it stops being the default one too."""
    chosen = read_uuid("preview_background_file_id", preview_background_file_id)
    await actions.forget_default_background(tx, project_id, chosen)
    await actions.remove(tx, BACKGROUND, project_id, chosen)


@post(f"{_AT}/settings/task-types", returns=projects, errors=(400,), **_MANAGER)
async def use_task_type(project_id: UUID, body: UsedTaskType, tx: Transaction) -> Json:
    """Use a task type on a production, or change its bitrates and visibility there; the priority stays."""
    task_type_id = read_uuid("task_type_id", body.task_type_id)
    await actions.use_task_type(tx, project_id, task_type_id, body.columns)
    return await project_row(tx, project_id)


@delete(f"{_AT}/settings/task-types/{{task_type_id:str}}", **_MANAGER)
async def drop_task_type(project_id: UUID, task_type_id: str, tx: Transaction) -> None:
    """Stop using a task type on a production; its tasks stay."""
    await actions.remove(tx, TASK_TYPE, project_id, read_uuid("task_type_id", task_type_id))


class StatusOverride(Strict):
    """Whether the clients of the production may set a status; null is as the studio says."""

    is_client_allowed: bool | None


@put(f"{_AT}/settings/task-status/{{task_status_id:str}}", returns=TASK_STATUS.wire, **_MANAGER)
async def override_status(project_id: UUID, task_status_id: str, body: StatusOverride, tx: Transaction) -> Json:
    """Set whether the clients of a production may set a status."""
    status_id = actions.linked_id(TASK_STATUS, task_status_id)
    await links.read(tx, TASK_STATUS, project_id, status_id)
    new = {"is_client_allowed": body.is_client_allowed}
    await links.upsert(tx, TASK_STATUS, project_id, status_id, new, tuple(new))
    tx.emit(PROJECT_CHANGED, project_id=project_id)
    return await links.read(tx, TASK_STATUS, project_id, status_id)


class BatchTaskType(Strict):
    """A task type of a batch."""

    task_type_id: str
    priority: int | None = None
    hd_bitrate_compression: int | None = None
    ld_bitrate_compression: int | None = None
    is_client_visible: bool | None = None

    def use(self) -> actions.TaskTypeUse:
        """What it asks for."""
        for name in ("hd_bitrate_compression", "ld_bitrate_compression"):
            creation.check_bitrate(name, getattr(self, name))
        return actions.TaskTypeUse(
            read_uuid("task_types.task_type_id", self.task_type_id),
            read_integer("task_types.priority", self.priority),
            self.hd_bitrate_compression,
            self.ld_bitrate_compression,
            self.is_client_visible,
        )


class Batch(Strict):
    """Settings to add at once."""

    task_types: list[BatchTaskType] = msgspec.field(default_factory=list)
    task_status_ids: list[str] = msgspec.field(default_factory=list)
    asset_type_ids: list[str] = msgspec.field(default_factory=list)
    replace_task_types: bool = False


@post(f"{_AT}/settings/batch", status=200, returns=projects, errors=(400,), **_MANAGER)
async def use_many(project_id: UUID, body: Batch, tx: Transaction) -> Json:
    """Use task types, task statuses and asset types on a production; unknown ids are passed over."""
    uses = [entry.use() for entry in body.task_types]
    statuses = read_uuids("task_status_ids", body.task_status_ids)
    kinds = read_uuids("asset_type_ids", body.asset_type_ids)
    await actions.use_task_types(tx, project_id, uses, only=body.replace_task_types)
    await actions.use_all(tx, TASK_STATUS, project_id, statuses)
    await actions.use_all(tx, ASSET_TYPE, project_id, kinds)
    await touch(tx, project_id)
    return await project_row(tx, project_id)


# Reads


def _declare_reads(path: str, link: Link, kind: str, summary: str, access: Rule) -> None:
    async def read(project_id: UUID, db: Database) -> Json:
        return await db.json(links.rows_of(link, kind), project_id=project_id)

    get(f"{_AT}/{path}", access=access, summary=summary, returns=[wire_of(link.target, kind)])(read)


_MEMBER = member_of("project_id")
_TASK_TYPES = "The task types of a production, as the studio has them."
_declare_reads("task-types", TASK_TYPE, "TaskType", _TASK_TYPES, _MEMBER)
#: Gazu asks for the task types beside the other settings.
_declare_reads("settings/task-types", TASK_TYPE, "TaskType", _TASK_TYPES, _MEMBER)
_declare_reads(
    "settings/task-status",
    TASK_STATUS,
    "TaskStatus",
    "The task statuses of a production, as the studio has them.",
    _MEMBER,
)
_declare_reads(
    "settings/status-automations",
    AUTOMATION,
    "StatusAutomation",
    "The status automations of a production.",
    manager_of("project_id"),
)
_declare_reads(
    "settings/preview-background-files",
    BACKGROUND,
    "PreviewBackgroundFile",
    "The preview background files of a production.",
    _MEMBER,
)


# The generic links

_IN_BODY = manager_of(Place("project", "project_id", in_body=True))


@post("/data/task-type-links", access=_IN_BODY, returns=TASK_TYPE.wire, events=_EVENTS, errors=(400,))
async def link_task_type(document: dict[str, Any], tx: Transaction) -> Json:
    """Use a task type on a production, with a priority."""
    project_id, task_type_id = _pair(document, "task_type_id")
    new = {"priority": read_integer("priority", document.get("priority", 1)), "is_client_visible": True}
    return await _linked(tx, TASK_TYPE, project_id, task_type_id, new, ("priority",))


@post("/data/task-status-links", access=_IN_BODY, returns=TASK_STATUS.wire, events=_EVENTS, errors=(400,))
async def link_task_status(document: dict[str, Any], tx: Transaction) -> Json:
    """Use a task status on a production, with a priority and the roles that see it on the boards."""
    project_id, task_status_id = _pair(document, "task_status_id")
    roles = document.get("roles_for_board") or []
    if not isinstance(roles, list) or any(role not in ROLES for role in roles):
        raise BadRequest(f"roles_for_board must be a list of {', '.join(ROLES)}.")
    new = {"priority": read_integer("priority", document.get("priority", 1)), "roles_for_board": roles}
    return await _linked(tx, TASK_STATUS, project_id, task_status_id, new, tuple(new))


def _pair(document: dict[str, Any], name: str) -> tuple[UUID, UUID]:
    if document.get(name) is None:
        raise BadRequest(f"{name} is required.")
    return read_uuid("project_id", document.get("project_id")), read_uuid(name, document[name])


async def _linked(
    tx: Transaction, link: Link, project_id: UUID, other_id: UUID, new: dict[str, Any], written: tuple[str, ...]
) -> Json:
    await links.require(tx, link, other_id)
    await links.upsert(tx, link, project_id, other_id, new, written)
    tx.emit(PROJECT_CHANGED, project_id=project_id)
    return await links.read(tx, link, project_id, other_id)


_ORDERED: dict[str, Any] = {**_MANAGER, "status": 200, "errors": (400,)}


@post("/actions/projects/{project_id:uuid}/task-type-links/reorder", returns=[TASK_TYPE.wire], **_ORDERED)
async def reorder_task_types(project_id: UUID, document: dict[str, Any], tx: Transaction) -> Json:
    """Number the task types of a production in the order given."""
    ids = read_uuids("task_type_ids", document.get("task_type_ids"))
    return await actions.reorder(tx, TASK_TYPE, project_id, ids)


@post("/actions/projects/{project_id:uuid}/task-status-links/reorder", returns=[TASK_STATUS.wire], **_ORDERED)
async def reorder_task_statuses(project_id: UUID, document: dict[str, Any], tx: Transaction) -> Json:
    """Number the task statuses of a production in the order given."""
    ids = read_uuids("task_status_ids", document.get("task_status_ids"))
    return await actions.reorder(tx, TASK_STATUS, project_id, ids)

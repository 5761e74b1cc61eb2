"""Routes of project templates. Source: spec projects, "Project templates"; spec crud, "project-templates"."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request
from msgspec import UNSET, Meta, UnsetType

from pegbar.accounts.tables import ROLES
from pegbar.core.data.database import Database, Json, Reader, Transaction
from pegbar.core.errors import BadRequest, NotFound, Refused
from pegbar.core.http.access import Caller, admin, global_manager
from pegbar.core.http.body import Strict, json_value, validate
from pegbar.core.http.routing import delete, get, post, put
from pegbar.productions.events import DESCRIPTOR_NEW, PROJECT_CHANGED, TEMPLATE_NEW, TEMPLATE_UPDATED
from pegbar.productions.queries import project_row
from pegbar.productions.resources import project_templates, projects
from pegbar.productions.settings.links import TEMPLATE_TASK_STATUS, TEMPLATE_TASK_TYPE, Link
from pegbar.productions.settings.shapes import Priority, UsedTaskType, read_uuid, read_uuids
from pegbar.productions.templates import actions, applying
from pegbar.productions.templates.actions import Part
from pegbar.productions.templates.rules import UnknownTemplate, template_id_of

_ALL = "/data/project-templates"
_AT = f"{_ALL}/{{project_template_id:str}}"
_READ: dict[str, Any] = {"access": global_manager, "tag": "Project templates", "errors": (404,), "malformed": 404}
_WRITTEN: dict[str, Any] = {"access": admin, "tag": "Project templates", "errors": (400, 404), "malformed": 404}
_WRITE: dict[str, Any] = {**_WRITTEN, "events": (TEMPLATE_UPDATED,)}


def _linked_id(name: str, value: Any) -> UUID:
    """The id of a thing to use; 400 with a message alone."""
    try:
        return read_uuid(name, value)
    except BadRequest as error:
        raise Refused(error.message) from None


async def _row(db: Reader, caller: Caller, template_id: UUID) -> Json:
    return await project_templates.read(db, caller, template_id, relations=False)


# The generic routes know no malformed id, only unknown templates.


@put(f"{_ALL}/{{instance_id:str}}", returns=project_templates, **_WRITE)
async def update_template(instance_id: str, tx: Transaction, caller: Caller, document: dict[str, Any]) -> Json:
    """Update one of project-templates."""
    row_id = template_id_of(instance_id)
    try:
        await project_templates.update(tx, caller, row_id, document)
    except NotFound:
        raise UnknownTemplate from None
    return await _row(tx, caller, row_id)


@delete(f"{_ALL}/{{instance_id:str}}", events=(project_templates.events["delete"],), **_WRITTEN)
async def delete_template(instance_id: str, tx: Transaction, caller: Caller) -> None:
    """Delete one of project-templates."""
    try:
        await project_templates.remove(tx, caller, template_id_of(instance_id))
    except NotFound:
        raise UnknownTemplate from None


# Lists of things used


def _declare_reads(path: str, part: Part, what: str) -> None:
    async def read(project_template_id: str, db: Database) -> Json:
        return await actions.listed(db, part, template_id_of(project_template_id))

    get(f"{_AT}/{path}", summary=f"List the {what} of a template", returns=[part.wire], **_READ)(read)


def _declare_removal(path: str, part: Part, what: str, *, silent: bool) -> None:
    """`silent`: removing from a template that does not exist is fine too."""

    async def remove(request: Request[Any, Any, Any], project_template_id: str, tx: Transaction) -> None:
        template_id = template_id_of(project_template_id)
        name = part.link.name
        try:
            await actions.remove(tx, part, template_id, _linked_id(name, request.path_params[name]))
        except UnknownTemplate:
            if not silent:
                raise

    delete(f"{_AT}/{path}/{{{part.link.name}:str}}", summary=f"Stop using a {what} in a template", **_WRITE)(remove)


def _declare_list(path: str, part: Part, what: str) -> None:
    """Reading, adding to and removing from one of a template's plain lists."""
    name = part.link.name

    async def add(project_template_id: str, body: Any, tx: Transaction) -> Json:
        other_id = _linked_id(name, getattr(body, name))
        return await actions.add(tx, part, template_id_of(project_template_id), other_id)

    add.__annotations__["body"] = msgspec.defstruct(
        f"Template{what.title().replace(' ', '')}", [(name, str)], bases=(Strict,), module=__name__
    )
    _declare_reads(path, part, f"{what}s")
    post(f"{_AT}/{path}", summary=f"Use a {what} in a template", returns=part.wire, **_WRITE)(add)
    _declare_removal(path, part, what, silent=False)


_declare_list("asset-types", actions.ASSET_TYPES, "asset type")
_declare_list("status-automations", actions.AUTOMATIONS, "status automation")
_declare_list("preview-background-files", actions.BACKGROUND_FILES, "preview background file")
_declare_reads("task-types", actions.TASK_TYPES, "task types")
_declare_removal("task-types", actions.TASK_TYPES, "task type", silent=True)
_declare_reads("task-statuses", actions.TASK_STATUSES, "task statuses")
_declare_removal("task-statuses", actions.TASK_STATUSES, "task status", silent=True)


@post(f"{_AT}/task-types", returns=TEMPLATE_TASK_TYPE.wire, **_WRITE)
async def use_task_type(project_template_id: str, body: UsedTaskType, tx: Transaction) -> Json:
    """Use a task type in a template, or change its priority, bitrates and visibility there."""
    task_type_id = _linked_id("task_type_id", body.task_type_id)
    return await actions.put_task_type(tx, template_id_of(project_template_id), task_type_id, body.columns)


class TemplateTaskStatus(Strict):
    """A task status to use, and how. What is left out of a link that exists stays as it is."""

    task_status_id: str
    priority: Priority | None = None
    roles_for_board: list[str] = msgspec.field(default_factory=list)
    is_client_allowed: bool | UnsetType | None = UNSET


@post(f"{_AT}/task-statuses", returns=TEMPLATE_TASK_STATUS.wire, **_WRITE)
async def use_task_status(project_template_id: str, body: TemplateTaskStatus, tx: Transaction) -> Json:
    """Use a task status in a template, or change its priority, roles and the clients' right to set it there."""
    if any(role not in ROLES for role in body.roles_for_board):
        raise BadRequest(f"roles_for_board must be a list of {', '.join(ROLES)}.")
    values: dict[str, Any] = {} if body.is_client_allowed is UNSET else {"is_client_allowed": body.is_client_allowed}
    if body.priority is not None:
        values["priority"] = body.priority
    if body.roles_for_board:
        values["roles_for_board"] = body.roles_for_board
    task_status_id = _linked_id("task_status_id", body.task_status_id)
    return await actions.put_task_status(tx, template_id_of(project_template_id), task_status_id, values)


def _declare_order(path: str, link: Link, what: str) -> None:
    name = f"{link.name}s"

    async def reorder(project_template_id: str, document: dict[str, Any], tx: Transaction) -> Json:
        ids = read_uuids(name, document.get(name))
        return await actions.reorder(tx, link, template_id_of(project_template_id), ids)

    listed = {"type": "array", "items": {"type": "string", "format": "uuid"}}
    declared = {**_WRITE, "body_schema": {"type": "object", "required": [name], "properties": {name: listed}}}
    address = f"/actions/project-templates/{{project_template_id:str}}/{path}/reorder"
    summary = f"Number the {what} of a template in the order given, adding those it lacks"
    post(address, status=200, summary=summary, returns=[link.wire], **declared)(reorder)


_declare_order("task-types", TEMPLATE_TASK_TYPE, "task types")
_declare_order("task-statuses", TEMPLATE_TASK_STATUS, "task statuses")


class ChosenBackground(Strict):
    """The default one of the backgrounds; null is none."""

    default_preview_background_file_id: str | None = None


@put(f"{_AT}/default-preview-background-file", returns=project_templates, **_WRITE)
async def set_background(project_template_id: str, body: ChosenBackground, tx: Transaction, caller: Caller) -> Json:
    """Choose the default one of a template's preview background files, or none."""
    chosen = body.default_preview_background_file_id
    background_id = None if chosen is None else _linked_id("default_preview_background_file_id", chosen)
    template_id = template_id_of(project_template_id)
    await actions.set_background(tx, template_id, background_id)
    return await _row(tx, caller, template_id)


class TemplateDescriptor(Strict):
    """A column of the productions to come; a field name that is left out is made of the name."""

    name: str = ""
    field_name: str | None = None
    entity_type: str | None = None
    task_type_id: str | None = None
    data_type: str | None = None
    choices: list[Any] | None = None
    for_client: bool | None = None
    departments: list[str] | None = None
    position: int | None = None

    @property
    def entry(self) -> dict[str, Any]:
        """The entry kept in the template."""
        fields = msgspec.structs.asdict(self)
        return fields | {
            "choices": self.choices or [],
            "for_client": bool(self.for_client),
            "departments": self.departments or [],
        }


#: What the list of columns is made of, for the documentation.
_COLUMNS = {
    "type": "array",
    "items": {"type": "object", "properties": {name: {} for name in TemplateDescriptor.__struct_fields__}},
}


class TemplateDescriptors(Strict):
    """The columns of a template."""

    metadata_descriptors: list[TemplateDescriptor] | None = None


@put(
    f"{_AT}/metadata-descriptors",
    returns=project_templates,
    body_schema={
        "anyOf": [
            {"type": "object", "properties": {"metadata_descriptors": _COLUMNS}},
            _COLUMNS,
        ]
    },
    **_WRITE,
)
async def set_descriptors(
    request: Request[Any, Any, Any], project_template_id: str, tx: Transaction, caller: Caller
) -> Json:
    """Replace the columns of a template: `{"metadata_descriptors": […]}`, or the list alone."""
    document = await json_value(request)
    body = validate({"metadata_descriptors": document} if isinstance(document, list) else document, TemplateDescriptors)
    template_id = template_id_of(project_template_id)
    await actions.set_descriptors(tx, template_id, [column.entry for column in body.metadata_descriptors or []])
    return await _row(tx, caller, template_id)


# Between templates and productions


class TemplateName(Strict):
    """The name of a template to make."""

    name: Annotated[str, Meta(min_length=1, max_length=80)]
    description: str | None = None


@post(f"{_ALL}/from-project/{{project_id:uuid}}", returns=project_templates, **{**_WRITTEN, "events": (TEMPLATE_NEW,)})
async def template_of(project_id: UUID, body: TemplateName, tx: Transaction, caller: Caller) -> Json:
    """Make a template of a production: its settings, what it uses of the studio and its columns."""
    template_id = await applying.template_of(tx, project_id, body.name, body.description)
    return await _row(tx, caller, template_id)


@post(
    "/data/projects/{project_id:uuid}/apply-template/{project_template_id:uuid}",
    status=200,
    returns=projects,
    **{**_WRITTEN, "events": (PROJECT_CHANGED, DESCRIPTOR_NEW)},
)
async def apply_template(project_id: UUID, project_template_id: UUID, tx: Transaction) -> Json:
    """Give a production the settings of a template, and what it lacks of the rest; what it has stays."""
    await applying.apply_template(tx, project_template_id, project_id)
    return await project_row(tx, project_id)

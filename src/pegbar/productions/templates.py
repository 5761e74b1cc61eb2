"""Project templates: what productions of a kind have in common. Source: spec projects, "Project templates"."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Executable, any_, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from pegbar.accounts.tables import department
from pegbar.core.database import Transaction
from pegbar.core.errors import ApiError, BadRequest, NotFound, Refused
from pegbar.core.resource import Change
from pegbar.core.schema import TIMESTAMP, Uuid, choices_of, utc_now
from pegbar.productions.events import DESCRIPTOR_NEW, PROJECT_CHANGED
from pegbar.productions.tables import (
    department_metadata_descriptor_link,
    metadata_descriptor,
    project_template,
    project_template_preview_background_file_link,
)
from pegbar.studio.tables import task_type

#: The settings that a production and a template share.
SETTINGS = (
    "fps",
    "ratio",
    "resolution",
    "production_type",
    "production_style",
    "max_retakes",
    "is_clients_isolated",
    "is_preview_download_allowed",
    "is_set_preview_automated",
    "is_publish_default_for_artists",
    "is_single_preview_per_revision",
    "is_frame_in_numbering",
    "revision_padding",
    "homepage",
    "hd_bitrate_compression",
    "ld_bitrate_compression",
    "is_client_stats_visible",
    "is_client_task_list_visible",
    "is_client_task_panel_visible",
)
_BACKGROUND = "default_preview_background_file_id"
#: What may be written when a template is made.
_WHEN_NEW = frozenset({*SETTINGS, "name", "description", "file_tree", "data", "metadata_descriptors"}) - {
    "is_single_preview_per_revision",
    "is_frame_in_numbering",
    "revision_padding",
}

_TEMPLATE_ID = bindparam("template_id", type_=Uuid)
_TEMPLATE = select(project_template).where(project_template.c.id == _TEMPLATE_ID)
_links = project_template_preview_background_file_link.c
_BACKGROUNDS = select(_links.preview_background_file_id).where(_links.project_template_id == _TEMPLATE_ID)
_IDS = bindparam("ids", type_=ARRAY(Uuid))
_TASK_TYPES = select(task_type.c.id).where(task_type.c.id == any_(_IDS))
_DEPARTMENTS = select(department.c.id).where(department.c.id == any_(_IDS))
_DESCRIPTORS = select(
    metadata_descriptor.c.entity_type,
    metadata_descriptor.c.task_type_id,
    metadata_descriptor.c.name,
    metadata_descriptor.c.field_name,
).where(metadata_descriptor.c.project_id == bindparam("project_id", type_=Uuid))


def _copy(columns: str, kind: str) -> Executable:
    """Adds the links of a template that a production lacks; the links it has stay as they are."""
    audited = kind in ("task_type", "task_status")
    more, values = (", id, created_at, updated_at", ", gen_random_uuid(), :now, :now") if audited else ("", "")
    statement = text(
        f"INSERT INTO project_{kind}_link (project_id, {columns}{more})"  # noqa: S608 - names of ours
        f" SELECT :project_id, {columns}{values} FROM project_template_{kind}_link"
        " WHERE project_template_id = :template_id ON CONFLICT DO NOTHING"
    )
    given = [bindparam("project_id", type_=Uuid), _TEMPLATE_ID]
    return statement.bindparams(*given, *([bindparam("now", type_=TIMESTAMP)] if audited else []))


_COPY_AUDITED = (
    _copy("task_type_id, priority, hd_bitrate_compression, ld_bitrate_compression, is_client_visible", "task_type"),
    _copy("task_status_id, priority, roles_for_board, is_client_allowed", "task_status"),
)
_COPY_PLAIN = (
    _copy("asset_type_id", "asset_type"),
    _copy("status_automation_id", "status_automation"),
    _copy("preview_background_file_id", "preview_background_file"),
)


async def _template(tx: Transaction, template_id: UUID) -> Mapping[str, Any]:
    found = await tx.row(_TEMPLATE, template_id=template_id)
    if found is None:
        raise NotFound(f"There is no project template {template_id}.")
    return dict(found)


async def settings_for(tx: Transaction, template_id: UUID, document: Mapping[str, Any]) -> dict[str, Any]:
    """What a template adds to the document of a new production: the settings it leaves out."""
    template = await _template(tx, template_id)
    taken = {name: template[name] for name in SETTINGS if document.get(name) is None and template[name] is not None}
    for name in ("file_tree", "data"):
        if not document.get(name) and template[name]:
            taken[name] = template[name]
    if _BACKGROUND not in document and template[_BACKGROUND] is not None:
        taken[_BACKGROUND] = template[_BACKGROUND]
    return taken


async def backgrounds(tx: Transaction, template_id: UUID) -> list[UUID]:
    """The preview background files of a template."""
    template = await _template(tx, template_id)
    linked: list[UUID] = await tx.column(_BACKGROUNDS, template_id=template_id)
    return [*linked, template[_BACKGROUND]]


async def apply_links(tx: Transaction, template_id: UUID, project_id: UUID) -> None:
    """Give a production the types, statuses, automations, backgrounds and descriptors of a template that it lacks."""
    given = {"template_id": template_id, "project_id": project_id}
    for statement in _COPY_AUDITED:
        await tx.execute(statement, **given, now=utc_now())
    for statement in _COPY_PLAIN:
        await tx.execute(statement, **given)
    template = await _template(tx, template_id)
    await _apply_descriptors(tx, template["metadata_descriptors"] or [], project_id)
    tx.emit(PROJECT_CHANGED, project_id=project_id)


def _uuid_or_none(value: Any) -> UUID | None:
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        return None


async def _apply_descriptors(tx: Transaction, snapshot: Any, project_id: UUID) -> None:
    """Entries that a production cannot take (nameless, known already, of a task type that is gone) are passed over."""
    entries = [each for each in snapshot if isinstance(each, dict)] if isinstance(snapshot, list) else []
    known = {tuple(row) for row in await tx.rows(_DESCRIPTORS, project_id=project_id)}
    names = {row[:3] for row in known}
    fields = {(row[0], row[1], row[3]) for row in known}
    wanted = [_uuid_or_none(each.get("task_type_id")) for each in entries]
    task_types = set(await tx.column(_TASK_TYPES, ids=[each for each in wanted if each]))
    rows, links = [], []
    for entry, task_type_id in zip(entries, wanted, strict=True):
        name, field, kind = (entry.get(key) for key in ("name", "field_name", "entity_type"))
        if not (isinstance(name, str) and isinstance(field, str) and isinstance(kind, str) and name and kind):
            continue
        if (kind == "Task" or entry.get("task_type_id")) and task_type_id not in task_types:
            continue
        if (kind, task_type_id, name) in names or (kind, task_type_id, field) in fields:
            continue
        names.add((kind, task_type_id, name))
        fields.add((kind, task_type_id, field))
        row = _descriptor(entry, project_id, task_type_id)
        rows.append(row)
        links += [(row["id"], each) for each in map(_uuid_or_none, entry.get("departments") or []) if each]
    await tx.insert_many(metadata_descriptor, rows)
    departments = set(await tx.column(_DEPARTMENTS, ids=[each for _, each in links]))
    linked = [
        {"metadata_descriptor_id": descriptor_id, "department_id": department_id}
        for descriptor_id, department_id in links
        if department_id in departments
    ]
    await tx.insert_many(department_metadata_descriptor_link, linked, skip_existing=True)
    for row in rows:
        tx.emit(DESCRIPTOR_NEW, project_id=project_id, metadata_descriptor_id=row["id"])


def _descriptor(entry: Mapping[str, Any], project_id: UUID, task_type_id: UUID | None) -> dict[str, Any]:
    data_type, position = entry.get("data_type"), entry.get("position")
    known = choices_of(metadata_descriptor.c.data_type) or ()
    return {
        "id": uuid4(),
        "project_id": project_id,
        "entity_type": entry["entity_type"],
        "task_type_id": task_type_id,
        "name": entry["name"],
        "field_name": entry["field_name"],
        "data_type": data_type if data_type in known else "string",
        "choices": entry.get("choices") or [],
        "for_client": bool(entry.get("for_client")),
        "position": position if isinstance(position, int) else None,
    }


class UnknownTemplate(ApiError):
    """404 as clients of templates know it."""

    status = 404

    def __init__(self) -> None:
        super().__init__("Project template not found")

    @property
    def body(self) -> Mapping[str, Any]:
        return {"message": self.message}


async def prepare_template(change: Change) -> None:
    """A new template takes its name and settings from the body, and nothing else."""
    if change.before is not None:
        return
    document = {key: value for key, value in change.document.items() if key in _WHEN_NEW}
    if document.get("name") is None or document["name"] == "":
        raise Refused("name is required.")
    if document.get("production_style") is None:
        document.pop("production_style", None)
    change.document = document


async def check_default_background(change: Change) -> None:
    """The default background is one of the template's."""
    chosen = change.values.get(_BACKGROUND)
    if chosen is None or not change.changes(_BACKGROUND):
        return
    linked = change.relations.get("preview_background_files")
    if linked is None and change.before is not None:
        linked = await change.tx.column(_BACKGROUNDS, template_id=change.row_id)
    if chosen not in (linked or []):
        raise BadRequest(f"{_BACKGROUND} is not among the preview background files of the template.")

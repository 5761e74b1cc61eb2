"""From a template to a production and back. Source: spec projects, "apply-template", "from-project", POST projects."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import String, Text, any_, select, text

from pegbar.accounts.tables import department
from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import choices_of, utc_now
from pegbar.core.slugs import slug
from pegbar.productions.descriptors.actions import ENTITY_TYPES
from pegbar.productions.events import DESCRIPTOR_NEW, PROJECT_CHANGED, TEMPLATE_NEW
from pegbar.productions.hooks import PIPELINE_CHANGED, SHOW_SAVED, Pipeline, SavedShow
from pegbar.productions.settings import links
from pegbar.productions.tables import (
    department_metadata_descriptor_link,
    metadata_descriptor,
    project,
    project_template,
)
from pegbar.productions.templates.rules import BACKGROUND, BACKGROUNDS, SETTINGS, TEMPLATE_ID, UnknownTemplate
from pegbar.studio.tables import task_type

_PROJECT_ID = param("project_id")
_NOW = param("now")
_TEMPLATE = select(project_template).where(project_template.c.id == TEMPLATE_ID)
_PROJECT = select(project.c[BACKGROUND], project.c.production_type).where(project.c.id == _PROJECT_ID).with_for_update()
_IDS = param("ids")
_TASK_TYPES = select(task_type.c.id).where(task_type.c.id == any_(_IDS))
_DEPARTMENTS = select(department.c.id).where(department.c.id == any_(_IDS))
_DESCRIPTORS = select(
    metadata_descriptor.c.entity_type,
    metadata_descriptor.c.task_type_id,
    metadata_descriptor.c.name,
    metadata_descriptor.c.field_name,
).where(metadata_descriptor.c.project_id == _PROJECT_ID)

#: A template of a production: its settings, and a snapshot of its descriptors in the order of the boards.
_SNAPSHOT = text(
    f"""
    INSERT INTO project_template (id, created_at, updated_at, name, description, {", ".join(SETTINGS)}, file_tree, data,
                                  {BACKGROUND}, metadata_descriptors)
    SELECT :template_id, :now, :now, :name, :description, {", ".join(SETTINGS)}, file_tree, data,
           CASE WHEN EXISTS (SELECT 1 FROM project_preview_background_file_link l
                              WHERE l.project_id = p.id AND l.preview_background_file_id = p.{BACKGROUND})
                THEN p.{BACKGROUND} END,
           coalesce((SELECT jsonb_agg(jsonb_build_object(
                                'name', d.name, 'field_name', d.field_name, 'entity_type', d.entity_type,
                                'task_type_id', d.task_type_id, 'data_type', d.data_type,
                                'choices', coalesce(d.choices, '[]'), 'for_client', coalesce(d.for_client, false),
                                'departments', (SELECT coalesce(jsonb_agg(l.department_id), '[]')
                                                  FROM department_metadata_descriptor_link l
                                                 WHERE l.metadata_descriptor_id = d.id),
                                'position', d.position)
                              ORDER BY d.entity_type, d.position NULLS LAST, d.name)
                       FROM metadata_descriptor d WHERE d.project_id = p.id), '[]')
      FROM project p WHERE p.id = :project_id
    """  # noqa: S608 - names of ours
).bindparams(TEMPLATE_ID, _PROJECT_ID, _NOW, param("name", String), param("description", Text))


async def _template(tx: Transaction, template_id: UUID) -> Mapping[str, Any]:
    row = await tx.row(_TEMPLATE, template_id=template_id)
    if row is None:
        raise UnknownTemplate
    return dict(row)


async def settings_for(tx: Transaction, template_id: UUID, document: Mapping[str, Any]) -> dict[str, Any]:
    """What a template adds to the document of a new production: the settings it leaves out."""
    template = await _template(tx, template_id)
    taken = {name: template[name] for name in SETTINGS if document.get(name) is None and template[name] is not None}
    for name in ("file_tree", "data"):
        if not document.get(name) and template[name]:
            taken[name] = template[name]
    if BACKGROUND not in document and template[BACKGROUND] is not None:
        taken[BACKGROUND] = template[BACKGROUND]
    return taken


async def backgrounds(tx: Transaction, template_id: UUID) -> list[UUID]:
    """The preview background files of a template."""
    template = await _template(tx, template_id)
    linked: list[UUID] = await tx.column(BACKGROUNDS, template_id=template_id)
    return [*linked, template[BACKGROUND]]


async def apply_links(tx: Transaction, template_id: UUID, project_id: UUID) -> None:
    """Give a production the types, statuses, automations, backgrounds and descriptors of a template that it lacks."""
    for of_project, of_template in links.PAIRS:
        await links.copy(tx, of_template, of_project, template_id, project_id)
    template = await _template(tx, template_id)
    await _apply_descriptors(tx, template["metadata_descriptors"] or [], project_id)
    tx.emit(PROJECT_CHANGED, project_id=project_id)


async def apply_template(tx: Transaction, template_id: UUID, project_id: UUID) -> None:
    """Give a production the settings of a template, and what it lacks of the rest. 404 with a message alone."""
    before = await tx.row(_PROJECT, project_id=project_id)
    if before is None:
        raise UnknownTemplate("Project not found")
    template = await _template(tx, template_id)
    changes = {name: template[name] for name in (*SETTINGS, "file_tree", "data") if template[name] is not None}
    if before[BACKGROUND] is None and template[BACKGROUND] is not None:
        changes[BACKGROUND] = template[BACKGROUND]
    await tx.update(project, project_id, **changes)
    await apply_links(tx, template_id, project_id)
    await PIPELINE_CHANGED.run(Pipeline(tx, project_id))
    if changes.get("production_type", before["production_type"]) == "tvshow":
        await SHOW_SAVED.run(SavedShow(tx, project_id))


async def template_of(tx: Transaction, project_id: UUID, name: str, description: str | None) -> UUID:
    """Make a template of a production: its settings, links and descriptors. 404 with a message alone."""
    template_id = uuid4()
    params = {"project_id": project_id, "name": name, "description": description, "now": utc_now()}
    if not await tx.execute(_SNAPSHOT, template_id=template_id, **params):
        raise UnknownTemplate("Project not found")
    for of_project, of_template in links.PAIRS:
        await links.copy(tx, of_project, of_template, project_id, template_id)
    tx.emit(TEMPLATE_NEW, project_template_id=template_id)
    return template_id


# Descriptors of a snapshot


def _uuid_or_none(value: Any) -> UUID | None:
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        return None


def _text_or_empty(value: Any) -> str:
    return value if isinstance(value, str) and len(value) <= 120 else ""


def _key_of(entry: Mapping[str, Any]) -> tuple[str, UUID | None, str, str] | None:
    """Kind, task type, name and field name of an entry; None for one that a production cannot take."""
    name, kind = _text_or_empty(entry.get("name")), entry.get("entity_type")
    if not name or kind not in ENTITY_TYPES:
        return None
    task_type_id = _uuid_or_none(entry.get("task_type_id")) if kind == "Task" else None
    return kind, task_type_id, name, _text_or_empty(entry.get("field_name")) or slug(name)[:120]


async def _apply_descriptors(tx: Transaction, snapshot: Any, project_id: UUID) -> None:
    """Entries that a production cannot take (nameless, known already, of a task type that is gone) are passed over."""
    entries = [entry for entry in snapshot if isinstance(entry, dict)] if isinstance(snapshot, list) else []
    known = {tuple(row) for row in await tx.rows(_DESCRIPTORS, project_id=project_id)}
    names = {row[:3] for row in known}
    fields = {(row[0], row[1], row[3]) for row in known}
    keys = [_key_of(entry) for entry in entries]
    task_types = set(await tx.column(_TASK_TYPES, ids=[key[1] for key in keys if key and key[1]]))
    rows: list[dict[str, Any]] = []
    in_departments: list[tuple[UUID, UUID]] = []
    for entry, key in zip(entries, keys, strict=True):
        if key is None or (key[0] == "Task" and key[1] not in task_types):
            continue
        kind, task_type_id, name, field = key
        if (kind, task_type_id, name) in names or (kind, task_type_id, field) in fields:
            continue
        names.add((kind, task_type_id, name))
        fields.add((kind, task_type_id, field))
        row = {**_descriptor(entry), "project_id": project_id, "entity_type": kind, "task_type_id": task_type_id}
        rows.append({**row, "name": name, "field_name": field})
        departments = map(_uuid_or_none, _list_or_empty(entry.get("departments")))
        in_departments += [(row["id"], department_id) for department_id in departments if department_id]
    await tx.insert_many(metadata_descriptor, rows)
    await _link_departments(tx, in_departments)
    for row in rows:
        tx.emit(DESCRIPTOR_NEW, project_id=project_id, metadata_descriptor_id=row["id"])


async def _link_departments(tx: Transaction, in_departments: list[tuple[UUID, UUID]]) -> None:
    departments = set(await tx.column(_DEPARTMENTS, ids=[department_id for _, department_id in in_departments]))
    linked = [
        {"metadata_descriptor_id": descriptor_id, "department_id": department_id}
        for descriptor_id, department_id in in_departments
        if department_id in departments
    ]
    await tx.insert_many(department_metadata_descriptor_link, linked, skip_existing=True)


def _list_or_empty(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _descriptor(entry: Mapping[str, Any]) -> dict[str, Any]:
    """How a column of a snapshot is shown; a kind of data that is not known is shown as text."""
    data_type, position = entry.get("data_type"), entry.get("position")
    known = choices_of(metadata_descriptor.c.data_type) or ()
    return {
        "id": uuid4(),
        "data_type": data_type if data_type is None or data_type in known else "string",
        "choices": _list_or_empty(entry.get("choices")),
        "for_client": bool(entry.get("for_client")),
        "position": position if isinstance(position, int) else None,
    }

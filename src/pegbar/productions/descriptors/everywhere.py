"""Columns that all open productions share. Source: spec projects, "All-projects descriptors"."""

from typing import Any
from uuid import UUID

from sqlalchemy import any_, func, select, text
from sqlalchemy.dialects.postgresql import JSONB, insert

from pegbar.accounts.standing import as_text, is_open_state, written
from pegbar.core.data.database import Json, Transaction
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import String, utc_now
from pegbar.core.data.values import check_text
from pegbar.core.errors import BadRequest
from pegbar.core.http.access import Caller
from pegbar.productions.descriptors import actions, queries
from pegbar.productions.descriptors.values import field_name_of
from pegbar.productions.events import DESCRIPTOR_NEW
from pegbar.productions.queries import PROJECT_ID
from pegbar.productions.tables import metadata_descriptor, project

_ADDED = {
    "entity_type": param("entity_type", String),
    "name": param("name", String),
    "field_name": param("field_name", String),
    "data_type": param("data_type", String),
    "choices": param("choices", JSONB),
    "for_client": param("for_client"),
    "created_at": param("now"),
    "updated_at": param("now"),
}
#: Adds a descriptor to the productions that have none of its name or field.
_ADD = (
    insert(metadata_descriptor)
    .from_select(
        ["id", "project_id", *_ADDED],
        select(func.pegbar.new_id(), project.c.id, *_ADDED.values()).where(project.c.id == any_(param("project_ids"))),
    )
    .on_conflict_do_nothing()
    .returning(metadata_descriptor.c.id, metadata_descriptor.c.project_id)
)


async def _reached(tx: Transaction, caller: Caller) -> list[UUID]:
    statement = queries.reached_projects(caller.is_admin)
    return await tx.column(statement)


async def add(
    tx: Transaction, caller: Caller, task_type_id: UUID | None, columns: dict[str, Any], departments: list[UUID]
) -> Json:
    """Add a column to every open production that the caller manages and that lacks it; the descriptors made."""
    actions.check_entity_type(columns["entity_type"], actions.SHARED_TYPES)
    actions.check_columns(columns)
    check_text("name", columns["name"])
    if task_type_id is not None:
        raise BadRequest("task_type_id is for columns of tasks only.")
    field = field_name_of(columns["name"])
    projects = await _reached(tx, caller)
    rows = await tx.rows(_ADD, project_ids=projects, field_name=field, now=utc_now(), **columns)
    ids = [row["id"] for row in rows]
    await actions.link_departments(tx, ids, departments)
    for row in rows:
        tx.emit(DESCRIPTOR_NEW, project_id=row["project_id"], metadata_descriptor_id=row["id"])
    return await tx.json(queries.some, ids=ids)


async def _locked(tx: Transaction, caller: Caller, entity_type: str, field_name: str) -> list[Any]:
    actions.check_entity_type(entity_type, actions.SHARED_TYPES)
    statement = queries.locked_everywhere(caller.is_admin)
    return await tx.rows(statement, entity_type=entity_type, field_name=field_name)


async def change(
    tx: Transaction,
    caller: Caller,
    field: tuple[str, str],
    name: str | None,
    columns: dict[str, Any],
    departments: list[UUID],
) -> Json:
    """Change a column (`field`: its kind and field name) in every open production that the caller manages."""
    descriptors = await _locked(tx, caller, *field)
    actions.check_columns(columns)
    if descriptors:
        await actions.replace(tx, descriptors, name, columns, departments)
    return await tx.json(queries.some, ids=[row["id"] for row in descriptors])


async def remove(tx: Transaction, caller: Caller, entity_type: str, field_name: str) -> list[UUID]:
    """Delete a column with its values in every open production that the caller manages; the ids it had."""
    descriptors = await _locked(tx, caller, entity_type, field_name)
    if descriptors:
        await actions.remove_all(tx, descriptors)
    return [row["id"] for row in descriptors]


async def reorder(tx: Transaction, caller: Caller, entity_type: str, fields: list[str]) -> Json:
    """Number the columns of a kind in every open production that the caller manages and that has one of these."""
    actions.check_entity_type(entity_type, actions.SHARED_TYPES)
    for name in fields:
        check_text("field_order", name)
    projects = await actions.place(tx, await _reached(tx, caller), entity_type, "field_name", fields)
    return await tx.json(queries.of_kind, project_ids=projects, entity_type=entity_type)


#: One column of each field name that other open productions show about themselves, with its departments.
_COPY_SHARED = text(
    f"""
    WITH source AS (
      SELECT DISTINCT ON (d.field_name) d.*
        FROM metadata_descriptor d
        JOIN project p ON p.id = d.project_id AND {as_text(is_open_state(written("p.project_status_id")))}
       WHERE d.entity_type = 'Project' AND d.task_type_id IS NULL AND d.project_id <> :project_id
       ORDER BY d.field_name, d.position NULLS LAST, d.name, d.id
    ), added AS (
      INSERT INTO metadata_descriptor (id, project_id, entity_type, name, data_type, field_name, choices, for_client,
                                       position, created_at, updated_at)
      SELECT pegbar.new_id(), :project_id, entity_type, name, data_type, field_name, choices, for_client,
             position, :now, :now
        FROM source ORDER BY position NULLS LAST, name
      ON CONFLICT DO NOTHING
      RETURNING id, field_name
    ), linked AS (
      INSERT INTO department_metadata_descriptor_link (metadata_descriptor_id, department_id)
      SELECT added.id, l.department_id
        FROM added JOIN source USING (field_name)
        JOIN department_metadata_descriptor_link l ON l.metadata_descriptor_id = source.id
    )
    SELECT id FROM added
    """  # noqa: S608 - a rule of ours
).bindparams(PROJECT_ID, param("now"))


async def copy_shared_descriptors(tx: Transaction, project_id: UUID) -> None:
    """Give a new production the columns that the other open ones show about themselves."""
    for descriptor_id in await tx.column(_COPY_SHARED, project_id=project_id, now=utc_now()):
        tx.emit(DESCRIPTOR_NEW, project_id=project_id, metadata_descriptor_id=descriptor_id)

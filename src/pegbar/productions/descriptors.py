"""Metadata descriptors, and the values stored under them. Source: spec crud, "metadata-descriptors"; spec projects.

A descriptor is a column of the boards. Its values live in the `data` of the production, of its tasks or of its
entities, under the descriptor's field name: they move with it and go with it.
"""

from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Executable,
    Table,
    bindparam,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

from pegbar.core.database import Transaction
from pegbar.core.resource import Change
from pegbar.core.schema import TIMESTAMP, Text, Uuid, utc_now
from pegbar.core.values import accept_choice
from pegbar.entities.tables import entity
from pegbar.productions.events import DESCRIPTOR_NEW
from pegbar.productions.tables import metadata_descriptor, project
from pegbar.studio.tables import entity_type
from pegbar.tasks.tables import task

_PROJECT_ID = bindparam("project_id", type_=Uuid)
_OLD = bindparam("old", type_=Text)
_NEW = bindparam("new", type_=Text)
#: Entities with a parent of their own kind; descriptors of assets are for all the others.
TEMPORAL = ("Shot", "Scene", "Sequence", "Episode", "Edit", "Concept", "ConceptFolder")


def _holders(entity_type_name: str) -> tuple[Table, ColumnElement[bool]]:
    """The rows whose `data` holds the values of a descriptor."""
    if entity_type_name == "Project":
        return project, project.c.id == _PROJECT_ID
    if entity_type_name == "Task":
        of_type = task.c.task_type_id == bindparam("task_type_id", type_=Uuid)
        return task, (task.c.project_id == _PROJECT_ID) & of_type
    types = select(entity_type.c.id)
    if entity_type_name == "Asset":
        of_kind = entity.c.entity_type_id.not_in(types.where(entity_type.c.name.in_(TEMPORAL)))
    else:
        of_kind = entity.c.entity_type_id.in_(types.where(entity_type.c.name == entity_type_name))
    return entity, (entity.c.project_id == _PROJECT_ID) & of_kind


@lru_cache
def _move_values(entity_type_name: str) -> Executable:
    """Move values from one field to another; a null stays where it is."""
    table, mine = _holders(entity_type_name)
    value = table.c.data.op("->", return_type=JSONB)(_OLD)
    moved = table.c.data.op("-", return_type=JSONB)(_OLD).op("||")(func.jsonb_build_object(_NEW, value))
    present = (func.jsonb_typeof(table.c.data) == "object") & (func.jsonb_typeof(value) != "null")
    return update(table).where(mine, present).values(data=moved, updated_at=bindparam("now", type_=TIMESTAMP))


@lru_cache
def _drop_values(entity_type_name: str) -> Executable:
    """Remove a field's values."""
    table, mine = _holders(entity_type_name)
    present = (func.jsonb_typeof(table.c.data) == "object") & table.c.data.op("?")(_OLD)
    without = table.c.data.op("-", return_type=JSONB)(_OLD)
    return update(table).where(mine, present).values(data=without, updated_at=bindparam("now", type_=TIMESTAMP))


def _where(descriptor: Any) -> dict[str, Any]:
    given = {"project_id": descriptor["project_id"], "now": utc_now(), "old": descriptor["field_name"]}
    if descriptor["entity_type"] == "Task":
        given["task_type_id"] = descriptor["task_type_id"]
    return given


async def check_descriptor(change: Change) -> None:
    """The kind of data is one that clients know."""
    if "data_type" in change.document:
        accept_choice(metadata_descriptor.c.data_type, change.document["data_type"])


async def move_values(change: Change) -> None:
    """A field that is renamed takes its values along."""
    if change.before is None or not change.changes("field_name"):
        return
    await change.tx.execute(
        _move_values(change.before["entity_type"]), **_where(change.before), new=change.after("field_name")
    )


async def drop_values(change: Change) -> None:
    """A field that is removed takes its values with it."""
    assert change.before is not None
    await change.tx.execute(_drop_values(change.before["entity_type"]), **_where(change.before))


#: One column of each field name that other open productions show about themselves, with its departments.
_COPY_SHARED = text(
    """
    WITH source AS (
      SELECT DISTINCT ON (d.field_name) d.*
        FROM metadata_descriptor d
        JOIN project p ON p.id = d.project_id
        JOIN project_status s ON s.id = p.project_status_id AND s.name = 'Open'
       WHERE d.entity_type = 'Project' AND d.task_type_id IS NULL AND d.project_id <> :project_id
       ORDER BY d.field_name, d.position NULLS LAST, d.name, d.id
    ), added AS (
      INSERT INTO metadata_descriptor (id, project_id, entity_type, name, data_type, field_name, choices, for_client,
                                       position, created_at, updated_at)
      SELECT gen_random_uuid(), :project_id, entity_type, name, data_type, field_name, choices, for_client,
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
    """
).bindparams(_PROJECT_ID, bindparam("now", type_=TIMESTAMP))


async def copy_shared_descriptors(tx: Transaction, project_id: UUID) -> None:
    """Give a new production the columns that the other open ones show about themselves."""
    for descriptor_id in await tx.column(_COPY_SHARED, project_id=project_id, now=utc_now()):
        tx.emit(DESCRIPTOR_NEW, project_id=project_id, metadata_descriptor_id=descriptor_id)

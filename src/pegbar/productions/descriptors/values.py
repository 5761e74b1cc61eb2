"""The values stored under descriptors. Source: spec projects, "Field name rule" and the descriptor routes.

A descriptor is a column of the boards. Its values live in the `data` of the production, of its tasks or of its
entities, under the descriptor's field name: they move with it and go with it, and the rows' events say so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Executable, Table, any_, func, select, update
from sqlalchemy.dialects.postgresql import JSONB

from pegbar.core.data.changes import Change
from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import Text, utc_now
from pegbar.core.data.values import accept_choice
from pegbar.core.errors import BadRequest
from pegbar.core.slugs import slug
from pegbar.entities.tables import entity
from pegbar.productions.events import PROJECT_CHANGED
from pegbar.productions.hooks import VALUES_CHANGED, ChangedValues
from pegbar.productions.tables import metadata_descriptor, project
from pegbar.studio.tables import entity_type
from pegbar.tasks.tables import task

_PROJECT_IDS = param("project_ids")
_OLD = param("old", Text)
_NEW = param("new", Text)
#: Characters of a name and of a field name, as the table has them.
_LONGEST = 120
#: Entities with a parent of their own kind; descriptors of assets are for all the others.
TEMPORAL = ("Shot", "Scene", "Sequence", "Episode", "Edit", "Concept", "ConceptFolder")


@dataclass(frozen=True)
class Field:
    """A key in the `data` of the rows of a kind, in some productions; for tasks, of one task type."""

    name: str
    entity_type: str
    project_ids: Sequence[UUID]
    task_type_id: UUID | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """What a statement about its values takes."""
        params = {"project_ids": list(self.project_ids), "old": self.name, "now": utc_now()}
        return params | ({"task_type_id": self.task_type_id} if self.entity_type == "Task" else {})


def field_name_of(name: str) -> str:
    """The key of the values of a descriptor of this name: 400 when it is too long for one."""
    key = slug(name)
    if len(name) > _LONGEST or len(key) > _LONGEST:
        raise BadRequest(f"name is limited to {_LONGEST} characters, also as the key of its values.")
    return key


def holders(entity_type_name: str) -> tuple[Table, ColumnElement[Any], ColumnElement[bool]]:
    """The table whose `data` holds the values of a descriptor, its production, and which rows do."""
    if entity_type_name == "Project":
        return project, project.c.id, project.c.id == any_(_PROJECT_IDS)
    if entity_type_name == "Task":
        of_type = task.c.task_type_id == param("task_type_id")
        return task, task.c.project_id, (task.c.project_id == any_(_PROJECT_IDS)) & of_type
    types = select(entity_type.c.id)
    if entity_type_name == "Asset":
        of_kind = entity.c.entity_type_id.not_in(types.where(entity_type.c.name.in_(TEMPORAL)))
    else:
        of_kind = entity.c.entity_type_id.in_(types.where(entity_type.c.name == entity_type_name))
    return entity, entity.c.project_id, (entity.c.project_id == any_(_PROJECT_IDS)) & of_kind


def changing(entity_type_name: str, data: ColumnElement[Any], present: ColumnElement[bool]) -> Executable:
    """Give the `data` of the rows of a kind another value where `present`; the rows that changed."""
    table, project_id, mine = holders(entity_type_name)
    changed = update(table).where(mine, func.jsonb_typeof(table.c.data) == "object", present)
    now = param("now")
    return changed.values(data=data, updated_at=now).returning(table.c.id, project_id.label("project_id"))


@lru_cache
def _move_values(entity_type_name: str) -> Executable:
    """Move values from one field to another; a null stays where it is."""
    data = holders(entity_type_name)[0].c.data
    value = data.op("->", return_type=JSONB)(_OLD)
    moved = data.op("-", return_type=JSONB)(_OLD).op("||")(func.jsonb_build_object(_NEW, value))
    return changing(entity_type_name, moved, func.jsonb_typeof(value) != "null")


@lru_cache
def _drop_values(entity_type_name: str) -> Executable:
    """Remove a field's values."""
    data = holders(entity_type_name)[0].c.data
    return changing(entity_type_name, data.op("-", return_type=JSONB)(_OLD), data.op("?")(_OLD))


async def run(tx: Transaction, statement: Executable, field: Field, **more: Any) -> None:
    """Change the rows that hold a field's values, and tell of each."""
    rows = await tx.rows(statement, **field.parameters, **more)
    if field.entity_type == "Project":
        for row in rows:
            tx.emit(PROJECT_CHANGED, project_id=row["project_id"])
    else:
        await VALUES_CHANGED.run(ChangedValues(tx, field.entity_type, rows))


async def move(tx: Transaction, field: Field, name: str) -> None:
    """Give a field another name: its values go along."""
    if field.name != name and field.project_ids:
        await run(tx, _move_values(field.entity_type), field, new=name)


async def drop(tx: Transaction, field: Field) -> None:
    """Remove a field's values."""
    await run(tx, _drop_values(field.entity_type), field)


# The hooks of the generic routes. Source: spec crud, "metadata-descriptors".


def _field_before(change: Change) -> Field:
    row = change.before
    assert row is not None
    return Field(row["field_name"], row["entity_type"], [row["project_id"]], row["task_type_id"])


async def check_descriptor(change: Change) -> None:
    """The kind of data is one that clients know."""
    if "data_type" in change.document:
        accept_choice(metadata_descriptor.c.data_type, change.document["data_type"])


async def move_values(change: Change) -> None:
    """A field that is renamed takes its values along."""
    if change.before is not None and change.changes("field_name"):
        await move(change.tx, _field_before(change), change.after("field_name"))


async def drop_values(change: Change) -> None:
    """A field that is removed takes its values with it."""
    await drop(change.tx, _field_before(change))

"""Writes about metadata descriptors. Source: spec projects, the descriptor routes.

One production's descriptor and the same field of all productions are changed by the same statements about a set of
descriptors, which agree in their kind and field name.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Executable, any_, delete, exists, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import String, Uuid, utc_now
from pegbar.core.data.values import accept_choice, check_json, check_text
from pegbar.core.errors import BadRequest, NotFound
from pegbar.core.http.access import Caller, require
from pegbar.productions.descriptors import queries, values
from pegbar.productions.descriptors.queries import IDS
from pegbar.productions.descriptors.values import Field, field_name_of
from pegbar.productions.events import DESCRIPTOR_DELETED, DESCRIPTOR_NEW, DESCRIPTOR_UPDATED
from pegbar.productions.tables import department_metadata_descriptor_link, metadata_descriptor
from pegbar.studio.tables import task_type

#: The kinds of rows that have columns of a production's own.
ENTITY_TYPES = ("Asset", "Shot", "Edit", "Episode", "Sequence", "Project", "Task")
#: Those whose columns all productions may share: tasks' are about a task type of the production.
SHARED_TYPES = ENTITY_TYPES[:-1]

_NOW = param("now")
_TASK_TYPE = select(exists().where(task_type.c.id == param("task_type_id")))
_UNLINK = delete(department_metadata_descriptor_link).where(
    department_metadata_descriptor_link.c.metadata_descriptor_id == any_(IDS)
)
_LINK = text(
    """
    INSERT INTO department_metadata_descriptor_link (metadata_descriptor_id, department_id)
    SELECT descriptor.id, d.id FROM unnest(:ids ::uuid[]) AS descriptor (id), department d
     WHERE d.id = ANY(:departments ::uuid[])
    ON CONFLICT DO NOTHING
    """
)
_DELETE = delete(metadata_descriptor).where(metadata_descriptor.c.id == any_(IDS))
_REPLACE = (
    update(metadata_descriptor)
    .where(metadata_descriptor.c.id == any_(IDS))
    .values(
        data_type=param("data_type", String),
        for_client=param("for_client"),
        choices=param("choices", JSONB),
        updated_at=_NOW,
    )
)
_RENAME = (
    update(metadata_descriptor)
    .where(metadata_descriptor.c.id == any_(IDS))
    .values(name=param("name", String), field_name=param("field_name", String))
)


@lru_cache
def _reorder(key: str, kind: str) -> Executable:
    """Numbers the descriptors of productions by the place of a column's value in a list, the others after, by name.

    A production with none of those in the list is left alone.
    """
    statement = text(
        f"""
        WITH placed AS (
          SELECT id, row_number() OVER (PARTITION BY project_id
                                        ORDER BY array_position(:listed ::{kind}[], {key}::{kind}) NULLS LAST,
                                                 name COLLATE "C", id) AS n,
                 bool_or({key} = ANY(:listed ::{kind}[])) OVER (PARTITION BY project_id) AS named
            FROM metadata_descriptor
           WHERE project_id = ANY(:project_ids ::uuid[]) AND entity_type = :entity_type
        )
        UPDATE metadata_descriptor AS d SET position = placed.n, updated_at = :now
          FROM placed WHERE placed.id = d.id AND placed.named
        RETURNING d.project_id
        """  # noqa: S608 - names of ours
    )
    return statement.bindparams(queries.ENTITY_TYPE, _NOW, param("listed", ARRAY(Uuid if kind == "uuid" else String)))


def department_ids(departments: Sequence[str]) -> list[UUID]:
    """The departments of a body; one that is no id is not found."""
    try:
        return list(dict.fromkeys(UUID(department) for department in departments))
    except ValueError:
        raise NotFound("departments: one of them is not an id.") from None


def check_entity_type(name: str, known: Sequence[str] = ENTITY_TYPES) -> None:
    """Refuse a kind of rows without columns of its own."""
    if name not in known:
        raise BadRequest(f"entity_type: {name!r} is not one of {', '.join(known)}.")


def check_columns(columns: dict[str, Any]) -> None:
    """Refuse a kind of data that clients do not know, and choices that cannot be stored."""
    accept_choice(metadata_descriptor.c.data_type, columns["data_type"])
    check_json("choices", columns["choices"])


def _check_editor(caller: Caller, departments: Sequence[UUID]) -> None:
    """Managers edit every column, supervisors those of their own departments only."""
    own = bool(departments) and (not caller.departments or caller.departments.issuperset(departments))
    require(caller.manages or (caller.supervises and own), "The column is not one of your departments alone.")


async def _check_task_type(tx: Transaction, entity_type: str, task_type_id: UUID | None) -> None:
    if entity_type != "Task" and task_type_id is not None:
        raise BadRequest("task_type_id is for columns of tasks only.")
    if entity_type == "Task" and (task_type_id is None or not await tx.value(_TASK_TYPE, task_type_id=task_type_id)):
        raise BadRequest("task_type_id must name the task type of the tasks.")


async def add(
    tx: Transaction,
    caller: Caller,
    project_id: UUID,
    task_type_id: UUID | None,
    columns: dict[str, Any],
    departments: list[UUID],
) -> UUID:
    """Add a column to a production's boards: 400 when its name or field name is taken."""
    _check_editor(caller, departments)
    check_entity_type(columns["entity_type"])
    check_columns(columns)
    check_text("name", columns["name"])
    await _check_task_type(tx, columns["entity_type"], task_type_id)
    field = field_name_of(columns["name"])
    scope = {"project_id": project_id, "entity_type": columns["entity_type"], "task_type_id": task_type_id}
    if await tx.value(queries.taken, **scope, name=columns["name"], field_name=field):
        raise BadRequest(f"name: there is a column {columns['name']} already.")
    descriptor_id = await tx.insert(metadata_descriptor, **scope | columns, field_name=field)
    assert descriptor_id is not None
    await link_departments(tx, [descriptor_id], departments)
    tx.emit(DESCRIPTOR_NEW, project_id=project_id, metadata_descriptor_id=descriptor_id)
    return descriptor_id


async def link_departments(tx: Transaction, ids: list[UUID], departments: list[UUID]) -> None:
    """Give descriptors departments; unknown ones are left out."""
    if departments:
        await tx.execute(_LINK, ids=ids, departments=departments)


async def _require(tx: Transaction, project_id: UUID, descriptor_id: UUID) -> asyncpg.Record:
    row = await tx.row(queries.locked_of_project, project_id=project_id, descriptor_id=descriptor_id)
    if row is None:
        raise NotFound(f"There is no descriptor {descriptor_id} in this production.")
    return row


async def change(
    tx: Transaction,
    caller: Caller,
    ids: tuple[UUID, UUID],
    name: str | None,
    columns: dict[str, Any],
    departments: list[UUID],
) -> None:
    """Change a column of a production (`ids`: the production's and the descriptor's)."""
    before = await _require(tx, *ids)
    _check_editor(caller, before["departments"])
    _check_editor(caller, [*before["departments"], *departments])
    if name == "":
        raise BadRequest("name must not be empty.")
    await replace(tx, [before], name, columns, departments)


async def replace(
    tx: Transaction,
    descriptors: Sequence[asyncpg.Record],
    name: str | None,
    columns: dict[str, Any],
    departments: list[UUID],
) -> None:
    """Give descriptors of one field these columns and departments, and a name: their values follow a rename."""
    check_columns(columns)
    ids = [row["id"] for row in descriptors]
    if name:
        await _rename(tx, [row for row in descriptors if row["name"] != name], name)
    await tx.execute(_REPLACE, ids=ids, now=utc_now(), **columns)
    await tx.execute(_UNLINK, ids=ids)
    await link_departments(tx, ids, departments)
    for row in descriptors:
        tx.emit(DESCRIPTOR_UPDATED, project_id=row["project_id"], metadata_descriptor_id=row["id"])


async def _rename(tx: Transaction, descriptors: Sequence[asyncpg.Record], name: str) -> None:
    """Rename descriptors of one field, all of them or, when one cannot be, none."""
    check_text("name", name)
    field = field_name_of(name)
    if not descriptors:
        return
    ids = [row["id"] for row in descriptors]
    if await tx.value(queries.taken_by_another, ids=ids, name=name, field_name=field):
        raise BadRequest(f"name: there is a column {name} already.")
    await tx.execute(_RENAME, ids=ids, name=name, field_name=field)
    await values.move(tx, _field_of(descriptors), field)


def _field_of(descriptors: Sequence[asyncpg.Record]) -> Field:
    first = descriptors[0]
    projects = [row["project_id"] for row in descriptors]
    return Field(first["field_name"], first["entity_type"], projects, first["task_type_id"])


async def remove(tx: Transaction, caller: Caller, project_id: UUID, descriptor_id: UUID) -> None:
    """Delete a column of a production with its values."""
    before = await _require(tx, project_id, descriptor_id)
    _check_editor(caller, before["departments"])
    await remove_all(tx, [before])


async def remove_all(tx: Transaction, descriptors: Sequence[asyncpg.Record]) -> None:
    """Delete descriptors of one field with their values."""
    ids = [row["id"] for row in descriptors]
    await values.drop(tx, _field_of(descriptors))
    await tx.execute(_UNLINK, ids=ids)
    await tx.execute(_DELETE, ids=ids)
    for row in descriptors:
        tx.emit(DESCRIPTOR_DELETED, project_id=row["project_id"], metadata_descriptor_id=row["id"])


async def reorder(tx: Transaction, project_id: UUID, entity_type: str, ids: list[UUID]) -> None:
    """Number a production's columns of a kind in this order, those left out after them."""
    check_entity_type(entity_type)
    ids = list(dict.fromkeys(ids))
    if await tx.value(queries.count_of_kind, project_id=project_id, entity_type=entity_type, ids=ids) != len(ids):
        raise BadRequest(f"descriptor_ids: one is not a {entity_type} descriptor of this production.")
    await place(tx, [project_id], entity_type, "id", ids)


async def place(
    tx: Transaction, project_ids: list[UUID], entity_type: str, key: str, listed: Sequence[UUID | str]
) -> list[UUID]:
    """Number the columns of a kind of productions by their `key`; the productions that had one of them."""
    statement = _reorder(key, "uuid" if key == "id" else "text")
    params = {"project_ids": project_ids, "entity_type": entity_type, "listed": list(listed), "now": utc_now()}
    return list(dict.fromkeys(await tx.column(statement, **params)))

"""Reads about metadata descriptors."""

from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Executable, Select, any_, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from pegbar.accounts.standing import CALLER, is_open, teams
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import String, Text, Uuid
from pegbar.core.data.wire import json_object
from pegbar.productions import shapes
from pegbar.productions.queries import PROJECT_ID
from pegbar.productions.tables import department_metadata_descriptor_link, metadata_descriptor, project

IDS = param("ids")
ENTITY_TYPE = param("entity_type", String)
_FIELD = param("field_name", Text)
_ON_BOARDS = (metadata_descriptor.c.position.nulls_last(), metadata_descriptor.c.name)
_row = select(json_object(shapes.DESCRIPTOR)).select_from(metadata_descriptor)


@lru_cache
def of_project(for_admin: bool) -> Executable:
    """The descriptors of a production that the caller may see, in the order of the boards."""
    rows = _row.where(metadata_descriptor.c.project_id == PROJECT_ID)
    return (rows if for_admin else rows.where(shapes.DESCRIPTOR_VISIBLE)).order_by(*_ON_BOARDS)


#: A descriptor of a production, and whether a caller who is no administrator may see it.
one_of_project = select(json_object(shapes.DESCRIPTOR), shapes.DESCRIPTOR_VISIBLE.label("visible")).where(
    metadata_descriptor.c.project_id == PROJECT_ID, metadata_descriptor.c.id == param("descriptor_id")
)

#: Descriptors by their ids.
some = _row.where(metadata_descriptor.c.id == any_(IDS)).order_by(metadata_descriptor.c.project_id)

#: The descriptors of a kind of productions, in the order of the boards.
of_kind = _row.where(
    metadata_descriptor.c.project_id == any_(param("project_ids")),
    metadata_descriptor.c.entity_type == ENTITY_TYPE,
).order_by(metadata_descriptor.c.project_id, *_ON_BOARDS)


def _locked() -> Select[Any]:
    link = department_metadata_descriptor_link
    departments = select(link.c.department_id).where(link.c.metadata_descriptor_id == metadata_descriptor.c.id)
    return select(
        metadata_descriptor.c.id,
        metadata_descriptor.c.project_id,
        metadata_descriptor.c.entity_type,
        metadata_descriptor.c.task_type_id,
        metadata_descriptor.c.name,
        metadata_descriptor.c.field_name,
        func.array(departments.scalar_subquery(), type_=ARRAY(Uuid)).label("departments"),
    ).with_for_update(of=metadata_descriptor)


#: What decides whether a descriptor may be changed, and where its values are.
locked_of_project = _locked().where(
    metadata_descriptor.c.project_id == PROJECT_ID, metadata_descriptor.c.id == param("descriptor_id")
)


def _reached(for_admin: bool) -> ColumnElement[bool]:
    """The open productions whose columns somebody changes at once: those they manage, by their role there."""
    if for_admin:
        return is_open(to_admins=True)
    return project.c.id.in_(teams(CALLER, "manager", only_open=True))


@lru_cache
def reached_projects(for_admin: bool) -> Select[Any]:
    """The productions that the routes for all productions are about."""
    return select(project.c.id).where(_reached(for_admin)).order_by(project.c.id)


@lru_cache
def locked_everywhere(for_admin: bool) -> Executable:
    """The descriptors of a field in all these productions."""
    reached = select(project.c.id).where(_reached(for_admin))
    rows = _locked().where(
        metadata_descriptor.c.project_id.in_(reached),
        metadata_descriptor.c.entity_type == ENTITY_TYPE,
        metadata_descriptor.c.field_name == _FIELD,
        metadata_descriptor.c.task_type_id.is_(None),
    )
    return rows.order_by(metadata_descriptor.c.id)


def _taken() -> ColumnElement[bool]:
    return (metadata_descriptor.c.name == param("name", Text)) | (metadata_descriptor.c.field_name == _FIELD)


#: Whether a production has a descriptor of that name or field for the same kind of rows.
taken = select(metadata_descriptor.c.id).where(
    metadata_descriptor.c.project_id == PROJECT_ID,
    metadata_descriptor.c.entity_type == ENTITY_TYPE,
    metadata_descriptor.c.task_type_id.is_not_distinct_from(param("task_type_id")),
    _taken(),
)

_renamed = metadata_descriptor.alias("renamed")
#: Whether another descriptor than these stands where one of them would be renamed to.
taken_by_another = select(metadata_descriptor.c.id).where(
    _renamed.c.id == any_(IDS),
    metadata_descriptor.c.id != _renamed.c.id,
    metadata_descriptor.c.project_id == _renamed.c.project_id,
    metadata_descriptor.c.entity_type == _renamed.c.entity_type,
    metadata_descriptor.c.task_type_id.is_not_distinct_from(_renamed.c.task_type_id),
    _taken(),
)

#: How many of these are descriptors of a kind of a production.
count_of_kind = select(func.count()).where(
    metadata_descriptor.c.id == any_(IDS),
    metadata_descriptor.c.project_id == PROJECT_ID,
    metadata_descriptor.c.entity_type == ENTITY_TYPE,
)

"""Reads of output files. Source: spec media, "Output files of an entity" and "Output files of an asset instance"."""

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.dialects.postgresql import distinct_on

from pegbar.accounts.tables import person
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import Text
from pegbar.core.data.wire import json_object, wire_of
from pegbar.entities.tables import asset_instance, entity
from pegbar.files.shapes import OUTPUT_FILE
from pegbar.files.tables import file_status, output_file, output_type, working_file
from pegbar.studio.tables import task_type
from pegbar.tasks.tables import task

_ENTITY_ID, _PROJECT_ID = param("entity_id"), param("project_id")
_INSTANCE_ID, _TEMPORAL_ID = param("instance_id"), param("temporal_id")
_NAME, _REPRESENTATION = param("name", Text), param("representation", Text)
#: The highest revision that is counted on from.
_COUNTED = 10**9

OUTPUT_TYPE = wire_of(output_type, "OutputType")
_files = select(json_object(OUTPUT_FILE))
_newest_first = (output_file.c.revision.desc(), output_file.c.created_at.desc(), output_file.c.id)
_without_instance = output_file.c.asset_instance_id.is_(None)
_counted = output_file.c.revision >= 0
_of_entity = output_file.c.entity_id == _ENTITY_ID
_of_instance = output_file.c.asset_instance_id == _INSTANCE_ID
_of_place = and_(_of_instance, output_file.c.temporal_entity_id == _TEMPORAL_ID)


def _if_given(column: ColumnElement[Any], parameter: Any) -> ColumnElement[bool]:
    return or_(parameter.is_(None), column == parameter)


def _filtered(statement: Select[Any]) -> Select[Any]:
    """The filters that all lists take; NULL is none."""
    ids = ("output_type_id", "task_type_id", "file_status_id")
    return statement.where(
        *[_if_given(output_file.c[name], param(name)) for name in ids],
        _if_given(output_file.c.representation, _REPRESENTATION),
        _if_given(output_file.c.name, _NAME),
    )


of_entity = _filtered(
    _files.where(_of_entity, _counted, _without_instance, output_file.c.temporal_entity_id.is_(None))
).order_by(*_newest_first)
of_project = _filtered(
    _files.join(entity, entity.c.id == output_file.c.entity_id).where(
        entity.c.project_id == _PROJECT_ID, _counted, _without_instance, output_file.c.temporal_entity_id.is_(None)
    )
).order_by(output_file.c.created_at.desc(), output_file.c.id)
of_instance = _filtered(
    _files.where(_of_instance, _counted, _if_given(output_file.c.temporal_entity_id, _TEMPORAL_ID))
).order_by(*_newest_first)

_GROUP = (output_file.c.task_type_id, output_file.c.output_type_id, output_file.c.name, output_file.c.representation)


def _last(condition: ColumnElement[bool]) -> Select[Any]:
    """The highest revision of each group; rows without one of what makes a group are in none."""
    return (
        _filtered(_files.where(condition, *[column.is_not(None) for column in _GROUP]))
        .ext(distinct_on(*_GROUP))
        .order_by(*_GROUP, *_newest_first)
    )


last_of_entity = _last(_of_entity & _without_instance)
last_of_place = _last(_of_place)


def _types(condition: ColumnElement[bool]) -> Select[Any]:
    used = select(output_file.c.output_type_id).where(condition)
    return select(json_object(OUTPUT_TYPE)).where(output_type.c.id.in_(used)).order_by(output_type.c.name)


types_of_entity = _types(_of_entity)
types_of_place = _types(_of_place)


def _of_type(condition: ColumnElement[bool]) -> Select[Any]:
    return _files.where(
        condition,
        output_file.c.output_type_id == param("output_type_id"),
        _if_given(output_file.c.representation, _REPRESENTATION),
    ).order_by(*_newest_first)


of_type_of_entity = _of_type(_of_entity & _without_instance)
of_type_of_place = _of_type(_of_place)

_made_alike = and_(
    output_file.c.output_type_id == param("output_type_id"),
    output_file.c.task_type_id == param("task_type_id"),
    output_file.c.name == _NAME,
    output_file.c.revision > 0,
    output_file.c.revision <= _COUNTED,
)
_next = func.coalesce(func.max(output_file.c.revision) + 1, 1)
next_of_entity = select(_next).where(_of_entity, _made_alike)
next_of_place = select(_next).where(_of_place, _made_alike)

#: NULLs are alike here, which the table's own constraint cannot say.
same = select(output_file.c.id).where(
    _of_entity,
    output_file.c.name == _NAME,
    output_file.c.asset_instance_id.is_not_distinct_from(_INSTANCE_ID),
    output_file.c.temporal_entity_id.is_not_distinct_from(_TEMPORAL_ID),
    output_file.c.output_type_id == param("output_type_id"),
    output_file.c.task_type_id == param("task_type_id"),
    output_file.c.representation.is_not_distinct_from(_REPRESENTATION),
    output_file.c.revision == param("revision"),
)
#: An entity whose output files are numbered by nobody else until the commit.
locked_entity = (
    select(entity.c.project_id, entity.c.name).where(entity.c.id == _ENTITY_ID).with_for_update(key_share=True)
)
asset_of_instance = select(asset_instance.c.asset_id).where(asset_instance.c.id == _INSTANCE_ID)


def _known(table: Any, name: str) -> ColumnElement[Any]:
    return select(table.c.id).where(table.c.id == param(name)).scalar_subquery()


_source_project = func.coalesce(
    select(task.c.project_id).where(task.c.id == working_file.c.task_id).correlate(working_file).scalar_subquery(),
    select(entity.c.project_id)
    .where(entity.c.id == working_file.c.entity_id)
    .correlate(working_file)
    .scalar_subquery(),
)
#: What a new output file refers to, as far as it is there; the working file only from the same production.
references = select(
    _known(output_type, "output_type_id").label("output_type"),
    _known(task_type, "task_type_id").label("task_type"),
    _known(person, "person_id").label("person"),
    _known(file_status, "file_status_id").label("file_status"),
    select(working_file.c.id)
    .where(working_file.c.id == param("working_file_id"), _source_project == _PROJECT_ID)
    .scalar_subquery()
    .label("working_file"),
)
output_type_id = select(output_type.c.id).where(output_type.c.id == param("output_type_id"))
task_type_id = select(task_type.c.id).where(task_type.c.id == param("task_type_id"))
one = _files.where(output_file.c.id == param("file_id"))

"""Persons who are the value of a descriptor, once they are gone. Source: spec crud, "Worth fixing", DELETE person."""

from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Executable, case, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from pegbar.core.data.parameters import param
from pegbar.core.data.removal import Gone, reaction
from pegbar.core.data.schema import Column, Text
from pegbar.entities.tables import entity, entity_version
from pegbar.productions.descriptors.values import Field, changing, holders, run
from pegbar.productions.tables import metadata_descriptor, project
from pegbar.tasks.tables import task

_FIELD = param("old", Text)
_NAMES = param("names", ARRAY(Text))

_PERSON_FIELDS = (
    select(
        metadata_descriptor.c.field_name,
        metadata_descriptor.c.entity_type,
        metadata_descriptor.c.task_type_id,
        func.array_agg(metadata_descriptor.c.project_id).label("project_ids"),
    )
    .where(metadata_descriptor.c.data_type == "person")
    .group_by(metadata_descriptor.c.field_name, metadata_descriptor.c.entity_type, metadata_descriptor.c.task_type_id)
)


def _without(data: Column[Any]) -> ColumnElement[Any]:
    """The metadata without the field that is one of these persons; a list loses them."""
    value = data.op("->", return_type=JSONB)(_FIELD)
    others = func.jsonb_build_object(_FIELD, value.op("-", return_type=JSONB)(_NAMES))
    return case(
        (func.jsonb_typeof(value) == "array", data.op("||", return_type=JSONB)(others)),
        else_=data.op("-", return_type=JSONB)(_FIELD),
    )


def _names_them(data: Column[Any]) -> ColumnElement[bool]:
    return data.op("->", return_type=JSONB)(_FIELD).bool_op("?|")(_NAMES)


@lru_cache
def _forget(entity_type_name: str) -> Executable:
    data = holders(entity_type_name)[0].c.data
    return changing(entity_type_name, _without(data), _names_them(data))


@lru_cache
def _forget_in_versions(entity_type_name: str) -> Executable:
    _, _, mine = holders(entity_type_name)
    data = entity_version.c.data
    theirs = entity_version.c.entity_id.in_(select(entity.c.id).where(mine))
    is_object = func.jsonb_typeof(data) == "object"
    return update(entity_version).where(theirs, is_object, _names_them(data)).values(data=_without(data))


@reaction(entity.c.data, entity_version.c.data, task.c.data, project.c.data)
async def forget_values(gone: Gone) -> None:
    """Empty the metadata that are these persons, in descriptors of the type `person`; the rows' events say so."""
    names = [str(person_id) for person_id in gone.ids]
    for row in await gone.tx.rows(_PERSON_FIELDS):
        field = Field(row["field_name"], row["entity_type"], row["project_ids"], row["task_type_id"])
        await run(gone.tx, _forget(field.entity_type), field, names=names)
        if field.entity_type not in ("Project", "Task"):
            params = {"old": field.name, "project_ids": list(field.project_ids)}
            await gone.tx.execute(_forget_in_versions(field.entity_type), names=names, **params)

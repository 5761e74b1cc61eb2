"""What records name, and the rows they are about. Source: spec exchange, "Shotgun import"."""

from functools import lru_cache
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Executable, Table, Text, any_, delete, func, or_, select, text

from pegbar.accounts.standing import is_going
from pegbar.accounts.tables import department, person
from pegbar.core.data.changes import Relation
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import Integer
from pegbar.core.data.wire import Wire, json_object, wire_of
from pegbar.entities.kinds import ASSET, SPECIAL, is_kind, kind_text
from pegbar.entities.tables import entity
from pegbar.exchange.shotgrid.records import Target
from pegbar.exchange.tables import data_import_error
from pegbar.files.tables import working_file
from pegbar.media.tables import preview_file
from pegbar.productions.tables import project, project_person_link
from pegbar.studio.resources import entity_types
from pegbar.studio.tables import entity_type, project_status, task_status, task_type
from pegbar.tasks.tables import task

_NUMBERS = param("keys", ARRAY(Integer))
_NAMES = param("keys", ARRAY(Text))


def _oldest(table: Table) -> tuple[ColumnElement[Any], ...]:
    """Numbers are unique in ShotGrid, and not always here: the oldest row counts."""
    return table.c.created_at, table.c.id


PERSON = Target("person", select(person.c.shotgun_id, person.c.id).where(person.c.shotgun_id == any_(_NUMBERS)))
PROJECT = Target(
    "project",
    select(project.c.shotgun_id, project.c.id)
    .where(project.c.shotgun_id == any_(_NUMBERS), ~is_going(project.c.id))
    .order_by(*_oldest(project)),
)
PROJECT_NAMED = Target(
    "project", select(project.c.name, project.c.id).where(project.c.name == any_(_NAMES), ~is_going(project.c.id))
)
#: Found by kind and number: those of shots and of assets are counted apart.
ENTITY = Target(
    "entity",
    select(kind_text(), entity.c.shotgun_id, entity.c.id)
    .where(entity.c.shotgun_id == any_(_NUMBERS), ~is_going(entity.c.project_id))
    .order_by(*_oldest(entity)),
    parameter=lambda key: key[1],  # type: ignore[index]
)
STEP = Target(
    "step",
    select(task_type.c.shotgun_id, task_type.c.id)
    .where(task_type.c.shotgun_id == any_(_NUMBERS))
    .order_by(*_oldest(task_type)),
)
TASK = Target(
    "task",
    select(task.c.shotgun_id, task.c.id)
    .where(task.c.shotgun_id == any_(_NUMBERS), ~is_going(task.c.project_id))
    .order_by(*_oldest(task)),
)
STATUS = Target(
    "status", select(task_status.c.short_name, task_status.c.id).where(task_status.c.short_name == any_(_NAMES))
)
DEPARTMENT = Target(
    "department", select(department.c.name, department.c.id).where(department.c.name == any_(_NAMES)), makes=department
)
PROJECT_STATUS = Target(
    "project status",
    select(project_status.c.name, project_status.c.id).where(project_status.c.name == any_(_NAMES)),
    makes=project_status,
)
#: Found by their name in lower case. Shots and their like are no assets.
ASSET_TYPE = Target(
    "asset type",
    select(func.lower(entity_type.c.name), entity_type.c.id)
    .where(func.lower(entity_type.c.name) == any_(_NAMES), entity_type.c.name.not_in(SPECIAL))
    .order_by(*_oldest(entity_type)),
    makes=entity_type,
    made=entity_types.events["new"],
    refuses=frozenset(name.lower() for name in SPECIAL),
)


@lru_cache
def known_rows(table: Table, among: ColumnElement[bool] | None, beside: ColumnElement[bool] | None) -> Executable:
    """The rows of a kind whose number is among `:keys`, and those beside them that `:beside` is about."""
    numbered = table.c.shotgun_id == any_(_NUMBERS)
    rows = select(table).where(numbered if beside is None else or_(numbered, beside))
    rows = rows if among is None else rows.where(among)
    return rows.order_by(*_oldest(table)) if "created_at" in table.c else rows


numbered_assets = (
    select(entity.c.shotgun_id, entity.c.id, entity.c.project_id)
    .where(entity.c.shotgun_id == any_(_NUMBERS), is_kind(ASSET), ~is_going(entity.c.project_id))
    .order_by(*_oldest(entity))
)
#: Held until the commit, as by whoever else numbers revisions.
held_tasks = select(task.c.id).where(task.c.id == any_(param("ids"))).order_by(task.c.id).with_for_update()
last_revisions = (
    select(preview_file.c.task_id, func.max(preview_file.c.revision).label("last"))
    .where(preview_file.c.task_id == any_(param("ids")))
    .group_by(preview_file.c.task_id)
)
#: A task of an entity has working files.
worked_on = (
    select(working_file.c.id)
    .join(task, task.c.id == working_file.c.task_id)
    .where(task.c.entity_id == param("entity_id"))
    .limit(1)
)
members = select(project_person_link.c.project_id, project_person_link.c.person_id).where(
    project_person_link.c.shotgun_id == param("number", Integer)
)


@lru_cache
def links(relation: Relation) -> Executable:
    """Which rows these are linked to."""
    return select(relation.owner, relation.other).where(relation.owner == any_(param("ids")))


@lru_cache
def unlinking(relation: Relation) -> Executable:
    """Removes links, by what they link."""
    owner, other = relation.owner.name, relation.other.name
    return text(
        f"DELETE FROM {relation.link.fullname} USING unnest(:owners ::uuid[], :others ::uuid[]) AS gone (owner, other)"  # noqa: S608 - names of ours
        f" WHERE {owner} = gone.owner AND {other} = gone.other"
    )


@lru_cache
def in_order(table: Table, wire: Wire) -> Executable:
    """The rows of these ids, in their order; one that is named twice is told twice."""
    ids = func.unnest(param("ids")).table_valued("id", with_ordinality="n").render_derived("wanted")
    return select(json_object(wire)).select_from(ids.join(table, table.c.id == ids.c.id)).order_by(ids.c.n)


@lru_cache
def numbered(table: Table, among: ColumnElement[bool] | None) -> Executable:
    """The row of a kind that has a number, held."""
    rows = select(table).where(table.c.shotgun_id == param("number", Integer))
    rows = rows if among is None else rows.where(among)
    return rows.order_by(*_oldest(table)).limit(1).with_for_update(of=table)


# What scripts note of failures

ERROR = wire_of(data_import_error, "DataImportError")
_NOTED = data_import_error.c.source == "shotgun"
errors = select(json_object(ERROR)).where(_NOTED).order_by(*_oldest(data_import_error))
error = select(json_object(ERROR)).where(data_import_error.c.id == param("error_id"))
forget_error = delete(data_import_error).where(data_import_error.c.id == param("error_id"), _NOTED)

"""What the caller works on: entities and tasks of open productions they are in. Source: spec user, entity lists.

"Assigned" is a task of the caller's, in an open production whose team they are in; where they are a vendor they
get the metadata of their departments only, where they are a client blanked tasks.
"""

from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Executable, Select, exists, literal_column, select

from pegbar.accounts.standing import CALLER, is_member, is_open, on
from pegbar.core.data.database import Database, Json
from pegbar.core.data.parameters import param
from pegbar.core.data.wire import json_object, wire_of
from pegbar.core.http.access import Caller, Place, Rule
from pegbar.core.http.routing import found, get
from pegbar.entities.kinds import ASSET, EPISODE, SCENE, SEQUENCE, SHOT, is_asset_type, is_kind
from pegbar.entities.metadata import shown_data
from pegbar.entities.shapes import row_of_kind
from pegbar.entities.tables import entity
from pegbar.productions.tables import project
from pegbar.studio.tables import entity_type, task_type
from pegbar.tasks.in_context import HERE, by_role
from pegbar.tasks.shapes import TASK
from pegbar.tasks.tables import task, task_person_link

_ABOVE, _BETWEEN = param("above_id"), entity.alias("between")
_shot = entity.alias("shot")


def _assigned(of: ColumnElement[Any]) -> ColumnElement[bool]:
    """The caller has a task on the entity of this id."""
    return exists(_own_tasks().where(task.c.entity_id == of).with_only_columns(literal_column("1")))


def _own_tasks() -> Select[Any]:
    return (
        select(task.c.id)
        .select_from(
            task.join(task_person_link, task_person_link.c.task_id == task.c.id)
            .join(project, project.c.id == task.c.project_id)
            .join(HERE, is_member(HERE, CALLER, project.c.id))
        )
        .where(task_person_link.c.person_id == CALLER.id, is_open())
    )


_WITH_SHOT = exists().where(_shot.c.parent_id == entity.c.id, is_kind(SHOT, _shot), _assigned(_shot.c.id))
_WITH_SEQUENCE = exists(
    select(literal_column("1"))
    .select_from(_BETWEEN.join(_shot, _shot.c.parent_id == _BETWEEN.c.id))
    .where(_BETWEEN.c.parent_id == entity.c.id, is_kind(SHOT, _shot), _assigned(_shot.c.id))
    .correlate(entity)
)
_IN_PROJECT, _BELOW = entity.c.project_id == _ABOVE, entity.c.parent_id == _ABOVE


@lru_cache
def _entities(kind: str, where: ColumnElement[bool], mine: ColumnElement[bool], *, for_admin: bool) -> Executable:
    wire = row_of_kind(kind)
    if not for_admin:
        wire = wire.but(data=shown_data(kind, on(CALLER, entity.c.project_id)))
    return select(json_object(wire)).select_from(entity).where(is_kind(kind), where, mine).order_by(entity.c.name)


_ASSET_TYPE, _TASK_TYPE = wire_of(entity_type, "AssetType"), wire_of(task_type, "TaskType")
_ASSIGNED = _assigned(entity.c.id)
_OF_TYPE = _IN_PROJECT & (entity.c.entity_type_id == param("type_id"))
_ASSET_TYPES = (
    select(json_object(_ASSET_TYPE))
    .where(
        is_asset_type(entity_type.c.id),
        exists().where(entity.c.entity_type_id == entity_type.c.id, _IN_PROJECT, _ASSIGNED),
    )
    .order_by(entity_type.c.name)
)
_TASKS = {
    for_admin: _own_tasks()
    .with_only_columns(json_object(TASK if for_admin else by_role(TASK)))
    .where(task.c.entity_id == _ABOVE)
    .order_by(task.c.name, task.c.id)
    for for_admin in (False, True)
}
_TYPES = (
    select(json_object(_TASK_TYPE))
    .where(task_type.c.id.in_(_own_tasks().with_only_columns(task.c.task_type_id).where(task.c.entity_id == _ABOVE)))
    .order_by(task_type.c.name)
)


def _known(rows: Any, parameter: str, *conditions: ColumnElement[bool]) -> Rule:
    """Anybody but bots; 404 when the parameter names no such row."""
    key = param("key")
    there = select(rows.c.id.label("place_id")).where(rows.c.id == key, *conditions)
    return Rule("a person, not a bot", lambda _: True, Place("studio", parameter, there), bots=False)


async def _list(db: Database, statement: Executable, above_id: UUID, **params: Any) -> Json:
    return await db.json(statement, above_id=above_id, **params)


_PROJECT = _known(project, "project_id")
_KNOWN_PROJECT = select(project.c.id).where(project.c.id == param("project_id"))


@get("/data/user/projects/{project_id:uuid}/asset-types", access=_PROJECT, returns=[_ASSET_TYPE])
async def asset_types(project_id: UUID, db: Database) -> Json:
    """Types of the assets of a production on which the caller has a task."""
    return await _list(db, _ASSET_TYPES, project_id)


@get(
    "/data/user/projects/{project_id:uuid}/asset-types/{asset_type_id:uuid}/assets",
    access=_known(entity_type, "asset_type_id", is_asset_type(entity_type.c.id)),
    returns=[row_of_kind(ASSET)],
)
async def assets(project_id: UUID, asset_type_id: UUID, db: Database, caller: Caller) -> Json:
    """Assets of a type of a production on which the caller has a task."""
    found(await db.value(_KNOWN_PROJECT, project_id=project_id), "The production")
    statement = _entities(ASSET, _OF_TYPE, _ASSIGNED, for_admin=caller.is_admin)
    return await _list(db, statement, project_id, type_id=asset_type_id)


def _declare_list(path: str, parameter: str, rule: Rule, kind: str, *conditions: ColumnElement[bool]) -> None:
    where, mine = conditions

    async def entities(request: Any, db: Database, caller: Caller) -> Json:
        statement = _entities(kind, where, mine, for_admin=caller.is_admin)
        return await _list(db, statement, request.path_params[parameter])

    get(path, access=rule, returns=[row_of_kind(kind)], summary=f"{kind}s on which the caller has a task")(entities)


_declare_list(
    "/data/user/projects/{project_id:uuid}/sequences", "project_id", _PROJECT, SEQUENCE, _IN_PROJECT, _WITH_SHOT
)
_declare_list(
    "/data/user/projects/{project_id:uuid}/episodes", "project_id", _PROJECT, EPISODE, _IN_PROJECT, _WITH_SEQUENCE
)
_SEQUENCE = _known(entity, "sequence_id", is_kind(SEQUENCE))
for _kind, _name in ((SHOT, "shots"), (SCENE, "scenes")):
    _declare_list(
        f"/data/user/sequences/{{sequence_id:uuid}}/{_name}", "sequence_id", _SEQUENCE, _kind, _BELOW, _ASSIGNED
    )


def _declare_tasks(kind: str) -> None:
    name = kind.lower()
    path, rule = f"/data/user/{name}s/{{{name}_id:uuid}}", _known(entity, f"{name}_id", is_kind(kind))

    async def tasks(request: Any, db: Database, caller: Caller) -> Json:
        return await _list(db, _TASKS[caller.is_admin], request.path_params[f"{name}_id"])

    async def task_types(request: Any, db: Database) -> Json:
        return await _list(db, _TYPES, request.path_params[f"{name}_id"])

    get(f"{path}/tasks", access=rule, returns=[TASK], summary=f"The caller's tasks on a {name}")(tasks)
    get(f"{path}/task-types", access=rule, returns=[_TASK_TYPE], summary=f"Types of the caller's tasks on a {name}")(
        task_types
    )


for _kind in (ASSET, SHOT, SCENE, SEQUENCE):
    _declare_tasks(_kind)

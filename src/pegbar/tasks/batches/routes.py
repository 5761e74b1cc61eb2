"""Routes that make and remove many tasks. Source: spec tasks, create-tasks and delete-tasks; spec entities."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request

from pegbar.core.data.database import Json, Transaction
from pegbar.core.errors import BadRequest, NotFound
from pegbar.core.http.access import Caller, Rule, admin, at, manager_of, staff_of
from pegbar.core.http.body import Strict, decode_json, raw_json
from pegbar.core.http.routing import delete, post
from pegbar.entities.kinds import ASSET, CONCEPT, EDIT, SHOT
from pegbar.tasks import removal
from pegbar.tasks.batches import actions
from pegbar.tasks.batches.actions import Batch
from pegbar.tasks.events import TASK_DELETE, TASK_NEW

AnyRequest = Request[Any, Any, Any]
_PATH = "/actions/projects/{project_id:uuid}/task-types/{task_type_id:uuid}"
_IDS_SCHEMA = {"type": "array", "items": {"type": "string", "format": "uuid"}}

_artists_up = staff_of("project_id")


async def listed_ids(request: AnyRequest, *, required: bool = False) -> list[UUID]:
    """The ids of a body that is a bare list; 400 when it is something else. Nothing and `{}` are an empty list."""
    return [UUID(task_id) for task_id in await _listed(request, required=required)]


async def _listed(request: AnyRequest, *, required: bool) -> list[str]:
    body = await raw_json(request)
    document = decode_json(body) if body.strip() else None
    if document is None or document == {}:
        if required:
            raise BadRequest("The body must be a list of ids.")
        return []
    if not isinstance(document, list):
        raise BadRequest("The body must be a list of ids.")
    try:
        for value in document:
            UUID(value)
    except (ValueError, TypeError, AttributeError):
        raise BadRequest("The body must be a list of ids.") from None
    return document


def _declare(kind: str, name: str) -> None:
    rule = _artists_up if kind == CONCEPT else manager_of("project_id")

    async def create_tasks(
        project_id: UUID, task_type_id: UUID, request: AnyRequest, tx: Transaction, caller: Caller
    ) -> Json:
        batch = Batch(project_id, task_type_id, caller.id, kind=kind, for_concept=kind == CONCEPT)
        return await actions.make(tx, batch, await listed_ids(request), request.query_params.multi_items())

    post(
        f"{_PATH}/{name}/create-tasks",
        access=rule,
        returns=[actions.MADE_TASK],
        events=(TASK_NEW,),
        errors=(400, 404),
        malformed=400,
        body_schema=_IDS_SCHEMA,
        summary=f"Make the missing tasks of a type on {name}",
    )(create_tasks)


for _kind, _name in ((ASSET, "assets"), (SHOT, "shots"), (EDIT, "edits"), (CONCEPT, "concepts")):
    _declare(_kind, _name)


@post(
    _PATH + "/create-tasks/{entity_type:str}",
    access=manager_of("project_id"),
    returns=[actions.MADE_TASK],
    events=(TASK_NEW,),
    errors=(400, 404),
    malformed=400,
    body_schema=_IDS_SCHEMA,
)
async def create_tasks_of_type(
    project_id: UUID,
    task_type_id: UUID,
    entity_type: str,
    request: AnyRequest,
    tx: Transaction,
    caller: Caller,
) -> Json:
    """Make the missing tasks of a type on entities of any entity type."""
    type_id = await tx.value(actions.TYPE_NAMED, name=entity_type.capitalize())
    if type_id is None:
        raise NotFound(f"There is no entity type {entity_type.capitalize()}.")
    batch = Batch(project_id, task_type_id, caller.id, entity_type_id=type_id)
    return await actions.make(tx, batch, await listed_ids(request), request.query_params.multi_items())


@post(
    "/actions/projects/{project_id:uuid}/delete-tasks",
    access=manager_of("project_id"),
    status=200,
    returns=_IDS_SCHEMA,
    events=(TASK_DELETE,),
    errors=(400,),
    body_schema=_IDS_SCHEMA,
)
async def delete_tasks(project_id: UUID, request: AnyRequest, tx: Transaction) -> list[str]:
    """Delete tasks of a production with all that belongs to them; ids of other productions are passed over."""
    received = await _listed(request, required=True)
    ids = [UUID(task_id) for task_id in received]
    await removal.remove_tasks(tx, await tx.column(actions.OF_PROJECT, project_id=project_id, ids=ids))
    return received


_everywhere = Rule(admin.text, admin.test, at("project", "project_id"))


@delete(_PATH + "/delete-tasks", access=_everywhere, events=(TASK_DELETE,))
async def delete_tasks_of_type(project_id: UUID, task_type_id: UUID, tx: Transaction) -> None:
    """Delete all tasks of a type of a production with all that belongs to them."""
    task_ids = await tx.column(actions.OF_TYPE, project_id=project_id, task_type_id=task_type_id)
    await removal.remove_tasks(tx, task_ids)


# Of one entity


class WantedTypes(Strict):
    """The types of the tasks to make; none is every type that fits."""

    task_type_ids: list[str] = msgspec.field(default_factory=list)


def _known(ids: Sequence[str]) -> list[UUID]:
    try:
        return list(dict.fromkeys(UUID(type_id) for type_id in ids))
    except ValueError:
        raise NotFound("There is no such task type.") from None


@post(
    "/data/entities/{entity_id:uuid}/tasks",
    access=staff_of("entity_id", "entity"),
    returns=[actions.MADE_TASK],
    events=[TASK_NEW],
    errors=(400, 404),
)
async def create_tasks_of_entity(entity_id: UUID, body: WantedTypes, tx: Transaction, caller: Caller) -> Json:
    """Make tasks of an entity: of the types listed, else of every type that fits. Those made are answered."""
    return await actions.make_of_entity(tx, caller, entity_id, _known(body.task_type_ids))

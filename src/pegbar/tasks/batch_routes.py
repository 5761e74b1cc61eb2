"""Routes that make and remove many tasks. Source: spec tasks, create-tasks and delete-tasks."""

from typing import Any
from uuid import UUID

from litestar import Request
from sqlalchemy import String, bindparam, select

from pegbar.core.data.database import Json, Transaction
from pegbar.core.errors import BadRequest, NotFound
from pegbar.core.http.access import Caller, Rule, admin, at, manager_of, staff_of
from pegbar.core.http.body import decode_json, raw_json
from pegbar.core.http.routing import delete, post
from pegbar.entities.kinds import ASSET, CONCEPT, EDIT, SHOT
from pegbar.studio.tables import entity_type
from pegbar.tasks import batches, removal
from pegbar.tasks.batches import Batch
from pegbar.tasks.events import TASK_DELETE, TASK_NEW

AnyRequest = Request[Any, Any, Any]
_PATH = "/actions/projects/{project_id:uuid}/task-types/{task_type_id:uuid}"
_IDS_SCHEMA = {"type": "array", "items": {"type": "string", "format": "uuid"}}

_artists_up = staff_of("project_id")


async def listed_ids(request: AnyRequest, *, required: bool = False) -> list[UUID]:
    """The ids of a body that is a bare list; 400 when it is something else. Nothing and `{}` are an empty list."""
    return [UUID(each) for each in await _listed(request, required=required)]


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
        for each in document:
            UUID(each)
    except (ValueError, TypeError, AttributeError):
        raise BadRequest("The body must be a list of ids.") from None
    return document


def _declare(kind: str, name: str) -> None:
    rule = _artists_up if kind == CONCEPT else manager_of("project_id")

    async def create_tasks(
        project_id: UUID, task_type_id: UUID, request: AnyRequest, tx: Transaction, caller: Caller
    ) -> Json:
        batch = Batch(project_id, task_type_id, caller.id, kind=kind, for_concept=kind == CONCEPT)
        return await batches.make(tx, batch, await listed_ids(request), request.query_params.multi_items())

    post(
        f"{_PATH}/{name}/create-tasks",
        access=rule,
        returns=[batches.MADE_TASK],
        events=(TASK_NEW,),
        errors=(400, 404),
        malformed=400,
        body_schema=_IDS_SCHEMA,
        summary=f"Make the missing tasks of a type on {name}",
    )(create_tasks)


for _kind, _name in ((ASSET, "assets"), (SHOT, "shots"), (EDIT, "edits"), (CONCEPT, "concepts")):
    _declare(_kind, _name)

_NAMED = select(entity_type.c.id).where(entity_type.c.name == bindparam("name", type_=String))


@post(
    _PATH + "/create-tasks/{entity_type:str}",
    access=manager_of("project_id"),
    returns=[batches.MADE_TASK],
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
    type_id = await tx.value(_NAMED, name=entity_type.capitalize())
    if type_id is None:
        raise NotFound(f"There is no entity type {entity_type.capitalize()}.")
    batch = Batch(project_id, task_type_id, caller.id, entity_type_id=type_id)
    return await batches.make(tx, batch, await listed_ids(request), request.query_params.multi_items())


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
    ids = [UUID(each) for each in received]
    await removal.remove_tasks(tx, await tx.column(batches.OF_PROJECT, project_id=project_id, ids=ids))
    return received


_everywhere = Rule(admin.text, admin.test, at("project", "project_id"))


@delete(_PATH + "/delete-tasks", access=_everywhere, events=(TASK_DELETE,))
async def delete_tasks_of_type(project_id: UUID, task_type_id: UUID, tx: Transaction) -> None:
    """Delete all tasks of a type of a production with all that belongs to them."""
    found = await tx.column(batches.OF_TYPE, project_id=project_id, task_type_id=task_type_id)
    await removal.remove_tasks(tx, found)

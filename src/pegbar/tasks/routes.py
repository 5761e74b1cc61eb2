"""Routes of tasks. Source: spec tasks, operations on tasks and assignments."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request

from pegbar.config import settings
from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.data.filters import uuid_filter
from pegbar.core.data.marks import headers_of, unchanged
from pegbar.core.errors import BadRequest
from pegbar.core.http.access import Caller, at, authenticated, member_of, task_access
from pegbar.core.http.body import Strict
from pegbar.core.http.pagination import envelope, plain_or_enveloped, window
from pegbar.core.http.routing import Foreseen, Reply, found, get, put
from pegbar.core.http.streaming import stream_array
from pegbar.entities.task_shapes import audience, audience_of
from pegbar.productions import changes
from pegbar.tasks import actions, queries
from pegbar.tasks.events import TASK_ASSIGN, TASK_UNASSIGN, TASK_UPDATE
from pegbar.tasks.queries import Tasks
from pegbar.tasks.resources import tasks
from pegbar.tasks.shapes import TASK, TASK_FOR_CLIENTS, known_ids

_IDS = {"type": "array", "items": {"type": "string", "format": "uuid"}}
_ASSIGNING = (TASK_ASSIGN, TASK_UPDATE)
#: The right is asked of each task in the transaction.
_BY_TASK: dict[str, Any] = {"access": authenticated}

Ids = Annotated[list[str], msgspec.Meta(min_length=1)]


class Assignation(Strict):
    """Whom to assign."""

    person_id: str


class TaskIds(Strict):
    """Tasks."""

    task_ids: Ids


class Clearing(TaskIds):
    """Tasks, and whom to take off them; everybody when absent."""

    person_id: str | None = None


class Priority(TaskIds):
    """Tasks and their priority, a number or its text."""

    priority: Annotated[int, msgspec.Meta(ge=0, lt=2**31)] | Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,9}$")]


def _person(text: str | None) -> UUID | None:
    if text is None:
        return None
    return next(iter(known_ids([text])), None)


@get(
    "/data/tasks/{task_id:uuid}/full",
    access=task_access(at("task", "task_id")),
    foreseen=Foreseen(lambda role: queries.whole(audience_of(role), role), key="task_id"),
    returns=queries.WHOLE,
)
async def whole_task(task_id: UUID, db: Database, caller: Caller) -> Json:
    """A task with its entity, production, type, status and persons."""
    statement = queries.whole(audience(caller), caller.role)
    return found(await db.json_row(statement, task_id=task_id), "The task")


@get(
    "/data/entities/{entity_id:uuid}/task-types/{task_type_id:uuid}/tasks",
    access=member_of(at("entity", "entity_id")),
    returns=[tasks],
)
async def tasks_of_type(entity_id: UUID, task_type_id: UUID, db: Database, caller: Caller) -> Json:
    """The tasks of a type on an entity, by name. Clients get them blanked, vendors theirs."""
    wire = TASK_FOR_CLIENTS if caller.role_here == "client" else TASK
    own = caller.role_here == "vendor"
    statement = queries.of_entity_and_type(wire, own=own)
    return await db.json(statement, entity_id=entity_id, task_type_id=task_type_id)


@put("/actions/tasks/{task_id:uuid}/assign", returns=tasks, events=_ASSIGNING, errors=(400, 404), **_BY_TASK)
async def assign_task(task_id: UUID, body: Assignation, tx: Transaction, caller: Caller) -> Json:
    """Assign a person to a task, and put them in the team.

    For managers, supervisors of the department they share with the person, and anyone of the department for themself.
    """
    who = await actions.assignee(tx, _person(body.person_id))
    await actions.assign_one(tx, caller, who, task_id)
    statement = queries.several_by_role
    return found(await tx.json_row(statement, ids=[task_id]), "The task")


@put("/actions/persons/{person_id:str}/assign", returns=[tasks], events=_ASSIGNING, errors=(400,), **_BY_TASK)
async def assign_person(person_id: str, body: TaskIds, tx: Transaction, caller: Caller) -> Json:
    """Assign a person to tasks; those the caller may not assign are passed over."""
    who = await actions.assignee(tx, _person(person_id))
    done = await actions.assign(tx, caller, who, known_ids(body.task_ids))
    statement = queries.several_by_role
    return await tx.json(statement, ids=done)


@put("/actions/tasks/clear-assignation", events=(TASK_UNASSIGN, TASK_UPDATE), errors=(400,), returns=_IDS, **_BY_TASK)
async def clear_assignation(body: Clearing, tx: Transaction, caller: Caller) -> list[str]:
    """Take a person, or everybody, off tasks; those the caller may not touch are passed over."""
    person_id = _person(body.person_id)
    if body.person_id and person_id is None:
        raise BadRequest("person_id is not an id.")
    return [str(task_id) for task_id in await actions.clear(tx, caller, known_ids(body.task_ids), person_id)]


@put("/actions/tasks/set-priority", returns=[tasks], events=(TASK_UPDATE,), errors=(400,), **_BY_TASK)
async def set_priority(body: Priority, tx: Transaction, caller: Caller) -> Json:
    """Give tasks a priority; those the caller may not plan are passed over."""
    done = await actions.prioritise(tx, caller, known_ids(body.task_ids), int(body.priority))
    return await tx.json(queries.several, ids=done)


# Of a production


class TaskQuery(msgspec.Struct):
    """Which tasks."""

    page: int = 0
    task_type_id: str = ""
    episode_id: str = ""


@get(
    "/data/projects/{project_id:uuid}/tasks",
    access=member_of("project_id"),
    along=changes.STATE,
    returns=plain_or_enveloped(tasks),
    errors=(400,),
)
async def project_tasks(
    project_id: UUID, request: Request[Any, Any, Any], query: TaskQuery, db: Database, caller: Caller
) -> Any:
    """The tasks of a production, latest change first; 304 when nothing changed. Vendors get theirs, clients blanks."""
    which = Tasks(
        for_client=caller.role_here == "client",
        own=caller.role_here == "vendor",
        by_type=bool(query.task_type_id),
        by_episode=bool(query.episode_id),
    )
    params: dict[str, Any] = {"project_id": project_id}
    params |= {name: uuid_filter(value) for name in ("task_type_id", "episode_id") if (value := getattr(query, name))}
    tag = changes.tag(request, caller)
    if (known := unchanged(request, tag)) is not None:
        return known
    headers = headers_of(tag)
    if query.page < 1:
        return await stream_array(db, caller, queries.tasks(which, paged=False), headers=headers, **params)
    part = window(query.page, settings().nb_records_per_page)
    page = await db.json(queries.tasks(which, paged=True), **params, **part)
    total = await db.value(queries.number_of_tasks(which), **params)
    return Reply(envelope(page, total, query.page, part), headers=headers)

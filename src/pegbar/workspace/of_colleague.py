"""Routes of the tasks of a person, oneself or a colleague. Source: spec tasks, operations on persons."""

from typing import Any
from uuid import UUID

from sqlalchemy import Executable, Select, Text, cast, select

from pegbar.accounts.tables import person
from pegbar.core.data.database import Database, Json
from pegbar.core.data.parameters import param
from pegbar.core.data.wire import json_object
from pegbar.core.http.access import Caller, Place, Rule, require
from pegbar.core.http.routing import Foreseen, get
from pegbar.tasks.in_context import MINE, OPEN, SOURCE, WITH_CALLER, by_role, caller_is
from pegbar.tasks.queries import ASSIGNED
from pegbar.tasks.shapes import TASK
from pegbar.tasks.tables import task, task_person_link
from pegbar.workspace import task_rows, todo

_PERSON_ID = param("person_id")
_SUBJECT = Place(
    "studio",
    "person_id",
    select(person.c.id.label("place_id")).where(person.c.id == param("key")),
)
_clients = Rule("clients", lambda caller: caller.role == "client")
_clients_and_vendors = Rule(
    "clients, and vendors who ask about themselves",
    lambda caller: caller.role == "client" or (caller.role == "vendor" and caller.subject_id == caller.id),
)
_NO_BOT = "nobody about a bot"
_tasks_of_colleague = (
    Rule("anyone but clients and vendors", lambda caller: caller.role not in ("client", "vendor"), _SUBJECT)
    .further(_NO_BOT)
    .else_empty(_clients_and_vendors)
)
_related_of_colleague = (
    Rule(
        "anyone but clients; vendors only about themselves",
        lambda caller: caller.role != "client" and (caller.role != "vendor" or caller.subject_id == caller.id),
        _SUBJECT,
    )
    .further(_NO_BOT)
    .else_empty(_clients)
)
_IS_BOT = select(cast(person.c.is_bot, Text)).where(person.c.id == param("key"))


def _check_colleague(is_bot: Any) -> None:
    """Spec tasks, "bot rule": a bot has no lists of tasks to read. `is_bot` is what `_IS_BOT` selects."""
    require(is_bot != "true", "A bot has no list of tasks.")


def _tasks(*, done: bool, for_admin: bool) -> Executable:
    return todo.of_colleague(_PERSON_ID, done=done, for_admin=for_admin)


@get(
    "/data/persons/{person_id:uuid}/tasks",
    access=_tasks_of_colleague,
    foreseen=Foreseen(
        lambda role: _tasks(done=False, for_admin=role == "admin"),
        key=_PERSON_ID.key,
        is_list=True,
        unless="SELECT coalesce(is_bot, false) FROM person WHERE id = :key",
    ),
    returns=[task_rows.ROW],
)
async def tasks_of_person(person_id: UUID, db: Database, caller: Caller) -> Json:
    """A person's tasks that are not done, in the caller's open productions (all, for studio managers)."""
    _check_colleague(await db.value(_IS_BOT, key=person_id))
    return await db.json(_tasks(done=False, for_admin=caller.is_admin), person_id=person_id)


@get("/data/persons/{person_id:uuid}/done-tasks", access=_tasks_of_colleague, along=_IS_BOT, returns=[task_rows.ROW])
async def done_tasks_of_person(person_id: UUID, db: Database, caller: Caller) -> Json:
    """A person's tasks that are done, in the caller's open productions, latest first."""
    _check_colleague(caller.along)
    return await db.json(_tasks(done=True, for_admin=caller.is_admin), person_id=person_id)


_other = task.alias("other")


def _related(*, for_admin: bool) -> Select[Any]:
    """Tasks of a type on the entities of open productions on which a person works, as the caller sees them there."""
    works_on = (
        select(_other.c.entity_id)
        .join(task_person_link, task_person_link.c.task_id == _other.c.id)
        .where(task_person_link.c.person_id == _PERSON_ID)
    )
    seen = () if for_admin else (MINE, ~caller_is("vendor") | ASSIGNED)
    return (
        select(json_object(TASK if for_admin else by_role(TASK)))
        .select_from(SOURCE if for_admin else WITH_CALLER)
        .where(task.c.task_type_id == param("task_type_id"), OPEN, task.c.entity_id.in_(works_on), *seen)
    )


_RELATED, _RELATED_OF_OWN = _related(for_admin=True), _related(for_admin=False)


@get(
    "/data/persons/{person_id:uuid}/related-tasks/{task_type_id:uuid}",
    access=_related_of_colleague,
    along=_IS_BOT,
    returns=[TASK],
)
async def related_tasks(person_id: UUID, task_type_id: UUID, db: Database, caller: Caller) -> Json:
    """Tasks of a type on all that a person works on, in the caller's open productions; vendors get theirs."""
    _check_colleague(caller.along)
    statement = _RELATED if caller.is_admin else _RELATED_OF_OWN
    return await db.json(statement, person_id=person_id, task_type_id=task_type_id)

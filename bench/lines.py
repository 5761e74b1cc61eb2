"""What is measured: a request, and the SQL of its floor."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Executable, bindparam, func, select

from pegbar.accounts.shapes import SAFE
from pegbar.core.database import compiled
from pegbar.core.resource import Relation
from pegbar.core.schema import Uuid
from pegbar.core.wire import json_object, wire_of
from pegbar.entities.tables import entity
from pegbar.studio.tables import entity_type
from pegbar.tasks.tables import task, task_person_link

Floor = Callable[[Mapping[str, str]], tuple[str, list[Any]]]


@dataclass(frozen=True)
class Line:
    """One line of the table."""

    name: str
    method: str
    path: str
    body: Callable[[Mapping[str, str]], Any] | None = None
    floor: Floor | None = None
    #: Requests at a time when the throughput is measured.
    clients: int = 16
    requests: int = 2000


def floor(statement: Executable, **names: str) -> Floor:
    """The floor of a statement; `names` gives each parameter the id it takes."""

    def make(ids: Mapping[str, str]) -> tuple[str, list[Any]]:
        ready = compiled(statement)
        return ready.sql, ready.arguments({parameter: ids[name] for parameter, name in names.items()})

    return make


_TASK = wire_of(task, "Task").but(
    assignees=Relation("assignees", task_person_link.c.task_id, task_person_link.c.person_id).ids(task)
)
ONE_TASK = select(json_object(_TASK)).where(task.c.id == bindparam("task_id", type_=Uuid))
TASKS = select(json_object(wire_of(task, "Task"))).where(task.c.project_id == bindparam("project_id", type_=Uuid))
ENTITIES = (
    select(json_object(wire_of(entity).but(type=func.coalesce(entity_type.c.name, "Asset"))))
    .join(entity_type, entity_type.c.id == entity.c.entity_type_id)
    .where(entity.c.project_id == bindparam("project_id", type_=Uuid))
)
PERSONS = select(json_object(SAFE))

LINES = [
    Line("a task", "GET", "/data/tasks/{task}", floor=floor(ONE_TASK, task_id="task"), requests=6000),
    Line("persons", "GET", "/data/persons", floor=floor(PERSONS), requests=1000),
    Line(
        "tasks of a production",
        "GET",
        "/data/tasks?project_id={project}",
        floor=floor(TASKS, project_id="project"),
        clients=2,
        requests=20,
    ),
    Line(
        "entities of a production",
        "GET",
        "/data/entities?project_id={project}",
        floor=floor(ENTITIES, project_id="project"),
        clients=2,
        requests=40,
    ),
    Line("user context", "GET", "/data/user/context", requests=300, clients=8),
    Line(
        "sign-in",
        "POST",
        "/auth/login",
        body=lambda _: {"email": "admin@example.com", "password": "mysecretpassword"},
        requests=16,
        clients=4,
    ),
    Line(
        "a comment with a status",
        "POST",
        "/actions/tasks/{task}/comment",
        body=lambda ids: {"task_status_id": ids["status"], "comment": "Bench"},
        requests=300,
        clients=4,
    ),
]

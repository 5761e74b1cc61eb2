"""What clients do not see of a task, wherever a task is told: what the spec blanks, and no more.

Source: spec tasks, shots and entities, "Client blanking"; spec user, "Worth fixing" 4.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pegbar.app import load_domains
from tests import factories
from tests.client import Client, sign_in, unique
from tests.server import Server
from tests.whole.rows import Rows, path_of

#: As the spec writes it.
BLANKS: dict[str, Any] = {
    "assignees": [],
    "assigner_id": None,
    "completion_rate": 0,
    "difficulty": None,
    "done_date": None,
    "due_date": None,
    "duration": 0,
    "end_date": None,
    "estimation": 0,
    "last_comment_date": None,
    "nb_assets_ready": 0,
    "nb_drawings": 0,
    "priority": 0,
    "real_start_date": None,
    "retake_count": 0,
    "start_date": None,
}
COPIES = {f"task_{key}": BLANKS[key] for key in ("estimation", "duration", "start_date", "due_date")}
ALL = BLANKS | COPIES
#: What a client sees otherwise than a studio manager for reasons of its own.
OTHERWISE = {"assigner", "persons", "last_comment", "is_subscribed", "project", "entity"}
PASSWORD = "mypassword"


def _person(admin: Client, role: str) -> Client:
    email = f"{unique(role).replace(' ', '.')}@example.com"
    who = {"first_name": "Cleo", "last_name": unique(role), "email": email, "password": PASSWORD, "role": role}
    row = admin.ok_post("/data/persons", who)
    client = sign_in(admin.api, email, PASSWORD)
    client.person = row
    return client


@pytest.fixture(scope="module")
def rows(server: Server, admin: Client) -> Iterator[Rows]:
    """A task of which nothing is blank, assigned to the client who looks."""
    show = factories.production(admin)
    entity = factories.entity(admin, show["id"])
    task = factories.task(admin, entity)
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        yield Rows(connection, {"project": show["id"], "entity": entity["id"], "task": task["id"]})


@pytest.fixture(scope="module")
def client(server: Server, admin: Client, rows: Rows) -> Client:
    made = _person(admin, "client")
    factories.join(admin, str(rows.ids["project"]), made)
    task_id = str(rows.ids["task"])
    admin.ok_put(f"/data/tasks/{task_id}", {"assignees": [made.id]})
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        connection.execute(
            """
            UPDATE task SET assigner_id = %s, completion_rate = 7, difficulty = 5, done_date = '2031-01-01',
                   due_date = '2031-01-02', end_date = '2031-01-03', duration = 480, estimation = 960,
                   last_comment_date = '2031-01-04', nb_assets_ready = 3, nb_drawings = 9, priority = 2,
                   real_start_date = '2031-01-05', retake_count = 4, start_date = '2031-01-06',
                   description = 'Seen', sort_order = 12
             WHERE id = %s
            """,
            [admin.id, task_id],
        )
    return made


def tasks_in(answer: Any, task_id: str) -> Iterator[dict[str, Any]]:
    """The objects of an answer that tell a task."""
    if isinstance(answer, dict):
        if answer.get("id") == task_id and answer.keys() & ALL.keys():
            yield answer
        for value in answer.values():
            yield from tasks_in(value, task_id)
    elif isinstance(answer, list):
        for value in answer:
            yield from tasks_in(value, task_id)


def _answers(admin: Client, client: Client, rows: Rows) -> Iterator[tuple[str, Any, Any]]:
    """What every GET answers to the client, and to a studio manager."""
    query = {"project_id": str(rows.ids["project"]), "relations": "true"}
    for operation in load_domains():
        path = path_of(operation, rows) if operation.method == "GET" else None
        if path is None or operation.access.opened_by == "refresh" or path.startswith("/auth"):
            continue
        seen = client.get(path, params=query)
        if seen.status_code == 200 and seen.headers["Content-Type"].startswith("application/json"):
            yield path, seen.json(), admin.get(path, params=query).json()


def test_a_client_sees_of_a_task_what_the_spec_leaves_and_no_less(admin: Client, client: Client, rows: Rows) -> None:
    task_id, told = str(rows.ids["task"]), set()
    for path, seen, whole in _answers(admin, client, rows):
        shown_whole = list(tasks_in(whole, task_id))
        for task in tasks_in(seen, task_id):
            told.add(path)
            for key in task.keys() & ALL.keys():
                assert task[key] == ALL[key], (path, key)
            for other in shown_whole[:1]:
                assert task.keys() >= other.keys() - {"assigner"}, path
                for key in other.keys() & task.keys() - ALL.keys() - OTHERWISE:
                    # Metadata that are none are no keys to whom some columns are hidden.
                    none = key in ("data", "entity_data") and task[key] == {} and not other[key]
                    assert task[key] == other[key] or none, (path, key)
    assert len(told) > 10, told


def test_a_client_who_takes_a_task_is_told_no_more_of_it(admin: Client, client: Client, rows: Rows) -> None:
    department = admin.ok_post("/data/departments", {"name": unique("Paint"), "color": "#102030"})["id"]
    admin.ok_post(f"/actions/persons/{client.id}/departments/add", {"department_id": department})
    task_id = str(rows.ids["task"])
    task_type_id = admin.ok_get(f"/data/tasks/{task_id}")["task_type_id"]
    admin.ok_put(f"/data/task-types/{task_type_id}", {"department_id": department})
    one = client.ok_put(f"/actions/tasks/{task_id}/assign", {"person_id": client.id})
    (several,) = client.ok_put(f"/actions/persons/{client.id}/assign", {"task_ids": [task_id]})
    for told in (one, several):
        assert {key: told[key] for key in BLANKS} == BLANKS
        assert told["description"] == "Seen"
    assert admin.ok_put(f"/actions/tasks/{task_id}/assign", {"person_id": client.id})["estimation"] == 960.0


def test_the_page_of_permissions_names_what_is_blanked() -> None:
    page = (Path(__file__).parents[2] / "docs" / "permissions.md").read_text()
    (listed,) = re.findall(r"Clients\*\* get tasks without (.+?)\.", page, re.DOTALL)
    assert set(re.findall(r"`(\w+)`", listed)) == set(BLANKS)

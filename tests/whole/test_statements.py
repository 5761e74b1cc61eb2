"""How many SQL statements a GET of the production core makes: the caller with the row, and the answer.

More than MOST needs a reason. Every route is called, as an administrator and as a vendor; one that cannot be called
fails.
"""

import re
from collections.abc import Iterator

import psycopg
import pytest
import requests

from pegbar.app import load_domains
from pegbar.core.http.routing import Operation
from tests import factories
from tests.accounts.people import artist, signed_in
from tests.client import Client
from tests.media.publishing import png
from tests.server import Server
from tests.whole.rows import Rows, row_for

MOST = 3
#: The domains whose routes the areas projects, entities, shots, tasks and user are. What the generic routes make is in
#: tests/core/data/test_statements.py.
DOMAINS = ("productions", "entities", "tasks", "timesheets", "notifications", "planning", "workspace")
GETS = [each for each in load_domains() if each.method == "GET" and each.handler.__module__.split(".")[1] in DOMAINS]

#: Routes that may make more, why, and how many.
_ITEMS = "the first reading makes the items that are missing, as clients expect"
REASONS = {
    **{
        f"GET /data/projects/{{project_id:uuid}}/schedule-items/{{task_type_id:str}}/{kind}": (6, _ITEMS)
        for kind in ("asset-types", "episodes", "sequences", "edits")
    },
    "GET /data/entities/{entity_id:uuid}/chat": (7, "the first reading makes the chat, as clients expect"),
}

#: What paths take besides ids.
_OTHER = {"year": "2031", "month": "1", "week": "1", "date": "2031-01-05", "file_name": "pose.png"}
#: Parameters that do not have the name of their table.
_TABLES = {
    "entry_id": "budget_entry",
    "filter_group_id": "search_filter_group",
    "version_id": "production_schedule_version",
    "temporal_entity_id": "entity",
    "file_id": "working_file",
}
_PARAMETER = re.compile(r"\{(\w+):(\w+)\}")


@pytest.fixture(scope="module")
def boss(admin: Client) -> Client:
    return signed_in(admin, artist(admin, "admin")[1])


@pytest.fixture(scope="module")
def rows(server: Server, boss: Client) -> Iterator[Rows]:
    """A production with one of everything."""
    show = factories.production(boss)
    asset = factories.entity(boss, show["id"])
    task = factories.task(boss, asset)
    posted = boss.post(
        f"/actions/tasks/{task['id']}/comment",
        data={"task_status_id": task["task_status_id"], "comment": "Look"},
        files={"file-1": ("pose.png", png(), "image/png")},
    ).json()
    # Files of a chat have thumbnails.
    boss.ok_post(f"/actions/user/chats/{asset['id']}/join")
    chat = f"/data/entities/{asset['id']}/chat/messages"
    said = boss.post(chat, data={"message": "Look"}, files={"file-1": ("pose.png", png(), "image/png")}).json()
    given = {
        "project": show["id"],
        "entity": asset["id"],
        "asset": asset["id"],
        "task": task["id"],
        "comment": posted["id"],
        "attachment_file": posted["attachment_files"][0]["id"],
        "person": boss.id,
        "chat": said["chat_id"],
        "chat_message": said["id"],
        "thumbnail": said["attachment_files"][0]["id"],
    }
    for kind in ("Shot", "Sequence", "Episode", "Edit", "Scene", "Concept"):
        if not boss.ok_get("/data/entity-types", params={"name": kind}):
            boss.ok_post("/data/entity-types", {"name": kind})
        given[kind.lower()] = factories.entity(boss, show["id"], kind)["id"]
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        yield Rows(connection, given)


@pytest.fixture(scope="module")
def vendor(admin: Client, rows: Rows) -> Client:
    """Somebody assigned to the task."""
    somebody = signed_in(admin, artist(admin, "vendor")[1])
    factories.join(admin, str(rows.ids["project"]), somebody)
    admin.ok_put(f"/data/tasks/{rows.ids['task']}", {"assignees": [somebody.id]})
    return somebody


def path_of(operation: Operation, rows: Rows) -> str:
    """The operation's path with our rows' ids."""
    path = operation.path
    for name, kind in _PARAMETER.findall(path):
        value = _OTHER.get(name) or rows.ids.get(_TABLES.get(name, "")) or row_for(operation, name, rows)
        if name == "day":
            value = "1" if "{month:" in operation.path else "2031-01-05"
        elif path.startswith("/pictures/thumbnails/attachment-files"):
            value = rows.ids["thumbnail"]
        elif name == "instance_id" and "attachment" in path:
            value = rows.ids["attachment_file"]
        assert value is not None, f"nothing is known for {name}"
        path = path.replace(f"{{{name}:{kind}}}", str(value))
    return path


def name_of(operation: Operation) -> str:
    return f"GET {operation.path}"


def statements(answer: requests.Response) -> int:
    found = re.fullmatch(r'db;desc="(\d+) statements"', answer.headers.get("server-timing", ""))
    assert found, f"{answer.request.url} does not tell"
    return int(found[1])


@pytest.mark.parametrize("operation", GETS, ids=name_of)
def test_a_get_makes_few_statements(operation: Operation, rows: Rows, boss: Client, vendor: Client) -> None:
    path, allowed = path_of(operation, rows), REASONS.get(name_of(operation), (MOST, ""))[0]
    for who in (boss, vendor):
        answer = who.get(path)
        expected = (200,) if who is boss else (200, 403, 404)
        assert answer.status_code in expected, f"{who.person['role']}: {answer.status_code} {answer.text[:300]}"
        assert statements(answer) <= allowed, f"{who.person['role']}: {statements(answer)} statements"


def test_reasons_are_still_needed() -> None:
    assert set(REASONS) <= {name_of(each) for each in GETS}
    assert all(count > MOST and reason for count, reason in REASONS.values())

"""What the feed tells of changes follows what its hearer may see, live and afterwards."""

import json
from typing import Any

import psycopg
import pytest

from pegbar.app import load_domains
from pegbar.core.data.history import recorded
from pegbar.core.data.schema import metadata
from pegbar.open.feed import shapes
from tests import factories
from tests.client import Client, unique
from tests.open.feed.listening import Stream, here, pages
from tests.server import Server

LEADS = {"studio manager", "manager", "supervisor", "promoted"}
CREW = LEADS | {"artist"}
TEAM = CREW | {"client", "vendor", "vendor with a task", "as vendor"}
EVERYBODY = TEAM | {"elsewhere"}


@pytest.fixture(scope="module")
def people(admin: Client) -> dict[str, Client]:
    roles = {"manager": "manager", "supervisor": "supervisor", "artist": "user", "client": "client",
             "vendor": "vendor", "vendor with a task": "vendor", "as vendor": "manager", "promoted": "user",
             "elsewhere": "manager"}  # fmt: skip
    return {"studio manager": admin} | {name: factories.hire(admin, role) for name, role in roles.items()}


@pytest.fixture(scope="module")
def show(admin: Client, people: dict[str, Client]) -> dict[str, Any]:
    made = factories.production(admin, *[people[name] for name in sorted(TEAM - {"studio manager"})])
    for name, role in (("as vendor", "vendor"), ("promoted", "manager")):
        admin.ok_put(f"/data/projects/{made['id']}/team/{people[name].id}", {"role": role})
    return made


def said(who: Client, task: dict[str, Any], text: str) -> str:
    body = {"task_status_id": task["task_status_id"], "comment": "first"}
    comment = who.ok_post(f"/actions/tasks/{task['id']}/comment", body)
    who.ok_put(f"/data/comments/{comment['id']}", {"text": text})
    return str(comment["id"])


def test_changes_are_told_to_who_sees_them(admin: Client, people: dict[str, Client], show: dict[str, Any]) -> None:
    start = here(admin)
    streams = {name: Stream(who).begun() for name, who in people.items()}
    seen_by: dict[str, set[str]] = {}

    def mark(*who: str) -> str:
        """A word that these alone are to see."""
        word = f"{unique('mark').replace(' ', '')}x"  # none is the beginning of another
        seen_by[word] = set(who)
        return word

    asset = factories.entity(admin, show["id"])
    task, other = factories.task(admin, asset), factories.task(admin, factories.entity(admin, show["id"]))
    admin.ok_put(f"/data/tasks/{task['id']}", {"assignees": [people["vendor with a task"].id]})
    in_reach = CREW | {"client", "vendor with a task"}
    admin.ok_put(f"/data/entities/{asset['id']}", {"description": mark(*in_reach), "data": {"note": mark(*CREW)}})
    admin.ok_put(f"/data/tasks/{task['id']}", {"due_date": "2031-07-09", "data": {"note": mark(*CREW)}})
    seen_by["2031-07-09"] = CREW | {"vendor with a task"}
    sketch = admin.ok_post(f"/data/projects/{show['id']}/concepts", {"name": unique("Sketch")})
    admin.ok_put(f"/data/entities/{sketch['id']}", {"description": mark(*CREW)})
    said(people["manager"], task, mark(*CREW, "vendor with a task"))
    said(people["client"], task, mark(*LEADS, "client"))
    doomed = admin.ok_put(f"/data/tasks/{other['id']}", {"name": mark(*CREW, "client")})
    admin.ok_put(f"/data/tasks/{other['id']}", {"name": "short"})
    admin.ok_put(f"/data/tasks/{other['id']}", {"name": (deleted := mark(*CREW, "client"))})
    admin.ok_delete(f"/data/tasks/{doomed['id']}", params={"force": "true"})
    admin.ok_put(f"/data/persons/{people['artist'].id}", {"phone": mark("studio manager")})
    department = admin.ok_post("/data/departments", {"name": unique("Wood"), "color": "#112233"})["id"]
    admin.ok_put(f"/data/departments/{department}", {"name": mark(*EVERYBODY)})
    last = admin.ok_post("/data/departments", {"name": unique("Last"), "color": "#112233"})["id"]

    for name, who in people.items():
        live = [frame.event for frame in streams[name].until("department_id", last)]
        streams[name].close()
        by_id = {event["id"]: event for event in pages(who, start)}
        # What somebody sees of the past is what they see now: a vendor was assigned meanwhile.
        assert name == "vendor with a task" or [by_id[event["id"]] for event in live] == live, name
        told = json.dumps(live)
        wrong = {word for word, allowed in seen_by.items() if (word in told) != (name in allowed)}
        assert not wrong, f"{name}: {[(word, word in told) for word in wrong]}"
        rows = [change["old"] for event in live for change in event["changes"] if change["op"] == "delete"]
        assert (deleted in json.dumps(rows)) == (name in LEADS)
        # Columns that clients are not shown are not there, empty or not.
        if name == "client":
            keys = {key for event in live for change in event["changes"] for key in (change["new"] or {})}
            assert not keys & {"due_date", "data", "priority", "replies"}


def test_links_to_what_is_not_shared_are_told_to_studio_managers(
    server: Server, admin: Client, people: dict[str, Client], show: dict[str, Any]
) -> None:
    start = here(admin)
    tree = factories.entity(admin, show["id"])
    sketch = admin.ok_post(f"/data/projects/{show['id']}/concepts", {"name": unique("Sketch")})
    admin.ok_put(f"/data/entities/{sketch['id']}", {"entity_concept_links": [tree["id"]]})

    def told(who: Client) -> bool:
        events = pages(who, start, thing="concept", id=sketch["id"])
        changes = [change for event in events for change in event["changes"]]
        assert {change["table"] for change in changes} >= {"entity"}
        return tree["id"] in json.dumps(changes)

    assert {name: told(people[name]) for name in CREW} == dict.fromkeys(CREW, True)
    with psycopg.connect(server.database_url) as connection:
        moved = (factories.production(admin)["id"], tree["id"])
        connection.execute("UPDATE entity SET project_id = %s WHERE id = %s", moved)
    assert {name for name in CREW if told(people[name])} == {"studio manager"}


def test_secrets_are_in_no_change(admin: Client) -> None:
    start = here(admin)
    email = f"{unique('kept').replace(' ', '')}@example.com"
    row = {"first_name": "Kay", "last_name": "Kept", "email": email, "password": "a long password"}
    person = admin.ok_post("/data/persons", row)
    Client(admin.api).post("/auth/login", {"email": email, "password": "wrong"})
    admin.ok_put(f"/data/persons/{person['id']}", {"phone": "1"})
    admin.post(
        f"/actions/persons/{person['id']}/change-password", {"password": "another one", "password_2": "another one"}
    )
    told = pages(admin, start, thing="person", id=person["id"])
    changes = [change for event in told for change in event["changes"]]
    assert {change["op"] for change in changes} >= {"update"}
    keys = {key for change in changes for side in ("old", "new") for key in (change[side] or {})}
    assert "phone" in keys
    # Who is gone is forgotten: nothing tells their number any more.
    admin.ok_delete(f"/data/persons/{person['id']}", params={"force": "true"})
    again = pages(admin, start, thing="person", id=person["id"])
    assert [event["name"] for event in again][-1] == "person:delete"
    assert '"phone": "1"' not in json.dumps(again)
    assert not keys & {"password", "jti", "totp_secret", "email_otp_secret", "fido_credentials", "otp_recovery_codes"}


def test_every_table_of_the_history_has_a_decision() -> None:
    load_domains()
    tables = {name for name, table in metadata.tables.items() if recorded(table) in ("all", "deleted")}
    decided = shapes.MANAGERS | shapes.STUDIO_MANAGERS | shapes.EVERYBODY
    assert tables - decided == set(), "say in open/feed/shapes.py who is told of their changes"
    assert decided - tables == set()
    assert not shapes.MANAGERS & shapes.STUDIO_MANAGERS
    assert not shapes.EVERYBODY & (shapes.MANAGERS | shapes.STUDIO_MANAGERS)

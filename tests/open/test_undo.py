"""Undo: changes taken back as one, or what stands in the way."""

from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests import factories
from tests.client import Client, unique
from tests.review.sharing import share
from tests.server import Server

UNDO = "/open/v1/undo"


@pytest.fixture(scope="module")
def manager(admin: Client) -> Client:
    return factories.hire(admin, "manager")


@pytest.fixture(scope="module")
def artist(admin: Client) -> Client:
    return factories.hire(admin)


@pytest.fixture
def show(admin: Client, manager: Client, artist: Client) -> dict[str, Any]:
    return factories.production(admin, manager, artist)


def request_of(answer: Any) -> str:
    assert answer.status_code < 300, answer.text
    return str(answer.headers["x-request-id"])


def everything(server: Server, show_id: str) -> dict[str, list[str]]:
    """All rows of a production of the tables that tests here change, but the times of their last change."""
    tables = {
        "entity": "project_id = %s",
        "task": "project_id = %s",
        "task_person_link": "task_id IN (SELECT id FROM task WHERE project_id = %s)",
        "comment": "object_id IN (SELECT id FROM task WHERE project_id = %s)",
        "news": "task_id IN (SELECT id FROM task WHERE project_id = %s)",
        "notification": "task_id IN (SELECT id FROM task WHERE project_id = %s)",
    }
    with psycopg.connect(server.database_url) as connection:
        return {
            table: sorted(
                row
                for (row,) in connection.execute(
                    f"SELECT (to_jsonb(r) - 'updated_at')::text FROM {table} r WHERE {condition}", [show_id]
                )
            )
            for table, condition in tables.items()
        }


def test_a_comment_is_taken_back_with_all_it_did_and_brought_back_by_undoing_that(
    server: Server, manager: Client, artist: Client, show: dict[str, Any]
) -> None:
    shot = factories.entity(manager, show["id"], "Shot")
    task = factories.task(manager, shot, "Animation", assignees=[artist.id])
    before = everything(server, show["id"])
    retake = factories.named(manager, "task-status", "Retake")["id"]
    said = manager.post(
        f"/actions/tasks/{task['id']}/comment", {"comment": "Look @here again", "task_status_id": retake}
    )
    after = everything(server, show["id"])
    assert after != before
    body = {"request_id": request_of(said)}
    rehearsed = manager.ok_post(UNDO, {**body, "dry_run": True})
    assert (rehearsed["dry_run"], rehearsed["deleted"], rehearsed["updated"]) == (True, {"comment": 1}, {"task": 1})
    assert everything(server, show["id"]) == after
    done = manager.ok_post(UNDO, body)
    assert everything(server, show["id"]) == before
    assert manager.post(UNDO, body).status_code == 409, "a second time"
    manager.ok_post(UNDO, {"change_id": done["change_id"]})
    assert everything(server, show["id"]) == after


def test_what_was_deleted_comes_back_with_its_ids_and_links(
    server: Server, manager: Client, artist: Client, show: dict[str, Any]
) -> None:
    sequence = factories.entity(manager, show["id"], "Sequence")
    shot = factories.entity(manager, show["id"], "Shot", parent_id=sequence["id"])
    task = factories.task(manager, shot, "Animation", assignees=[artist.id])
    manager.ok_post(
        f"/actions/tasks/{task['id']}/comment", {"comment": "Kept", "task_status_id": task["task_status_id"]}
    )
    before = everything(server, show["id"])
    gone = manager.delete(f"/data/shots/{shot['id']}?force=true")
    assert everything(server, show["id"])["task"] == []
    cursor = manager.ok_get("/data/events/since")["cursor"]
    assert manager.ok_post(UNDO, {"request_id": request_of(gone)})["created"]["task_person_link"] == 1
    assert everything(server, show["id"]) == before
    assert manager.ok_get(f"/data/tasks/{task['id']}")["assignees"] == [artist.id]
    told = {event["name"] for event in manager.ok_get("/data/events/since", params={"cursor": cursor})["events"]}
    assert {"shot:new", "task:new", "comment:new"} <= told


def test_a_deleted_playlist_comes_back_with_the_links_that_lead_to_it(admin: Client, anonymous: Client) -> None:
    shared = share(admin)
    page = shared.page(label="For the agency", can_download=False)
    revoked = shared.link()["token"]
    assert admin.call("DELETE", f"{shared.links}/{revoked}").status_code == 200
    before = admin.ok_get(shared.links)
    gone = admin.delete(f"/data/playlists/{shared.playlist['id']}")
    assert anonymous.get(page).status_code == 404
    admin.ok_post(UNDO, {"request_id": request_of(gone)})
    opened = anonymous.ok_get(page)
    assert (opened["id"], opened["share"]["can_download"]) == (shared.playlist["id"], False)
    assert [link["label"] for link in before] == ["For the agency"]
    assert admin.ok_get(shared.links) == before, "each with its token"
    assert anonymous.get(f"/shared/playlists/{revoked}").status_code == 404


def test_whoever_wrote_over_it_is_named_and_nothing_changes(
    server: Server, admin: Client, manager: Client, show: dict[str, Any]
) -> None:
    one, two = (factories.entity(manager, show["id"], "Shot") for _ in range(2))
    shared = {"X-Request-Id": str(uuid4())}
    for row in (one, two):
        values = {"description": "first", "data": {"mood": "calm", "depth": 2}}
        manager.ok_put(f"/data/entities/{row['id']}", values, headers=shared)
    admin.ok_put(f"/data/entities/{one['id']}", {"data": {"weather": "rain"}})
    body = {"request_id": shared["X-Request-Id"]}
    admin.ok_put(f"/data/entities/{two['id']}", {"description": "second"})
    before = everything(server, show["id"])
    refused = manager.post(UNDO, body)
    assert refused.status_code == 409
    (conflict,) = refused.json()["conflicts"]
    assert conflict.pop("at") > "2020"
    assert conflict == {
        "table": "entity",
        "key": {"id": two["id"]},
        "field": "description",
        "reason": "it was changed since",
        "person_id": admin.id,
    }
    assert everything(server, show["id"]) == before
    admin.ok_put(f"/data/entities/{two['id']}", {"description": "first"})
    assert manager.ok_post(UNDO, body)["updated"] == {"entity": 2}
    kept = manager.ok_get(f"/data/entities/{one['id']}")
    assert (kept["description"], kept["data"]) == (one["description"], {"weather": "rain"}), "another's field stays"


def test_what_others_hung_on_a_new_row_keeps_it(manager: Client, artist: Client, show: dict[str, Any]) -> None:
    shot = factories.entity(manager, show["id"], "Shot")
    made = manager.post(
        "/data/tasks", {**_task_values(manager, show, shot), "name": "main"}, headers={"X-Request-Id": str(uuid4())}
    )
    task = made.json()
    manager.ok_post(f"/actions/tasks/{task['id']}/comment", {"comment": "!", "task_status_id": task["task_status_id"]})
    refused = manager.post(UNDO, {"request_id": request_of(made)})
    assert refused.status_code == 409
    assert {conflict["table"] for conflict in refused.json()["conflicts"]} <= {"task", "comment"}
    assert manager.get(f"/data/tasks/{task['id']}").status_code == 200


def _task_values(who: Client, show: dict[str, Any], shot: dict[str, Any]) -> dict[str, Any]:
    return {
        "project_id": show["id"],
        "entity_id": shot["id"],
        "task_type_id": factories.named(who, "task-types", "Layout")["id"],
        "task_status_id": factories.named(who, "task-status", "Todo")["id"],
    }


def test_an_imported_sheet_is_taken_back_as_one(server: Server, manager: Client, show: dict[str, Any]) -> None:
    factories.entity(manager, show["id"], "Shot")
    before = everything(server, show["id"])
    sheet = "Sequence,Name,Description\n" + "".join(f"SQ{n % 3},SH{n},Imported\n" for n in range(40))
    done = manager.post(
        f"/import/csv/projects/{show['id']}/shots", files={"file": ("shots.csv", sheet.encode(), "text/csv")}
    )
    assert len(everything(server, show["id"])["entity"]) == 44
    assert manager.ok_post(UNDO, {"import_id": request_of(done)})["deleted"] == {"entity": 43}
    assert everything(server, show["id"]) == before


def test_only_managers_of_what_was_changed_undo_and_accounts_are_not_undone(
    admin: Client, manager: Client, artist: Client, show: dict[str, Any]
) -> None:
    changed = request_of(manager.put(f"/data/projects/{show['id']}", {"description": unique("new")}))
    supervisor, stranger = factories.hire(admin, "supervisor"), factories.hire(admin, "manager")
    admin.ok_post(f"/data/projects/{show['id']}/team", {"person_id": supervisor.id})
    for nobody in (artist, supervisor, stranger):
        assert nobody.post(UNDO, {"request_id": changed}).status_code == 403
    of_studio = request_of(admin.post("/data/departments", {"name": unique("Mocap"), "color": "#112233"}))
    assert manager.post(UNDO, {"request_id": of_studio}).status_code == 403
    assert admin.ok_post(UNDO, {"request_id": of_studio})["deleted"] == {"department": 1}
    renamed = request_of(admin.put(f"/data/persons/{artist.id}", {"first_name": unique("Ada")}))
    assert (answer := admin.post(UNDO, {"request_id": renamed})).status_code == 400, answer.text
    assert manager.ok_post(UNDO, {"request_id": changed})["updated"] == {"project": 1}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"change_id": 1, "request_id": "00000000-0000-0000-0000-000000000001"}, 400),
        ({"change_id": "one"}, 400),
        ({"change_id": 0}, 400),
        ({"change_id": 2**62}, 404),
        ({"request_id": "x"}, 400),
        ({"batch_id": "00000000-0000-0000-0000-000000000001"}, 404),
        ({"import_id": "00000000-0000-0000-0000-000000000001"}, 404),
        ({"change_id": 1, "rehearse": True}, 400),
    ],
    ids=str,
)
def test_what_is_no_change_is_refused(admin: Client, body: dict[str, Any], status: int) -> None:
    assert admin.post(UNDO, body).status_code == status

"""Rows that go by their number in ShotGrid, and failures that scripts note."""

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.client import Client
from tests.core.listener import Feed
from tests.exchange.shotgrid import site
from tests.exchange.shotgrid.site import Show, link, row
from tests.factories import hire


@pytest.fixture(scope="module")
def show(admin: Client) -> Show:
    return Show(admin)


def remove(who: Client, kind: str, number: Any) -> Any:
    answer = who.post(f"/import/shotgun/remove/{kind}", {"id": number})
    assert answer.status_code == 200, answer.text
    return answer.json()


KINDS = [
    *["asset", "episode", "note", "person", "project", "project-connection", "projectconnection", "scene"],
    *["sequence", "shot", "status", "step", "task", "version"],
]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_there_is_gone(admin: Client, kind: str) -> None:
    assert remove(admin, kind, site.number()) == {"success": True}
    for body in ({}, {"id": None}, {"id": "x"}, {"id": {}}, {"id": 10**12}, []):
        assert admin.post(f"/import/shotgun/remove/{kind}", body).status_code == 400


def test_rows_that_nobody_refers_to_go(admin: Client, show: Show) -> None:
    member = site.user(department={"id": 1, "name": "Animation"})
    records = {
        "person": ("persons", member),
        "project": ("projects", site.project()),
        "episode": ("episodes", site.named("Episode", show.project)),
        "sequence": ("sequences", site.sequence(show.project)),
        "scene": ("scenes", site.named("Scene", show.project, sequence_sg_scenes_1_sequences=[])),
        "shot": ("shots", site.shot(show.project, assets=[link(show.asset)])),
        "step": ("steps", site.step()),
        "status": ("status", site.status()),
        "version": ("versions", site.version(show.task)),
        "note": ("notes", site.note(show.task, show.person)),
    }
    paths = {"person": "persons", "project": "projects", "step": "task-types", "status": "task-status",
             "version": "preview-files", "note": "comments"}  # fmt: skip
    for kind, (sent, record) in records.items():
        stored = row(admin, sent, record)
        assert remove(admin, kind, record["id"]) == {"removed_instance_id": stored["id"], "success": True}
        assert admin.get(f"/data/{paths.get(kind, 'entities')}/{stored['id']}").status_code == 404, kind
        assert remove(admin, kind, record["id"]) == {"success": True}


def test_rows_that_others_refer_to_stay(admin: Client) -> None:
    show = Show(admin)
    row(admin, "notes", site.note(show.task, show.person))
    for kind, number, row_id, path in (
        ("person", show.person["id"], show.person_id, "persons"),
        ("project", show.project["id"], show.project_id, "projects"),
        ("sequence", show.sequence["id"], show.sequence_id, "sequences"),
        ("shot", show.shot["id"], show.shot_id, "shots"),
        ("step", show.step["id"], show.step_id, "task-types"),
    ):
        assert remove(admin, kind, number) == {"removed_instance_id": row_id, "success": False}, kind
        assert admin.ok_get(f"/data/{path}/{row_id}")["id"] == row_id


def test_a_removal_is_of_its_kind_only(admin: Client, show: Show) -> None:
    shot = site.shot(show.project)
    stored = row(admin, "shots", shot)
    for kind in ("asset", "scene", "sequence", "episode"):
        assert remove(admin, kind, shot["id"]) == {"success": True}
    assert admin.get(f"/data/shots/{stored['id']}").status_code == 200


def test_an_asset_goes_with_its_tasks(admin: Client, show: Show) -> None:
    record = site.asset(show.project)
    work = site.task(show.project, record, show.step)
    asset, task = row(admin, "assets", record), row(admin, "tasks", work)
    feed = Feed(admin)
    assert remove(admin, "asset", record["id"]) == {"removed_instance_id": asset["id"], "success": True}
    names = [item["name"] for item in feed.read()]
    assert "asset:delete" in names
    assert "task:delete" in names
    assert admin.get(f"/data/assets/{asset['id']}").status_code == 404
    assert admin.get(f"/data/tasks/{task['id']}").status_code == 404


def test_an_asset_with_working_files_is_canceled(admin: Client, show: Show) -> None:
    record = site.asset(show.project)
    work = site.task(show.project, record, show.step)
    asset, task = row(admin, "assets", record), row(admin, "tasks", work)
    admin.ok_post("/data/working-files", {"name": "rig", "task_id": task["id"], "revision": 1, "person_id": admin.id})
    assert remove(admin, "asset", record["id"]) == {"removed_instance_id": asset["id"], "success": True}
    assert admin.ok_get(f"/data/assets/{asset['id']}")["canceled"] is True
    assert admin.get(f"/data/tasks/{task['id']}").status_code == 200


def test_a_task_goes_with_all_that_is_its(admin: Client, show: Show) -> None:
    work = site.task(show.project, show.shot, show.step, cached_display_name="Gone")
    task = row(admin, "tasks", work)
    row(admin, "versions", site.version(work))
    row(admin, "notes", site.note(work, show.person))
    assert remove(admin, "task", work["id"]) == {"removed_instance_id": task["id"], "success": True}
    assert admin.get(f"/data/tasks/{task['id']}").status_code == 404
    assert admin.ok_get("/data/comments", params={"object_id": task["id"]}) == []


def test_a_connection_that_goes_takes_somebody_out_of_the_team(admin: Client, show: Show) -> None:
    member = site.user()
    person = row(admin, "persons", member)
    record = site.connection(show.project, member)
    row(admin, "project-connections", record)
    feed = Feed(admin)
    assert remove(admin, "project-connection", record["id"]) == {"success": True}
    assert ("project:update", show.project_id) in [(item["name"], item["project_id"]) for item in feed.read()]
    assert person["id"] not in [item["id"] for item in admin.ok_get(f"/data/projects/{show.project_id}/team")]


def test_nobody_removes_their_own_account(admin: Client) -> None:
    number = site.number()
    admin.ok_put(f"/data/persons/{admin.id}", {"shotgun_id": number})
    answer = admin.post("/import/shotgun/remove/person", {"id": number})
    assert answer.status_code == 403
    admin.ok_put(f"/data/persons/{admin.id}", {"shotgun_id": None})


def test_failures_are_noted_until_they_are_forgotten(admin: Client) -> None:
    for event_data in ({"id": 7, "why": ["é", None]}, [1, 2], "words", None, 3.5):
        note = admin.post(
            "/import/shotgun/errors",
            data=json.dumps(event_data),
            headers={"Content-Type": "application/json"},
        )
        assert note.status_code == 201, note.text
        row = note.json()
        assert row["event_data"] == event_data
        assert (row["source"], row["type"]) == ("shotgun", "DataImportError")
        assert row in admin.ok_get("/import/shotgun/errors")
        assert admin.delete(f"/import/shotgun/errors/{row['id']}").status_code == 204
        assert row not in admin.ok_get("/import/shotgun/errors")
        assert admin.delete(f"/import/shotgun/errors/{row['id']}").status_code == 404
    for unknown in (uuid4(), "none"):
        assert admin.delete(f"/import/shotgun/errors/{unknown}").status_code == 404
    assert admin.post("/import/shotgun/errors", {"a": "\0"}).status_code == 400
    assert admin.post("/import/shotgun/errors", data="x").status_code == 415
    manager = hire(admin, "manager")
    assert manager.get("/import/shotgun/errors").status_code == 403
    assert manager.post("/import/shotgun/errors", {}).status_code == 403
    assert manager.delete(f"/import/shotgun/errors/{uuid4()}").status_code == 403

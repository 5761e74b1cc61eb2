"""Working files: paths, publishing, listings, binaries."""

import os
from typing import Any
from uuid import uuid4

import pytest

from pegbar.files.trees.shipped import shipped_tree
from tests import factories
from tests.client import Client, unique
from tests.core.listener import Feed
from tests.files.studio import Show, at_once, made_show


@pytest.fixture(scope="module")
def show(admin: Client) -> Show:
    return made_show(admin)


def test_fifty_publishes_at_once_get_fifty_revisions(admin: Client, show: Show) -> None:
    name = unique("rush")
    answers = at_once(show.artist, f"{show.working}/new", [{"name": name}] * 50)
    assert [answer.status_code for answer in answers] == [201] * 50
    assert sorted(answer.json()["revision"] for answer in answers) == list(range(1, 51))
    assert len({answer.json()["path"] for answer in answers}) == 50
    assert show.artist.ok_get(f"{show.working}/last-revisions")[name]["revision"] == 50


def test_who_publishes_is_assigned_and_everybody_of_the_production_is_told(admin: Client) -> None:
    show, feed = made_show(admin), Feed(admin)
    made = show.artist.ok_post(f"{show.working}/new", {"name": "main"})
    show.artist.ok_post(f"{show.working}/new", {"name": "main"})
    assert admin.ok_get(f"/data/tasks/{show.task['id']}")["assignees"] == [show.artist.id]
    mine = [event for event in feed.read() if event["project_id"] == show.project["id"]]
    assert [event["name"] for event in mine] == ["task:assign", "task:update", "working-file:new", "working-file:new"]
    assert mine[2]["data"]["working_file_id"] == made["id"]


@pytest.mark.parametrize("tree", [{}, {"working": {"mountpoint": "/x", "root": "r"}}, [], "no tree"])
def test_a_malformed_tree_is_refused_with_its_place_and_leaves_nothing_behind(admin: Client, tree: Any) -> None:
    show = made_show(admin)
    admin.ok_put(f"/data/projects/{show.project['id']}", {"file_tree": tree})
    body = {"name": "main", "software_id": show.software["id"]}
    answer = show.artist.post(f"{show.working}/new", body)
    assert answer.status_code == 400
    assert answer.json()["error"] == answer.json()["message"]
    assert admin.ok_get(show.working) == []
    assert admin.ok_get(f"/data/tasks/{show.task['id']}")["assignees"] == []
    answer = show.artist.post(f"/data/tasks/{show.task['id']}/working-file-path", body)
    assert (answer.status_code, answer.json()["received_data"]) == (400, body)


def test_an_unknown_token_is_named_with_its_place(admin: Client) -> None:
    tree = shipped_tree("simple")
    assert tree is not None
    tree["working"]["folder_path"]["shot"] = "<Project>/<Shto>"
    show = made_show(admin, tree)
    answer = show.artist.post(f"{show.working}/new", {"name": "main"})
    assert answer.json()["message"].startswith("working/folder_path/shot/<Shto>: Unknown data type: Shto.")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "main", "software_id": "blender"}, "software_id"),
        ({"name": "main", "person_id": str(uuid4())}, "person_id"),
        ({"name": "main", "revision": 2 * 10**9}, "revision"),
        ({"name": "main", "sep": ""}, "sep"),
        ({"name": 3}, "name"),
        ({"name": "x" * 300}, "name"),
        ({}, "name"),
    ],
)
def test_a_bad_working_file_is_refused_by_the_name_of_its_field(show: Show, body: dict[str, Any], field: str) -> None:
    answer = show.artist.post(f"{show.working}/new", body)
    assert answer.status_code == 400
    assert answer.json()["data"]["errors"][0]["field"] == field


def test_a_revision_that_is_taken_is_refused_in_words(show: Show) -> None:
    name = unique("taken")
    show.artist.ok_post(f"{show.working}/new", {"name": name, "revision": 4})
    answer = show.artist.post(f"{show.working}/new", {"name": name, "revision": 4})
    assert answer.status_code == 400
    assert "Revision 4" in answer.json()["error"]
    assert show.artist.post(f"{show.working}/new", {"name": name, "software_id": str(uuid4())}).status_code == 404
    assert show.artist.ok_post(f"{show.working}/new", {"name": name})["revision"] == 5


def test_a_default_software_is_made_once_by_requests_at_once(admin: Client) -> None:
    show = made_show(admin)
    bodies = [{"name": f"n{number}"} for number in range(8)]
    ids = {answer.json()["software_id"] for answer in at_once(show.artist, f"{show.working}/new", bodies)}
    (blender,) = admin.ok_get("/data/softwares", params={"name": "Blender"})
    assert ids == {blender["id"]}


def test_working_files_are_listed_by_name_and_task(admin: Client, show: Show) -> None:
    name = unique("listed")
    second = factories.task(admin, show.shot, "Layout")
    made = [show.artist.ok_post(f"{show.working}/new", {"name": name})["id"] for _ in range(2)]
    other = show.artist.ok_post(f"/data/tasks/{second['id']}/working-files/new", {"name": name})["id"]
    path = f"/data/entities/{show.shot['id']}/working-files"
    assert {row["id"] for row in show.artist.ok_get(path, params={"name": name})} == {*made, other}
    rows = show.artist.ok_get(path, params={"name": name, "task_id": show.task["id"], "relations": "true"})
    assert [(row["id"], row["outputs"]) for row in rows] == [(made[1], []), (made[0], [])]
    assert show.artist.get(path, params={"task_id": "x"}).status_code == 400
    assert made[0] in [row["id"] for row in show.artist.ok_get(show.working)]
    quoted = unique('a "quoted" name')
    show.artist.ok_post(f"{show.working}/new", {"name": quoted})
    assert show.artist.ok_get(f"{show.working}/last-revisions")[quoted]["revision"] == 1


def test_a_binary_comes_back_as_it_was_sent_in_ranges_and_by_its_validator(show: Show) -> None:
    made = show.artist.ok_post(f"{show.working}/new", {"name": unique("binary")})
    path, content = f"/data/working-files/{made['id']}/file", os.urandom(3 * 1024**2)
    assert show.artist.get(path).status_code == 404
    assert show.artist.post(path).status_code == 400
    show.artist.ok_post(path, files={"file": ("scene.blend", content)})
    answer = show.artist.get(path)
    assert answer.content == content
    assert answer.headers["cache-control"] == "private, no-cache"
    assert show.artist.get(path, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    part = show.artist.get(path, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, content[10:20])
    show.artist.ok_post(path, files={"file": ("scene.blend", b"newer")})
    newer = show.artist.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert (newer.status_code, newer.content) == (200, b"newer")
    assert show.vendor.get(path).status_code == 403
    assert show.client.post(path, files={"file": ("scene.blend", b"x")}).status_code == 403


def test_a_working_file_is_commented_and_touched_by_whoever_acts_on_the_task(admin: Client) -> None:
    show = made_show(admin)
    made = show.artist.ok_post(f"{show.working}/new", {"name": "main"})
    path = f"/actions/working-files/{made['id']}"
    assert show.artist.ok_put(f"{path}/comment", {"comment": "Take two"})["comment"] == "Take two"
    assert show.artist.ok_put(f"{path}/modified")["updated_at"] >= made["updated_at"]
    other = factories.hire(admin)
    factories.join(admin, show.project["id"], other)
    for who in (other, show.client, show.vendor):
        assert who.put(f"{path}/comment", {"comment": "Mine"}).status_code == 403
        assert who.put(f"{path}/modified").status_code == 403
    assert admin.ok_get(f"/data/files/{made['id']}")["comment"] == "Take two"


def test_clients_and_vendors_without_a_task_get_no_paths(admin: Client) -> None:
    show = made_show(admin)
    made = show.artist.ok_post(f"{show.working}/new", {"name": "main"})
    for who in (show.client, show.vendor, factories.hire(admin)):
        assert who.post(f"{show.working}/new", {"name": "main"}).status_code == 403
        assert who.post(f"/data/tasks/{show.task['id']}/working-file-path", {}).status_code == 403
        for path in (show.working, f"{show.working}/last-revisions", f"/data/files/{made['id']}", show.outputs):
            assert who.get(path).status_code == 403
    admin.ok_put(f"/data/tasks/{show.task['id']}", {"assignees": [show.vendor.id]})
    assert show.vendor.ok_get(show.working) == [made]
    assert show.vendor.ok_post(f"{show.working}/new", {"name": "main"})["revision"] == 2


def test_a_production_takes_a_shipped_tree_by_its_name(admin: Client, show: Show) -> None:
    path = f"/actions/projects/{factories.production(admin, show.artist)['id']}/set-file-tree"
    assert admin.ok_post(path, {"tree_name": "default"})["file_tree"] == shipped_tree("default")
    for name in ("../simple", "nothing", ""):
        assert admin.post(path, {"tree_name": name}).status_code == 400
    assert show.artist.post(path, {"tree_name": "simple"}).status_code == 403

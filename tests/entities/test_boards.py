"""Boards. Source: spec entities and spec shots, "with-tasks"."""

import json
from typing import Any

import pytest

from tests.client import Client
from tests.entities.shows import Show
from tests.factories import hire, task


class Board:
    """A production with a shot and an asset, each with two tasks, one of them the artist's."""

    def __init__(self, admin: Client) -> None:
        self.show = show = Show(admin)
        self.artist = show.join(hire(admin))
        self.episode = show.episode()
        self.shot = show.shot(show.sequence(self.episode), data={"frame_in": 1, "fps": "25"})
        self.asset = show.asset("Prop")
        self.tasks = [
            task(admin, self.shot, "Layout", assignees=[self.artist.id, admin.id], estimation=480),
            task(admin, self.shot, "Animation"),
            task(admin, self.asset, "Modeling", assignees=[self.artist.id]),
            task(admin, self.asset, "Shading"),
        ]
        show.cast(self.shot, self.asset)

    def path(self, kind: str, more: str = "") -> str:
        return f"/data/{kind}/with-tasks?project_id={self.show.id}{more}"


@pytest.fixture(scope="module")
def board(admin: Client) -> Board:
    return Board(admin)


def ordered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for row in rows:
        row["tasks"].sort(key=lambda shown: shown["id"])
        for shown in row["tasks"]:
            shown["assignees"].sort()
    return sorted(rows, key=lambda row: row["id"])


def expanded(head: dict[str, Any], rows: list[list[Any]]) -> list[dict[str, Any]]:
    fields = head.get("shot_fields") or head["asset_fields"]
    made = [dict(zip(fields, row, strict=True)) for row in rows]
    for row in made:
        row["tasks"] = [dict(zip(head["task_fields"], item, strict=True)) for item in row["tasks"]]
    return made


@pytest.mark.parametrize("kind", ["shots", "assets"])
def test_four_encodings_say_the_same(admin: Client, board: Board, kind: str) -> None:
    plain = ordered(admin.ok_get(board.path(kind)))
    assert len(plain) == 1
    assert len(plain[0]["tasks"]) == 2
    compact = admin.ok_get(board.path(kind, "&compact=true"))
    assert ordered(expanded(compact, compact["rows"])) == plain
    for more in ("&stream=true", "&stream=true&compact=true"):
        answer = admin.get(board.path(kind, more))
        assert answer.headers["content-type"] == "application/x-ndjson"
        assert answer.text.endswith("\n")
        head, *rows = [json.loads(line) for line in answer.text.splitlines()]
        assert ordered(expanded(head, rows) if head["compact"] else rows) == plain
    assert ordered(admin.ok_get(board.path(kind, "&compact=1&stream=yes"))) == plain


@pytest.mark.parametrize("kind", ["shots", "assets", "sequences", "episodes"])
def test_a_caller_chooses_fields(admin: Client, board: Board, kind: str) -> None:
    whole = ordered(admin.ok_get(board.path(kind)))
    some = "&fields=tasks, id,name&task_fields=assignees,id"

    def narrow(row: dict[str, Any]) -> dict[str, Any]:
        tasks = [{key: item[key] for key in item if key in ("id", "assignees")} for item in row["tasks"]]
        return {"id": row["id"], "name": row["name"], "tasks": tasks}

    assert ordered(admin.ok_get(board.path(kind, some))) == ordered([narrow(row) for row in whole])
    without = admin.get(board.path(kind, "&fields=name"))
    assert sorted(row["name"] for row in without.json()) == sorted(row["name"] for row in whole)
    assert {key for row in without.json() for key in row} == {"name"}
    for more, word in (("&fields=name,secret", "secret"), ("&task_fields=password", "password")):
        refused = admin.get(board.path(kind, more))
        assert (refused.status_code, word in refused.json()["message"]) == (400, True)
    if kind in ("shots", "assets"):
        compact = admin.ok_get(board.path(kind, f"{some}&compact=true"))
        assert ordered(expanded(compact, compact["rows"])) == ordered([narrow(row) for row in whole])
        tag = admin.get(board.path(kind)).headers["etag"]
        assert admin.get(board.path(kind, some), headers={"If-None-Match": tag}).status_code == 200


def test_a_shot_on_the_board(admin: Client, board: Board) -> None:
    (row,) = admin.ok_get(board.path("shots", f"&episode_id={board.episode['id']}"))
    assert (row["frame_in"], row["fps"], row["frame_out"]) == (1, "25", None)
    assert (row["episode_name"], row["type"]) == (board.episode["name"], "Shot")
    assert row["nb_entities_out"] == 1
    assert admin.ok_get(board.path("shots", "&episode_id=main")) == []
    assert len(admin.ok_get(board.path("shots", "&episode_id=all"))) == 1
    assert len(admin.ok_get(board.path("shots", f"&id={board.shot['id']}"))) == 1
    (asset,) = admin.ok_get(board.path("assets"))
    assert (asset["episode_id"], asset["preview_file_id"], asset["ready_for"]) == ("", "", "None")
    assert asset["casting_episode_ids"] == [board.episode["id"]]
    (sequence,) = admin.ok_get(board.path("sequences"))
    assert (sequence["episode_id"], sequence["tasks"]) == (board.episode["id"], [])


@pytest.mark.parametrize("more", ["&id=x", "&episode_id=pilot", "&id="])
def test_bad_ids_are_refused(admin: Client, board: Board, more: str) -> None:
    assert admin.get(board.path("shots", more)).status_code == 400
    assert admin.get(board.path("assets", more)).status_code == 400


def test_roles_on_a_board(admin: Client, board: Board) -> None:
    show = board.show
    client, vendor = show.join(hire(admin, "client")), show.join(hire(admin, "vendor"))
    mine = task(admin, board.shot, "Lighting", assignees=[vendor.id])
    try:
        for kind in ("shots", "assets", "sequences", "episodes"):
            for row in client.ok_get(board.path(kind)):
                assert all((item["assignees"], item["estimation"]) == ([], 0) for item in row["tasks"])
        (row,) = vendor.ok_get(board.path("shots"))
        assert [item["id"] for item in row["tasks"]] == [mine["id"]]
        assert vendor.ok_get(board.path("assets")) == []
        assert vendor.get(board.path("scenes")).status_code == 403
        assert hire(admin, "manager").get(board.path("shots")).status_code == 403
        assert vendor.get("/data/shots/with-tasks").status_code == 403
        assert isinstance(admin.ok_get("/data/shots/with-tasks"), list)
    finally:
        admin.ok_delete(f"/data/tasks/{mine['id']}")


def test_internal_parameters_do_not_narrow_the_shot_board(admin: Client, board: Board) -> None:
    (row,) = admin.ok_get(board.path("shots", "&assigned_to=me&vendor_departments=x&entity_ids=y"))
    assert len(row["tasks"]) == 2
    (asset,) = board.artist.ok_get(board.path("assets", "&assigned_to=me"))
    assert [item["id"] for item in asset["tasks"]] == [board.tasks[2]["id"]]


def test_nothing_is_sent_again_until_something_changes(admin: Client) -> None:
    board = Board(admin)
    path = board.path("shots")

    def tag(who: Client = admin, more: str = "") -> str:
        answer = who.get(path + more)
        assert answer.headers["cache-control"] == "private, no-cache"
        return answer.headers["etag"]

    first = tag()
    again = admin.get(path, headers={"If-None-Match": f'"old", {first}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first)
    assert admin.get(path, headers={"If-None-Match": f"W/{first}"}).status_code == 200
    # Worth fixing: each encoding, and each person, has its own
    assert len({first, tag(more="&compact=true"), tag(more="&stream=true"), tag(board.artist)}) == 4
    changes = [
        lambda: admin.ok_put(f"/data/tasks/{board.tasks[0]['id']}", {"priority": 2}),
        lambda: admin.ok_put(f"/data/tasks/{board.tasks[1]['id']}", {"assignees": [board.artist.id]}),
        lambda: admin.ok_put(f"/data/entities/{board.shot['id']}", {"description": "x"}),
        lambda: admin.ok_put(board.show.path, {"description": "x"}),
        lambda: admin.ok_post(
            "/data/metadata-descriptors",
            {"project_id": board.show.id, "entity_type": "Shot", "name": "M", "field_name": "m", "data_type": "string"},
        ),
    ]
    seen = {first}
    for change in changes:
        change()
        seen.add(tag())
    assert len(seen) == len(changes) + 1
    assert "etag" not in admin.get("/data/assets/with-tasks").headers

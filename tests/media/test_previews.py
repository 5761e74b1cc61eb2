"""Previews: from an empty place under a comment to a picture in every size."""

from typing import Any

import psycopg
import pytest

from tests import factories
from tests.client import Client
from tests.media.publishing import comment_on, place, png, published, size_of, upload
from tests.server import Server
from tests.workers import wait_for


@pytest.fixture(scope="module")
def artist(admin: Client) -> Client:
    return factories.hire(admin)


@pytest.fixture(scope="module")
def show(admin: Client, artist: Client) -> dict[str, Any]:
    return factories.production(admin, artist)


@pytest.fixture
def task(admin: Client, artist: Client, show: dict[str, Any]) -> dict[str, Any]:
    return factories.task(admin, factories.entity(admin, show["id"]), assignees=[artist.id])


def test_a_picture_is_served_in_every_size(admin: Client, artist: Client, task: dict[str, Any]) -> None:
    comment = comment_on(artist, admin, task["id"])
    empty = place(artist, task["id"], comment["id"])
    assert (empty["status"], empty["revision"], empty["position"], empty["comments"]) == (
        "processing",
        1,
        1,
        [comment["id"]],
    )
    waiting = artist.get(f"/pictures/thumbnails/preview-files/{empty['id']}.png")
    assert (waiting.status_code, waiting.headers["Cache-Control"]) == (404, "no-store")
    told = artist.get(f"/pictures/previews/preview-files/{empty['id']}.png", headers={"Accept": "application/json"})
    assert (told.status_code, told.json()) == (202, {"status": "processing", "preview_file_id": empty["id"]})
    answer = upload(artist, empty["id"], png(640, 320), "Tom.Thumb v1.PNG")
    row = answer.json()
    assert (answer.status_code, row["status"], row["original_name"]) == (201, "ready", "Tom.Thumb v1")
    assert (row["width"], row["height"], row["extension"], "comments" in row) == (640, 320, "png", False)
    for where, size in {
        "thumbnails": (150, 100),
        "thumbnails-square": (100, 100),
        "previews": (1200, 600),
        "originals": (640, 320),
    }.items():
        picture = artist.get(f"/pictures/{where}/preview-files/{row['id']}.png")
        assert (picture.status_code, size_of(picture.content)) == (200, size), where
        assert picture.headers["Content-Length"] == str(len(picture.content))
        assert picture.headers["Content-Type"] == "image/png"
    assert admin.ok_get(f"/data/tasks/{task['id']}")["last_preview_file_id"] == row["id"]
    assert upload(artist, row["id"], png()).status_code == 400


def test_browsers_ask_again_with_what_they_hold(admin: Client, artist: Client, task: dict[str, Any]) -> None:
    row = published(artist, admin, task["id"])
    path = f"/pictures/originals/preview-files/{row['id']}.png"
    whole = artist.get(path)
    assert artist.get(path, headers={"If-None-Match": whole.headers["ETag"]}).status_code == 304
    assert artist.get(path, headers={"If-Modified-Since": whole.headers["Last-Modified"]}).status_code == 304
    part = artist.get(path, headers={"Range": "bytes=0-7"})
    assert (part.status_code, part.content) == (206, whole.content[:8])
    assert part.headers["Content-Range"] == f"bytes 0-7/{len(whole.content)}"
    assert artist.get(path, headers={"Range": "bytes=-5"}).content == whole.content[-5:]
    assert artist.get(path, headers={"Range": "bytes=0-7", "If-Range": '"other"'}).status_code == 200
    for wrong in ("bytes=900000-", "bytes=0-1,3-4", "bytes=5-2"):
        assert artist.get(path, headers={"Range": wrong}).status_code == 416, wrong
    head = artist.call("HEAD", path)
    assert (head.status_code, head.headers["Content-Length"]) == (200, str(len(whole.content)))


def test_a_download_is_named_after_where_it_belongs(
    admin: Client, artist: Client, task: dict[str, Any], show: dict[str, Any]
) -> None:
    row = published(artist, admin, task["id"])
    answer = artist.get(f"/pictures/originals/preview-files/{row['id']}/download")
    name = answer.headers["Content-Disposition"]
    assert name.startswith("attachment; filename=show_")
    assert "_character_character_" in name
    assert name.endswith("_modeling_v1.png")
    assert artist.get(f"/pictures/originals/preview-files/{row['id']}.mp4").status_code == 400
    assert artist.get(f"/pictures/originals/preview-files/{row['id']}.jpg").status_code == 404
    assert artist.get("/pictures/originals/preview-files/not-an-id.png").status_code == 404


def test_revisions_and_positions_follow_the_comments(admin: Client, artist: Client, task: dict[str, Any]) -> None:
    first = comment_on(artist, admin, task["id"])
    one = place(artist, task["id"], first["id"])
    two = artist.ok_post(f"/actions/tasks/{task['id']}/comments/{first['id']}/preview-files/{one['id']}")
    assert (two["revision"], two["position"]) == (1, 2)
    second = comment_on(artist, admin, task["id"])
    assert place(artist, task["id"], second["id"], revision="5")["revision"] == 5
    third = comment_on(artist, admin, task["id"])
    path = f"/actions/tasks/{task['id']}/comments/{third['id']}/add-preview"
    refused = artist.post(path, {"revision": 5})
    assert (refused.status_code, refused.json()["message"][:25]) == (400, "Revision 5 already exists")
    assert "Leave the revision out" in refused.json()["message"]
    assert artist.post(path, {"revision": -1}).status_code == 400
    assert artist.ok_post(path, {})["revision"] == 6
    # Positions are the highest plus one: a hole left by a deletion makes no double.
    artist.ok_delete(f"/actions/tasks/{task['id']}/comments/{first['id']}/preview-files/{one['id']}")
    assert place(artist, task["id"], first["id"])["position"] == 3


def test_no_revision_keeps_others_from_publishing(
    server: Server, admin: Client, artist: Client, task: dict[str, Any]
) -> None:
    def next_one() -> int:
        return int(place(artist, task["id"], comment_on(artist, admin, task["id"])["id"])["revision"])

    comment = comment_on(artist, admin, task["id"])
    path = f"/actions/tasks/{task['id']}/comments/{comment['id']}/add-preview"
    for high in (2**31 - 1, 10**9 + 1, str(2**31 - 1)):
        refused = artist.post(path, {"revision": high})
        assert refused.status_code == 400
        assert refused.json()["data"]["errors"][0]["field"] == "revision"
        assert "1000000000 is the most" in refused.json()["message"]
    assert artist.post(path, {"revision": 2**31}).status_code == 400
    preview = artist.ok_post(path, {"revision": 10**9})
    assert preview["revision"] == 10**9
    edited = admin.put(f"/data/preview-files/{preview['id']}", {"revision": 10**9 + 1})
    assert (edited.status_code, edited.json()["data"]["errors"][0]["field"]) == (400, "revision")
    assert next_one() == 10**9 + 1
    # As a database may hold it already.
    last = place(artist, task["id"], comment_on(artist, admin, task["id"])["id"])
    with psycopg.connect(server.database_url) as connection:
        connection.execute("UPDATE preview_file SET revision = 2147483647 WHERE id = %s", [last["id"]])
    assert [next_one(), next_one()] == [10**9 + 2, 10**9 + 3]
    with psycopg.connect(server.database_url) as connection:
        connection.execute("UPDATE preview_file SET position = 2147483647 WHERE id = %s", [last["id"]])
    beside = f"/actions/tasks/{task['id']}/comments/{last['comments'][0]}/preview-files/{last['id']}"
    assert artist.ok_post(beside)["position"] == 1


def test_one_preview_per_revision_where_the_production_says_so(admin: Client) -> None:
    show = factories.production(admin, is_single_preview_per_revision=True)
    task = factories.task(admin, factories.entity(admin, show["id"]))
    comment = comment_on(admin, admin, task["id"])
    place(admin, task["id"], comment["id"])
    assert admin.post(f"/actions/tasks/{task['id']}/comments/{comment['id']}/add-preview", {}).status_code == 400


def test_a_refused_upload_keeps_the_row_which_takes_another(
    admin: Client, artist: Client, task: dict[str, Any]
) -> None:
    empty = place(artist, task["id"], comment_on(artist, admin, task["id"])["id"])
    assert upload(artist, empty["id"], b"MZ", "virus.exe").status_code == 400
    assert upload(artist, empty["id"], b"only words").status_code == 400
    assert upload(artist, empty["id"], b"", "empty.mov").status_code == 400
    assert artist.post(f"/pictures/preview-files/{empty['id']}").json()["message"] == "File not provided."
    assert artist.ok_get(f"/data/preview-files/{empty['id']}")["status"] == "processing"
    assert upload(artist, empty["id"], png()).status_code == 201


def test_a_broken_preview_takes_another_upload(admin: Client, artist: Client, task: dict[str, Any]) -> None:
    row = published(artist, admin, task["id"])
    admin.ok_put(f"/data/preview-files/{row['id']}", {"status": "broken"})
    assert upload(artist, row["id"], png(8, 8)).json()["width"] == 8


def test_other_files_are_served_as_they_came(admin: Client, artist: Client, task: dict[str, Any]) -> None:
    scene = published(artist, admin, task["id"], b"%PDF", "Board.pdf")
    answer = artist.get(f"/pictures/originals/preview-files/{scene['id']}.pdf")
    assert (answer.content, answer.headers["Content-Type"]) == (b"%PDF", "application/pdf")


def test_the_main_preview_of_an_entity(admin: Client, artist: Client, task: dict[str, Any]) -> None:
    row = published(artist, admin, task["id"])
    entity = artist.ok_put(f"/actions/preview-files/{row['id']}/set-main-preview", {})
    assert (entity["id"], entity["preview_file_id"]) == (task["entity_id"], row["id"])
    assert (entity["preview_file_status"], entity["type"]) == ("ready", "Entity")
    refused = artist.put(f"/actions/preview-files/{row['id']}/set-main-preview", {"frame_number": 3})
    assert refused.status_code == 400


def test_automated_productions_choose_and_restore_main_previews(admin: Client) -> None:
    show = factories.production(admin, is_set_preview_automated=True)
    task = factories.task(admin, factories.entity(admin, show["id"]))
    one, two = (published(admin, admin, task["id"]) for _ in range(2))
    asset = admin.ok_get(f"/data/entities/{task['entity_id']}")
    assert asset["preview_file_id"] == two["id"]
    admin.ok_delete(f"/data/preview-files/{two['id']}")
    assert admin.ok_get(f"/data/entities/{task['entity_id']}")["preview_file_id"] == one["id"]
    assert admin.ok_get(f"/data/tasks/{task['id']}")["last_preview_file_id"] == one["id"]
    admin.ok_delete(f"/actions/tasks/{task['id']}/comments/{one['comment_id']}/preview-files/{one['id']}")
    assert admin.ok_get(f"/data/entities/{task['entity_id']}")["preview_file_id"] is None
    assert admin.ok_get(f"/data/tasks/{task['id']}")["last_preview_file_id"] is None


def test_the_first_position_stands_for_the_task(admin: Client, artist: Client, task: dict[str, Any]) -> None:
    one = published(artist, admin, task["id"])
    path = f"/actions/tasks/{task['id']}/comments/{one['comment_id']}/preview-files/{one['id']}"
    two = artist.ok_post(path)
    assert upload(artist, two["id"], png()).status_code == 201
    assert admin.ok_get(f"/data/tasks/{task['id']}")["last_preview_file_id"] == one["id"]
    move = f"/actions/preview-files/{two['id']}/update-position"
    for position, order in ((1, [two, one]), (7, [two, one]), (0, [two, one])):
        rows = artist.ok_put(move, {"position": position})
        assert [(row["id"], row["position"]) for row in rows] == [(order[0]["id"], 1), (order[1]["id"], 2)]
    assert admin.ok_get(f"/data/tasks/{task['id']}")["last_preview_file_id"] == two["id"]
    assert artist.put(move, {"position": -1}).status_code == 400


def test_deleting_a_comment_takes_its_previews(admin: Client, artist: Client, task: dict[str, Any]) -> None:
    one = published(artist, admin, task["id"])
    admin.ok_delete(f"/data/comments/{one['comment_id']}")
    assert admin.get(f"/data/preview-files/{one['id']}").status_code == 404
    assert admin.get(f"/pictures/originals/preview-files/{one['id']}.png").status_code == 404


def test_who_may_do_what(admin: Client, artist: Client, task: dict[str, Any], show: dict[str, Any]) -> None:
    row = published(artist, admin, task["id"])
    stranger, vendor, client = (factories.hire(admin, role) for role in ("user", "vendor", "client"))
    factories.join(admin, show["id"], vendor)
    factories.join(admin, show["id"], client)
    for who in (stranger, vendor):
        for path in ("/pictures/thumbnails", "/pictures/originals", "/pictures/previews", "/movies/tiles"):
            assert who.get(f"{path}/preview-files/{row['id']}.png").status_code == 403, path
        assert upload(who, row["id"], png()).status_code == 403
        assert who.put(f"/actions/preview-files/{row['id']}/set-main-preview", {}).status_code == 403
    assert client.get(f"/pictures/previews/preview-files/{row['id']}.png").status_code == 200
    assert client.put(f"/actions/preview-files/{row['id']}/set-main-preview", {}).status_code == 403
    assert artist.delete(f"/data/preview-files/{row['id']}").status_code == 403
    assert artist.put(f"/data/preview-files/{row['id']}", {"task_id": None}).status_code == 403
    assert artist.ok_put(f"/data/preview-files/{row['id']}", {"description": "mine"})["description"] == "mine"
    admin.ok_put(f"/data/entities/{task['entity_id']}", {"is_shared": True})
    admin.ok_put(f"/actions/preview-files/{row['id']}/set-main-preview", {})
    assert stranger.get(f"/pictures/thumbnails/preview-files/{row['id']}.png").status_code == 200
    assert stranger.get(f"/pictures/previews/preview-files/{row['id']}.png").status_code == 403
    assert vendor.get(f"/pictures/thumbnails/preview-files/{row['id']}.png").status_code == 403
    assert [item["id"] for item in artist.ok_get("/data/preview-files", params={"project_id": show["id"]})]
    assert vendor.ok_get("/data/preview-files") == []


def test_the_revision_of_a_main_preview_takes_its_siblings_along(
    admin: Client, artist: Client, task: dict[str, Any]
) -> None:
    comment = comment_on(artist, admin, task["id"])
    one = place(artist, task["id"], comment["id"])
    two = place(artist, task["id"], comment["id"])
    other = place(artist, task["id"], comment_on(artist, admin, task["id"])["id"])
    assert admin.put(f"/data/preview-files/{one['id']}", {"revision": other["revision"]}).status_code == 400
    admin.ok_put(f"/data/preview-files/{one['id']}", {"revision": 9})
    assert admin.ok_get(f"/data/preview-files/{two['id']}")["revision"] == 9
    for wrong in ({"status": "superb"}, {"validation_status": None}):
        assert admin.put(f"/data/preview-files/{one['id']}", wrong).status_code == 400


def test_events_of_previews_stay_in_their_production(admin: Client, artist: Client, task: dict[str, Any]) -> None:
    row = published(artist, admin, task["id"])
    admin.ok_delete(f"/data/preview-files/{row['id']}")
    events = admin.ok_get("/data/events", params={"project_id": task["project_id"], "name": "preview-file:%"})
    mine = [item for item in events if item["data"]["preview_file_id"] == row["id"]]
    assert {item["name"] for item in mine} == {
        "preview-file:new",
        "preview-file:update",
        "preview-file:add-file",
        "preview-file:delete",
    }


def tasks_in_a_row(admin: Client) -> list[dict[str, Any]]:
    """Two tasks: when the first is done, its last revision goes to the second."""

    def status(name: str) -> str:
        return str(factories.named(admin, "task-status", name)["id"])

    def kind(name: str) -> str:
        return str(factories.named(admin, "task-types", name)["id"])

    rule = {
        "entity_type": "asset",
        "in_task_type_id": kind("Modeling"),
        "in_task_status_id": status("Done"),
        "out_field_type": "status",
        "out_task_type_id": kind("Rigging"),
        "out_task_status_id": status("Todo"),
        "import_last_revision": True,
    }
    automation = admin.ok_post("/data/status-automations", rule)
    show = factories.production(admin, status_automations=[automation["id"]])
    asset = factories.entity(admin, show["id"])
    return [factories.task(admin, asset, name) for name in ("Modeling", "Rigging")]


def finish(admin: Client, task: dict[str, Any]) -> None:
    status = factories.named(admin, "task-status", "Done")["id"]
    admin.ok_post(f"/actions/tasks/{task['id']}/comment", {"task_status_id": status, "comment": "On it goes"})


def test_an_automation_takes_the_last_revision_to_the_next_task(admin: Client) -> None:
    before, after = tasks_in_a_row(admin)
    published(admin, admin, before["id"])
    last = published(admin, admin, before["id"], png(30, 20), "Last.png")
    finish(admin, before)
    rows = admin.ok_get("/data/preview-files", params={"task_id": after["id"]})
    assert [(row["revision"], row["original_name"], row["width"], row["status"]) for row in rows] == [
        (1, "Last", 30, "ready")
    ]
    assert rows[0]["id"] != last["id"]
    path = "/pictures/originals/preview-files"
    copied = admin.get(f"{path}/{rows[0]['id']}.png")
    assert copied.content == admin.get(f"{path}/{last['id']}.png").content
    assert admin.ok_get(f"/data/tasks/{after['id']}")["last_preview_file_id"] == rows[0]["id"]


def test_a_copy_of_a_picture_that_waits_for_its_thumbnails_gets_its_own(server: Server, admin: Client) -> None:
    before, after = tasks_in_a_row(admin)
    row, start = published(admin, admin, before["id"]), len(server.text())
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        connection.execute("UPDATE preview_file SET status = 'processing' WHERE id = %s", [row["id"]])
        finish(admin, before)
        copied = "SELECT id FROM preview_file WHERE task_id = %s AND status = 'ready'"
        (copy_id,) = wait_for(connection, copied, after["id"])
    thumbnail = admin.get(f"/pictures/thumbnails/preview-files/{copy_id}.png")
    assert (thumbnail.status_code, size_of(thumbnail.content)) == (200, (150, 100))
    assert admin.ok_get(f"/data/tasks/{after['id']}")["last_preview_file_id"] == str(copy_id)
    assert "cannot be stored" not in server.text()[start:], "it has no movie to copy"


def test_administrators_see_what_is_not_finished(admin: Client, artist: Client, task: dict[str, Any]) -> None:
    one, two = (place(artist, task["id"], comment_on(artist, admin, task["id"])["id"]) for _ in range(2))
    path = "/data/playlists/preview-files/running"
    # Other tests leave some that were made at any time, and run beside this one.
    rows = [row for row in admin.ok_get(path, params={"limit": 1000}) if row["id"] in (one["id"], two["id"])]
    assert [row["id"] for row in rows] == [two["id"], one["id"]]
    assert len(admin.ok_get(path, params={"limit": 2})) == 2
    assert rows[0]["full_entity_name"].startswith("Character / Character")
    assert rows[0]["project_id"] == task["project_id"]
    after = [row["id"] for row in admin.ok_get(path, params={"cursor_preview_file_id": two["id"], "limit": 1000})]
    assert (one["id"] in after, two["id"] in after) == (True, False)
    assert admin.ok_get(path, params={"limit": 0}) == []
    for wrong in ({"limit": -1}, {"cursor_preview_file_id": "x"}, {"cursor_preview_file_id": task["id"]}):
        assert admin.get(path, params=wrong).status_code == 400, wrong
    assert artist.get(path).status_code == 403


def test_the_previews_of_a_task_and_its_choice_of_a_main_one(
    admin: Client, artist: Client, task: dict[str, Any], show: dict[str, Any]
) -> None:
    one, two = (published(artist, admin, task["id"]) for _ in range(2))
    admin.ok_put(f"/data/preview-files/{one['id']}", {"validation_status": "rejected"})
    path = f"/data/tasks/{task['id']}/previews"
    assert [row["id"] for row in artist.ok_get(path)] == [two["id"], one["id"]]
    client, vendor = factories.hire(admin, "client"), factories.hire(admin, "vendor")
    for who in (client, vendor):
        factories.join(admin, show["id"], who)
    assert [row["id"] for row in client.ok_get(path)] == [two["id"]]
    assert vendor.get(path).status_code == 403
    assert artist.ok_put(f"/actions/tasks/{task['id']}/set-main-preview", {})["preview_file_id"] == two["id"]
    bare = factories.task(admin, factories.entity(admin, show["id"]))
    assert artist.put(f"/actions/tasks/{bare['id']}/set-main-preview", {}).status_code == 400
    many = "/actions/tasks/set-main-preview"
    assert [item["id"] for item in artist.ok_put(many, {"task_ids": [bare["id"], task["id"]]})] == [task["entity_id"]]
    for who, ids, status in (
        (client, [task["id"]], 403),
        (vendor, [task["id"]], 403),
        (artist, [task["id"], show["id"]], 404),
        (artist, [], 400),
    ):
        assert who.put(many, {"task_ids": ids}).status_code == status
    rows = admin.ok_get(f"/data/projects/{show['id']}/preview-files")
    assert {one["id"], two["id"]} <= {row["id"] for row in rows}
    page = admin.ok_get(f"/data/projects/{show['id']}/preview-files", params={"page": 1, "limit": 1})
    assert (page["total"], len(page["data"]), page["limit"]) == (len(rows), 1, 1)
    assert artist.get(f"/data/projects/{show['id']}/preview-files").status_code == 403
    assert admin.get(f"/data/projects/{task['id']}/preview-files").status_code == 404


def test_a_preview_whose_position_another_server_left_out_is_downloaded(
    server: Server, admin: Client, artist: Client, task: dict[str, Any]
) -> None:
    preview = published(artist, admin, task["id"])
    with psycopg.connect(server.database_url) as connection:
        connection.execute("UPDATE preview_file SET position = NULL WHERE id = %s", (preview["id"],))
    answer = artist.get(f"/pictures/originals/preview-files/{preview['id']}/download")
    assert (answer.status_code, answer.content[:4]) == (200, b"\x89PNG")
    assert "_v1.png" in answer.headers["Content-Disposition"]

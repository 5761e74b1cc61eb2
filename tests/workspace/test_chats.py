"""The chat of an entity: who takes part, what is said, and what ends it."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from tests import factories
from tests.client import Client
from tests.core.listener import Listener
from tests.media.publishing import png, size_of
from tests.server import Server
from tests.timesheets.test_time import person


@pytest.fixture(scope="module")
def artist(admin: Client) -> Client:
    return person(admin, "user")


@pytest.fixture(scope="module")
def show(admin: Client, artist: Client) -> dict[str, Any]:
    return factories.production(admin, artist)


def test_what_is_said_is_read_by_those_who_reach_the_entity(
    admin: Client, artist: Client, show: dict[str, Any]
) -> None:
    asset = factories.entity(admin, show["id"])
    chat, join = f"/data/entities/{asset['id']}/chat", f"/actions/user/chats/{asset['id']}/join"
    refused = artist.post(f"{chat}/messages", {"message": "Hello"})
    assert (refused.status_code, "join" in refused.json()["message"]) == (400, True)
    made = artist.ok_get(chat)
    assert (made["object_id"], made["participants"], made["messages"]) == (asset["id"], [], [])
    for _ in range(2):
        assert artist.ok_post(join)["id"] == made["id"]
    said = artist.ok_post(f"{chat}/messages", {"message": "Hello"})
    assert said.keys() == {"id", "chat_id", "person_id", "text", "created_at", "updated_at", "type"}
    artist.ok_post(f"{chat}/messages", {"message": ""})
    assert artist.post(f"{chat}/messages", {}).status_code == 400
    whole = admin.ok_get(chat)
    assert (whole["participants"], [row["text"] for row in whole["messages"]]) == ([artist.id], ["Hello", ""])
    assert admin.ok_get(f"{chat}/messages") == whole["messages"]
    assert whole["last_message"] is not None
    (mine,) = artist.ok_get("/data/user/chats")
    assert mine == {
        "id": made["id"],
        "object_id": asset["id"],
        "last_message": whole["last_message"],
        "entity_name": f"Character / {asset['name']}",
        "project_id": show["id"],
        "preview_file_id": None,
    }
    vendor, outsider = factories.hire(admin, "vendor"), factories.hire(admin, "user")
    factories.join(admin, show["id"], vendor)
    for who in (vendor, outsider):
        assert who.get(chat).status_code == who.get(f"{chat}/messages").status_code == 403
    artist.ok_delete(join)
    assert artist.ok_get("/data/user/chats") == []
    assert artist.get("/data/entities/nobody/chat").status_code == 404


def test_malformed_and_unknown_chat_message_ids_are_404(admin: Client, artist: Client, show: dict[str, Any]) -> None:
    here, there = (factories.entity(admin, show["id"])["id"] for _ in range(2))
    for entity_id in (here, there):
        artist.ok_post(f"/actions/user/chats/{entity_id}/join")
    said = artist.ok_post(f"/data/entities/{here}/chat/messages", {"message": "Mine"})
    path = f"/data/entities/{here}/chat/messages"
    assert artist.ok_get(f"{path}/{said['id']}")["attachment_files"] == []
    for unknown in ("x", here):
        assert artist.get(f"{path}/{unknown}").status_code == artist.delete(f"{path}/{unknown}").status_code == 404
    assert artist.get(f"/data/entities/{there}/chat/messages/{said['id']}").status_code == 403
    manager = factories.hire(admin, "manager")
    factories.join(admin, show["id"], manager)
    assert manager.delete(f"{path}/{said['id']}").status_code == 403
    admin.ok_delete(f"{path}/{said['id']}")
    assert artist.ok_get(path) == []


def test_jpeg_pictures_get_a_thumbnail_and_an_unreadable_picture_writes_nothing(
    admin: Client, artist: Client, show: dict[str, Any]
) -> None:
    asset = factories.entity(admin, show["id"])
    path = f"/data/entities/{asset['id']}/chat/messages"
    artist.ok_post(f"/actions/user/chats/{asset['id']}/join")
    # The type is what the sender says it is; the picture is read whatever it is.
    files = {"file-0": ("a.jpg", png(300, 200), "image/jpeg"), "file-1": ("notes.txt", b"Hi", "text/plain")}
    said = artist.ok_post(path, data={"message": "See"}, files=files)
    picture, notes = said["attachment_files"]
    assert (picture["name"], picture["extension"], notes["size"]) == ("a.jpg", "jpg", 2)
    assert {row["name"] for row in artist.ok_get(path)[0]["attachment_files"]} == {"a.jpg", "notes.txt"}
    thumbnail = f"/pictures/thumbnails/attachment-files/{picture['id']}.png"
    assert size_of(artist.get(thumbnail).content) == (150, 150)
    assert artist.get(f"/pictures/thumbnails/attachment-files/{notes['id']}.png").status_code == 404
    assert artist.get(f"/data/attachment-files/{notes['id']}/file/notes.txt").content == b"Hi"
    for stranger in (factories.hire(admin, "user"), factories.hire(admin, "vendor")):
        assert stranger.get(thumbnail).status_code == 403
    broken = artist.post(path, data={"message": "Broken"}, files={"file-0": ("b.jpg", b"no picture", "image/jpeg")})
    assert (broken.status_code, "picture" in broken.json()["message"]) == (400, True)
    assert [row["text"] for row in artist.ok_get(path)] == ["See"]
    artist.ok_delete(f"{path}/{said['id']}")
    assert artist.get(thumbnail).status_code in (403, 404)


def test_concurrent_joins_of_a_chat_make_one_chat_and_fail_nobody(
    admin: Client, artist: Client, show: dict[str, Any]
) -> None:
    mate = person(admin, "user")
    factories.join(admin, show["id"], mate)
    asset = factories.entity(admin, show["id"])
    callers = [Client(admin.api, who.token, who.person) for who in (artist, mate) for _ in range(4)]
    with ThreadPoolExecutor(len(callers)) as pool:
        answers = list(pool.map(lambda who: who.post(f"/actions/user/chats/{asset['id']}/join"), callers))
    assert [row.status_code for row in answers] == [200] * len(callers)
    assert len({row.json()["id"] for row in answers}) == 1
    assert sorted(admin.ok_get(f"/data/entities/{asset['id']}/chat")["participants"]) == sorted([artist.id, mate.id])
    assert len(admin.ok_get("/data/chats", params={"object_id": asset["id"]})) == 1


def test_chat_events_reach_the_production_only(
    server: Server, admin: Client, artist: Client, show: dict[str, Any]
) -> None:
    outsider = person(admin, "manager")
    asset = factories.entity(admin, show["id"])
    names = ("chat:joined", "chat:left", "chat:new-message", "chat:deleted-message", "department:new")
    with (
        Listener(server.url, artist.token, *names) as inside,
        Listener(server.url, outsider.token, *names) as outside,
    ):
        artist.ok_post(f"/actions/user/chats/{asset['id']}/join")
        path = f"/data/entities/{asset['id']}/chat/messages"
        said = artist.ok_post(path, {"message": "Hello"})
        artist.ok_delete(f"{path}/{said['id']}")
        artist.ok_delete(f"/actions/user/chats/{asset['id']}/join")
        last = admin.ok_post("/data/departments", {"name": factories.unique("Wood"), "color": "#000000"})["id"]
        heard = [name for name, _ in inside.wait_for("department_id", last)]
        assert heard == ["chat:joined", "chat:new-message", "chat:deleted-message", "chat:left", "department:new"]
        assert [name for name, _ in outside.wait_for("department_id", last)] == ["department:new"]


def test_who_leaves_a_team_loses_its_chats_and_subscriptions(server: Server, admin: Client) -> None:
    artist = person(admin, "user")
    show, other = factories.production(admin, artist), factories.production(admin, artist)
    sequence, elsewhere = factories.entity(admin, show["id"], "Sequence"), factories.entity(admin, other["id"])
    shot = factories.entity(admin, show["id"], "Shot", parent_id=sequence["id"])
    task, kept = factories.task(admin, shot, "Layout"), factories.task(admin, elsewhere)
    for subscribed in (task, kept):
        artist.ok_post(f"/actions/user/tasks/{subscribed['id']}/subscribe")
    watched = f"/user/sequences/{sequence['id']}/task-types/{task['task_type_id']}"
    artist.ok_post(f"/actions{watched}/subscribe")
    for entity in (shot, elsewhere):
        artist.ok_post(f"/actions/user/chats/{entity['id']}/join")
    assert [row["task_id"] for row in admin.ok_get(f"/data/projects/{show['id']}/subscriptions")] == [task["id"]]
    admin.ok_delete(f"/data/projects/{show['id']}/team/{artist.id}")
    assert admin.ok_get(f"/data/projects/{show['id']}/subscriptions") == []
    assert artist.ok_get(f"/data/user/tasks/{task['id']}/subscribed") is False
    assert artist.ok_get(f"/data{watched}/subscribed") is False
    assert artist.ok_get(f"/data/user/tasks/{kept['id']}/subscribed") is True
    assert [row["object_id"] for row in artist.ok_get("/data/user/chats")] == [elsewhere["id"]]
    assert artist.get(f"/data/entities/{shot['id']}/chat").status_code == 403
    # A participant whom an older server left behind is not shown the chat either.
    with psycopg.connect(server.database_url) as connection:
        chat = "SELECT id FROM chat WHERE object_id = %s"
        connection.execute(f"INSERT INTO chat_participant SELECT ({chat}), %s", (shot["id"], artist.id))
    assert [row["object_id"] for row in artist.ok_get("/data/user/chats")] == [elsewhere["id"]]


def test_the_chat_of_an_entity_goes_with_it(admin: Client, artist: Client, show: dict[str, Any]) -> None:
    asset = factories.entity(admin, show["id"])
    artist.ok_post(f"/actions/user/chats/{asset['id']}/join")
    files = {"file-0": ("a.png", png(), "image/png")}
    said = artist.ok_post(f"/data/entities/{asset['id']}/chat/messages", data={"message": "See"}, files=files)
    admin.ok_delete(f"/data/assets/{asset['id']}?force=true")
    assert admin.ok_get("/data/chats", params={"object_id": asset["id"]}) == []
    assert admin.get(f"/data/attachment-files/{said['attachment_files'][0]['id']}").status_code == 404

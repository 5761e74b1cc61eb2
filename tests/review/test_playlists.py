"""Playlists: entries, lists, rights."""

from typing import Any

import psycopg
import pytest

from tests import factories
from tests.client import Client, unique
from tests.media.publishing import published
from tests.server import Server

_HANGING_ON_IT = """
INSERT INTO build_job (id, status, job_type, playlist_id) VALUES (gen_random_uuid(), 'failed', 'movie', %(playlist)s);
INSERT INTO playlist_share_link (id, token, playlist_id, created_by, is_active, can_comment)
VALUES (gen_random_uuid(), gen_random_uuid(), %(playlist)s, %(person)s, true, true);
INSERT INTO notification (id, read, change, type, person_id, author_id, playlist_id)
VALUES (gen_random_uuid(), false, false, 'playlist-ready', %(person)s, %(person)s, %(playlist)s)
"""


@pytest.fixture(scope="module")
def people(admin: Client) -> dict[str, Client]:
    return {role: factories.hire(admin, role) for role in ("manager", "supervisor", "user", "client", "vendor")}


@pytest.fixture(scope="module")
def show(admin: Client, people: dict[str, Client]) -> dict[str, Any]:
    return factories.production(admin, *people.values())


@pytest.fixture(scope="module")
def task(admin: Client, show: dict[str, Any]) -> dict[str, Any]:
    return factories.task(admin, factories.entity(admin, show["id"]))


def new_playlist(who: Client, show: dict[str, Any], **more: Any) -> dict[str, Any]:
    return dict(who.ok_post("/data/playlists", {"name": unique("Dailies"), "project_id": show["id"], **more}))


def test_entities_are_added_once_in_their_latest_preview(
    admin: Client, show: dict[str, Any], task: dict[str, Any]
) -> None:
    of = task["entity_id"]
    one, two = (published(admin, admin, task["id"]) for _ in range(2))
    made = new_playlist(admin, show)
    add = f"/actions/playlists/{made['id']}/add-entity"
    assert admin.ok_post(add, {"entity_id": of})["shots"] == [{"entity_id": of, "preview_file_id": two["id"]}]
    assert len(admin.ok_post(add, {"entity_id": of, "preview_file_id": ""})["shots"]) == 1
    rows = admin.ok_post(add, {"entity_id": of, "preview_file_id": one["id"].upper()})["shots"]
    assert rows[1] == {"entity_id": of, "preview_file_id": one["id"]}
    bare = factories.entity(admin, show["id"])["id"]
    many = admin.ok_post(
        f"/actions/playlists/{made['id']}/add-entities",
        {"entities": [{"entity_id": bare, "preview_file_id": one["id"]}, {"entity_id": of}]},
    )
    assert many["shots"][2:] == [{"entity_id": bare}]
    listed = admin.ok_get(f"/data/projects/{show['id']}/playlists")
    mine = next(row for row in listed if row["id"] == made["id"])
    assert (mine["first_preview_file_id"], "shots" in mine) == (two["id"], False)
    assert admin.post(add, {}).json()["data"]["errors"][0]["field"] == "entity_id"
    assert admin.post(f"/actions/playlists/{made['id']}/add-entities", {"entities": []}).status_code == 400
    assert admin.post(f"/actions/playlists/{show['id']}/add-entity", {"entity_id": of}).status_code == 404


def test_previews_of_other_entities_are_unpinned(admin: Client, show: dict[str, Any], task: dict[str, Any]) -> None:
    one = published(admin, admin, task["id"])
    other = factories.entity(admin, show["id"])["id"]
    shots = [
        {"entity_id": other, "preview_file_id": one["id"]},
        {"entity_id": task["entity_id"], "preview_file_id": one["id"], "note": "kept"},
    ]
    made = new_playlist(admin, show, shots=shots, episode_id="main", task_type_id="none")
    assert [entry["preview_file_id"] for entry in made["shots"]] == [None, one["id"]]
    assert (made["shots"][1]["note"], made["episode_id"], made["task_type_id"]) == ("kept", None, None)
    changed = admin.ok_put(f"/data/playlists/{made['id']}", {"shots": [{"id": other}, {"preview_file_id": one["id"]}]})
    assert changed["shots"] == [{"entity_id": other, "preview_file_id": None}]
    malformed: list[Any] = ["none", [other], [{"entity_id": {"a": 1}}], [{"id": 5}]]
    for value in malformed:
        assert admin.put(f"/data/playlists/{made['id']}", {"shots": value}).status_code == 400
    assert (
        admin.post("/data/playlists", {"name": "x", "project_id": show["id"], "for_entity": "cow"}).status_code == 400
    )


def test_lists_of_a_production_and_its_packs(admin: Client) -> None:
    show = factories.production(admin)
    plain, everything = new_playlist(admin, show), new_playlist(admin, show, is_for_all=True, for_entity="asset")

    def ids(path: str, **query: Any) -> list[str]:
        return [row["id"] for row in admin.ok_get(f"/data/projects/{show['id']}{path}", params=query)]

    assert ids("/playlists") == [everything["id"], plain["id"]]
    assert ids("/playlists", page=2) == []
    assert admin.get(f"/data/projects/{show['id']}/playlists", params={"page": "two"}).status_code == 400
    assert ids("/episodes/main/playlists") == [plain["id"]]
    assert ids("/episodes/all/playlists") == [everything["id"]]
    assert ids("/episodes/all/playlists", for_entity="shot") == []
    assert admin.get(f"/data/projects/{show['id']}/episodes/{show['id']}/playlists").status_code == 404


def test_who_reads_and_changes_a_playlist(admin: Client, show: dict[str, Any], people: dict[str, Client]) -> None:
    private, shown = new_playlist(admin, show), new_playlist(people["supervisor"], show, for_client=True)
    for role, status in {"manager": 200, "user": 200, "client": 403, "vendor": 403}.items():
        assert people[role].get(f"/data/playlists/{private['id']}").status_code == status, role
    assert people["client"].ok_get(f"/data/playlists/{shown['id']}")["build_jobs"] == []
    assert people["vendor"].get("/data/playlists").status_code == 403
    assert [row["id"] for row in people["client"].ok_get("/data/playlists")] == [shown["id"]]
    assert {private["id"], shown["id"]} <= {row["id"] for row in people["user"].ok_get("/data/playlists")}
    listed = people["client"].ok_get(f"/data/projects/{show['id']}/playlists")
    assert [row["id"] for row in listed] == [shown["id"]]
    assert people["user"].post("/data/playlists", {"name": "x", "project_id": show["id"]}).status_code == 403
    assert people["supervisor"].put(f"/data/playlists/{private['id']}", {"name": "x"}).status_code == 403
    assert people["supervisor"].delete(f"/data/playlists/{private['id']}").status_code == 403
    assert (
        people["user"].post(f"/actions/playlists/{shown['id']}/add-entity", {"entity_id": show["id"]}).status_code
        == 403
    )
    people["supervisor"].ok_put(f"/data/playlists/{shown['id']}", {"name": unique("Mine")})
    people["manager"].ok_delete(f"/data/playlists/{shown['id']}")
    assert admin.get(f"/data/playlists/{shown['id']}").status_code == 404


def test_the_event_log_is_for_administrators(admin: Client, people: dict[str, Client], show: dict[str, Any]) -> None:
    assert people["manager"].get("/data/events").status_code == 403
    made = new_playlist(admin, show)
    rows = admin.ok_get("/data/events", params={"name": "playlist:new", "project_id": show["id"]})
    mine = next(row for row in rows if row["data"]["playlist_id"] == made["id"])
    assert (mine["type"], mine["project_id"]) == ("ApiEvent", show["id"])
    assert len(admin.ok_get("/data/events")) <= 1000


def test_a_playlist_is_read_with_the_previews_of_its_entities(
    admin: Client, people: dict[str, Client], show: dict[str, Any]
) -> None:
    asset = factories.entity(admin, show["id"])
    modeling, rigging = (factories.task(admin, asset, kind) for kind in ("Modeling", "Rigging"))
    main = published(admin, admin, modeling["id"])
    side = admin.ok_post(f"/actions/tasks/{modeling['id']}/comments/{main['comment_id']}/preview-files/{main['id']}")
    rig = published(admin, admin, rigging["id"])
    bare = factories.entity(admin, show["id"])["id"]
    shots = [{"entity_id": asset["id"], "preview_file_id": main["id"]}, {"entity_id": bare}]
    made = new_playlist(admin, show, shots=shots)
    path = f"/data/projects/{show['id']}/playlists/{made['id']}"
    read = admin.ok_get(path)
    first, second = read["shots"]
    assert second == {"entity_id": bare, "id": bare, "preview_files": []}
    assert (first["id"], first["preview_file_status"], first["preview_file_duration"]) == (asset["id"], "ready", 0.0)
    assert [each["id"] for each in first["preview_file_previews"]] == [side["id"]]
    assert list(first["preview_files"]) == [rigging["task_type_id"], modeling["task_type_id"]]
    [shown] = first["preview_files"][modeling["task_type_id"]]
    assert (shown["id"], [each["id"] for each in shown["previews"]]) == (main["id"], [side["id"]])
    assert "previews" not in shown["previews"][0]
    assert (read["build_jobs"], read["type"]) == ([], "Playlist")
    of_entity = admin.ok_get(f"/data/playlists/entities/{asset['id']}/preview-files")
    assert of_entity[rigging["task_type_id"]][0]["id"] == rig["id"]
    assert of_entity[modeling["task_type_id"]][0]["previews"][0]["position"] == 2
    assert admin.ok_get(f"/data/playlists/entities/{bare}/preview-files") == {}
    for role, status in {"user": 200, "client": 403, "vendor": 403}.items():
        assert people[role].get(path).status_code == status, role
    assert people["vendor"].get(f"/data/playlists/entities/{asset['id']}/preview-files").status_code == 403
    assert people["manager"].get(f"/data/projects/{show['id']}/playlists/all").status_code == 403
    page = admin.ok_get(f"/data/projects/{show['id']}/playlists/all", params={"page": 1})
    assert page["total"] == len(page["data"]) == len(admin.ok_get(f"/data/projects/{show['id']}/playlists/all"))
    assert admin.ok_get(f"/data/projects/{show['id']}/build-jobs") == []


def test_entries_that_old_servers_stored_are_read(admin: Client, show: dict[str, Any], server: Server) -> None:
    made = new_playlist(admin, show)
    of = factories.entity(admin, show["id"])["id"]
    shots = f'[{{"shot_id": "{of}", "note": {{"a": 1}}}}, {{"id": "nonsense"}}, "junk", {{"preview_file_id": "x"}}]'
    with psycopg.connect(server.database_url) as connection:
        connection.execute("UPDATE playlist SET shots = %s WHERE id = %s", [shots, made["id"]])
    entries = admin.ok_get(f"/data/projects/{show['id']}/playlists/{made['id']}")["shots"]
    assert [entry["id"] for entry in entries] == [of, "nonsense", None]
    assert entries[0]["note"] == {"a": 1}
    admin.ok_post(f"/actions/playlists/{made['id']}/add-entity", {"entity_id": of})


def test_what_is_added_is_known_and_can_be_looked_at(admin: Client, show: dict[str, Any], server: Server) -> None:
    task = factories.task(admin, factories.entity(admin, show["id"]))
    of = task["entity_id"]
    good, broken = (published(admin, admin, task["id"]) for _ in range(2))
    side = admin.ok_post(f"/actions/tasks/{task['id']}/comments/{good['comment_id']}/add-preview")
    assert (side["revision"], side["position"]) == (good["revision"], 2)
    with psycopg.connect(server.database_url) as connection:
        connection.execute("UPDATE preview_file SET status = 'broken' WHERE id = %s", [broken["id"]])
    made = new_playlist(admin, show)
    add = f"/actions/playlists/{made['id']}/add-entities"
    assert admin.ok_post(add, {"entities": [{"entity_id": of}]})["shots"][0]["preview_file_id"] == good["id"]
    unknown = "11111111-2222-4333-8444-555555555555"
    answer = admin.post(add, {"entities": [{"entity_id": of, "preview_file_id": broken["id"]}, {"entity_id": unknown}]})
    assert (answer.status_code, unknown in answer.json()["message"]) == (400, True)
    assert len(admin.ok_get(f"/data/playlists/{made['id']}")["shots"]) == 1


def test_an_episode_goes_with_its_playlists_and_what_hangs_on_them(admin: Client, server: Server) -> None:
    show = factories.production(admin, production_type="tvshow")
    episode = admin.ok_post(f"/data/projects/{show['id']}/episodes", {"name": "E01"})
    made = new_playlist(admin, show, episode_id=episode["id"])
    entity_id = factories.entity(admin, show["id"])["id"]
    admin.ok_post(f"/actions/playlists/{made['id']}/add-entity", {"entity_id": entity_id})
    with psycopg.connect(server.database_url) as connection:
        row = {"playlist": made["id"], "person": admin.id}
        for statement in _HANGING_ON_IT.split(";"):
            connection.execute(statement, row)
    admin.ok_delete(f"/data/episodes/{episode['id']}", params={"force": "true"})
    assert admin.get(f"/data/playlists/{made['id']}").status_code == 404

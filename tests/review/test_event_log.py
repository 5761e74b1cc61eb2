"""The event log: who reads what of it, and how it is narrowed."""

from typing import Any

import psycopg
import pytest

from tests import factories
from tests.client import Client
from tests.media.publishing import published
from tests.server import Server


@pytest.fixture(scope="module")
def boss(admin: Client) -> Client:
    return factories.hire(admin, "manager")


@pytest.fixture(scope="module")
def show(admin: Client, boss: Client) -> dict[str, Any]:
    made = factories.production(admin, boss)
    task = factories.task(admin, factories.entity(admin, made["id"]))
    published(admin, admin, task["id"])
    return made


def names(who: Client, show: dict[str, Any], **query: Any) -> list[str]:
    return [row["name"] for row in who.ok_get("/data/events/last", params={"project_id": show["id"], **query})]


def test_the_log_is_narrowed_and_paged(admin: Client, show: dict[str, Any]) -> None:
    everything = names(admin, show)
    assert everything[:2] == ["preview-file:add-file", "comment:update"]
    assert names(admin, show, only_files="true") == ["preview-file:add-file"]
    assert set(names(admin, show, name_prefixes="preview-file")) <= {each for each in everything if "preview" in each}
    assert set(names(admin, show, name_suffixes=["new", "add-file"])) >= {"task:new", "preview-file:add-file"}
    assert set(names(admin, show, name="task:new")) == {"task:new"}
    assert names(admin, show, limit=0) == []
    assert names(admin, show, after="2100-01-01") == []
    first = admin.ok_get("/data/events/last", params={"project_id": show["id"], "limit": 1})[0]
    assert set(first) == {"id", "created_at", "name", "user_id", "project_id", "data"}
    assert names(admin, show, cursor_event_id=first["id"]) == everything[1:]
    assert names(admin, show, person_ids=show["id"]) == []
    for wrong in (
        {"after": ""},
        {"before": "yesterday"},
        {"limit": -1},
        {"limit": "x"},
        {"name_prefixes": "add%"},
        {"person_ids": "x"},
        {"cursor_event_id": show["id"]},
        {"project_id": "x"},
    ):
        answer = admin.get("/data/events/last", params=wrong)
        assert answer.status_code == 400, wrong


def test_a_cursor_skips_nothing_of_the_same_moment(server: Server, admin: Client, show: dict[str, Any]) -> None:
    with psycopg.connect(server.database_url) as connection:
        connection.execute(
            "UPDATE api_event SET created_at = '2024-01-01' WHERE project_id = %s AND name LIKE 'comment:%%'",
            [show["id"]],
        )
        connection.execute(
            "UPDATE api_event SET created_at = '2023-01-01' WHERE project_id = %s AND name NOT LIKE 'comment:%%'",
            [show["id"]],
        )
    everything = admin.ok_get("/data/events/last", params={"project_id": show["id"]})
    read: list[dict[str, Any]] = []
    while page := admin.ok_get(
        "/data/events/last",
        params={"project_id": show["id"], "limit": 1, **({"cursor_event_id": read[-1]["id"]} if read else {})},
    ):
        read += page
    assert len(read) > 4
    assert read == everything


def test_names_with_an_underscore_can_be_asked_for(admin: Client, show: dict[str, Any]) -> None:
    playlist = admin.ok_post("/data/playlists", {"name": "Look", "project_id": show["id"]})
    asset = factories.entity(admin, show["id"])
    admin.ok_post(f"/actions/playlists/{playlist['id']}/add-entity", {"entity_id": asset["id"]})
    assert names(admin, show, name_suffixes="add_entity") == ["playlist:add_entity"]
    assert names(admin, show, name_suffixes="add-entity") == []
    assert names(admin, show, name_prefixes="p_aylist") == []


def test_managers_read_the_events_of_their_productions(admin: Client, boss: Client, show: dict[str, Any]) -> None:
    other, artist = factories.production(admin), factories.hire(admin)
    factories.join(admin, show["id"], artist, "manager")
    assert {row["project_id"] for row in boss.ok_get("/data/events/last")} == {show["id"]}
    assert names(boss, show)
    assert boss.get("/data/events/last", params={"project_id": other["id"]}).status_code == 403
    assert artist.get("/data/events/last").status_code == 403
    assert names(artist, show)
    assert factories.hire(admin).get("/data/events/last", params={"project_id": show["id"]}).status_code == 403


def test_names_and_sign_ins(admin: Client, boss: Client) -> None:
    known = boss.ok_get("/data/events/names")
    assert known == sorted(known)
    assert "person:new" in known
    assert factories.hire(admin).get("/data/events/names").status_code == 403
    assert boss.get("/data/events/login-logs/last").status_code == 403
    rows = admin.ok_get("/data/events/login-logs/last", params={"limit": 1})
    assert set(rows[0]) == {"id", "created_at", "ip_address", "person_id", "origin"}
    assert admin.ok_get("/data/events/login-logs/last", params={"limit": 0}) == []

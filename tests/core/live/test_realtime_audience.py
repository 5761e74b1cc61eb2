"""Live events in company: people of different roles listen while several write.

Everybody hears what happens in the productions they may see, once and in order; who was away reads on from a cursor.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from tests import factories
from tests.client import Client, unique
from tests.core.listener import Feed, Follower, Listener, slow_commit
from tests.server import Server


@dataclass
class Studio:
    """Two productions, and who is in their teams."""

    first: dict[str, Any]
    second: dict[str, Any]
    people: dict[str, Client]
    asset_type: str

    def sees(self, who: str, project_id: str | None) -> bool:
        """Whether somebody may see the events of a production."""
        teams = {"manager of the first": [self.first], "artist of the second": [self.second]}
        return project_id is None or who == "admin" or project_id in [show["id"] for show in teams.get(who, [])]


@pytest.fixture(scope="module")
def studio(admin: Client) -> Studio:
    manager, artist = factories.hire(admin, "manager"), factories.hire(admin)
    people = {
        "admin": admin,
        "manager of the first": manager,
        "artist of the second": artist,
        "client of none": factories.hire(admin, "client"),
    }
    first = factories.production(admin, manager)
    second = factories.production(admin, artist, is_bot_collaboration_enabled=True)
    return Studio(first, second, people, factories.named(admin, "entity-types", "Character")["id"])


def department(admin: Client) -> str:
    """An event that everybody hears."""
    return str(admin.ok_post("/data/departments", {"name": unique("Wood"), "color": "#000000"})["id"])


def write(admin: Client, studio: Studio, project_id: str) -> None:
    """One of several who write at once, each on a connection of their own."""
    writer = Client(admin.api, admin.token)
    for _ in range(3):
        row = {"name": unique("Oak"), "project_id": project_id, "entity_type_id": studio.asset_type}
        asset_id = writer.ok_post("/data/entities", row)["id"]
        writer.ok_put(f"/data/entities/{asset_id}", {"description": "Leaves"})
        writer.ok_delete(f"/data/entities/{asset_id}")


def in_order(heard: list[tuple[str, dict[str, Any]]]) -> bool:
    """Whether each asset was made, changed and removed, in this order."""
    actions: dict[str, list[str]] = {}
    for name, payload in heard:
        if "asset_id" in payload:
            actions.setdefault(payload["asset_id"], []).append(name)
    return all(names == ["asset:new", "asset:update", "asset:delete"] for names in actions.values())


def test_everybody_hears_their_productions_once_and_in_order(server: Server, admin: Client, studio: Studio) -> None:
    feeds = {who: Feed(client) for who, client in studio.people.items()}
    with ExitStack() as stack:
        listeners = {
            (who, transport): stack.enter_context(Listener(server.url, client.token, transport=transport))
            for who, client in studio.people.items()
            for transport in ("polling", "websocket")
        }
        projects = [studio.first["id"], studio.second["id"]] * 2
        with ThreadPoolExecutor(len(projects)) as writers:
            writing = [writers.submit(write, admin, studio, project_id) for project_id in projects]
            # Somebody comes in the middle, and stays.
            late = [stack.enter_context(Listener(server.url, admin.token, transport="websocket")) for _ in range(3)]
        assert [future.result() for future in writing] == [None] * len(projects)
        last = department(admin)
        heard = {key: listener.wait_for("department_id", last) for key, listener in listeners.items()}
        for listener in late:
            listener.wait_for("department_id", last)
    logged = {who: feed.read() for who, feed in feeds.items()}
    everything = [event["id"] for event in logged["admin"]]
    assert len([event for event in logged["admin"] if event["name"].startswith("asset:")]) == 3 * 3 * len(projects)
    assert in_order([(event["name"], event["data"]) for event in logged["admin"]])
    for (who, transport), events in heard.items():
        delivered = [payload["event_id"] for _, payload in events]
        visible = [event["id"] for event in logged["admin"] if studio.sees(who, event["project_id"])]
        assert sorted(delivered) == sorted(visible), (who, transport)
        assert in_order(events), (who, transport)
        # The log tells everybody what their socket did.
        assert [event["id"] for event in logged[who]] == visible, who
    assert len(heard["client of none", "polling"]) < len(heard["manager of the first", "polling"]) < len(everything)


def test_an_event_for_a_person_is_theirs_alone(server: Server, admin: Client, studio: Studio) -> None:
    artist = studio.people["artist of the second"]
    task = factories.task(admin, factories.entity(admin, studio.second["id"]))
    feeds = {"artist": Feed(artist), "admin": Feed(admin)}
    with Listener(server.url, artist.token) as theirs, Listener(server.url, admin.token) as others:
        admin.ok_put(f"/actions/tasks/{task['id']}/assign", {"person_id": artist.id})
        last = department(admin)
        heard = {name for name, _ in theirs.wait_for("department_id", last)}
        assert "notification:new" in heard
        assert {name for name, _ in others.wait_for("department_id", last)} == heard - {"notification:new"}
    assert {event["name"] for event in feeds["artist"].read()} == heard
    assert {event["name"] for event in feeds["admin"].read()} == heard - {"notification:new"}


def test_what_goes_with_a_deleted_production_is_not_told_to_others(
    server: Server, admin: Client, studio: Studio
) -> None:
    show = factories.production(admin)
    task = factories.task(admin, factories.entity(admin, show["id"]))
    closed = factories.named(admin, "project-status", "Closed")
    admin.ok_put(f"/data/projects/{show['id']}", {"project_status_id": closed["id"]})
    feeds = {who: Feed(studio.people[who]) for who in ("admin", "client of none")}
    admin.ok_delete(f"/data/projects/{show['id']}", params={"force": "true"})
    heard = {who: [(event["name"], event["data"]) for event in feed.read()] for who, feed in feeds.items()}
    assert task["id"] in [data.get("task_id") for name, data in heard["admin"] if name == "task:delete"]
    assert ("project:delete", {"project_id": show["id"]}) in heard["client of none"]
    assert "task:delete" not in [name for name, _ in heard["client of none"]]


@pytest.fixture
def follower(server: Server, studio: Studio) -> Iterator[Follower]:
    connected = Follower(studio.people["manager of the first"], server.url)
    yield connected
    connected.drop()


def test_who_was_away_catches_up_even_when_a_commit_comes_late(
    server: Server, admin: Client, studio: Studio, follower: Follower
) -> None:
    everything = Feed(studio.people["manager of the first"])

    def shot() -> str:
        """The id of the event of a new shot."""
        shot_id = factories.entity(admin, studio.first["id"], "Shot")["id"]
        newest = admin.ok_get("/data/events/last", params={"project_id": studio.first["id"], "name": "shot:new"})
        return str(next(event["id"] for event in newest if event["data"]["shot_id"] == shot_id))

    with slow_commit(server, studio.first["id"]) as before_the_loss:
        shot()
        follower.follow_until(shot())
        assert before_the_loss not in [event["id"] for event in follower.seen]
        with slow_commit(server, studio.first["id"]) as before_the_return:
            shot()
            follower.drop()
            factories.entity(admin, studio.second["id"])
            shot()
        with slow_commit(server, studio.first["id"]) as after_the_return:
            follower.connect()
            follower.follow_until(shot())
            assert before_the_return in [event["id"] for event in follower.seen]
    follower.follow_until(after_the_return)
    follower.follow_until(before_the_loss)
    follower.follow_until(shot())
    seen = [event["id"] for event in follower.seen]
    assert len(seen) == len(set(seen))
    assert sorted(seen) == sorted(event["id"] for event in everything.read())


def test_a_server_that_lost_its_database_connection_delivers_what_it_missed(
    server: Server, admin: Client, studio: Studio
) -> None:
    feed = Feed(admin)
    with (
        Listener(server.url, admin.token) as listener,
        psycopg.connect(server.database_url, autocommit=True) as database,
    ):
        department(admin)
        with slow_commit(server, studio.first["id"]):
            department(admin)
            database.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pegbar events'"
            )
        last = department(admin)
        delivered = [payload["event_id"] for _, payload in listener.wait_for("department_id", last)]
    assert sorted(delivered) == sorted(event["id"] for event in feed.read())

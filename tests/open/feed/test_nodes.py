"""Two nodes on one database: clients of the feed go from one to the other, and lose nothing when one stops."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests import factories
from tests.client import Client, sign_in, unique
from tests.open.feed.listening import Stream, here, pages
from tests.server import Server


@pytest.fixture(scope="module")
def second(server: Server) -> Iterator[Server]:
    """Another node, where little is allowed at once and nothing is waited for long."""
    key = (server.folder / "secret.key").read_text()
    shared = {"DATABASE_URL": server.database_url, "SECRET_KEY": key, "PREVIEW_FOLDER": str(server.folder / "previews")}
    with Server(None, **shared, PEGBAR_FEED_KEEP_ALIVE="0.5", PEGBAR_FEED_STREAMS_PER_PERSON="2") as running:
        yield running


@pytest.fixture(scope="module")
def show(admin: Client) -> dict[str, Any]:
    return factories.production(admin)


def there(who: Client, node: Server) -> Client:
    return Client(node.api, who.token, who.person)


def test_a_stream_goes_on_at_another_node_and_after_a_restart(
    server: Server, second: Server, admin: Client, show: dict[str, Any]
) -> None:
    start = here(admin)
    elsewhere = there(admin, second)
    only = {"project_id": show["id"], "name": "asset:new"}
    made: list[str] = []
    seen: list[str] = []

    def make(who: Client) -> str:
        made.append(factories.entity(who, show["id"])["id"])
        return made[-1]

    def follow(stream: Stream, to: str) -> None:
        seen.extend(frame.event["data"]["asset_id"] for frame in stream.until("asset_id", to))

    with Stream(elsewhere, **only) as stream:
        stream.begun()
        follow(stream, make(admin))
    make(admin)
    with Stream(admin, stream.cursor, **only) as back:
        follow(back, make(elsewhere))
    with Stream(elsewhere, back.cursor, **only) as stopped:
        stopped.begun()
        follow(stopped, make(admin))
        second.stop()
        assert stopped.rest() == []
        # The client was told, and the answer ended as a whole one.
        assert stopped.said[-1] == "The server is stopping."
    make(admin)
    second.start()
    with Stream(elsewhere, stopped.cursor, **only) as stream:
        follow(stream, made[-1])
    assert seen == made
    assert [event["data"]["asset_id"] for event in pages(elsewhere, start, **only)] == made


def test_streams_are_counted_and_places_given_back(second: Server, admin: Client) -> None:
    who = there(factories.hire(admin, "user"), second)
    asked = {"Accept": "text/event-stream"}
    with Stream(who) as first, Stream(who) as other:
        refused = who.get("/open/v1/events", headers=asked)
        assert refused.status_code == 429
        assert refused.headers["Retry-After"]
        who.ok_put("/open/v1/consumers/one", {})
        assert who.post("/open/v1/consumers/one/fetch", {"wait": 9}).status_code == 429
        assert who.post("/open/v1/consumers/one/fetch", {}).status_code == 200
        first.begun()
        other.begun()
    for _ in range(200):
        with who.get("/open/v1/events", headers=asked, stream=True) as again:
            if again.status_code == 200:
                break
    assert again.status_code == 200


def test_a_quiet_stream_lives_moves_on_and_ends_with_its_session(second: Server, admin: Client) -> None:
    row = {"first_name": "Al", "last_name": "Out", "email": f"{unique('quiet').replace(' ', '')}@example.com"}
    admin.ok_post("/data/persons", {**row, "password": "a long password"})
    who = sign_in(second.api, row["email"], "a long password")
    with Stream(who, name="nothing:*") as stream:
        stream.begun()
        last = admin.ok_post("/data/departments", {"name": unique("Unheard"), "color": "#112233"})["id"]
        while last in {event["data"].get("department_id") for event in pages(who, stream.cursor)}:
            frame = stream.next()
            assert frame is not None
            assert not frame.name
        who.get("/auth/logout")
        assert stream.rest() == []
        assert "session is over" in stream.said[-1]

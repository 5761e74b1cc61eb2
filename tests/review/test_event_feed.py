"""Events since a cursor: none missing, none twice, whatever the order of commits."""

from base64 import urlsafe_b64encode
from typing import Any

import msgspec
import pytest

from tests import factories
from tests.client import Client
from tests.core.listener import Feed, slow_commit
from tests.server import Server


@pytest.fixture(scope="module")
def show(admin: Client) -> dict[str, Any]:
    return factories.production(admin)


def of(show: dict[str, Any], events: list[dict[str, Any]]) -> list[str]:
    return [each["id"] for each in events if each["project_id"] == show["id"]]


def made(admin: Client, show: dict[str, Any], count: int) -> list[str]:
    """The ids of the events of new assets, oldest first."""
    entities = {factories.entity(admin, show["id"])["id"] for _ in range(count)}
    newest = admin.ok_get("/data/events/last", params={"project_id": show["id"], "name": "asset:new", "limit": count})
    assert {each["data"]["asset_id"] for each in newest} == entities
    return [each["id"] for each in reversed(newest)]


def test_a_slow_transaction_is_neither_skipped_nor_waited_for(
    server: Server, admin: Client, show: dict[str, Any]
) -> None:
    feed = Feed(admin)
    with slow_commit(server, show["id"]) as slow:
        quick = made(admin, show, 2)
        assert of(show, feed.read()) == quick
        later = made(admin, show, 1)
    assert of(show, feed.read()) == [slow, *later]
    assert of(show, feed.read()) == []


def test_pages_stay_within_what_could_be_seen_at_the_first(server: Server, admin: Client, show: dict[str, Any]) -> None:
    feed = Feed(admin)
    with slow_commit(server, show["id"]) as slow:
        expected = made(admin, show, 3)
        first = admin.ok_get("/data/events/since", params={"cursor": feed.cursor, "limit": 1})
        assert (of(show, first["events"]), first["more"]) == (expected[:1], True)
        expected += made(admin, show, 2)
    feed.cursor = first["cursor"]
    rest = of(show, feed.read(limit=1))
    # The slow one took its position first, and comes with those that its reader could not see at the first page.
    assert rest == [*expected[1:3], slow, *expected[3:]]


def test_an_event_of_the_feed_is_the_one_of_the_log(admin: Client, show: dict[str, Any]) -> None:
    feed = Feed(admin)
    (event_id,) = made(admin, show, 1)
    (event,) = [each for each in feed.read() if each["id"] == event_id]
    assert event == admin.ok_get("/data/events/last", params={"name": "asset:new", "limit": 1})[0]


def written(*cursor: Any) -> str:
    return urlsafe_b64encode(msgspec.json.encode(cursor)).rstrip(b"=").decode()


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"limit": 0}, 400),
        ({"limit": "x"}, 400),
        ({"cursor": ""}, 400),
        ({"cursor": "nonsense"}, 400),
        ({"cursor": written("1:1;", 0)}, 400),
        ({"cursor": written("9:1:", 2**40)}, 400),
        ({"cursor": written("1:1:", -1)}, 400),
        ({"cursor": written("1:1:", 2**80)}, 400),
        ({"cursor": written("1:1:" + "9" * 30, 2**40)}, 400),
        ({"cursor": written("1:1:", 0)}, 410),
        ({"cursor": written("999999999999:999999999999:", 2**40)}, 410),
    ],
)
def test_cursors_that_cannot_be_read_on_from(admin: Client, query: dict[str, Any], status: int) -> None:
    answer = admin.get("/data/events/since", params=query)
    assert (answer.status_code, answer.json().get("error", True)) == (status, True)
    assert answer.json()["message"]

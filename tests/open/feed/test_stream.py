"""The feed as a stream and in pages: none missing, none twice, and only what its hearer may see."""

from typing import Any

import pytest
import requests

from tests import factories
from tests.client import Client, sign_in, unique
from tests.core.listener import slow_commit
from tests.open.feed.listening import Frame, Stream, here, pages
from tests.server import Server


@pytest.fixture(scope="module")
def show(admin: Client) -> dict[str, Any]:
    return factories.production(admin)


def made(admin: Client, show: dict[str, Any], count: int = 1) -> list[str]:
    return [factories.entity(admin, show["id"])["id"] for _ in range(count)]


def assets(frames: list[Frame]) -> list[str]:
    return [frame.event["data"]["asset_id"] for frame in frames if frame.name == "asset:new"]


def test_the_past_is_told_then_the_present(server: Server, admin: Client, show: dict[str, Any]) -> None:
    start = here(admin)
    before = made(admin, show, 3)
    query = {"from": start, "project_id": show["id"]}
    with slow_commit(server, show["id"]) as slow:
        stream, late = Stream(admin, **query), Stream(admin, **query)
        told = stream.until("asset_id", before[-1])
        stream.begun()
        after = made(admin, show, 2)
        told += stream.until("asset_id", after[-1])
        told_late = late.until("asset_id", after[-1])
    stream.close()
    last = made(admin, show)[0]
    told_late += late.until("asset_id", last)
    late.close()
    assert assets(told) == [*before, *after]
    assert assets(told_late) == [*before, *after, last]
    assert [frame.event["id"] for frame in told_late].count(slow) == 1
    # Whatever was told, a page from any of its ids on tells the rest: the same events, each once.
    everything = [event["id"] for event in pages(admin, start, project_id=show["id"], limit=2)]
    assert len(everything) == len(set(everything)) == 7
    ids = [frame.event["id"] for frame in told_late]
    for number, frame in enumerate(told_late, 1):
        rest = [event["id"] for event in pages(admin, frame.id, project_id=show["id"])]
        assert not set(rest) & set(ids[:number])
        assert set(rest) | set(ids[:number]) == set(everything)


def test_a_stream_goes_on_from_the_last_id_it_told(admin: Client, show: dict[str, Any]) -> None:
    with Stream(admin, project_id=show["id"]) as stream:
        stream.begun()
        first = made(admin, show, 2)
        seen = assets(stream.until("asset_id", first[0]))
        last_id = stream.cursor
    missed = made(admin, show, 2)
    with Stream(admin, last_id, project_id=show["id"], **{"from": "now"}) as stream:
        seen += assets(stream.until("asset_id", missed[-1]))
    assert seen == [*first, *missed]


def test_an_event_has_what_the_log_has_and_what_changed(admin: Client, show: dict[str, Any]) -> None:
    start = here(admin)
    asset = factories.entity(admin, show["id"], description="before")
    admin.ok_put(f"/data/entities/{asset['id']}", {"description": "after\nit"})
    admin.ok_delete(f"/data/entities/{asset['id']}", params={"force": "true"})
    new, update, delete = (
        event for event in pages(admin, start, thing="asset", id=asset["id"]) if event["name"].startswith("asset:")
    )
    known = admin.ok_get("/data/events/last", params={"project_id": show["id"], "name": "asset:update", "limit": 1})[0]
    assert known.items() <= update.items()
    assert [(change["table"], change["op"]) for change in new["changes"]] == [("entity", "create")]
    assert update["changes"][0]["old"]["description"] == "before"
    assert update["changes"][0]["new"]["description"] == "after\nit"
    gone = delete["changes"][-1]
    assert (gone["op"], gone["new"], gone["old"]["name"]) == ("delete", None, asset["name"])


def test_a_browser_listens_with_its_cookie(server: Server, admin: Client) -> None:
    row = {"first_name": "Eve", "last_name": "Source", "email": f"{unique('eve').replace(' ', '')}@example.com"}
    admin.ok_post("/data/persons", {**row, "password": "a long password"})
    browser = Client(server.api)
    browser.http.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    browser.http.post(f"{server.api}/auth/login", json={"email": row["email"], "password": "a long password"})
    with Stream(browser) as stream:
        stream.begun()
        made_one = admin.ok_post("/data/departments", {"name": unique("Heard"), "color": "#112233"})["id"]
        assert stream.until("department_id", made_one)
    assert stream.answer.headers["Content-Type"].startswith("text/event-stream")
    assert stream.answer.headers["Cache-Control"] == "no-store"


def test_a_session_that_is_over_hears_nothing_more(server: Server, admin: Client, show: dict[str, Any]) -> None:
    row = {"first_name": "Al", "last_name": "Out", "email": f"{unique('out').replace(' ', '')}@example.com"}
    person = admin.ok_post("/data/persons", {**row, "password": "a long password", "role": "manager"})
    who = sign_in(server.api, row["email"], "a long password")
    factories.join(admin, show["id"], who)
    with Stream(who) as stream:
        heard = made(admin, show)[0]
        stream.begun()
        heard = made(admin, show)[0]
        assert stream.until("asset_id", heard)
        requests.get(f"{server.api}/auth/logout", headers={"Authorization": f"Bearer {who.token}"}, timeout=20)
        unheard = made(admin, show)[0]
        assert unheard not in assets(stream.rest())
    assert who.get("/open/v1/events", headers={"Accept": "text/event-stream"}).status_code == 401
    assert person["id"]


def test_what_is_told_follows_what_the_hearer_may_see(admin: Client) -> None:
    member = factories.hire(admin, "user")
    first, second = factories.production(admin, member), factories.production(admin)
    start = here(admin)
    with Stream(member) as stream, Stream(admin) as witness:
        stream.begun()
        witness.begun()
        hidden = made(admin, second)
        witness.until("asset_id", hidden[0])  # it was told before they are of the team
        factories.join(admin, second["id"], member)
        shown = made(admin, second)
        assert assets(stream.until("asset_id", shown[0])) == shown
        admin.ok_delete(f"/data/projects/{second['id']}/team/{member.id}")
        hidden += made(admin, second)
        last = made(admin, first)
        assert assets(stream.until("asset_id", last[0])) == last
    # In pages too: the past of a team is its members'.
    told = {event["data"].get("asset_id") for event in pages(member, start)}
    assert last[0] in told
    assert not told & {*hidden, *shown}


def test_a_head_ends_and_pages_are_short(admin: Client, show: dict[str, Any]) -> None:
    head = admin.call("HEAD", "/open/v1/events", headers={"Accept": "text/event-stream"}, timeout=10)
    assert (head.status_code, head.headers["Content-Type"]) == (200, "text/event-stream; charset=utf-8")
    start = here(admin)
    ids = made(admin, show, 3)
    page = admin.ok_get("/open/v1/events", params={"from": start, "name": "asset:n*,shot:new", "limit": 2,
                                                   "project_id": show["id"]})  # fmt: skip
    assert [event["data"]["asset_id"] for event in page["events"]] == ids[:2]
    assert page["more"]


@pytest.mark.parametrize(
    ("query", "status", "word"),
    [
        ({"from": "yesterday"}, 400, "from: this is not a cursor"),
        ({"from": "2031-13-01"}, 400, "from"),
        ({"from": "2001-01-01"}, 410, "from"),
        ({"from": "WyIxOjE6IiwwXQ"}, 410, "cursor"),
        ({"from": "WyIxOjE6IiwwXQ.x"}, 400, "cursor"),
        ({"from": "WyIxOjE6IiwwXQ.99999999999999999999"}, 400, "cursor"),
        ({"limit": "0"}, 400, "limit"),
        ({"limit": "many"}, 400, "limit"),
        ({"name": "a b"}, 400, "name"),
        ({"name": ",".join(["a"] * 51)}, 400, "name"),
        ({"thing": "task"}, 400, "thing"),
        ({"thing": "Task!", "id": "x"}, 400, "thing"),
        ({"thing": "task", "id": "x"}, 400, "id"),
        ({"project_id": "x"}, 400, "project_id"),
    ],
)
def test_wrong_input_is_refused_by_name(admin: Client, query: dict[str, str], status: int, word: str) -> None:
    for accept in ("application/json", "text/event-stream"):
        answer = admin.get("/open/v1/events", params=query, headers={"Accept": accept})
        assert (answer.status_code, answer.json()["error"]) == (status, True), answer.text
        assert word in answer.json()["message"]

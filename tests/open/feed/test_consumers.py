"""Named consumers: the server keeps where they are, several workers share what comes, nothing is lost with a worker."""

import os
import subprocess
import threading
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import factories
from tests.client import Client
from tests.open.feed.listening import here, pages
from tests.server import Server

PATH = "/open/v1/consumers/farm"


@pytest.fixture(scope="module")
def show(admin: Client) -> dict[str, Any]:
    return factories.production(admin)


@pytest.fixture
def worker(admin: Client, show: dict[str, Any]) -> Client:
    """Whose consumer it is: of the assets of the production."""
    person = factories.hire(admin, "user")
    factories.join(admin, show["id"], person)
    person.ok_put(PATH, {"names": ["asset:*"], "project_id": show["id"]})
    return person


def fetch(who: Client, **wish: Any) -> tuple[str | None, list[dict[str, Any]]]:
    """A lease and its events."""
    batch = who.ok_post(f"{PATH}/fetch", wish)
    return batch["lease"], batch["events"]


def done(who: Client, lease: str | None, *events: dict[str, Any]) -> int:
    """Acknowledge a lease, or some of its events; how many were."""
    body = {"lease": lease} | ({"events": [event["id"] for event in events]} if events else {})
    acknowledged: int = who.ok_post(f"{PATH}/acknowledge", body)["acknowledged"]
    return acknowledged


def told(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(event["name"], event["data"]["asset_id"]) for event in events]


def expire(server: Server, lease: str | None = None) -> None:
    """The lease, or all of them, ends now."""
    with psycopg.connect(server.database_url) as connection:
        connection.execute(
            "UPDATE pegbar.consumer_event SET until = now() - interval '1 second'"
            " WHERE until IS NOT NULL AND (%(lease)s::uuid IS NULL OR lease_id = %(lease)s::uuid)",
            {"lease": lease},
        )


def test_a_consumer_is_made_once_and_keeps_its_place(admin: Client, show: dict[str, Any], worker: Client) -> None:
    asset = factories.entity(admin, show["id"])
    again = worker.put(PATH, {"names": ["asset:*"], "project_id": show["id"], "from": "now"})
    assert (again.status_code, again.json()["unread"]) == (200, 1)
    assert worker.ok_get("/open/v1/consumers")[0]["name"] == "farm"
    lease, events = fetch(worker, limit=1)
    assert told(events) == [("asset:new", asset["id"])]
    assert events[0]["attempt"] == 1
    assert events[0]["changes"][0]["op"] == "create"
    state = worker.ok_get(PATH)
    assert (state["leased"], state["waiting"], state["unread"], state["gone"]) == (1, 0, 0, False)
    assert state["oldest_at"] == events[0]["created_at"]
    assert (done(worker, lease), done(worker, lease), done(worker, str(uuid4()))) == (1, 0, 0)
    assert worker.ok_get(PATH)["oldest_at"] is None
    # Other names: those taken before and not theirs go.
    factories.entity(admin, show["id"])
    fetch(worker)
    expire_all = worker.ok_put(PATH, {"names": ["shot:*"]})
    assert expire_all["filter"]["names"] == ["shot:*"]


def test_what_was_not_acknowledged_comes_again(
    server: Server, admin: Client, show: dict[str, Any], worker: Client
) -> None:
    assets = [factories.entity(admin, show["id"])["id"] for _ in range(3)]
    lease, events = fetch(worker)
    assert done(worker, lease, events[1]) == 1
    assert fetch(worker) == (None, [])
    expire(server, lease)
    second, again = fetch(worker, limit=1)
    assert told(again) == [("asset:new", assets[0])]
    assert again[0]["attempt"] == 2
    third, rest = fetch(worker)
    assert told(rest) == [("asset:new", assets[2])]
    # The first worker is too late for what others have.
    assert done(worker, lease) == 0
    assert (done(worker, second), done(worker, third)) == (1, 1)


def test_events_of_a_thing_are_in_one_hand_at_a_time(
    server: Server, admin: Client, show: dict[str, Any], worker: Client
) -> None:
    asset = factories.entity(admin, show["id"])
    first, _ = fetch(worker)
    admin.ok_put(f"/data/entities/{asset['id']}", {"description": "later"})
    other = factories.entity(admin, show["id"])
    assert told(fetch(worker)[1]) == [("asset:new", other["id"])]
    # A worker that waits hears at once that the thing is free.
    batches: list[tuple[str | None, list[dict[str, Any]]]] = []
    waiting = threading.Thread(target=lambda: batches.append(fetch(worker, wait=30)))
    waiting.start()
    assert done(worker, first) == 1
    waiting.join(30)
    assert told(batches[0][1]) == [("asset:update", asset["id"])]
    expire(server)


def test_a_worker_that_waits_is_woken_and_one_that_died_loses_nothing(
    server: Server, admin: Client, show: dict[str, Any], worker: Client
) -> None:
    batches: list[tuple[str | None, list[dict[str, Any]]]] = []
    waiting = threading.Thread(target=lambda: batches.append(fetch(worker, wait=60)))
    waiting.start()
    asset = factories.entity(admin, show["id"])
    waiting.join(30)
    assert told(batches[0][1]) == [("asset:new", asset["id"])]
    done(worker, batches[0][0])
    assert fetch(worker, wait=0.1) == (None, [])
    # Another process takes a batch and is killed with it.
    factories.entity(admin, show["id"])
    head = ["-H", f"Authorization: Bearer {worker.token}", "-H", "Content-Type: application/json"]
    command = ["curl", "-sN", *head, "-d", "{}", f"{server.api}{PATH}/fetch", "--next", *head, "-d", '{"wait": 60}']
    with subprocess.Popen([*command, f"{server.api}{PATH}/fetch"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        taken = os.read(process.stdout.fileno(), 2**16).decode()
        process.kill()
    assert '"asset:new"' in taken
    factories.entity(admin, show["id"])
    expire(server)
    again = fetch(worker)[1]
    assert [event["id"] in taken for event in again] == [True, False]
    assert again[0]["attempt"] == 2


def test_workers_share_events_and_each_comes_once(admin: Client, show: dict[str, Any], worker: Client) -> None:
    assets = {factories.entity(admin, show["id"])["id"] for _ in range(12)}
    handled: list[str] = []

    def work() -> None:
        while True:
            lease, events = fetch(worker, limit=2)
            if not events:
                return
            handled.extend(event["data"]["asset_id"] for event in events)
            done(worker, lease)

    workers = [threading.Thread(target=work) for _ in range(3)]
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join(60)
    assert sorted(handled) == sorted(assets)


def test_one_that_is_behind_is_told_so_and_goes_on_by_a_replay(
    server: Server, admin: Client, show: dict[str, Any], worker: Client
) -> None:
    start = here(admin)
    asset = factories.entity(admin, show["id"])
    with psycopg.connect(server.database_url) as connection:
        old = "WyIxOjE6IiwxMDAwMDAwMDAwXQ"
        connection.execute("UPDATE pegbar.consumer SET cursor = %s WHERE person_id = %s", (old, worker.id))
    assert worker.ok_get(PATH)["gone"] is True
    answer = worker.post(f"{PATH}/fetch", {"wait": 30})
    assert answer.status_code == 410
    assert "replay" in answer.json()["message"]
    assert worker.ok_post(f"{PATH}/replay", {"from": "now"})["unread"] == 0
    assert worker.ok_post(f"{PATH}/replay", {"from": start})["unread"] == 1
    assert told(fetch(worker)[1]) == [("asset:new", asset["id"])]
    assert told(worker.ok_post(f"{PATH}/fetch", {})["events"]) == []
    # From a date: what was leased comes again as well.
    worker.ok_post(f"{PATH}/replay", {"from": asset["created_at"]})
    assert ("asset:new", asset["id"]) in told(fetch(worker, limit=1000)[1])
    # What nobody acknowledged before it was let go of is not passed over in silence.
    with psycopg.connect(server.database_url) as connection:
        connection.execute(
            "UPDATE pegbar.consumer_event e SET position = -position, until = NULL FROM pegbar.consumer c"
            " WHERE c.id = e.consumer_id AND c.person_id = %s",
            (worker.id,),
        )
    assert worker.post(f"{PATH}/fetch", {}).status_code == 410


def test_what_the_owner_may_not_see_any_more_is_not_handed_out(
    server: Server, admin: Client, show: dict[str, Any], worker: Client
) -> None:
    factories.entity(admin, show["id"])
    fetch(worker)
    expire(server)
    admin.ok_delete(f"/data/projects/{show['id']}/team/{worker.id}")
    assert fetch(worker) == (None, [])
    assert worker.ok_get(PATH)["waiting"] == 0


def test_a_consumer_is_its_owners_and_studio_managers_see_all(admin: Client, worker: Client) -> None:
    other = factories.hire(admin, "manager")
    for method, path, body in (
        ("GET", PATH, None),
        ("POST", f"{PATH}/fetch", {}),
        ("POST", f"{PATH}/acknowledge", {"lease": str(uuid4())}),
        ("POST", f"{PATH}/replay", {"from": "now"}),
        ("DELETE", PATH, None),
    ):
        assert other.call(method, path, json=body).status_code == 404
        named = other.call(method, path, json=body, params={"person_id": worker.id})
        assert (named.status_code, named.json()["error"]) == (403, True)
    assert admin.ok_get(PATH, params={"person_id": worker.id})["person_id"] == worker.id
    assert worker.id in {row["person_id"] for row in admin.ok_get("/open/v1/consumers")}
    assert {row["person_id"] for row in worker.ok_get("/open/v1/consumers")} == {worker.id}
    admin.ok_delete(f"/data/persons/{worker.id}", params={"force": "true"})
    assert admin.get(PATH, params={"person_id": worker.id}).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/fetch", {"limit": 0}, "limit"),
        ("POST", "/fetch", {"limit": 1001}, "limit"),
        ("POST", "/fetch", {"wait": 61}, "wait"),
        ("POST", "/fetch", {"lease": 0}, "lease"),
        ("POST", "/acknowledge", {}, "lease"),
        ("POST", "/acknowledge", {"lease": "x"}, "lease"),
        ("POST", "/replay", {}, "from"),
        ("POST", "/replay", {"from": "x"}, "cursor"),
        ("PUT", "", {"names": ["A B"]}, "name"),
        ("PUT", "", {"names": "x"}, "names"),
        ("PUT", "", {"thing": "task"}, "thing"),
        ("PUT", "", {"from": "x"}, "cursor"),
        ("PUT", "%20x", {}, "name"),
    ],
)
def test_wrong_input_is_refused_by_name(
    admin: Client, method: str, path: str, body: dict[str, Any], field: str
) -> None:
    admin.ok_put(PATH, {"names": ["none:*"]})
    answer = admin.call(method, PATH + path, json=body)
    assert answer.status_code == 400
    assert field in answer.text


_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("change"), st.integers(0, 2)),
        st.tuples(st.just("fetch"), st.integers(1, 4)),
        st.tuples(st.just("acknowledge"), st.integers(0, 9)),
        st.tuples(st.just("acknowledge one"), st.integers(0, 9)),
        st.tuples(st.just("expire"), st.integers(0, 9)),
        st.tuples(st.just("replay"), st.just(0)),
    ),
    min_size=8,
    max_size=16,
)


class Model:
    """What a consumer must do, in Python: the same steps are done over HTTP and here."""

    def __init__(self) -> None:
        self.log: list[int] = []  #: the thing of each event, in order
        self.open: dict[int, str] = {}  #: events not acknowledged, with the lease that had them last
        self.live: set[str] = set()  #: leases that have not ended
        self.leases: list[str] = []

    def of(self, lease: str) -> list[int]:
        return [number for number, holder in self.open.items() if holder == lease]

    def ready(self, most: int) -> list[int]:
        held = {self.log[number] for number, lease in self.open.items() if lease in self.live}
        free = [number for number, lease in sorted(self.open.items()) if lease not in self.live]
        return [number for number in free if self.log[number] not in held][:most]


@given(steps=_STEPS)
@settings(max_examples=6, suppress_health_check=list(HealthCheck))
def test_nothing_is_lost_and_nothing_acknowledged_comes_again(
    server: Server, admin: Client, show: dict[str, Any], steps: list[tuple[str, int]]
) -> None:
    things = [factories.entity(admin, show["id"])["id"] for _ in range(3)]
    admin.ok_put(PATH, {"names": ["asset:update"], "project_id": show["id"]})
    start = here(admin)
    admin.ok_post(f"{PATH}/replay", {"from": start})
    ids: dict[int, str] = {}
    model = Model()

    def take(most: int) -> str | None:
        expected = model.ready(most)
        lease, events = fetch(admin, limit=most)
        assert [things.index(event["data"]["asset_id"]) for event in events] == [model.log[n] for n in expected]
        for event, number in zip(events, expected, strict=True):
            assert ids.setdefault(number, event["id"]) == event["id"]
        if lease is not None:
            model.open.update(dict.fromkeys(expected, lease))
            model.live.add(lease)
            model.leases.append(lease)
        return lease

    for step, value in steps:
        lease = model.leases[value % len(model.leases)] if model.leases else ""
        if step == "change":
            admin.ok_put(f"/data/entities/{things[value]}", {"description": str(uuid4())})
            model.open[len(model.log)] = ""
            model.log.append(value)
            # An event shows when every transaction that was there before it has ended: of jobs, too.
            while len(pages(admin, start, name="asset:update", project_id=show["id"])) < len(model.log):
                pass
        elif step == "fetch":
            take(value)
        elif step == "replay":
            admin.ok_post(f"{PATH}/replay", {"from": start})
            model.open = dict.fromkeys(range(len(model.log)), "")
        elif lease and step == "expire":
            expire(server, lease)
            model.live.discard(lease)
        elif lease:
            # One that has ended is as good as ever until others have its events.
            chosen = model.of(lease)[: 1 if step == "acknowledge one" else None]
            some = {"events": [ids[number] for number in chosen]} if step == "acknowledge one" else {}
            answer = admin.ok_post(f"{PATH}/acknowledge", {"lease": lease, **some})
            assert answer == {"acknowledged": len(chosen)}
            for number in chosen:
                del model.open[number]
    expire(server)
    model.live.clear()
    while (last := take(3)) is not None:
        done(admin, last)
        model.open = {number: holder for number, holder in model.open.items() if holder != last}
    assert not model.open

"""The client, against a server that fails in every way: nothing is done twice, nothing is missing."""

import asyncio
import base64
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from pegbar.client import AsyncPegbar, Conflict, Event, Forged, Gone, Pegbar, Refused, Unreachable, field, verified
from pegbar.client.batch import _escaped

Handler = Callable[[httpx.Request], httpx.Response]
URL = "https://pegbar.example"


def client(handler: Handler, **more: Any) -> Pegbar:
    """A client that does not wait between attempts."""
    made = Pegbar(URL, **{"token": "t", **more}, transport=httpx.MockTransport(handler))
    made._sleep = lambda _: None
    return made


def answers(*outcomes: int | Exception) -> tuple[Handler, list[httpx.Request]]:
    """A server with these outcomes, one a request, and what it was sent."""
    left, requests = list(outcomes), []

    def handle(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        outcome = left.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        headers = {"retry-after": "1"} if outcome in (409, 429) else {}
        return httpx.Response(outcome, json={"status": outcome, "message": "So it is."}, headers=headers)

    return handle, requests


def test_what_passes_is_waited_for_and_done_once() -> None:
    handler, requests = answers(503, httpx.ReadError("broken"), 429, 409, 502, 200)
    assert client(handler).post("/data/tasks", {"name": "x"}) == {"status": 200, "message": "So it is."}
    assert len({request.headers["idempotency-key"] for request in requests}) == 1
    assert {str(request.url) for request in requests} == {f"{URL}/api/data/tasks"}
    handler, requests = answers(201, 201)
    for _ in range(2):
        client(handler).post("/data/tasks", {})
    assert len({request.headers["idempotency-key"] for request in requests}) == 2


def test_what_has_no_key_is_not_sent_again_once_it_may_have_arrived() -> None:
    handler, requests = answers(httpx.ConnectError("refused"), httpx.ReadError("broken"), 200)
    with pytest.raises(Unreachable):
        client(handler).post("/actions/x", keyed=False)
    assert len(requests) == 2
    assert "idempotency-key" not in requests[0].headers
    handler, _ = answers(503, 200)
    with pytest.raises(Refused):
        client(handler).delete("/data/x", keyed=False)


def test_attempts_come_to_an_end() -> None:
    handler, requests = answers(*[503] * 9)
    with pytest.raises(Refused) as refused:
        client(handler, attempts=3).get("/data/tasks")
    assert (refused.value.status, refused.value.message, len(requests)) == (503, "So it is.", 3)
    handler, _ = answers(400)
    with pytest.raises(Refused, match="400: So it is"):
        client(handler).get("/data/tasks")


def test_a_token_that_is_over_is_renewed_where_there_is_a_password() -> None:
    tokens = iter(["first", "second"])

    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/auth/login"):
            assert json.loads(request.content) == {"email": "a@b.c", "password": "p"}
            assert "authorization" not in request.headers
            return httpx.Response(200, json={"access_token": next(tokens)})
        is_new = request.headers["authorization"] == "Bearer second"
        return httpx.Response(200 if is_new else 401, json={"message": "over"})

    assert client(handle, token=None, email="a@b.c", password="p").get("/x") == {"message": "over"}
    handler, requests = answers(401)
    with pytest.raises(Refused):
        client(handler).get("/x")
    assert len(requests) == 1


class Feed:
    """A feed of numbered events whose connections break after so many bytes."""

    def __init__(self, count: int, breaks: list[int]) -> None:
        self.count, self.breaks = count, breaks

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if "text/event-stream" not in request.headers["accept"]:
            return httpx.Response(200, json={"events": [], "cursor": "start", "more": False})
        first = int(request.headers.get("last-event-id", "-1")) + 1
        lines = ["retry: 5", "", ": hello", ""]
        for number in range(first, self.count):
            row = {"id": str(number), "name": "task:update", "created_at": "2026-11-30T00:00:00", "data": {"n": number}}
            text = json.dumps(row, indent=1 if number % 3 == 0 else None).splitlines()
            lines += [f"id: {number}", "event: task:update", *(f"data: {line}" for line in text), ""]
        whole = "\n".join([*lines, ""]).encode()
        broken = self.breaks.pop(0) if self.breaks else len(whole)
        return httpx.Response(200, content=whole[:broken], headers={"content-type": "text/event-stream"})


@given(st.integers(1, 8), st.lists(st.integers(0, 900), max_size=8))
def test_a_feed_goes_on_wherever_it_broke(count: int, breaks: list[int]) -> None:
    events = list(islice(client(Feed(count, list(breaks))).events(start="now"), count))
    assert [event.data["n"] for event in events] == list(range(count))
    assert [event.cursor for event in events] == [str(number) for number in range(count)]

    async def awaited() -> list[Event]:
        made = AsyncPegbar(URL, token="t", transport=httpx.MockTransport(Feed(count, list(breaks))))
        made._sleep = lambda _: asyncio.sleep(0)
        listed: list[Event] = []
        async for event in made.events(start="now"):
            listed.append(event)
            if len(listed) == count:
                break
        return listed

    assert asyncio.run(awaited()) == events


def test_a_feed_that_is_refused_says_so() -> None:
    handler, requests = answers(503, 429, 410)
    with pytest.raises(Gone):
        next(client(handler).events(start="old", name=["task:*"], project_id="p"))
    assert dict(requests[0].url.params) == {"from": "old", "name": "task:*", "project_id": "p"}


def test_a_batch_is_sent_when_its_block_ends() -> None:
    sent: list[Any] = []

    def handle(request: httpx.Request) -> httpx.Response:
        sent.append(json.loads(request.content))
        results = [{"status": 200, "body": {"id": f"id{index}"}} for index in range(len(sent[-1]["operations"]))]
        return httpx.Response(200, json={"dry_run": False, "results": results})

    pegbar = client(handle)
    with pegbar.batch() as batch:
        shot = batch.post("/data/entities", {"name": "$5", "more": ["$", {"a": "b"}]})
        batch.post("/data/tasks", {"entity_id": shot["id"], "first": shot["tasks.0.id"]})
        batch.put(f"/data/entities/{shot['id']}", {"name": "x"})
        assert not sent
    assert sent[0]["operations"] == [
        {"method": "POST", "path": "/data/entities", "body": {"name": "$$5", "more": ["$$", {"a": "b"}]}},
        {"method": "POST", "path": "/data/tasks", "body": {"entity_id": "$0.id", "first": "$0.tasks.0.id"}},
        {"method": "PUT", "path": "/data/entities/$0.id", "body": {"name": "x"}},
    ]
    assert shot.answer == {"id": "id0"}
    with pytest.raises(ZeroDivisionError), pegbar.batch() as batch:
        batch.delete(f"/data/tasks/{1 // 0}")
    assert len(sent) == 1
    with pegbar.batch():
        pass
    assert len(sent) == 1


def test_what_others_did_first_is_told_with_its_place() -> None:
    def handle(_: httpx.Request) -> httpx.Response:
        return httpx.Response(409, json={"error": True, "message": "no", "data": {"index": 3}})

    with pytest.raises(Conflict) as refused, client(handle).batch() as batch:
        batch.delete("/x")
    assert refused.value.index == 3


@given(st.recursive(st.text(max_size=5), lambda inner: st.lists(inner, max_size=3)))
def test_texts_of_a_body_stand_for_themselves(value: Any) -> None:
    """As the server reads them: a first `$` is taken from what begins with two."""

    def read(part: Any) -> Any:
        if isinstance(part, list):
            return [read(item) for item in part]
        assert not part.startswith("$") or part.startswith("$$")
        return part[1:] if part.startswith("$$") else part

    assert read(_escaped(value)) == value


def test_queries_are_written_as_the_grammar_has_them() -> None:
    bodies: list[Any] = []

    def handle(request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(request.content))
        assert "idempotency-key" not in request.headers
        if "summaries" in bodies[-1]:
            return httpx.Response(200, json={"data": [{"summary": {"count(id)": 7}}], "complete": True})
        following = {None: "second", "second": None}[bodies[-1].get("cursor")]
        return httpx.Response(200, json={"data": [{"name": str(len(bodies))}], "next": following})

    shots = client(handle).query("shots").where(field("name").starts_with("SH") | field("data.x").is_null())
    query = shots.where(field("tasks").any(field("duration").between(1, 2))).select("name").order_by("-name")
    assert [row["name"] for row in query.in_pages_of(2)] == ["1", "2"]
    assert bodies[0] == {
        "filters": [
            {
                "logical_operator": "or",
                "conditions": [["name", "starts_with", "SH"], ["data.x", "is_null"]],
            },
            ["tasks", "any", [["duration", "between", [1, 2]]]],
        ],
        "fields": ["name"],
        "sort": ["-name"],
        "limit": 2,
    }
    assert query.count() == 7
    (group,) = query.summarize("sum(estimation)", "count", by=["project.name"])
    assert bodies[-1]["summaries"] == [{"type": "sum", "field": "estimation"}, {"type": "count"}]
    assert (group.key, group.values) == ({}, {"count(id)": 7})


@given(st.binary(max_size=40), st.binary(min_size=24, max_size=24))
def test_signatures_are_those_of_standard_webhooks(content: bytes, key: bytes) -> None:
    secret = f"whsec_{base64.b64encode(key).decode()}"
    body = json.dumps({"text": content.hex()})
    now = time.time()
    signature = Webhook(secret).sign("msg_1", datetime.fromtimestamp(int(now), UTC), body)
    headers = {"Webhook-Id": "msg_1", "webhook-timestamp": str(int(now)), "webhook-signature": f"v1,no {signature}"}
    assert verified(secret, headers, body.encode()) == {"text": content.hex()}
    for wrong in (
        {**headers, "Webhook-Id": "msg_2"},
        {**headers, "webhook-timestamp": str(int(now) - 1000)},
        {**headers, "webhook-signature": "v2,x"},
        {},
    ):
        with pytest.raises(Forged):
            verified(secret, wrong, body.encode())
    with pytest.raises(Forged):
        verified(secret, headers, body.encode() + b" ")
    old = now - 600
    signature = Webhook(secret).sign("m", datetime.fromtimestamp(int(old), UTC), body)
    with pytest.raises(Forged, match="seconds ago"):
        verified(
            secret,
            {"webhook-id": "m", "webhook-timestamp": str(int(old)), "webhook-signature": signature},
            body.encode(),
        )

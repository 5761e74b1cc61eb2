"""What happens reaches the receivers of webhooks: signed, in order, again until it is taken, by who may see it."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
import pytest

from pegbar.core.data.database import Database
from pegbar.open.webhooks.handing_out import MOST_WAITING, hand_out
from pegbar.open.webhooks.jobs import sweep_webhooks, tend_webhooks
from tests.client import Client, sign_in, unique
from tests.core.listener import slow_commit
from tests.factories import entity, hire, join, production, task
from tests.open.webhooks.conftest import Hook
from tests.open.webhooks.receiver import TAKEN, Answer, Got, Receiver, receiving
from tests.server import ADMIN, Server
from tests.workers import wait_for, worker_of

DOWN: Answer = (503, {"content-type": "text/plain", "set-cookie": "session=hush"}, b"busy " * 4000)


def path(made: dict[str, Any], *more: str) -> str:
    return "/".join([f"/open/v1/webhooks/{made['id']}", *more])


def log_of(owner: Client, made: dict[str, Any], **params: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = owner.ok_get(path(made, "deliveries"), params=params)
    return rows


def ended(database: psycopg.Connection, made: dict[str, Any], status: str, count: int = 1) -> None:
    """Wait until so many deliveries ended so."""
    query = "SELECT 1 FROM pegbar.webhook_delivery WHERE webhook_id = %s AND status = %s HAVING count(*) >= %s"
    wait_for(database, query, made["id"], status, count)


def attempted(database: psycopg.Connection, made: dict[str, Any], count: int) -> None:
    """Wait until so many attempts are written down."""
    wait_for(
        database,
        """SELECT 1 FROM pegbar.webhook_attempt a JOIN pegbar.webhook_delivery d ON d.id = a.webhook_delivery_id
            WHERE d.webhook_id = %s HAVING count(*) >= %s""",
        made["id"],
        count,
    )


def due_now(database: psycopg.Connection, made: dict[str, Any]) -> None:
    """As if the wait until the next attempt were over."""
    database.execute("UPDATE pegbar.webhook SET retry_at = NULL WHERE id = %s", [made["id"]])
    database.execute(
        "UPDATE pegbar.webhook_delivery SET due_at = timezone('utc', now()) WHERE webhook_id = %s", [made["id"]]
    )
    database.execute("NOTIFY pegbar_webhooks")


def test_an_event_reaches_its_receiver_signed_as_the_feed_tells_it(
    admin: Client, receiver: Receiver, hook: Hook
) -> None:
    show, other = production(admin), production(admin)
    made = hook(admin, "asset:*", "task:new", project_id=show["id"], name="Farm")
    assert made["secret"].startswith("whsec_")
    assert "secret" not in admin.ok_get(path(made))
    start = admin.ok_get("/data/events/since")["cursor"]
    entity(admin, other["id"])
    job = task(admin, entity(admin, show["id"]))
    got = receiver.wait_for(lambda got: len(got) >= 2)
    assert sorted(event.name for event in got) == ["asset:new", "task:new"]
    assert {"task_id": job["id"]}.items() <= next(event.payload for event in got if event.name == "task:new").items()
    assert all(event.is_signed_with(made["secret"]) for event in got)
    assert not got[0].is_signed_with("whsec_" + "A" * 40)
    feed = admin.ok_get("/data/events/since", params={"cursor": start, "limit": 1000})["events"]
    by_id = {event["id"]: event for event in feed}
    for event in got:
        changes = event.event["data"].pop("changes")
        assert event.event["data"] == by_id[event.event["data"]["id"]]
        assert [(change["op"], change["old"]) for change in changes if change["table"] in ("entity", "task")] == [
            ("create", None)
        ]


def test_a_webhook_of_the_studio_gets_what_is_of_no_production_but_nobodys_own(
    admin: Client, receiver: Receiver, hook: Hook, database: psycopg.Connection
) -> None:
    made = hook(admin, "department:new", "notification:*", "asset:new")
    database.execute(
        "INSERT INTO pegbar.outbox (name, person_id, payload) VALUES ('notification:new', %s, '{}')", [admin.id]
    )
    mine = {entity(admin, production(admin)["id"])["id"]}
    mine.add(admin.ok_post("/data/departments", {"name": unique("Department"), "color": "#123456"})["id"])
    receiver.wait_for(lambda got: mine <= {value for event in got for value in map(str, event.payload.values())})
    assert "notification:new" not in {row["name"] for row in log_of(admin, made)}


def test_what_is_not_taken_comes_again_with_its_id_and_holds_up_nothing_but_its_thing(
    admin: Client, receiver: Receiver, hook: Hook, database: psycopg.Connection
) -> None:
    show = production(admin)
    first, second = entity(admin, show["id"]), entity(admin, show["id"])
    broken = {"is": True}
    receiver.answer = lambda got: DOWN if broken["is"] and got.payload["asset_id"] == first["id"] else TAKEN
    made = hook(admin, "asset:*", project_id=show["id"])
    for asset, words in ((first, "one"), (first, "two"), (second, "three")):
        admin.ok_put(f"/data/entities/{asset['id']}", {"description": words})
    receiver.wait_for(lambda got: {event.payload["asset_id"] for event in got} == {first["id"], second["id"]})
    ended(database, made, "delivered")
    attempted(database, made, 2)
    waiting = log_of(admin, made, status="waiting")
    assert [row["attempts"] for row in waiting] == [0, 1], "the later one about the same thing waits for it"
    assert waiting[1]["due_at"] > waiting[1]["created_at"]
    assert admin.ok_get(path(made))["failing_since"] or admin.ok_get(path(made))["delivered_at"]
    broken["is"] = False
    due_now(database, made)
    got = receiver.wait_for(lambda got: len([event for event in got if event.payload["asset_id"] == first["id"]]) >= 3)
    tries = [event for event in got if event.payload["asset_id"] == first["id"]]
    assert [tries[0].id, tries[1].id] == [tries[0].id] * 2
    assert tries[2].id != tries[0].id
    ended(database, made, "delivered", 3)
    row = admin.ok_get(path(made, "deliveries", waiting[1]["id"]))
    attempts = row["attempt_log"]
    assert [(attempt["response_status"], attempt["error"]) for attempt in attempts] == [(503, ""), (204, "")]
    assert attempts[0]["response_body"] == ("busy " * 4000)[: 8 * 1024]
    assert attempts[0]["response_headers"]["set-cookie"] == "…"
    assert attempts[0]["request_headers"]["webhook-id"] == tries[0].id
    assert tries[0].headers["webhook-signature"] not in str(row)
    assert row["body"].encode() == tries[0].body


def test_a_delivery_is_sent_again_on_request_and_a_test_goes_out_though_it_is_paused(
    admin: Client, receiver: Receiver, hook: Hook, database: psycopg.Connection
) -> None:
    show = production(admin)
    made = hook(admin, "asset:new", project_id=show["id"])
    entity(admin, show["id"])
    ended(database, made, "delivered")
    row = log_of(admin, made)[0]
    assert admin.ok_post(path(made, "deliveries", row["id"], "redeliver"))["status"] == "waiting"
    got = receiver.wait_for(lambda got: len(got) >= 2)
    assert got[0].id == got[1].id
    assert admin.ok_post(path(made, "pause"))["state"] == "paused"
    entity(admin, show["id"])
    ping = admin.ok_post(path(made, "ping"))
    tested = receiver.wait_for(lambda got: any(event.name == "webhook:ping" for event in got))[-1]
    assert tested.is_signed_with(made["secret"])
    wait_for(database, "SELECT 1 FROM pegbar.webhook_delivery WHERE id = %s AND status = 'delivered'", ping["id"])
    assert [event.name for event in receiver.got].count("asset:new") == 2
    other = hook(admin, "asset:new", project_id=show["id"])
    assert admin.get(path(other, "deliveries", ping["id"])).status_code == 404
    assert admin.post(path(other, "deliveries", ping["id"], "redeliver")).status_code == 404


def test_a_webhook_that_fails_for_long_is_paused_and_goes_on_where_it_stopped(
    admin: Client, receiver: Receiver, hook: Hook, database: psycopg.Connection
) -> None:
    show = production(admin)
    receiver.answer = lambda _: DOWN
    made = hook(admin, "asset:new", project_id=show["id"], name="Render farm")
    first = entity(admin, show["id"])
    attempted(database, made, 1)
    wait_for(database, "SELECT 1 FROM pegbar.webhook WHERE id = %s AND failing_since IS NOT NULL", made["id"])
    database.execute(
        "UPDATE pegbar.webhook SET failing_since = failing_since - interval '25 hours', failures = 20 WHERE id = %s",
        [made["id"]],
    )
    due_now(database, made)
    wait_for(database, "SELECT 1 FROM pegbar.webhook WHERE id = %s AND state = 'paused'", made["id"])
    assert "its receiver answers 503" in admin.ok_get(path(made))["reason"]
    notice = "SELECT args FROM pegbar.procrastinate_jobs WHERE task_name = %s AND args->>'webhook_id' = %s"
    assert "'ending': 'paused'" in str(wait_for(database, notice, "open.tell_owner_of_webhook", made["id"]))
    later = [entity(admin, show["id"])["id"] for _ in range(2)]
    receiver.answer = lambda _: TAKEN
    assert admin.ok_post(path(made, "resume"))["state"] == "active"
    receiver.wait_for(lambda got: len({event.payload["asset_id"] for event in got}) == 3)
    ended(database, made, "delivered", 3)
    assert {row["attempts"] for row in log_of(admin, made) if row["name"] == "asset:new"} == {1, 3}
    assert {event.payload["asset_id"] for event in receiver.got} == {first["id"], *later}
    row = admin.ok_get(path(made))
    assert (row["failing_since"], row["failures"], row["waiting"], row["reason"]) == (None, 0, 0, None)


def test_a_paused_webhook_resumed_from_now_gets_nothing_of_before(
    admin: Client, receiver: Receiver, hook: Hook, database: psycopg.Connection
) -> None:
    show = production(admin)
    made = hook(admin, "asset:new", project_id=show["id"])
    admin.ok_post(path(made, "pause"))
    entity(admin, show["id"])
    database.execute("UPDATE pegbar.webhook SET seen_at = seen_at - interval '8 days' WHERE id = %s", [made["id"]])
    refused = admin.post(path(made, "resume"), {})
    assert (refused.status_code, "a week" in refused.json()["message"]) == (400, True)
    assert admin.post(path(made, "resume"), {"from": "yesterday"}).status_code == 400
    admin.ok_post(path(made, "resume"), {"from": "now"})
    last = entity(admin, show["id"])
    got = receiver.wait_for(lambda got: got)
    assert [event.payload["asset_id"] for event in got] == [last["id"]]


@pytest.mark.parametrize(
    ("answer", "ends", "state", "words"),
    [
        ((410, {}, b""), "failed", "disabled", ""),
        ((302, {"location": "http://127.0.0.1:1/elsewhere"}, b""), "waiting", "active", "redirects are not followed"),
    ],
    ids=["gone", "redirect"],
)
def test_what_a_receiver_says_of_itself_counts(
    admin: Client,
    receiver: Receiver,
    hook: Hook,
    database: psycopg.Connection,
    answer: Answer,
    ends: str,
    state: str,
    words: str,
) -> None:
    show = production(admin)
    receiver.answer = lambda _: answer
    made = hook(admin, "asset:new", project_id=show["id"])
    entity(admin, show["id"])
    attempted(database, made, 1)
    row = log_of(admin, made)[0]
    assert (row["status"], row["response_status"], admin.ok_get(path(made))["state"]) == (ends, answer[0], state)
    assert admin.ok_get(path(made, "deliveries", row["id"]))["attempt_log"][0]["error"] == words
    assert len(receiver.got) == 1


def test_of_the_events_those_come_whose_thing_passes_the_filter(
    admin: Client, receiver: Receiver, hook: Hook, database: psycopg.Connection
) -> None:
    manager = hire(admin, "manager")
    show = production(admin, manager)
    urgent = {"thing": "tasks", "filters": [["priority", "greater_than", 1], ["entity.name", "is_not", "hidden"]]}
    # A filter looks at a task as it is when its event is handed out, be that later than the event.
    made = hook(manager, "task:update", "task:delete", project_id=show["id"], filter=urgent)
    every = hook(manager, "task:update", "task:delete", project_id=show["id"])
    assert made["filter"] == urgent
    dull, hot = (task(admin, entity(admin, show["id"])) for _ in range(2))
    admin.ok_put(f"/data/tasks/{dull['id']}", {"priority": 1})
    admin.ok_put(f"/data/tasks/{hot['id']}", {"priority": 2})
    admin.ok_delete(f"/data/tasks/{dull['id']}")
    ended(database, made, "delivered", 2)
    ended(database, every, "delivered", 3)
    mine = {row["id"] for row in log_of(manager, made)}
    got = [
        event for event in receiver.got if event.event and event.id in {f"msg_{key.replace('-', '')}" for key in mine}
    ]
    assert {(event.name, event.payload["task_id"]) for event in got} == {
        ("task:update", hot["id"]),
        ("task:delete", dull["id"]),
    }
    everything = manager.ok_put(path(made), {"filter": None})
    assert everything["filter"] is None
    for wrong in (
        {"thing": "people", "filters": []},
        {"thing": "persons", "filters": [["password", "is", "x"]]},
        {"thing": "tasks", "filters": [["no_such", "is", 1]]},
        {"thing": "playlists", "filters": []},
        {"thing": "tasks"},
        "priority",
    ):
        assert manager.put(path(made), {"filter": wrong}).status_code == 400, wrong
    assert manager.ok_get(path(made))["filter"] is None


def test_both_secrets_sign_while_they_overlap(
    admin: Client, receiver: Receiver, hook: Hook, database: psycopg.Connection
) -> None:
    made = hook(admin, "asset:new")
    fresh = admin.ok_post(path(made, "secret"), {"overlap_hours": 1})["secret"]

    def pinged() -> Got:
        before = len(receiver.got)
        admin.ok_post(path(made, "ping"))
        return receiver.wait_for(lambda got: len([event for event in got if event.name == "webhook:ping"]) > before)[-1]

    receiver.answer = lambda _: TAKEN
    admin.ok_put(path(made), {"events": ["person:delete"]})  # nothing but tests
    both = pinged()
    assert both.is_signed_with(made["secret"])
    assert both.is_signed_with(fresh)
    last = admin.ok_post(path(made, "secret"), {"overlap_hours": 0})["secret"]
    alone = pinged()
    assert alone.is_signed_with(last)
    assert not alone.is_signed_with(fresh)
    assert admin.post(path(made, "secret"), {"overlap_hours": 1000}).status_code == 400
    stored = database.execute("SELECT w::text FROM pegbar.webhook w WHERE id = %s", [made["id"]]).fetchone()
    assert last not in str(stored)


def test_who_manages_no_longer_gets_nothing_more(
    admin: Client, receiver: Receiver, hook: Hook, database: psycopg.Connection
) -> None:
    manager = hire(admin, "manager")
    show = production(admin, manager)
    made = hook(manager, "asset:new", project_id=show["id"])
    kept = hook(admin, "asset:new", project_id=show["id"])
    entity(admin, show["id"])
    ended(database, made, "delivered")
    admin.ok_put(f"/data/projects/{show['id']}/team/{manager.id}", {"role": "user"})
    entity(admin, show["id"])
    ended(database, kept, "delivered", 2)
    assert [row["status"] for row in log_of(admin, made)] == ["delivered"]
    assert admin.ok_get(path(made))["state"] == "disabled"
    admin.ok_post(path(made, "resume"), {"from": "stop"})
    ended(database, made, "delivered", 2)
    assert admin.ok_get(path(made))["owner_id"] == admin.id


def test_nothing_is_handed_out_twice_or_left_out_by_several_at_once(
    admin: Client, server: Server, receiver: Receiver, hook: Hook, database: psycopg.Connection
) -> None:
    """A commit that takes long comes after those that began later; three hand out at the same time."""
    show = production(admin)
    made = hook(admin, "asset:new", project_id=show["id"])

    async def hand_out_often(stop: threading.Event) -> None:
        db = Database(server.database_url, size=1)
        await db.open()
        while not stop.is_set():
            await hand_out(db)
        await db.close()

    stop = threading.Event()
    others = [threading.Thread(target=lambda: asyncio.run(hand_out_often(stop))) for _ in range(2)]
    for other in others:
        other.start()
    try:
        with slow_commit(server, show["id"]) as late:
            quick = [entity(admin, show["id"])["id"] for _ in range(10)]
            ended(database, made, "delivered", 10)
        assert late is not None
        admin.ok_put(path(made), {"events": ["*"]})
        quick.append(entity(admin, show["id"])["id"])
        receiver.wait_for(lambda got: quick[-1] in {event.payload.get("asset_id") for event in got})
    finally:
        stop.set()
        for other in others:
            other.join()
    # By the id of its delivery: one whose answer got lost is sent again, with the same.
    handed = {event.id: event.payload["asset_id"] for event in receiver.got if event.name == "asset:new"}
    assert sorted(handed.values()) == sorted(quick)


def run_on(server: Server, job: Callable[[Database], Awaitable[None]]) -> None:
    """A job of the clock, now."""

    async def running() -> None:
        db = Database(server.database_url, size=1)
        await db.open()
        await job(db)
        await db.close()

    asyncio.run(running())


def test_who_takes_nothing_for_long_falls_behind_and_catches_up(
    admin: Client, server: Server, receiver: Receiver, hook: Hook, database: psycopg.Connection
) -> None:
    show = production(admin)
    made, other = (hook(admin, "asset:new", project_id=show["id"]) for _ in range(2))
    entity(admin, show["id"])
    ended(database, made, "delivered")
    database.execute(
        """INSERT INTO pegbar.webhook_delivery (id, webhook_id, position, name, thing, body, due_at, expires_at)
           SELECT gen_random_uuid(), %s, -n, 'asset:new', 'n' || n, '{}', timezone('utc', now()) + interval '1 day',
                  timezone('utc', now()) + interval '3 days'
             FROM generate_series(1, %s) n""",
        [made["id"], MOST_WAITING],
    )
    run_on(server, tend_webhooks)
    last = entity(admin, show["id"])
    ended(database, other, "delivered", 2)
    assert admin.ok_get(path(made))["waiting"] == MOST_WAITING
    assert last["id"] not in {row["thing"] for row in log_of(admin, made, limit=1)}
    database.execute("DELETE FROM pegbar.webhook_delivery WHERE webhook_id = %s AND position < 0", [made["id"]])
    database.execute("NOTIFY pegbar_webhooks")
    ended(database, made, "delivered", 2)


def test_the_log_is_kept_for_so_long_and_what_waits_is_not_given_up_untried(
    admin: Client, server: Server, hook: Hook, database: psycopg.Connection
) -> None:
    show = production(admin)
    made = hook(admin, "asset:new", project_id=show["id"])
    admin.ok_post(path(made, "pause"))
    rows = {
        "old": ("delivered", "15 days", 1),
        "fresh": ("delivered", "13 days", 1),
        "waiting": ("waiting", "15 days", 1),
        "untried": ("waiting", "15 days", 0),
    }
    for thing, (status, age, attempts) in rows.items():
        database.execute(
            """INSERT INTO pegbar.webhook_delivery
                      (id, webhook_id, name, thing, body, status, attempts, due_at, created_at, ended_at, expires_at)
               SELECT gen_random_uuid(), %(hook)s, 'asset:new', %(thing)s, '{}', %(status)s::text, %(attempts)s,
                      timezone('utc', now()) + interval '1 day', at,
                      CASE WHEN %(status)s::text = 'delivered' THEN at END, at + interval '3 days'
                 FROM (SELECT timezone('utc', now()) - %(age)s::interval AS at) AS since""",
            {"hook": made["id"], "thing": thing, "status": status, "age": age, "attempts": attempts},
        )

    def left() -> dict[str, str]:
        return {row["thing"]: row["status"] for row in log_of(admin, made)}

    run_on(server, sweep_webhooks)
    run_on(server, tend_webhooks)
    assert left() == {"fresh": "delivered", "waiting": "waiting", "untried": "waiting"}, "paused: nothing is given up"
    database.execute("UPDATE pegbar.webhook SET state = 'active' WHERE id = %s", [made["id"]])
    run_on(server, tend_webhooks)
    assert left() == {"fresh": "delivered", "waiting": "failed", "untried": "waiting"}


def test_a_worker_that_is_killed_while_it_sends_loses_nothing(mortal: Server) -> None:
    admin = sign_in(mortal.api, *ADMIN)
    show = production(admin)
    held = threading.Event()
    with receiving() as receiver, psycopg.connect(mortal.database_url, autocommit=True) as database:

        def answer(_: Got) -> Answer:
            held.wait(60)
            return TAKEN

        receiver.answer = answer
        body = {"url": receiver.url, "events": ["asset:new"], "project_id": show["id"]}
        made = admin.ok_post("/open/v1/webhooks", body)
        first = entity(admin, show["id"])
        receiver.wait_for(lambda got: got)
        worker_of(mortal).kill()
        second = entity(admin, show["id"])
        held.set()
        receiver.wait_for(lambda got: second["id"] in {event.payload["asset_id"] for event in got})
        ended(database, made, "delivered")
        database.execute("UPDATE pegbar.webhook_delivery SET leased_until = timezone('utc', now())")
        ended(database, made, "delivered", 2)
        got = receiver.got
        assert len({event.id for event in got if event.payload["asset_id"] == first["id"]}) == 1
        assert len(log_of(admin, made)) == 2
        admin.ok_delete(path(made))


def test_managers_have_webhooks_of_their_productions_only(admin: Client, hook: Hook) -> None:
    manager, elsewhere, artist, promoted = (hire(admin, role) for role in ("manager", "manager", "user", "user"))
    show, other = production(admin, manager, artist), production(admin, elsewhere)
    join(admin, show["id"], promoted, "manager")
    of_studio, of_show = hook(admin, "*"), hook(manager, "task:*", project_id=show["id"])
    mine = {of_studio["id"], of_show["id"]}

    def listed(caller: Client, **params: str) -> set[str]:
        return {row["id"] for row in caller.ok_get("/open/v1/webhooks", params=params)} & mine

    assert listed(admin) == mine
    assert listed(admin, project_id=show["id"]) == listed(manager) == listed(promoted) == {of_show["id"]}
    assert listed(elsewhere) == set()
    assert artist.get("/open/v1/webhooks").status_code == 403
    new = {"url": "https://example.com/", "events": ["task:*"]}
    for caller, project_id in ((manager, other["id"]), (manager, None), (promoted, None), (artist, show["id"])):
        assert caller.post("/open/v1/webhooks", {**new, "project_id": project_id}).status_code == 403
    for caller, made in ((elsewhere, of_show), (artist, of_show), (manager, of_studio)):
        assert caller.get(path(made)).status_code == 403
        assert caller.put(path(made), {"name": "x"}).status_code == 403
        assert caller.get(path(made, "deliveries")).status_code == 403
        assert caller.delete(path(made)).status_code == 403
    assert promoted.ok_put(path(of_show), {"name": "Ours", "events": ["task:new"]})["name"] == "Ours"
    unknown = {**new, "project_id": "00000000-0000-4000-8000-000000000000"}
    assert admin.post("/open/v1/webhooks", unknown).status_code == 400


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "ftp://example.com"}, "url"),
        ({"url": "https://user:secret@example.com"}, "url"),
        ({"url": "https://169.254.169.254/latest"}, "url"),
        ({"url": "https://[::ffff:10.0.0.1]/"}, "url"),
        ({"url": "https://exa mple.com"}, "url"),
        ({"url": "https://example.com:99999/"}, "url"),
        ({"url": "https://" + "a" * 3000}, "url"),
        ({"url": 5}, "url"),
        ({"events": []}, "events"),
        ({"events": ["no:such"]}, "events"),
        ({"events": ["*" * 40 + "x"]}, "events"),
        ({"events": ["task:%"]}, "events"),
        ({"events": ["task:new"] * 60}, "events"),
        ({"events": "task:new"}, "events"),
        ({"name": "n" * 300}, "name"),
        ({"name": "a\u0000b"}, "name"),
    ],
)
def test_wrong_input_is_refused_by_its_name(admin: Client, body: dict[str, Any], field: str) -> None:
    refused = admin.post("/open/v1/webhooks", {"url": "https://example.com", "events": ["task:*"], **body})
    assert refused.status_code == 400, refused.text
    assert field in refused.text

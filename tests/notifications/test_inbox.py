"""A person's notifications and subscriptions: whose they are, what is told in them, and at the same time."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests import factories
from tests.client import Client
from tests.core.listener import Listener
from tests.server import Server
from tests.tasks.test_comments import say, status
from tests.timesheets.test_time import person

INBOX = "/data/user/notifications"
_ROW = """
INSERT INTO notification (id, created_at, updated_at, read, change, type, person_id, author_id, task_id, comment_id)
VALUES (%s, %s, now(), false, false, 'comment', %s, %s, %s, %s)
"""


def notify(server: Server, to: Client, author: Client, task: dict[str, Any], *moments: str, **more: Any) -> list[str]:
    """Notifications as another server may have written them; their ids."""
    ids = [str(uuid4()) for _ in moments]
    rows = [
        (row_id, at, to.id, author.id, task["id"], more.get("comment_id"))
        for row_id, at in zip(ids, moments, strict=True)
    ]
    with psycopg.connect(server.database_url) as connection:
        connection.cursor().executemany(_ROW, rows)
    return ids


@pytest.fixture(scope="module")
def artist(admin: Client) -> Client:
    return person(admin, "user")


@pytest.fixture(scope="module")
def show(admin: Client, artist: Client) -> dict[str, Any]:
    return factories.production(admin, artist)


@pytest.fixture(scope="module")
def task(admin: Client, show: dict[str, Any]) -> dict[str, Any]:
    return factories.task(admin, factories.entity(admin, show["id"]))


def test_the_cursor_loses_and_repeats_no_notification_of_a_second(
    server: Server, admin: Client, task: dict[str, Any]
) -> None:
    reader = person(admin, "user")
    # A moment can hold several, a second many: a page ends among them.
    moments = [f"2026-03-01T10:00:{n // 30:02}.{n // 3 % 10:06}" for n in range(130)]
    ids = notify(server, reader, admin, task, *moments)
    first = reader.ok_get(INBOX)
    assert (len(first), first[-1]["created_at"]) == (100, "2026-03-01T10:00:01")
    rest = reader.ok_get(INBOX, params={"before": first[-1]["cursor"]})
    assert sorted(row["id"] for row in first + rest) == sorted(ids)
    assert [row["id"] for row in reader.ok_get(INBOX, params={"after": rest[0]["cursor"]})] == [
        row["id"] for row in first
    ]
    fraction = "2026-03-01T10:00:01.000003Z"
    newer, older = (reader.ok_get(INBOX, params={name: fraction}) for name in ("after", "before"))
    assert {row["created_at"] for row in older} == {"2026-03-01T10:00:00", "2026-03-01T10:00:01"}
    at = sum(moment == fraction[:-1] for moment in moments)
    assert len(newer) + len(older) + at == 130
    assert reader.ok_get(INBOX, params={"after": "2026-03-02"}) == []
    for wrong in ("", "soon", "2026-03-01T10:00:01,", "2026-03-01T10:00:01,x", "10:00,10:00"):
        assert reader.get(INBOX, params={"before": wrong}).status_code == 400, wrong


def test_mark_all_as_read_is_bounded_by_the_time_of_the_request(
    server: Server, admin: Client, task: dict[str, Any]
) -> None:
    reader, other = person(admin, "user"), person(admin, "user")
    notify(server, reader, admin, task, *["2026-03-01T10:00:00"] * 101)
    (later,) = notify(server, reader, admin, task, "2126-03-01T10:00:00")
    notify(server, other, admin, task, "2026-03-01T10:00:00")
    assert reader.ok_get("/data/user/context")["notification_count"] == 102
    assert reader.ok_post("/actions/user/notifications/mark-all-as-read") == {"success": True}
    assert [row["id"] for row in reader.ok_get(INBOX, params={"read": "false"})] == [later]
    assert reader.ok_get("/data/user/context")["notification_count"] == 1
    assert other.ok_get("/data/user/context")["notification_count"] == 1


def test_the_same_notification_is_marked_by_many_requests_at_once(
    server: Server, admin: Client, task: dict[str, Any]
) -> None:
    reader, other = person(admin, "user"), person(admin, "user")
    mine, also = notify(server, reader, admin, task, *["2026-03-01T10:00:00"] * 2)
    callers = [Client(admin.api, who.token, who.person) for who in (reader, reader, reader, other)]
    with ThreadPoolExecutor(8) as pool:
        marks = [pool.submit(who.put, f"{INBOX}/{mine}", {"read": True}) for who in callers]
        marks += [pool.submit(reader.post, "/actions/user/notifications/mark-all-as-read") for _ in range(2)]
        answers = [row.result().status_code for row in marks]
    assert answers == [200, 200, 200, 404, 200, 200]
    assert [row["read"] for row in reader.ok_get(INBOX)] == [True, True]
    assert reader.ok_get("/data/user/context")["notification_count"] == 0
    assert reader.ok_put(f"{INBOX}/{also}", {"read": False})["type"] == "Notification"
    assert reader.ok_get("/data/user/context")["notification_count"] == 1


def test_a_notification_put_without_a_usable_read_or_id_is_400(
    server: Server, admin: Client, artist: Client, task: dict[str, Any]
) -> None:
    (mine,) = notify(server, artist, admin, task, "2026-03-01T10:00:00")
    for wrong in ({}, {"read": None}, {"read": "perhaps"}, {"read": 2}, {"read": []}, [], None):
        assert artist.put(f"{INBOX}/{mine}", wrong).status_code == 400, wrong
    for read, stored in (("yes", True), (0, False), ("on", True), ("OFF", False), (1, True), ("false", False)):
        item = {**artist.ok_get(f"{INBOX}/{mine}"), "read": read}
        assert artist.ok_put(f"{INBOX}/{mine}", item)["read"] is stored, read
    assert artist.put(f"{INBOX}/x", {"read": True}).status_code == 400
    assert artist.put(f"{INBOX}/{task['id']}", {"read": True}).status_code == 404


def test_read_events_reach_their_person_only(
    server: Server, admin: Client, artist: Client, task: dict[str, Any]
) -> None:
    (mine,) = notify(server, artist, admin, task, "2026-03-01T10:00:00")
    names = ("notification:read", "notification:unread", "notification:all-read", "department:new")
    with Listener(server.url, artist.token, *names) as own, Listener(server.url, admin.token, *names) as others:
        artist.ok_put(f"{INBOX}/{mine}", {"read": True})
        artist.ok_put(f"{INBOX}/{mine}", {"read": False})
        artist.ok_post("/actions/user/notifications/mark-all-as-read")
        last = admin.ok_post("/data/departments", {"name": factories.unique("Wood"), "color": "#000000"})["id"]
        assert [name for name, _ in own.wait_for("department_id", last)] == list(names)
        assert [name for name, _ in others.wait_for("department_id", last)] == ["department:new"]


def test_subscribing_needs_access_to_the_task(admin: Client) -> None:
    vendor, outsider = person(admin, "vendor"), person(admin, "manager")
    show = factories.production(admin, vendor)
    own, other = (factories.entity(admin, show["id"]) for _ in range(2))
    mine = factories.task(admin, own, assignees=[vendor.id])
    beside, hidden = factories.task(admin, own, "Rigging"), factories.task(admin, other)
    for row in (mine, beside):
        vendor.ok_post(f"/actions/user/tasks/{row['id']}/subscribe")
    for who in (vendor, outsider):
        assert who.post(f"/actions/user/tasks/{hidden['id']}/subscribe").status_code == 403
    many = {"task_ids": [mine["id"], hidden["id"]]}
    vendor.ok_delete(f"/actions/user/tasks/{mine['id']}/unsubscribe")
    assert vendor.post("/actions/user/tasks/subscribe", many).status_code == 403
    assert vendor.ok_get(f"/data/user/tasks/{mine['id']}/subscribed") is False
    two = [beside["id"], mine["id"]]
    assert [row["task_id"] for row in vendor.ok_post("/actions/user/tasks/subscribe", {"task_ids": two})] == two
    assert vendor.ok_post("/actions/user/tasks/unsubscribe", {"task_ids": [*two, "x"]}) == [*two, "x"]
    for wrong in ([], ["x"], [str(uuid4())]):
        expected = 400 if not wrong else 404
        assert vendor.post("/actions/user/tasks/subscribe", {"task_ids": wrong}).status_code == expected
    sequence = factories.entity(admin, show["id"], "Sequence")
    watch = f"/actions/user/sequences/{sequence['id']}/task-types"
    assert vendor.post(f"{watch}/{mine['task_type_id']}/subscribe").status_code == 403
    for unknown in ("x", show["id"]):
        assert admin.post(f"{watch}/{unknown}/subscribe").status_code == 404


def test_nobody_is_told_what_is_hidden_from_them_on_the_production(server: Server, admin: Client) -> None:
    artist, boss, vendor, gone = (person(admin, role) for role in ("user", "manager", "vendor", "user"))
    show = factories.production(admin, artist, boss, vendor, gone)
    # Roles on the production count: an artist is its client, a manager is an artist on it.
    admin.ok_put(f"/data/projects/{show['id']}/team/{artist.id}", {"role": "client"})
    admin.ok_put(f"/data/projects/{show['id']}/team/{boss.id}", {"role": "user"})
    task = factories.task(admin, factories.entity(admin, show["id"]))
    for who in (artist, boss):
        who.ok_post(f"/actions/user/tasks/{task['id']}/subscribe")
    for who in (vendor, gone):
        admin.ok_post("/data/subscriptions", {"person_id": who.id, "task_id": task["id"]})
    admin.ok_delete(f"/data/projects/{show['id']}/team/{gone.id}")
    admin.ok_post("/data/subscriptions", {"person_id": gone.id, "task_id": task["id"]})
    wip = status(admin, "Work In Progress")
    named = " ".join(f"@{who.person['full_name']}," for who in (artist, boss, vendor, gone))
    inside, question = say(admin, task, wip, f"Between us {named}"), say(artist, task, wip, f"Blue? {named}")
    shown = say(admin, task, wip, "For your eyes", for_client=True)
    notices = {who: {item["comment_id"] for item in who.ok_get(INBOX)} for who in (artist, boss, vendor, gone)}
    assert notices == {artist: {shown["id"]}, boss: {inside["id"], shown["id"]}, vendor: set(), gone: set()}
    # What an older server told too much of keeps its row, without the words.
    for who, comment in ((artist, inside), (boss, question), (vendor, inside), (gone, shown)):
        (row,) = notify(server, who, admin, task, "2026-03-01T10:00:00", comment_id=comment["id"])
        assert who.ok_get(f"{INBOX}/{row}")["comment_text"] == "", who.person["role"]
    admin.ok_put(f"/data/comments/{inside['id']}", {"text": f"Still between us @{artist.person['full_name']}"})
    assert {item["comment_text"] for item in artist.ok_get(INBOX)} == {"For your eyes", ""}
    assert len(artist.ok_get(INBOX, params={"type": "mention"})) == 0


def test_a_mention_is_told_once_however_one_is_named_and_however_often_it_is_edited(admin: Client) -> None:
    department = admin.ok_post("/data/departments", {"name": factories.unique("Layout"), "color": "#000000"})
    both, mate = (person(admin, "user", departments=[department["id"]]) for _ in range(2))
    late = person(admin, "user")
    show = factories.production(admin, both, mate, late)
    task = factories.task(admin, factories.entity(admin, show["id"]))
    text = f"@{both.person['full_name']} and @{department['name']}"
    comment = say(admin, task, status(admin, "Todo"), text)
    mentions = {who: who.ok_get(INBOX, params={"type": "mention"}) for who in (both, mate)}
    assert [len(row) for row in mentions.values()] == [1, 1]
    both.ok_put(f"{INBOX}/{mentions[both][0]['id']}", {"read": True})
    admin.ok_put(f"/data/comments/{comment['id']}", {"pinned": True})
    admin.ok_put(f"/data/comments/{comment['id']}", {"text": f"{text}, @{late.person['full_name']}!"})
    assert [row["read"] for row in both.ok_get(INBOX, params={"type": "mention"})] == [True]
    assert len(late.ok_get(INBOX, params={"type": "mention"})) == 1
    admin.ok_put(f"/data/comments/{comment['id']}", {"text": f"@{late.person['full_name']}"})
    assert [who.ok_get(INBOX) for who in (both, mate)] == [[], []]


def test_a_repeated_assignment_tells_once(admin: Client) -> None:
    artist = person(admin, "user")
    show = factories.production(admin, artist)
    tasks = [factories.task(admin, factories.entity(admin, show["id"])) for _ in range(2)]
    for _ in range(2):
        admin.ok_put(f"/actions/tasks/{tasks[0]['id']}/assign", {"person_id": artist.id})
        admin.ok_put(f"/actions/persons/{artist.id}/assign", {"task_ids": [row["id"] for row in tasks]})
    notices = artist.ok_get(INBOX, params={"type": "assignation"})
    assert sorted(row["task_id"] for row in notices) == sorted(row["id"] for row in tasks)
    assert {row["comment_text"] for row in notices} == {None}


def test_a_sequence_subscription_follows_the_tasks_that_come_later(admin: Client, show: dict[str, Any]) -> None:
    watcher = person(admin, "supervisor")
    factories.join(admin, show["id"], watcher)
    sequence = factories.entity(admin, show["id"], "Sequence")
    layout = factories.named(admin, "task-types", "Layout", for_entity="Shot")["id"]
    path = f"/user/sequences/{sequence['id']}/task-types/{layout}"
    with ThreadPoolExecutor(4) as pool:
        watchers = [Client(admin.api, watcher.token) for _ in range(4)]
        answers = list(pool.map(lambda who: who.post(f"/actions{path}/subscribe"), watchers))
    assert {(item.status_code, item.json()["id"]) for item in answers} == {(201, answers[0].json()["id"])}
    row = answers[0].json()
    assert (row["entity_id"], row["task_type_id"], row["task_id"]) == (sequence["id"], layout, None)
    shot = factories.entity(admin, show["id"], "Shot", parent_id=sequence["id"])
    later, other = factories.task(admin, shot, "Layout"), factories.task(admin, shot, "Animation")
    for item in (later, other):
        comment = say(admin, item, status(admin, "Todo"), "New")
    admin.ok_post(f"/data/tasks/{other['id']}/comments/{comment['id']}/reply", {"text": "And?"})
    assert [item["task_id"] for item in watcher.ok_get(INBOX)] == [later["id"]]
    alias = f"/data/user/entities/{sequence['id']}/task-types/{layout}/subscribed"
    assert watcher.ok_get(alias) is True
    watcher.ok_delete(f"/actions{path}/unsubscribe")
    assert watcher.ok_get(alias) is False


def test_the_notifications_of_a_production_are_listed_and_paged_for_studio_managers(
    admin: Client, artist: Client, show: dict[str, Any]
) -> None:
    path = f"/data/projects/{show['id']}/notifications"
    task = factories.task(admin, factories.entity(admin, show["id"]), assignees=[artist.id])
    say(admin, task, status(admin, "Todo"), "One")
    rows = admin.ok_get(path)
    assert {row["type"] for row in rows} == {"Notification"}
    assert task["id"] in {row["task_id"] for row in rows}
    page = admin.ok_get(path, params={"page": 1})
    assert page.keys() == {"data", "total", "nb_pages", "limit", "offset", "page"}
    assert (page["data"][0], page["total"]) == (rows[0], len(rows))
    assert admin.get(path, params={"page": 2**31}).status_code == 400
    assert admin.get(f"/data/projects/{task['id']}/notifications").status_code == 404
    assert artist.get(path).status_code == artist.get(f"/data/projects/{show['id']}/subscriptions").status_code == 403

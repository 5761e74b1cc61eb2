"""Posting, reading and removing comments, as each role."""

import threading
from itertools import pairwise
from typing import Any

import psycopg

from tests import factories
from tests.client import Client
from tests.server import Server


def status(admin: Client, name: str) -> str:
    return str(factories.named(admin, "task-status", name)["id"])


def say(who: Client, task: dict[str, Any], status_id: str, text: str = "", **more: Any) -> dict[str, Any]:
    body = {"task_status_id": status_id, "comment": text, **more}
    return dict(who.ok_post(f"/actions/tasks/{task['id']}/comment", body))


def test_a_comment_changes_the_status_of_its_task(admin: Client) -> None:
    show = factories.production(admin)
    task = factories.task(admin, factories.entity(admin, show["id"]))
    wip = status(admin, "Work In Progress")
    comment = say(
        admin, task, wip, "Blocking", checklist=[{"text": "poses", "checked": False}], links=["https://a.b", 3]
    )
    assert comment["text"] == "Blocking"
    assert comment["checklist"] == [{"text": "poses", "checked": False}]
    assert comment["links"] == ["https://a.b", "3"]
    assert comment["task_status"]["short_name"] == "wip"
    after = admin.ok_get(f"/data/tasks/{task['id']}")
    assert after["task_status_id"] == wip
    assert after["real_start_date"] == after["last_comment_date"] == comment["created_at"]
    (listed,) = admin.ok_get(f"/data/tasks/{task['id']}/comments")
    assert listed["person"]["id"] == admin.id
    assert listed["task_status"] == {key: comment["task_status"][key] for key in ("id", "name", "short_name", "color")}


def test_a_mention_is_not_told_as_a_change_of_status(server: Server, admin: Client) -> None:
    named, assigned = factories.hire(admin, "user"), factories.hire(admin, "user")
    show = factories.production(admin, named, assigned)
    task = factories.task(admin, factories.entity(admin, show["id"]), assignees=[assigned.id])
    comment = say(admin, task, status(admin, "Work In Progress"), f"@{named.person['full_name']} look")
    with psycopg.connect(server.database_url) as connection:
        query = "SELECT person_id::text, type, change FROM notification WHERE comment_id = %s"
        notices = set(connection.execute(query, [comment["id"]]))
    assert notices == {(named.id, "mention", False), (assigned.id, "comment", True)}


def test_two_comments_at_once_count_every_retake(admin: Client) -> None:
    show = factories.production(admin)
    task = factories.task(admin, factories.entity(admin, show["id"]))
    retake, wip = status(admin, "Retake"), status(admin, "Work In Progress")

    def post(status_id: str) -> None:
        for _ in range(5):
            say(Client(admin.api, admin.token, admin.person), task, status_id)

    threads = [threading.Thread(target=post, args=(worker,)) for worker in (retake, wip, retake)]
    for worker in threads:
        worker.start()
    for worker in threads:
        worker.join()
    thread = admin.ok_get(f"/data/tasks/{task['id']}/comments")
    assert len(thread) == 15
    after = admin.ok_get(f"/data/tasks/{task['id']}")
    assert after["task_status_id"] == thread[0]["task_status_id"]
    statuses = [task["task_status_id"], *(comment["task_status_id"] for comment in reversed(thread))]
    sent_back = sum(now == retake != before for before, now in pairwise(statuses))
    assert after["retake_count"] == sent_back > 0, "a status given again is no other retake"


def test_deleting_a_comment_works_the_task_out_again(admin: Client) -> None:
    show = factories.production(admin)
    task = factories.task(admin, factories.entity(admin, show["id"]))
    wip, done = status(admin, "Work In Progress"), status(admin, "Done")
    say(admin, task, wip)
    last = say(admin, task, done)
    assert admin.ok_get(f"/data/tasks/{task['id']}")["done_date"] is not None
    admin.ok_delete(f"/data/tasks/{task['id']}/comments/{last['id']}")
    after = admin.ok_get(f"/data/tasks/{task['id']}")
    assert after["task_status_id"] == wip
    assert after["done_date"] is None


def test_clients_and_artists_do_not_read_each_other(admin: Client) -> None:
    artist, client, manager = (factories.hire(admin, role) for role in ("user", "client", "manager"))
    show = factories.production(admin, artist, client, manager)
    task = factories.task(admin, factories.entity(admin, show["id"]), assignees=[artist.id])
    wip = status(admin, "Work In Progress")
    inside = say(artist, task, wip, "Between us")
    shown = say(manager, task, wip, "For your eyes", for_client=True)
    question = say(client, task, wip, "Can it be red?")
    assert question["for_client"] is False
    path = f"/data/tasks/{task['id']}/comments"
    assert [row["id"] for row in client.ok_get(path)] == [question["id"], shown["id"]]
    assert [row["id"] for row in artist.ok_get(path)] == [shown["id"], inside["id"]]
    assert client.get(f"{path}/{inside['id']}").status_code == 403
    assert artist.get(f"{path}/{question['id']}").status_code == 403
    assert manager.get(f"{path}/{question['id']}").status_code == 200


def test_files_of_any_name_are_attached(admin: Client) -> None:
    show = factories.production(admin)
    task = factories.task(admin, factories.entity(admin, show["id"]))
    files = {"file": ("notes.verylongextension", b"abc", "text/plain"), "file-0": ("readme", b"abcd", "text/x")}
    data = {"task_status_id": status(admin, "Work In Progress"), "comment": "See", "checklist": "[]", "links": '["a"]'}
    comment = admin.ok_post(f"/actions/tasks/{task['id']}/comment", data=data, files=files)
    assert {(row["name"], row["extension"], row["size"]) for row in comment["attachment_files"]} == {
        ("notes.verylongextension", "verylo", 3),
        ("readme", "readme", 4),
    }
    assert comment["links"] == ["a"]
    (listed,) = admin.ok_get(f"/data/tasks/{task['id']}/comments")
    assert len(listed["attachment_files"]) == 2


def test_a_comment_takes_few_statements(admin: Client) -> None:
    show = factories.production(admin)
    task = factories.task(admin, factories.entity(admin, show["id"]))
    path, done = f"/actions/tasks/{task['id']}/comment", status(admin, "Done")

    def statements(text: str) -> int:
        answer = admin.post(path, {"task_status_id": done, "comment": text})
        assert answer.status_code == 201
        return int(answer.headers["server-timing"].split('"')[1].split()[0])

    # The caller, the task, the comment with what it causes, its events with the answer.
    assert statements("@a") == 4
    # The tasks it may go to are held first.
    assert statements("@a #all") == 5
    admin.ok_put(
        f"/data/tasks/{task['id']}", {"assignees": [factories.hire(admin, "user", notifications_enabled=True).id]}
    )
    # A job tells who wants mails.
    assert statements("Look") == 5


def test_a_retake_cap_lets_a_task_in_retake_be_commented(admin: Client) -> None:
    show = factories.production(admin, max_retakes=1)
    task = factories.task(admin, factories.entity(admin, show["id"]))
    retake, wip = status(admin, "Retake"), status(admin, "Work In Progress")
    path = f"/actions/tasks/{task['id']}/comment"
    for status_id, expected in ((retake, 201), (retake, 201), (wip, 201), (retake, 400)):
        assert admin.post(path, {"task_status_id": status_id}).status_code == expected
    assert len(admin.ok_get(f"/data/tasks/{task['id']}/comments")) == 3


def test_internal_words_are_not_notified_to_clients(admin: Client) -> None:
    client, artist = factories.hire(admin, "client"), factories.hire(admin, "user")
    show = factories.production(admin, client, artist)
    task = factories.task(admin, factories.entity(admin, show["id"]), assignees=[artist.id, client.id])
    wip = status(admin, "Work In Progress")
    say(admin, task, wip, f"Inside @{client.person['full_name']}")
    shown = say(admin, task, wip, "Outside", for_client=True)
    question = say(client, task, wip, "Red?")
    notices = admin.ok_get("/data/notifications", params={"task_id": task["id"]})
    assert {row["comment_id"] for row in notices if row["person_id"] == client.id} == {shown["id"]}
    assert question["id"] not in {row["comment_id"] for row in notices if row["person_id"] == artist.id}


def test_an_edit_follows_its_text_and_status(admin: Client) -> None:
    artist, other = factories.hire(admin, "user"), factories.hire(admin, "user")
    show = factories.production(admin, artist, other)
    task = factories.task(admin, factories.entity(admin, show["id"]), assignees=[artist.id])
    comment = say(artist, task, status(admin, "Work In Progress"), "Look")
    path = f"/data/comments/{comment['id']}"
    assert other.put(path, {"text": "mine"}).status_code == 403
    assert artist.put(path, {"text": None}).status_code == 400
    assert artist.put(path, {"for_client": True}).status_code == 403
    assert artist.put(path, [1]).status_code == 400
    for text in (f"Look @{other.person['full_name']}, please", f"Look @{other.person['full_name']}!"):
        artist.ok_put(path, {"text": text})
    notices = admin.ok_get("/data/notifications", params={"comment_id": comment["id"], "type": "mention"})
    assert [row["person_id"] for row in notices] == [other.id]
    artist.ok_put(path, {"task_status_id": status(admin, "Done")})
    assert admin.ok_get(f"/data/tasks/{task['id']}")["done_date"] is not None
    assert admin.ok_get(path)["mentions"] == [other.id]


def test_unusable_bodies_are_refused_and_nothing_is_stored(admin: Client) -> None:
    show = factories.production(admin)
    task = factories.task(admin, factories.entity(admin, show["id"]))
    wip = status(admin, "Work In Progress")
    path = f"/actions/tasks/{task['id']}/comment"
    for wrong, code in (
        ({}, 400),
        ({"task_status_id": wip, "comment": None}, 400),
        ({"task_status_id": wip, "comment": "a\0b"}, 400),
        ({"task_status_id": wip, "checklist": "{"}, 400),
        ({"task_status_id": wip, "checklist": {"a": 1}}, 400),
        ({"task_status_id": "wip"}, 404),
        ({"task_status_id": show["id"]}, 404),
        ({"task_status_id": wip, "person_id": show["id"]}, 404),
    ):
        answer = admin.post(path, wrong)
        assert answer.status_code == code, (wrong, answer.text)
    assert admin.ok_get(f"/data/tasks/{task['id']}/comments") == []

"""Posting, reading and removing comments, as each role."""

import threading
from typing import Any

from tests import factories
from tests.client import Client


def status(admin: Client, name: str) -> str:
    return str(factories.named(admin, "task-status", name)["id"])


def say(who: Client, task: dict[str, Any], status_id: str, text: str = "", **more: Any) -> dict[str, Any]:
    body = {"task_status_id": status_id, "comment": text, **more}
    return dict(who.ok_post(f"/actions/tasks/{task['id']}/comment", body))


def test_a_comment_changes_the_status_of_its_task(admin: Client) -> None:
    show = factories.production(admin)
    task = factories.task(admin, factories.entity(admin, show["id"]))
    wip = status(admin, "Work In Progress")
    said = say(admin, task, wip, "Blocking", checklist=[{"text": "poses", "checked": False}], links=["https://a.b", 3])
    assert said["text"] == "Blocking"
    assert said["checklist"] == [{"text": "poses", "checked": False}]
    assert said["links"] == ["https://a.b", "3"]
    assert said["task_status"]["short_name"] == "wip"
    after = admin.ok_get(f"/data/tasks/{task['id']}")
    assert after["task_status_id"] == wip
    assert after["real_start_date"] == after["last_comment_date"] == said["created_at"]
    (listed,) = admin.ok_get(f"/data/tasks/{task['id']}/comments")
    assert listed["person"]["id"] == admin.id
    assert listed["task_status"] == {key: said["task_status"][key] for key in ("id", "name", "short_name", "color")}


def test_two_comments_at_once_count_every_retake(admin: Client) -> None:
    show = factories.production(admin)
    task = factories.task(admin, factories.entity(admin, show["id"]))
    retake, wip = status(admin, "Retake"), status(admin, "Work In Progress")

    def post(status_id: str) -> None:
        for _ in range(5):
            say(Client(admin.api, admin.token, admin.person), task, status_id)

    threads = [threading.Thread(target=post, args=(each,)) for each in (retake, wip, retake)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    thread = admin.ok_get(f"/data/tasks/{task['id']}/comments")
    assert len(thread) == 15
    after = admin.ok_get(f"/data/tasks/{task['id']}")
    assert after["task_status_id"] == thread[0]["task_status_id"]
    assert 1 <= after["retake_count"] <= 10


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
    asked = say(client, task, wip, "Can it be red?")
    assert asked["for_client"] is False
    path = f"/data/tasks/{task['id']}/comments"
    assert [each["id"] for each in client.ok_get(path)] == [asked["id"], shown["id"]]
    assert [each["id"] for each in artist.ok_get(path)] == [shown["id"], inside["id"]]
    assert client.get(f"{path}/{inside['id']}").status_code == 403
    assert artist.get(f"{path}/{asked['id']}").status_code == 403
    assert manager.get(f"{path}/{asked['id']}").status_code == 200

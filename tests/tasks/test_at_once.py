"""Requests that arrive at once: nothing is lost, doubled or refused for it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests import factories
from tests.client import Client
from tests.tasks.test_comments import say, status


def again(who: Client) -> Client:
    """The same person on a connection of their own."""
    return Client(who.api, who.token, who.person)


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    with ThreadPoolExecutor(len(calls)) as pool:
        return [each.result() for each in [pool.submit(call) for call in calls]]


def test_comments_posted_moved_and_deleted_at_once_leave_the_task_as_its_thread_says(admin: Client) -> None:
    watcher, artist = factories.hire(admin), factories.hire(admin)
    show = factories.production(admin, watcher, artist)
    entity = factories.entity(admin, show["id"])
    task = factories.task(admin, entity, assignees=[watcher.id, artist.id])
    target = factories.task(admin, entity, "Rigging")
    retake, wip, done = (status(admin, name) for name in ("Retake", "Work In Progress", "Done"))
    doomed = [say(admin, task, each)["id"] for each in (retake, done, retake, done)]
    moving = [say(admin, task, each)["id"] for each in (wip, retake)]
    thread = f"/data/tasks/{task['id']}/comments"

    def post(who: Client, status_id: str) -> Callable[[], Any]:
        return lambda: [say(again(who), task, status_id, f"@{watcher.person['full_name']}") for _ in range(3)]

    def delete(comment_id: str) -> Callable[[], Any]:
        return lambda: again(admin).ok_delete(f"{thread}/{comment_id}")

    def move(comment_id: str) -> Callable[[], Any]:
        path = f"/actions/tasks/{task['id']}/comments/{comment_id}/move"
        return lambda: again(admin).ok_post(path, {"target_task_id": target["id"]})

    at_once(
        *(post(who, each) for who, each in ((admin, retake), (artist, wip), (admin, done))),
        *(delete(each) for each in doomed),
        *(move(each) for each in moving),
    )
    said = admin.ok_get(thread)[::-1]
    after = admin.ok_get(f"/data/tasks/{task['id']}")
    assert len(said) == 9
    turns = [now["task_status_id"] for before, now in zip([None, *said], said, strict=False) if now != before]
    retakes = sum(now == retake and before != now for before, now in zip([None, *turns], turns, strict=False))
    assert (after["retake_count"], after["task_status_id"]) == (retakes, turns[-1])
    assert after["last_comment_date"] == said[-1]["created_at"]
    assert (after["done_date"] is not None) == (turns[-1] == done)
    assert [each["task_status_id"] for each in admin.ok_get(f"/data/tasks/{target['id']}/comments")][::-1] == [
        wip,
        retake,
    ]
    assert admin.ok_get(f"/data/tasks/{target['id']}")["retake_count"] == 1
    news = admin.ok_get(f"/data/projects/{show['id']}/news", params={"task_type_id": task["task_type_id"]})["data"]
    assert {each["comment_id"] for each in news} == {each["id"] for each in said}
    assert len(news) == 9
    told = [
        (each["comment_id"], each["person_id"], each["notification_type"])
        for each in admin.ok_get("/data/notifications", params={"task_id": task["id"]})
        if each["comment_id"]
    ]
    assert len(told) == len(set(told))
    expected = {(each["id"], watcher.id, kind) for each in said for kind in ("comment", "mention")}
    expected |= {(each["id"], artist.id, "comment") for each in said if each["person_id"] != artist.id}
    assert set(told) == expected


def test_hashtags_between_tasks_at_once_keep_the_status_each_has(admin: Client) -> None:
    show = factories.production(admin)
    entity = factories.entity(admin, show["id"])
    tasks = [factories.task(admin, entity, name) for name in ("Modeling", "Rigging")]
    wip, done = status(admin, "Work In Progress"), status(admin, "Done")
    at_once(*(lambda i=i: say(again(admin), tasks[i % 2], (wip, done)[i // 2 % 2], "#all") for i in range(6)))
    for each in tasks:
        thread = admin.ok_get(f"/data/tasks/{each['id']}/comments")
        assert len(thread) == 6
        assert admin.ok_get(f"/data/tasks/{each['id']}")["task_status_id"] == thread[0]["task_status_id"]


def test_tasks_made_at_once_are_made_once(admin: Client) -> None:
    show = factories.production(admin)
    ids = [factories.entity(admin, show["id"])["id"] for _ in range(4)]
    kind = factories.named(admin, "task-types", "Modeling")["id"]
    project = f"/data/projects/{show['id']}/settings/task-types"
    admin.ok_post(project, {"task_type_id": kind})
    many = f"/actions/projects/{show['id']}/task-types/{kind}/assets/create-tasks"
    made = at_once(
        *(lambda: again(admin).ok_post(many, ids) for _ in range(4)),
        *(lambda i=i: again(admin).ok_post(f"/data/entities/{i}/tasks", {"task_type_ids": [kind]}) for i in ids),
    )
    assert sorted(each["entity_id"] for answer in made for each in answer) == sorted(ids)
    assert len(admin.ok_get(f"/data/projects/{show['id']}/tasks")) == 4


def test_assigning_and_taking_off_at_once_tells_each_change_once(admin: Client) -> None:
    artist, other = factories.hire(admin), factories.hire(admin)
    show = factories.production(admin, is_bot_collaboration_enabled=True)
    tasks = [factories.task(admin, factories.entity(admin, show["id"]), assignees=[other.id])["id"] for _ in range(3)]
    give = f"/actions/persons/{artist.id}/assign"
    off = {"task_ids": tasks[::-1]}
    at_once(
        *(lambda: again(admin).ok_put(give, {"task_ids": tasks}) for _ in range(3)),
        *(lambda i=i: again(admin).ok_put(f"/actions/tasks/{i}/assign", {"person_id": artist.id}) for i in tasks),
        lambda: again(admin).ok_put("/actions/tasks/clear-assignation", {**off, "person_id": other.id}),
    )
    for each in tasks:
        assert admin.ok_get(f"/data/tasks/{each}")["assignees"] == [artist.id]
        told = admin.ok_get("/data/notifications", params={"task_id": each, "type": "assignation"})
        assert [row["person_id"] for row in told] == [artist.id], "told once"
    team = admin.ok_get(f"/data/projects/{show['id']}/team")
    assert [each["id"] for each in team].count(artist.id) == 1
    at_once(*(lambda: again(admin).ok_put("/actions/tasks/clear-assignation", off) for _ in range(3)))
    events = admin.ok_get("/data/events/last", params={"project_id": show["id"], "name": "task:unassign"})
    gone = [each["data"]["task_id"] for each in events if each["data"]["person_id"] == artist.id]
    assert sorted(gone) == sorted(tasks), "everybody is taken off once"


def test_ticks_and_hours_at_once_are_all_kept(admin: Client) -> None:
    people = [factories.hire(admin, "supervisor") for _ in range(4)]
    show = factories.production(admin, *people, is_bot_collaboration_enabled=True)
    task = factories.task(admin, factories.entity(admin, show["id"]), assignees=[each.id for each in people])
    said = say(admin, task, status(admin, "Work In Progress"))
    ack = f"/data/tasks/{task['id']}/comments/{said['id']}/ack"

    def spend(who: Client) -> Callable[[], Any]:
        path = f"/actions/tasks/{task['id']}/time-spents/2024-01-0"
        return lambda: [again(who).ok_post(f"{path}{n}/persons/{who.id}/add", {"duration": 10}) for n in (1, 1, 2)]

    at_once(*(lambda who=who: again(who).ok_post(ack) for who in people), *(spend(who) for who in people))
    seen = admin.ok_get(f"/data/comments/{said['id']}")["acknowledgements"]
    assert sorted(seen) == sorted(each.id for each in people)
    assert admin.ok_get(f"/data/tasks/{task['id']}")["duration"] == 120
    assert admin.ok_get(f"/actions/tasks/{task['id']}/time-spents")["total"] == 120

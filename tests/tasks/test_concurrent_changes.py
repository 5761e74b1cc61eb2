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
        return [row.result() for row in [pool.submit(call) for call in calls]]


def test_comments_posted_moved_and_deleted_at_once_leave_the_task_as_its_thread_says(admin: Client) -> None:
    watcher, artist = factories.hire(admin), factories.hire(admin)
    show = factories.production(admin, watcher, artist)
    entity = factories.entity(admin, show["id"])
    task = factories.task(admin, entity, assignees=[watcher.id, artist.id])
    target = factories.task(admin, entity, "Rigging")
    retake, wip, done = (status(admin, name) for name in ("Retake", "Work In Progress", "Done"))
    doomed = [say(admin, task, row)["id"] for row in (retake, done, retake, done)]
    moving = [say(admin, task, row)["id"] for row in (wip, retake)]
    thread = f"/data/tasks/{task['id']}/comments"

    def post(who: Client, status_id: str) -> Callable[[], Any]:
        return lambda: [say(again(who), task, status_id, f"@{watcher.person['full_name']}") for _ in range(3)]

    def delete(comment_id: str) -> Callable[[], Any]:
        return lambda: again(admin).ok_delete(f"{thread}/{comment_id}")

    def move(comment_id: str) -> Callable[[], Any]:
        path = f"/actions/tasks/{task['id']}/comments/{comment_id}/move"
        return lambda: again(admin).ok_post(path, {"target_task_id": target["id"]})

    at_once(
        *(post(who, row) for who, row in ((admin, retake), (artist, wip), (admin, done))),
        *(delete(row) for row in doomed),
        *(move(row) for row in moving),
    )
    comments = admin.ok_get(thread)[::-1]
    after = admin.ok_get(f"/data/tasks/{task['id']}")
    assert len(comments) == 9
    turns = [now["task_status_id"] for before, now in zip([None, *comments], comments, strict=False) if now != before]
    retakes = sum(now == retake and before != now for before, now in zip([None, *turns], turns, strict=False))
    assert (after["retake_count"], after["task_status_id"]) == (retakes, turns[-1])
    assert after["last_comment_date"] == comments[-1]["created_at"]
    assert (after["done_date"] is not None) == (turns[-1] == done)
    assert [row["task_status_id"] for row in admin.ok_get(f"/data/tasks/{target['id']}/comments")][::-1] == [
        wip,
        retake,
    ]
    assert admin.ok_get(f"/data/tasks/{target['id']}")["retake_count"] == 1
    news = admin.ok_get(f"/data/projects/{show['id']}/news", params={"task_type_id": task["task_type_id"]})["data"]
    assert {row["comment_id"] for row in news} == {row["id"] for row in comments}
    assert len(news) == 9
    notices = [
        (row["comment_id"], row["person_id"], row["notification_type"])
        for row in admin.ok_get("/data/notifications", params={"task_id": task["id"]})
        if row["comment_id"]
    ]
    assert len(notices) == len(set(notices))
    expected = {(row["id"], watcher.id, kind) for row in comments for kind in ("comment", "mention")}
    expected |= {(row["id"], artist.id, "comment") for row in comments if row["person_id"] != artist.id}
    assert set(notices) == expected


def test_hashtags_between_tasks_at_once_keep_the_status_each_has(admin: Client) -> None:
    show = factories.production(admin)
    entity = factories.entity(admin, show["id"])
    tasks = [factories.task(admin, entity, name) for name in ("Modeling", "Rigging")]
    wip, done = status(admin, "Work In Progress"), status(admin, "Done")
    at_once(*(lambda i=i: say(again(admin), tasks[i % 2], (wip, done)[i // 2 % 2], "#all") for i in range(6)))
    for row in tasks:
        thread = admin.ok_get(f"/data/tasks/{row['id']}/comments")
        assert len(thread) == 6
        assert admin.ok_get(f"/data/tasks/{row['id']}")["task_status_id"] == thread[0]["task_status_id"]


def test_tasks_made_at_once_are_made_once(admin: Client) -> None:
    show = factories.production(admin)
    ids = [factories.entity(admin, show["id"])["id"] for _ in range(4)]
    kind = factories.named(admin, "task-types", "Modeling")["id"]
    project = f"/data/projects/{show['id']}/settings/task-types"
    admin.ok_post(project, {"task_type_id": kind})
    many = f"/actions/projects/{show['id']}/task-types/{kind}/assets/create-tasks"
    answers = at_once(
        *(lambda: again(admin).ok_post(many, ids) for _ in range(4)),
        *(lambda i=i: again(admin).ok_post(f"/data/entities/{i}/tasks", {"task_type_ids": [kind]}) for i in ids),
    )
    assert sorted(row["entity_id"] for answer in answers for row in answer) == sorted(ids)
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
    for item in tasks:
        assert admin.ok_get(f"/data/tasks/{item}")["assignees"] == [artist.id]
        notices = admin.ok_get("/data/notifications", params={"task_id": item, "type": "assignation"})
        assert [row["person_id"] for row in notices] == [artist.id], "told once"
    team = admin.ok_get(f"/data/projects/{show['id']}/team")
    assert [item["id"] for item in team].count(artist.id) == 1
    at_once(*(lambda: again(admin).ok_put("/actions/tasks/clear-assignation", off) for _ in range(3)))
    events = admin.ok_get("/data/events/last", params={"project_id": show["id"], "name": "task:unassign"})
    gone = [item["data"]["task_id"] for item in events if item["data"]["person_id"] == artist.id]
    assert sorted(gone) == sorted(tasks), "everybody is taken off once"


def test_ticks_and_hours_at_once_are_all_kept(admin: Client) -> None:
    people = [factories.hire(admin, "supervisor") for _ in range(4)]
    show = factories.production(admin, *people, is_bot_collaboration_enabled=True)
    task = factories.task(admin, factories.entity(admin, show["id"]), assignees=[row.id for row in people])
    comments = say(admin, task, status(admin, "Work In Progress"))
    ack = f"/data/tasks/{task['id']}/comments/{comments['id']}/ack"

    def spend(who: Client) -> Callable[[], Any]:
        path = f"/actions/tasks/{task['id']}/time-spents/2024-01-0"
        return lambda: [again(who).ok_post(f"{path}{n}/persons/{who.id}/add", {"duration": 10}) for n in (1, 1, 2)]

    at_once(*(lambda who=who: again(who).ok_post(ack) for who in people), *(spend(who) for who in people))
    seen = admin.ok_get(f"/data/comments/{comments['id']}")["acknowledgements"]
    assert sorted(seen) == sorted(row.id for row in people)
    assert admin.ok_get(f"/data/tasks/{task['id']}")["duration"] == 120
    assert admin.ok_get(f"/actions/tasks/{task['id']}/time-spents")["total"] == 120

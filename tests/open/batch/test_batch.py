"""Batches: all or none, in order, each operation as it is alone."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
import requests

from tests.client import Client, unique
from tests.core.data.test_transactions import wait_until_blocked
from tests.core.listener import Feed
from tests.factories import entity, hire, join, named, production, task
from tests.server import Server

BATCH = "/open/v1/batch"


def step(method: str, path: str, body: Any = None) -> dict[str, Any]:
    return {"method": method, "path": path} if body is None else {"method": method, "path": path, "body": body}


def batch(who: Client, *steps: dict[str, Any], **more: Any) -> requests.Response:
    return who.post(BATCH, {"operations": list(steps), **more})


def done(who: Client, *steps: dict[str, Any], **more: Any) -> list[Any]:
    """The bodies that operations answer."""
    answer = batch(who, *steps, **more)
    assert answer.status_code == 200, answer.text
    return [result["body"] for result in answer.json()["results"]]


class Show:
    """A production with tasks, and people who stand differently to it."""

    def __init__(self, admin: Client) -> None:
        self.admin = admin
        self.manager, self.artist, self.client, self.vendor, self.stranger = (
            hire(admin, role) for role in ("manager", "user", "client", "vendor", "user")
        )
        self.project = production(admin, self.manager, self.artist, self.client, self.vendor)
        self.todo, self.wip = (named(admin, "task-status", name)["id"] for name in ("Todo", "Work In Progress"))
        self.assets = [entity(admin, self.project["id"]) for _ in range(4)]
        self.tasks = [task(admin, asset) for asset in self.assets]


@pytest.fixture(scope="module")
def show(admin: Client) -> Show:
    return Show(admin)


def test_later_operations_refer_to_earlier_ones(show: Show) -> None:
    kind = named(show.admin, "entity-types", "Character")["id"]
    modeling = named(show.admin, "task-types", "Modeling")["id"]
    name = unique("Dragon")
    asset, made, assigned, comment, renamed = done(
        show.manager,
        step("POST", "/data/entities", {"name": name, "project_id": show.project["id"], "entity_type_id": kind}),
        step(
            "POST",
            "/api/data/tasks",
            {"name": "main", "entity_id": "$0.id", "task_type_id": modeling, "task_status_id": show.todo},
        ),
        step("PUT", "/data/tasks/$1.id", {"assignees": [show.artist.id]}),
        step("POST", "/actions/tasks/$1.id/comment", {"task_status_id": show.wip, "comment": "$$5 for $0.name"}),
        {
            "operation": "put_data_entities_by_instance_id",
            "params": {"instance_id": "$0.id"},
            "body": {"description": "$3.text"},
        },
    )
    assert made["entity_id"] == asset["id"]
    assert assigned["id"] == made["id"]
    assert (comment["text"], comment["object_id"]) == ("$5 for $0.name", made["id"])
    assert renamed["description"] == "$5 for $0.name"
    kept = show.admin.ok_get(f"/data/tasks/{made['id']}")
    assert (kept["task_status_id"], kept["assignees"]) == (show.wip, [show.artist.id])


def test_the_answer_is_that_of_each_operation_alone(show: Show) -> None:
    name = unique("Wood")
    answer = batch(
        show.admin,
        step("POST", "/data/departments", {"name": name, "color": "#123456"}),
        step("PUT", "/data/departments/$0.id", {"name": name + "s"}),
        step("DELETE", "/data/departments/$0.id"),
    ).json()
    made, changed, gone = answer["results"]
    assert answer["dry_run"] is False
    assert (made["status"], made["body"]["type"], made["body"]["name"]) == (201, "Department", name)
    assert (changed["status"], changed["body"]) == (
        200,
        {**made["body"], "name": name + "s", "updated_at": changed["body"]["updated_at"]},
    )
    assert gone == {"status": 204, "body": None}


@pytest.mark.parametrize("alike", [True, False], ids=["at once", "one by one"])
def test_the_one_at_fault_refuses_all_and_is_told(show: Show, alike: bool) -> None:
    before = show.admin.ok_get(f"/data/tasks/{show.tasks[0]['id']}")
    good = [step("PUT", f"/data/tasks/{row['id']}", {"priority": 3}) for row in show.tasks[:2]]
    if not alike:
        good.insert(1, step("POST", "/data/departments", {"name": unique("Wood"), "color": "#000000"}))
    bad = step("PUT", f"/data/tasks/{show.tasks[2]['id']}", {"priority": "high"})
    answer = batch(show.manager if alike else show.admin, *good, bad, *good)
    body = answer.json()
    assert (answer.status_code, body["index"], body["error"]) == (400, len(good), True)
    assert body["message"].startswith(f"operations.{len(good)} (PUT /data/tasks/{show.tasks[2]['id']}): priority: ")
    alone = show.manager.put(f"/data/tasks/{show.tasks[2]['id']}", {"priority": "high"})
    assert body["answer"] == alone.json()
    assert show.admin.ok_get(f"/data/tasks/{show.tasks[0]['id']}") == before


def test_nothing_of_a_refused_batch_is_heard(show: Show) -> None:
    feed = Feed(show.admin)
    feed.read()
    name = unique("Quiet")
    refused = batch(
        show.admin,
        step("POST", "/data/departments", {"name": name, "color": "#000000"}),
        step("POST", f"/actions/tasks/{show.tasks[0]['id']}/comment", {"task_status_id": show.wip, "comment": name}),
        step("DELETE", "/data/departments/" + show.project["id"]),
    )
    assert (refused.status_code, refused.json()["index"]) == (404, 2)
    assert show.admin.ok_get("/data/departments", params={"name": name}) == []
    assert all(comment["text"] != name for comment in show.admin.ok_get(f"/data/tasks/{show.tasks[0]['id']}/comments"))
    after = show.admin.ok_post("/data/departments", {"name": unique("Loud"), "color": "#000000"})["id"]
    ours = [event for event in feed.read() if event["data"].get("task_id") == show.tasks[0]["id"]]
    assert ours == []
    assert show.admin.ok_get(f"/data/departments/{after}")["id"] == after


def test_a_dry_run_tells_all_and_keeps_nothing(show: Show) -> None:
    name = unique("Dry")
    path = f"/data/tasks/{show.tasks[1]['id']}"
    before = show.admin.ok_get(path)
    made, comment = done(
        show.admin,
        step("POST", "/data/departments", {"name": name, "color": "#000000"}),
        step(
            "POST", f"/actions/tasks/{show.tasks[1]['id']}/comment", {"task_status_id": show.wip, "comment": "$0.name"}
        ),
        dry_run=True,
    )
    assert (made["name"], comment["text"]) == (name, name)
    assert show.admin.get(f"/data/departments/{made['id']}").status_code == 404
    assert show.admin.ok_get(path) == before
    refused = batch(show.admin, step("DELETE", path + "0"), dry_run=True)
    assert (refused.status_code, refused.json()["index"]) == (400, 0)


def test_each_operation_asks_for_its_own_right(show: Show) -> None:
    """What somebody may not do alone, they may not do in a batch; nor with rights that an operation before gave up."""
    change = step("PUT", f"/data/tasks/{show.tasks[3]['id']}", {"priority": 1})
    for who, status in (
        (show.admin, 200),
        (show.manager, 200),
        (show.artist, 403),
        (show.client, 403),
        (show.vendor, 403),
        (show.stranger, 403),
    ):
        assert batch(who, change, {**change, "path": f"/data/tasks/{show.tasks[2]['id']}"}).status_code == status
    assert batch(Client(show.admin.api), change).status_code == 401
    leaver = hire(show.admin, "manager")
    join(show.admin, show.project["id"], leaver)
    leave = step("DELETE", f"/data/projects/{show.project['id']}/team/{leaver.id}")
    answer = batch(leaver, change, leave, change)
    assert (answer.status_code, answer.json()["index"]) == (403, 2)
    assert batch(leaver, change).status_code == 200


ALONE = {
    "reads": step("GET", "/data/tasks"),
    "batch": step("POST", BATCH, {"operations": []}),
    "signed in": step("POST", "/auth/login", {"email": "a", "password": "b"}),
    "secret": step("PUT", "/auth/totp"),
    "goes on": step("POST", "/uploads"),
    "takes files": step("POST", "/import/csv/persons"),
    "import": step("POST", "/import/shotgun/remove/task", {"id": 1}),
    "production": step("DELETE", "/data/projects/00000000-0000-0000-0000-000000000000"),
}


@pytest.mark.parametrize("word", ALONE)
def test_what_stands_alone_says_why(show: Show, word: str) -> None:
    answer = batch(show.admin, ALONE[word])
    assert answer.status_code == 400
    assert "no part of a batch" in answer.json()["message"]
    assert word in answer.json()["message"]


WRONG: dict[str, tuple[Any, int, str]] = {
    "no object": ([], 400, ""),
    "no operations": ({}, 400, "operations"),
    "none": ({"operations": []}, 400, "operations"),
    "too many": ({"operations": [step("DELETE", "/data/tasks/x")] * 1001}, 400, "operations"),
    "no list": ({"operations": "x"}, 400, "operations"),
    "no step": ({"operations": [1]}, 400, "operations"),
    "a typing error": ({"operations": [{"method": "POST", "path": "/data/x", "boddy": 1}]}, 400, "boddy"),
    "a method": ({"operations": [step("SHOUT", "/data/tasks")]}, 400, "operations.0.method"),
    "no path": ({"operations": [{"method": "POST"}]}, 400, "method and a path"),
    "both": ({"operations": [{**step("POST", "/data/tasks"), "operation": "x"}]}, 400, "method and a path"),
    "a relative path": ({"operations": [step("POST", "data/tasks")]}, 400, "begins with a /"),
    "no route": ({"operations": [step("POST", "/data/nowhere")]}, 404, "no such route"),
    "a method it has not": ({"operations": [step("PATCH", "/data/tasks")]}, 405, "PATCH"),
    "no operation": ({"operations": [{"operation": "put_nothing"}]}, 400, "put_nothing"),
    "no params": ({"operations": [{"operation": "delete_data_tasks_by_instance_id"}]}, 400, "instance_id"),
    "itself": ({"operations": [step("DELETE", "/data/tasks/$0.id")]}, 400, "before its own"),
    "a later one": ({"operations": [step("POST", "/data/tasks", {"a": ["$1"]})]}, 400, "$1"),
    "no such key": (
        {
            "operations": [
                step("POST", "/actions/user/notifications/mark-all-as-read"),
                step("DELETE", "/data/tasks/$0.nothing"),
            ]
        },
        400,
        "the answer has no nothing",
    ),
    "no id": ({"operations": [step("DELETE", "/data/tasks/none")]}, 400, "operations.0 (DELETE /data/tasks/none)"),
    "no body": ({"operations": [step("POST", "/data/departments")]}, 415, "JSON"),
    "a list as a body": ({"operations": [step("POST", "/data/departments", [])]}, 400, "JSON object"),
    "an upload": (
        {
            "operations": [
                step("POST", "/actions/tasks/00000000-0000-0000-0000-000000000000/comment", {"upload_id": "x"})
            ]
        },
        400,
        "upload_id",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_batch_is_refused_with_the_reason(show: Show, case: str) -> None:
    document, status, reason = WRONG[case]
    answer = show.admin.post(BATCH, document)
    assert answer.status_code == status, answer.text
    assert reason in answer.text
    assert answer.json()["error"] is True


def test_a_batch_is_undone_as_one(show: Show) -> None:
    made = [show.admin.ok_post("/data/departments", {"name": unique("Wood"), "color": "#000000"}) for _ in range(2)]
    tasks = [show.admin.ok_get(f"/data/tasks/{row['id']}") for row in show.tasks[:2]]
    steps = [step("PUT", f"/data/tasks/{row['id']}", {"description": unique("undone")}) for row in tasks]
    answer = batch(show.admin, *steps, step("PUT", f"/data/departments/{made[0]['id']}", {"color": "#ffffff"})).json()
    assert [result["status"] for result in answer["results"]] == [200] * 3
    undone = show.admin.post("/open/v1/undo", {"batch_id": answer["batch_id"]})
    assert undone.status_code == 200, undone.text
    for row in tasks:
        assert show.admin.ok_get(f"/data/tasks/{row['id']}")["description"] == row["description"]


# As one by one

#: And what other such runs made of the same rows.
_TOLD_LATER = {"created_at", "updated_at", "id", "date", "entities_in"}


def alike(rows: Any) -> Any:
    """Rows without what differs between two runs."""
    return [{key: value for key, value in row.items() if key not in _TOLD_LATER} for row in rows]


class Twins:
    """Two productions that are the same, to change one way and the other."""

    def __init__(self, admin: Client) -> None:
        self.admin = admin
        self.wip = named(admin, "task-status", "Work In Progress")["id"]
        self.sides = [self._side() for _ in range(2)]
        self.sequences = [entity(admin, side[0], "Sequence", name="Sequence") for side in self.sides]
        self.shots = [
            [entity(admin, above["project_id"], "Shot", name=f"Shot {n}", parent_id=above["id"]) for n in range(3)]
            for above in self.sequences
        ]

    def _side(self) -> tuple[str, list[dict[str, Any]], list[dict[str, Any]]]:
        project = production(self.admin)
        assets = [entity(self.admin, project["id"], name=f"Asset {n}") for n in range(4)]
        return project["id"], assets, [task(self.admin, asset) for asset in assets]


@pytest.fixture(scope="module")
def twins(admin: Client) -> Twins:
    return Twins(admin)


def steps_of(twins: Twins, kind: str, side: int) -> list[dict[str, Any]]:
    _, assets, tasks = twins.sides[side]
    if kind == "updates":
        bodies = [{"priority": 2}, {"data": {"a": 1}, "estimation": 60}, {"priority": 1, "due_date": "2030-01-01"}, {}]
        steps = [step("PUT", f"/data/tasks/{row['id']}", body) for row, body in zip(tasks, bodies, strict=True)]
        # The same row again, metadata merged with what the first of them wrote; and what is done alone.
        return [
            *steps,
            step("PUT", f"/data/tasks/{tasks[1]['id']}", {"data": {"b": "2"}}),
            step("PUT", f"/data/tasks/{tasks[0]['id']}", {"task_type_id": tasks[0]["task_type_id"], "priority": 3}),
        ]
    if kind == "comments":
        return [
            step("POST", f"/actions/tasks/{row['id']}/comment", {"task_status_id": twins.wip, "comment": f"say {n}"})
            for n, row in enumerate([*tasks, tasks[0], tasks[2]])
        ]
    if kind in ("entities", "shots"):
        return entity_steps(twins, kind, side)
    if kind == "entity updates":
        bodies = [
            {"data": {"a": 1, "frame_in": 5}, "description": "One"},
            {"nb_frames": 12, "data": {"frame_out": 9}},
            {"data": {}},
            {"status": "complete", "is_casting_standby": True},
        ]
        steps = [step("PUT", f"/data/entities/{row['id']}", body) for row, body in zip(assets, bodies, strict=True)]
        shots = [row["id"] for row in twins.shots[side]]
        # The second time into the version of the first; and a name, which is done alone.
        for turn in (1, 2):
            frames = [{"data": {"frame_in": n * turn, "frame_out": 10 * turn}} for n in range(3)]
            steps += [step("PUT", f"/data/entities/{row_id}", body) for row_id, body in zip(shots, frames, strict=True)]
        return [*steps, step("PUT", f"/data/entities/{shots[0]}", {"name": "Renamed"})]
    shading = named(twins.admin, "task-types", "Shading")["id"]
    others: list[dict[str, Any]] = [{}, {"priority": 1}, {"data": {"x": [1]}}, {}]
    return [
        step("POST", "/data/tasks", {"name": "main", "entity_id": row["id"], "task_type_id": shading, **more})
        for row, more in zip(assets, others, strict=True)
    ]


def entity_steps(twins: Twins, kind: str, side: int) -> list[dict[str, Any]]:
    project_id, assets, _ = twins.sides[side]
    if kind == "shots":
        sequence = twins.sequences[side]["id"]
        shot_type = twins.shots[side][0]["entity_type_id"]
        more: list[dict[str, Any]] = [{"name": f"N{n}", "parent_id": sequence, "nb_frames": n} for n in range(3)]
        # A shot that hangs from nothing may have the name of one that does not.
        more += [{"name": "N0"}, {"name": "N9", "parent_id": sequence, "data": {"frame_in": 1}}]
        return [
            step("POST", "/data/entities", {**row, "project_id": project_id, "entity_type_id": shot_type})
            for row in more
        ]
    about = {"project_id": project_id, "entity_type_id": assets[0]["entity_type_id"]}
    cast = [assets[0]["id"]]
    rows: list[dict[str, Any]] = [{}, {"description": "Two", "data": {"x": [1, {"y": "z"}]}}, {"entities_out": cast}]
    rows += [{"name": "Gone", "canceled": True}, {"name": "Gone", "canceled": True}, {"name": "Gone"}]
    return [step("POST", "/data/entities", {"name": f"Made {n}", **about, **row}) for n, row in enumerate(rows)]


@pytest.mark.parametrize("kind", ["updates", "comments", "creates", "entities", "shots", "entity updates"])
def test_what_is_done_at_once_is_what_is_done_one_by_one(twins: Twins, kind: str) -> None:
    admin = twins.admin
    feed = Feed(admin)
    feed.read()
    singly = [admin.call(one["method"], one["path"], json=one["body"]) for one in steps_of(twins, kind, 0)]
    results = batch(admin, *steps_of(twins, kind, 1)).json()["results"]
    assert [result["status"] for result in results] == [answer.status_code for answer in singly]
    sides = [twins.sides[side] for side in (0, 1)]
    names = {
        row["id"]: f"{word} {n}"
        for _, assets, tasks in sides
        for word, rows in (("asset", assets), ("task", tasks))
        for n, row in enumerate(rows)
    }
    names |= {
        row["id"]: f"{word} {n}"
        for side in (0, 1)
        for word, rows in (("sequence", [twins.sequences[side]]), ("shot", twins.shots[side]))
        for n, row in enumerate(rows)
    }
    names |= {project_id: "project" for project_id, _, _ in sides}
    made = [[answer.json() for answer in singly], [result["body"] for result in results]]
    for rows in made:
        names |= {row["id"]: f"made {n}" for n, row in enumerate(rows) if row["id"] not in names}

    def told(value: Any) -> Any:
        """The same with names for ids."""
        if isinstance(value, dict):
            return {key: told(item) for key, item in value.items()}
        return (
            [told(item) for item in value]
            if isinstance(value, list)
            else names.get(value, value)
            if isinstance(value, str)
            else value
        )

    assert alike(told(made[0])) == alike(told(made[1]))
    stored = [admin.ok_get(f"/data/projects/{project_id}/tasks") for project_id, _, _ in sides]
    first, second = (
        sorted(alike(told(rows)), key=lambda row: (row["entity_id"], row["task_type_id"])) for rows in stored
    )
    for row in (*first, *second):  # moments of the two runs
        for key in ("last_comment_date", "real_start_date"):
            row[key] = row.get(key) is not None
    assert first == second
    versions = [
        [alike(told(admin.ok_get(f"/data/shots/{shot['id']}/versions"))) for shot in shots] for shots in twins.shots
    ]
    assert versions[0] == versions[1]
    assert kind != "entity updates" or all(versions[0])
    events: list[list[Any]] = [[], []]
    for event in feed.read():
        data = event["data"]
        for place, (project_id, _, _) in enumerate(sides):
            if data.get("project_id") == project_id:
                kept = {key: value for key, value in told(data).items() if key not in ("event_id", "news_id")}
                events[place].append((event["name"], kept))
    assert events[0] == events[1]
    assert events[0]


# At the same time


def test_one_person_has_a_bounded_number_of_batches(server: Server, show: Show) -> None:
    """One is done, four wait; others of theirs are refused, and other people are served."""
    hold = step("PUT", f"/data/tasks/{show.tasks[0]['id']}", {"priority": 1})
    with (
        psycopg.connect(server.database_url) as locker,
        psycopg.connect(server.database_url, autocommit=True) as watcher,
        ThreadPoolExecutor(8) as pool,
    ):
        locker.execute("SELECT 1 FROM task WHERE id = %s FOR UPDATE", (show.tasks[0]["id"],))
        first = pool.submit(batch, Client(show.manager.api, show.manager.token), hold)
        wait_until_blocked(watcher, "FROM task")
        later = [pool.submit(batch, Client(show.manager.api, show.manager.token), hold) for _ in range(5)]
        refused = next(iter(_ended(later)))
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) > 0
        assert batch(show.admin, step("PUT", f"/data/tasks/{show.tasks[1]['id']}", {"priority": 1})).status_code == 200
        locker.rollback()
        statuses = sorted(future.result().status_code for future in [first, *later])
    assert statuses == [200] * 5 + [429]


def _ended(futures: list[Any]) -> Iterator[requests.Response]:
    """Answers, as they come."""
    from concurrent.futures import as_completed

    for future in as_completed(futures):
        yield future.result()


def test_batches_about_the_same_rows_in_another_order_are_done_one_after_the_other(show: Show) -> None:
    steps = [step("PUT", f"/data/tasks/{row['id']}", {"task_type_id": row["task_type_id"]}) for row in show.tasks]
    other = Client(show.admin.api, show.admin.token)
    answers: list[int] = []

    def run(who: Client, order: list[dict[str, Any]]) -> None:
        answers.extend(batch(who, *order).status_code for _ in range(3))

    threads = [
        threading.Thread(target=run, args=(show.manager, steps)),
        threading.Thread(target=run, args=(other, steps[::-1])),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 6

"""Comments on many tasks at once, copies of clients' words, and comments that move, as each role."""

import json

from tests import factories
from tests.client import Client
from tests.tasks.test_comments import say, status


def test_many_comments_ask_for_the_right_on_each_task(admin: Client) -> None:
    manager, artist, vendor = (factories.hire(admin, role) for role in ("manager", "user", "vendor"))
    supervisor = factories.hire(admin, "supervisor")
    show, other = factories.production(admin, manager, artist, vendor), factories.production(admin, artist)
    mine = factories.task(admin, factories.entity(admin, show["id"]), assignees=[artist.id, vendor.id])
    free = factories.task(admin, factories.entity(admin, show["id"]))
    elsewhere = factories.task(admin, factories.entity(admin, other["id"]), assignees=[artist.id])
    wip = status(admin, "Work In Progress")
    path = f"/actions/projects/{show['id']}/tasks/comment-many"
    words = [{"object_id": row["id"], "task_status_id": wip, "comment": "go"} for row in (free, elsewhere, mine)]

    def commented(who: Client) -> list[str]:
        return [row["object_id"] for row in who.ok_post(path, [*words, {"object_id": mine["id"]}])]

    assert commented(manager) == [free["id"], mine["id"]], "not in the other production"
    assert commented(artist) == [elsewhere["id"], mine["id"]]
    assert supervisor.post(path, words).status_code == 403, "a supervisor outside the team"
    wfa = admin.ok_post("/data/task-status", {"name": "X", "short_name": "x", "color": "#000", "is_artist_allowed": 0})
    for who in (artist, vendor):
        mixed = [words[2], {**words[2], "task_status_id": wfa["id"]}]
        assert who.post(path, mixed).status_code == 403, "vendors too keep to what artists may give"
    admin.ok_delete(f"/data/task-status/{wfa['id']}")
    assert len(admin.ok_get(f"/data/tasks/{mine['id']}/comments")) == 2, "all are posted or none"
    for wrong in ({}, [1], [{"object_id": "x"}], [{**words[0], "comment": 1}], [{**words[0], "links": 1}], "x"):
        assert manager.post(path, wrong).status_code == 400, wrong
    assert manager.post(path, [{**words[0], "object_id": show["id"]}]).status_code == 404


def test_many_comments_in_a_form_take_the_files_of_their_exact_number(admin: Client) -> None:
    show = factories.production(admin)
    tasks = [factories.task(admin, factories.entity(admin, show["id"])) for _ in range(2)]
    wip = status(admin, "Work In Progress")
    many = [{"object_id": tasks[i % 2]["id"], "task_status_id": wip, "comment": str(i)} for i in range(11)]
    files = {f"attachment_file-{i}-0": (f"{i}.txt", b"x", "text/plain") for i in (1, 10)}
    path = f"/actions/projects/{show['id']}/tasks/comment-many"
    comments = admin.ok_post(path, files={**files, "comments": (None, json.dumps(many), "application/json")})
    held = {row["text"]: [file["name"] for file in row["attachment_files"]] for row in comments}
    assert held == {str(i): [f"{i}.txt"] if i in (1, 10) else [] for i in range(11)}
    assert admin.post(path, files=files).status_code == 400


def test_what_clients_said_last_is_copied_for_the_studio(admin: Client) -> None:
    client, manager = factories.hire(admin, "user"), factories.hire(admin, "manager")
    show, other = factories.production(admin, manager), factories.production(admin, manager)
    factories.join(admin, show["id"], client, "client")
    questioned, quiet = (factories.task(admin, factories.entity(admin, show["id"])) for _ in range(2))
    elsewhere = factories.task(admin, factories.entity(admin, other["id"]))
    wip = status(admin, "Work In Progress")
    say(client, questioned, wip, "Red?"), say(client, questioned, wip, "Blue?"), say(manager, quiet, wip, "Fine")
    path, ids = f"/actions/projects/{show['id']}/tasks/copy-client-comments", [row["id"] for row in (questioned, quiet)]
    (copy,) = manager.ok_post(path, {"task_ids": [*ids, elsewhere["id"]], "prefix": "Client:"})
    assert (copy["text"], copy["object_id"], copy["task_status_id"]) == (
        "Client:\n\nBlue?",
        questioned["id"],
        wip,
    )
    assert client.post(path, {"task_ids": ids}).status_code == 403
    for wrong in ({"task_ids": []}, {"task_ids": ["x"]}, {}):
        assert manager.post(path, wrong).status_code == 400


def test_a_comment_moves_to_another_task_of_its_entity_by_the_role_on_the_production(admin: Client) -> None:
    manager, artist = factories.hire(admin, "user"), factories.hire(admin, "user")
    show = factories.production(admin, artist)
    factories.join(admin, show["id"], manager, "manager")
    entity = factories.entity(admin, show["id"])
    task, target = factories.task(admin, entity, assignees=[artist.id]), factories.task(admin, entity, "Rigging")
    far = factories.task(admin, factories.entity(admin, show["id"]))
    admin.ok_put(f"/data/tasks/{target['id']}", {"assignees": [manager.id]})
    todo, done = task["task_status_id"], status(admin, "Done")
    comment = say(artist, task, done, "Done!")
    path = f"/actions/tasks/{task['id']}/comments/{comment['id']}/move"
    assert artist.post(path, {"target_task_id": target["id"]}).status_code == 403
    for wrong, code in ((task["id"], 400), (far["id"], 400), (show["id"], 404), ("x", 404), (None, 400)):
        assert manager.post(path, {"target_task_id": wrong}).status_code == code, wrong
    moved = manager.ok_post(path, {"target_task_id": target["id"]})
    assert (moved["id"], moved["object_id"], moved["created_at"]) == (
        comment["id"],
        target["id"],
        comment["created_at"],
    )
    before, after = (admin.ok_get(f"/data/tasks/{row['id']}") for row in (task, target))
    assert (before["task_status_id"], before["done_date"], before["last_comment_date"]) == (todo, None, None)
    assert (after["task_status_id"], after["done_date"]) == (done, comment["created_at"])
    notices = admin.ok_get("/data/notifications", params={"comment_id": comment["id"]})
    assert [(row["person_id"], row["task_id"], row["change"]) for row in notices] == [(manager.id, target["id"], False)]
    (news,) = admin.ok_get(f"/data/projects/{show['id']}/news")["data"]
    assert (news["task_id"], news["change"]) == (target["id"], False)
    assert manager.post(path, {"target_task_id": target["id"]}).status_code == 400, "it is not on the first task"

"""Tasks that go with all that belongs to them."""

from tests import factories
from tests.client import Client
from tests.media.publishing import published
from tests.tasks.test_comments import say, status


def test_a_task_goes_by_force_with_its_thread_and_hours(admin: Client) -> None:
    artist = factories.hire(admin, "user")
    show = factories.production(admin, artist, is_bot_collaboration_enabled=True)
    asset = factories.entity(admin, show["id"])
    task = factories.task(admin, asset, assignees=[artist.id])
    comment = say(admin, task, status(admin, "Retake"), f"@{artist.person['full_name']} see here")
    assert comment["mentions"] == [artist.id]
    artist.ok_post(f"/actions/tasks/{task['id']}/time-spents/2026-03-02/persons/{artist.id}", {"duration": 60})
    assert artist.delete(f"/data/tasks/{task['id']}", params={"force": "true"}).status_code == 403
    assert admin.delete(f"/data/tasks/{task['id']}").status_code == 400
    admin.ok_delete(f"/data/tasks/{task['id']}", params={"force": "true"})
    assert admin.ok_get("/data/comments", params={"object_id": task["id"]}) == []
    assert admin.ok_get("/data/notifications", params={"task_id": task["id"]}) == []
    admin.ok_delete(f"/data/entities/{asset['id']}")


def test_deleting_many_tasks_keeps_those_of_other_productions(admin: Client) -> None:
    show, other = factories.production(admin), factories.production(admin)
    mine = factories.task(admin, factories.entity(admin, show["id"]))
    theirs = factories.task(admin, factories.entity(admin, other["id"]))
    path = f"/actions/projects/{show['id']}/delete-tasks"
    assert admin.ok_post(path, [mine["id"], theirs["id"]]) == [mine["id"], theirs["id"]]
    assert admin.get(f"/data/tasks/{mine['id']}").status_code == 404
    assert admin.get(f"/data/tasks/{theirs['id']}").status_code == 200
    assert admin.post(path, {"ids": 1}).status_code == 400


def test_tasks_are_made_once_for_every_entity_of_a_kind(admin: Client) -> None:
    manager, artist = factories.hire(admin, "manager"), factories.hire(admin, "user")
    show = factories.production(admin, manager, artist)
    assets = [factories.entity(admin, show["id"])["id"] for _ in range(3)]
    modeling = factories.named(admin, "task-types", "Modeling", for_entity="Asset")["id"]
    path = f"/actions/projects/{show['id']}/task-types/{modeling}/assets/create-tasks"
    assert artist.post(path, []).status_code == 403
    assert len(manager.ok_post(path, assets[:1])) == 1
    tasks = manager.ok_post(path)
    assert sorted(row["entity_id"] for row in tasks) == sorted(assets[1:])
    assert tasks[0]["task_status_short_name"] == "todo"
    assert manager.ok_post(path, {}) == []
    assert manager.post(path, [show["id"]]).status_code == 404
    assert manager.post(path, ["x"]).status_code == 400


def test_an_entity_shows_what_is_left_when_a_task_goes_with_its_previews(admin: Client) -> None:
    show = factories.production(admin, is_set_preview_automated=True)
    asset = factories.entity(admin, show["id"])
    kept, gone = (factories.task(admin, asset, name) for name in ("Modeling", "Rigging"))
    left, shown = (published(admin, admin, row["id"]) for row in (kept, gone))
    assert admin.ok_get(f"/data/entities/{asset['id']}")["preview_file_id"] == shown["id"]
    admin.ok_post(f"/actions/projects/{show['id']}/delete-tasks", [gone["id"].upper()])
    assert admin.ok_get(f"/data/entities/{asset['id']}")["preview_file_id"] == left["id"]
    named = {"project_id": show["id"], "name": "preview-file:set-main", "limit": 1}
    (event,) = admin.ok_get("/data/events/last", params=named)
    assert event["data"]["preview_file_id"] == left["id"]
    admin.ok_delete(f"/data/tasks/{kept['id']}", params={"force": "true"})
    assert admin.ok_get(f"/data/entities/{asset['id']}")["preview_file_id"] is None


def test_files_attached_to_comments_go_with_their_task(admin: Client) -> None:
    show = factories.production(admin)
    task = factories.task(admin, factories.entity(admin, show["id"]))
    comment = say(admin, task, status(admin, "Done"))
    path = f"/actions/tasks/{task['id']}/comments/{comment['id']}/add-attachment"
    (held,) = admin.ok_post(path, files={"file": ("a.txt", b"a")})
    admin.ok_delete(f"/data/tasks/{task['id']}", params={"force": "true"})
    assert admin.get(f"/data/attachment-files/{held['id']}").status_code == 404
    assert admin.get(f"/data/attachment-files/{held['id']}/file/a.txt").status_code == 404


def test_only_a_list_of_ids_deletes_tasks(admin: Client) -> None:
    show = factories.production(admin)
    path = f"/actions/projects/{show['id']}/delete-tasks"
    for wrong in (None, {}, "x", 1, ["x"], [1], [None], [[]]):
        assert admin.post(path, wrong).status_code == 400, wrong
    assert admin.ok_post(path, []) == []

"""Who assigns whom to tasks, and what an assignment causes."""

from tests import factories
from tests.client import Client


def test_assigning_puts_the_person_in_the_team_and_tells_them(admin: Client) -> None:
    show = factories.production(admin, is_bot_collaboration_enabled=True)
    artist = factories.hire(admin, "user")
    task = factories.task(admin, factories.entity(admin, show["id"]))
    for _ in range(2):
        answer = admin.ok_put(f"/actions/tasks/{task['id']}/assign", {"person_id": artist.id})
        assert answer["assignees"] == [artist.id]
        assert answer["assigner_id"] == admin.id
    assert artist.ok_get(f"/data/tasks/{task['id']}")["id"] == task["id"]
    notices = admin.ok_get("/data/notifications", params={"person_id": artist.id})
    assert [row["notification_type"] for row in notices] == ["assignation"]
    assert admin.ok_put("/actions/tasks/clear-assignation", {"task_ids": [task["id"], "x"]}) == [task["id"]]
    assert admin.ok_get(f"/data/tasks/{task['id']}")["assignees"] == []


def test_only_those_who_plan_a_task_assign_it(admin: Client) -> None:
    modeling = factories.named(admin, "task-types", "Modeling", for_entity="Asset")
    supervisor = factories.hire(admin, "supervisor", departments=[modeling["department_id"]])
    other = factories.hire(admin, "supervisor", departments=[factories.named(admin, "departments", "FX")["id"]])
    artist = factories.hire(admin, "user", departments=[modeling["department_id"]])
    stranger = factories.hire(admin, "manager")
    show = factories.production(admin, supervisor, other, artist, is_bot_collaboration_enabled=True)
    task = factories.task(admin, factories.entity(admin, show["id"]))
    path = f"/actions/tasks/{task['id']}/assign"
    for who in (other, stranger):
        assert who.put(path, {"person_id": artist.id}).status_code == 403
    assert supervisor.put(path, {"person_id": other.id}).status_code == 403
    assert artist.put(path, {"person_id": supervisor.id}).status_code == 403
    artist.ok_put(path, {"person_id": artist.id})
    supervisor.ok_put(path, {"person_id": artist.id})
    assert other.ok_put(f"/actions/persons/{artist.id}/assign", {"task_ids": [task["id"]]}) == []
    assert other.ok_put("/actions/tasks/set-priority", {"task_ids": [task["id"]], "priority": 3}) == []
    assert (
        supervisor.ok_put("/actions/tasks/set-priority", {"task_ids": [task["id"]], "priority": 3})[0]["priority"] == 3
    )
    answer = admin.put(path, {"person_id": show["id"]})
    assert (answer.status_code, answer.json()["error"]) == (400, "person_id names nobody.")


def test_a_task_is_created_by_supervisors_in_the_production_of_its_entity(admin: Client) -> None:
    artist, supervisor = factories.hire(admin, "user"), factories.hire(admin, "supervisor")
    show, other = factories.production(admin, artist, supervisor), factories.production(admin)
    asset = factories.entity(admin, show["id"])
    modeling = factories.named(admin, "task-types", "Modeling", for_entity="Asset")["id"]
    body = {"entity_id": asset["id"], "task_type_id": modeling, "project_id": other["id"], "id": show["id"]}
    assert artist.post("/data/tasks", body).status_code == 403
    new_task = supervisor.ok_post("/data/tasks", body)
    assert (new_task["project_id"], new_task["name"], new_task["task_status_id"]) == (show["id"], "main", None)
    assert new_task["id"] != show["id"]
    again = supervisor.post("/data/tasks", body)
    assert (again.status_code, again.json()["message"]) == (400, "Task already exists.")
    for wrong in ({"due_date": "someday"}, {"assignees": ["x"]}, {"assignees": 3}, {"name": "b", "difficulty": 9}):
        assert supervisor.post("/data/tasks", {**body, "name": "other", **wrong}).status_code == 400, wrong
    layout = factories.named(admin, "task-types", "Layout", for_entity="Shot")["id"]
    assert supervisor.post("/data/tasks", {**body, "task_type_id": layout}).status_code == 400


def test_clients_get_tasks_blanked_and_may_not_filter_on_what_is_blank(admin: Client) -> None:
    client = factories.hire(admin, "client")
    show = factories.production(admin, client)
    task = factories.task(admin, factories.entity(admin, show["id"]), estimation=60, priority=2, assignees=[admin.id])
    for seen in (
        client.ok_get(f"/data/tasks/{task['id']}"),
        client.ok_get("/data/tasks", params={"project_id": show["id"], "relations": "true"})[0],
        client.ok_get(f"/data/tasks/{task['id']}/full"),
    ):
        assert (seen["estimation"], seen["priority"], seen["assignees"]) == (0, 0, [])
    for name, value in (("assignees", admin.id), ("priority", "2"), ("due_date", "2030-01-01")):
        assert client.get("/data/tasks", params={name: value}).status_code == 400


def test_a_priority_comes_as_a_number_or_its_text(admin: Client) -> None:
    show = factories.production(admin)
    task = factories.task(admin, factories.entity(admin, show["id"]))
    path = "/actions/tasks/set-priority"
    for priority in ("1", 2):
        (after,) = admin.ok_put(path, {"task_ids": [task["id"]], "priority": priority})
        assert after["priority"] == int(priority)
    for wrong in ("x", "", -1, "-1", None, 1.5, [], "99999999999"):
        assert admin.put(path, {"task_ids": [task["id"]], "priority": wrong}).status_code == 400, wrong

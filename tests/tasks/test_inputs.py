"""What is malformed is told as such, and nothing personal is told with it."""

import pytest

from tests import factories
from tests.client import Client
from tests.tasks.test_comments import say, status

NOWHERE = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def task(admin: Client) -> dict[str, str]:
    show = factories.production(admin)
    return factories.task(admin, factories.entity(admin, show["id"]))


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/actions/tasks/{task}/time-spents/yesterday", 400),
        ("/actions/tasks/{task}/time-spents/2024-13-01", 400),
        ("/actions/tasks/x/time-spents", 404),
        ("/data/persons/{person}/related-tasks/x", 404),
        ("/data/persons/x/tasks", 404),
        ("/data/projects/{project}/tasks?task_type_id=x", 400),
        ("/data/projects/{project}/tasks?episode_id=x", 400),
        ("/data/projects/{project}/tasks?page=x", 400),
        ("/data/projects/{project}/comments?page=1&limit=-1", 400),
        ("/data/projects/{project}/news?task_status_id=x", 400),
        ("/data/projects/{project}/news?before=soon", 400),
        ("/data/projects/{project}/news?limit=0", 400),
        ("/data/projects/{project}/news/x", 404),
        ("/data/projects/{project}/news/" + NOWHERE, 404),
        ("/data/projects/" + NOWHERE + "/news", 404),
        ("/data/projects/x/attachment-files", 404),
        ("/data/tasks/x/attachment-files", 404),
        ("/data/tasks/x/previews", 404),
        ("/data/tasks/{task}/comments/x", 404),
        ("/data/tasks/{task}/comments/" + NOWHERE, 404),
        ("/data/entities/{entity}/task-types/x/tasks", 404),
        ("/data/attachment-files/x/file/a.txt", 404),
    ],
)
def test_malformed_ids_dates_and_pages_are_told(admin: Client, task: dict[str, str], path: str, code: int) -> None:
    places = {"task": task["id"], "project": task["project_id"], "entity": task["entity_id"], "person": admin.id}
    answer = admin.get(path.format(**places))
    assert answer.status_code == code, answer.text
    assert answer.json()["message"]


def test_a_delete_of_tasks_of_no_type_or_production_is_told(admin: Client, task: dict[str, str]) -> None:
    def delete(project: str, kind: str) -> int:
        return admin.delete(f"/actions/projects/{project}/task-types/{kind}/delete-tasks").status_code

    assert delete(task["project_id"], NOWHERE) == 204
    assert delete(task["project_id"], "x") == delete(NOWHERE, task["task_type_id"]) == 404


def test_authors_and_assignees_are_told_without_what_is_personal(admin: Client) -> None:
    artist = factories.hire(admin, phone="+33 1", email="someone@example.com")
    show = factories.production(admin, artist)
    task = factories.task(admin, factories.entity(admin, show["id"]), assignees=[artist.id])
    comment = say(artist, task, status(admin, "Work In Progress"))
    whole = artist.ok_get(f"/data/tasks/{task['id']}/full")
    listed = admin.ok_get(f"/data/tasks/{task['id']}/comments")[0]
    for person in (comment["person"], listed["person"], *whole["persons"]):
        assert person["id"] == artist.id
        assert not {"email", "phone", "daily_salary", "contract_type"} & person.keys()


def test_who_is_named_twice_is_told_once(admin: Client) -> None:
    department = factories.named(admin, "departments", "Modeling")
    artist = factories.hire(admin, departments=[department["id"]])
    show = factories.production(admin, artist)
    task = factories.task(admin, factories.entity(admin, show["id"]))
    names = f"@{artist.person['full_name']}: @{artist.person['full_name']}\n(@{department['name']})"
    comment = say(admin, task, status(admin, "Work In Progress"), names)
    assert (comment["mentions"], comment["department_mentions"]) == ([artist.id], [department["id"]])
    notices = admin.ok_get("/data/notifications", params={"comment_id": comment["id"]})
    assert [(row["person_id"], row["notification_type"]) for row in notices] == [(artist.id, "mention")]

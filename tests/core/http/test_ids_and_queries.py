"""Ids of paths and query strings: what is none is told as such, and what is blank is not there."""

import re
from typing import Any

import pytest

from pegbar.app import load_domains
from pegbar.core.http.body import Call
from tests import factories
from tests.client import Client

OPERATIONS = load_domains()
WITH_IDS = [operation for operation in OPERATIONS if ":uuid}" in operation.path]


@pytest.fixture(scope="module")
def rows(admin: Client) -> dict[str, Any]:
    show = factories.production(admin)
    entity = factories.entity(admin, show["id"])
    task = factories.task(admin, entity)
    return {"project_id": show["id"], "entity_id": entity["id"], "task_id": task["id"], "type": task["task_type_id"]}


@pytest.mark.parametrize("operation", WITH_IDS, ids=lambda operation: f"{operation.method} {operation.path}")
def test_a_malformed_id_hides_no_route(operation: Any, admin: Client, anonymous: Client) -> None:
    path = re.sub(r"\{[^}]+\}", "no-id", operation.path)
    if operation.access.opened_by == "refresh":
        pytest.skip("it is opened by another kind of token")
    answer = admin.call(operation.method, path)
    assert answer.status_code == (operation.malformed or 404), answer.text
    assert "no such route" not in answer.text
    if not operation.access.public:
        assert anonymous.call(operation.method, path).status_code == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/actions/projects/{project_id}/task-types/mine/set-shot-nb-frames"),
        ("POST", "/actions/projects/mine/task-types/{type}/set-shot-nb-frames"),
        ("POST", "/actions/projects/{project_id}/task-types/{type}/set-shot-nb-frames?episode_id=pilot"),
        ("POST", "/actions/projects/{project_id}/task-types/mine/shots/create-tasks"),
        ("GET", "/data/projects/mine/assets"),
        ("GET", "/data/projects/{project_id}/asset-types/mine/assets"),
        ("DELETE", "/actions/tasks/{task_id}/comments/{task_id}/preview-files/mine"),
    ],
)
def test_a_malformed_id_is_400_where_the_specs_say_so(
    admin: Client, rows: dict[str, Any], method: str, path: str
) -> None:
    assert admin.call(method, path.format(**rows)).status_code == 400


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("/data/persons/task-dates", "project_id"),
        ("/data/persons/time-spents/year-table", "project_id department_id studio_id"),
        ("/data/persons/time-spents/week-table/2026", "project_id department_id studio_id"),
        ("/data/tasks/open-tasks", "project_id task_type_id studio_id person_id start_date due_date priority page"),
        ("/data/projects/{project_id}/news", "person_id task_type_id episode_id after before page limit"),
        ("/data/projects/{project_id}/tasks", "task_type_id episode_id page"),
        ("/data/projects/{project_id}/day-offs", "start_date end_date"),
        ("/data/projects/{project_id}/quotas/{type}", "studio_id count_mode"),
        ("/data/projects/{project_id}/task-types/{type}/time-spents", "start_date end_date"),
        ("/data/projects/{project_id}/entity-links", "page limit cursor_created_at cursor_id"),
        ("/data/projects/{project_id}/playlists", "page task_type_id sort_by"),
        ("/data/playlists/preview-files/running", "limit cursor_preview_file_id"),
        ("/data/events/last", "project_id limit cursor_event_id person_ids"),
    ],
)
@pytest.mark.parametrize("blank", ["", " ", "\t "])
def test_a_blank_parameter_is_not_there(
    admin: Client, rows: dict[str, Any], path: str, parameters: str, blank: str
) -> None:
    path = path.format(**rows)
    without = admin.ok_get(path)
    for name in parameters.split():
        answer = admin.get(path, params={name: blank})
        assert answer.status_code == 200, f"{name}: {answer.text}"
        assert type(answer.json()) is type(without), name


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/data/tasks", "project_id"),  # spec crud: malformed or empty
        ("/data/user/tasks-to-check", "project_id"),  # as recorded
        ("/data/user/notifications", "task_type_id"),  # spec user
        ("/data/events/last", "after"),  # spec review
        ("/data/events/since", "cursor"),  # who lost a cursor must not start anew unknowingly
    ],
)
def test_a_blank_parameter_is_refused_where_an_empty_one_is(admin: Client, path: str, name: str) -> None:
    for blank in ("", " "):
        assert admin.get(path, params={name: blank}).status_code == 400, repr(blank)


@pytest.mark.parametrize(("path", "name"), [("/data/projects/open", "name"), ("/data/tasks", "name")])
def test_a_character_that_no_column_holds_is_refused_by_the_name_of_its_parameter(
    admin: Client, path: str, name: str
) -> None:
    answer = admin.get(path, params={name: "a\0b"})
    assert (answer.status_code, name in answer.json()["message"]) == (400, True)


def test_the_same_path_answers_again(admin: Client, rows: dict[str, Any]) -> None:
    """What the router remembers of a path is not changed by reading its ids."""
    for _ in range(3):
        assert admin.ok_get(f"/data/projects/{rows['project_id']}/team") == []


def test_only_what_is_blank_changes() -> None:
    call = Call({"type": "http", "query_string": b"a=%20&a=1&b=&c=+x+&d=%09", "headers": []})
    assert sorted(call.query_params.multi_items()) == [("a", ""), ("a", "1"), ("b", ""), ("c", " x "), ("d", "")]

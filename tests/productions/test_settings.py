"""What productions use of the studio. Spec projects, "Settings lists"; spec crud, link upserts and reorder actions."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from tests.client import Client
from tests.factories import hire, named, production

NOBODY = "00000000-0000-4000-8000-000000000000"


def kinds(admin: Client, *names: str) -> list[str]:
    return [named(admin, "task-types", name)["id"] for name in names]


def test_lists_are_added_to_and_removed_from(admin: Client) -> None:
    at = f"/data/projects/{production(admin)['id']}"
    character = named(admin, "entity-types", "Character")["id"]
    todo = named(admin, "task-status", "Todo")["id"]
    for path, key, other_id in [("asset-types", "asset_type_id", character), ("task-status", "task_status_id", todo)]:
        relation = "asset_types" if path == "asset-types" else "task_statuses"
        for _ in range(2):
            assert admin.ok_post(f"{at}/settings/{path}", {key: other_id})["type"] == "Project"
        assert admin.ok_get(at)[relation] == [other_id]
        for wrong in ({}, {key: NOBODY}, {key: "x"}, {key: 3}):
            answer = admin.post(f"{at}/settings/{path}", wrong)
            assert answer.status_code == 400
            assert key in answer.text
        for _ in range(2):
            admin.ok_delete(f"{at}/settings/{path}/{other_id}")
        assert admin.ok_get(at)[relation] == []
    assert admin.ok_get(f"{at}/settings/task-status") == []


def test_a_status_has_its_usual_roles(admin: Client) -> None:
    show = production(admin)
    todo = named(admin, "task-status", "Todo")["id"]
    admin.ok_post(f"/data/projects/{show['id']}/settings/task-status", {"task_status_id": todo})
    link = admin.ok_get(f"/data/projects/{show['id']}")["task_statuses_link"][todo]
    assert set(link["roles_for_board"]) == {"user", "admin", "supervisor", "manager", "vendor"}


def test_settings_post_leaves_the_other_bitrate(admin: Client) -> None:
    """Spec projects, Worth fixing 14: settings POST for an existing task type nulls the other bitrate."""
    (modeling,) = kinds(admin, "Modeling")
    show = production(admin)
    at = f"/data/projects/{show['id']}/settings/task-types"
    first = {"task_type_id": modeling, "priority": 2, "hd_bitrate_compression": 12, "ld_bitrate_compression": 3}
    admin.ok_post(at, {**first, "is_client_visible": False})
    admin.ok_post(at, {"task_type_id": modeling, "priority": 9, "hd_bitrate_compression": 14})
    assert admin.ok_get(f"/data/projects/{show['id']}")["task_type_links"][modeling] == {
        "priority": 2,
        "hd_bitrate_compression": 14,
        "ld_bitrate_compression": 3,
        "is_client_visible": False,
    }
    for wrong in ({"hd_bitrate_compression": 2}, {"ld_bitrate_compression": 15}, {"ld_bitrate_compression": 0}):
        answer = admin.post(at, {"task_type_id": modeling, **wrong})
        assert answer.status_code == 400
        assert "bitrate" in answer.json()["message"]
    assert admin.post(at, {"task_type_id": NOBODY}).status_code == 400


def test_forms_spell_numbers_and_booleans(admin: Client) -> None:
    """Spec projects, "Request bodies": numeric strings are numbers, yes and no booleans; numbers are not text."""
    (modeling,) = kinds(admin, "Modeling")
    show = production(admin)["id"]
    at = f"/data/projects/{show}/settings/task-types"
    form = {"task_type_id": modeling, "priority": "4", "hd_bitrate_compression": "9", "is_client_visible": "no"}
    assert admin.call("POST", at, data=form).status_code == 201
    link = admin.ok_get(f"/data/projects/{show}")["task_type_links"][modeling]
    assert (link["priority"], link["hd_bitrate_compression"], link["is_client_visible"]) == (4, 9, False)
    admin.ok_post(at, {"task_type_id": modeling, "hd_bitrate_compression": "8", "is_client_visible": "True"})
    link = admin.ok_get(f"/data/projects/{show}")["task_type_links"][modeling]
    assert (link["hd_bitrate_compression"], link["is_client_visible"]) == (8, True)
    for wrong in ({"priority": "first"}, {"priority": "1.5"}, {"is_client_visible": "maybe"}, {"task_type_id": 3}):
        assert admin.post(at, {"task_type_id": modeling, **wrong}).status_code == 400


def test_a_batch_adds_to_the_settings(admin: Client) -> None:
    """Spec projects, Worth fixing 14: batch ignores bitrates."""
    modeling, rigging, shading = kinds(admin, "Modeling", "Rigging", "Shading")
    todo = named(admin, "task-status", "Todo")["id"]
    character = named(admin, "entity-types", "Character")["id"]
    show = production(admin, task_types=[shading])
    at = f"/data/projects/{show['id']}"
    task_types = [
        {"task_type_id": modeling, "priority": 2, "hd_bitrate_compression": 9},
        {"task_type_id": rigging, "is_client_visible": False},
        {"task_type_id": modeling, "priority": 3},
        {"task_type_id": NOBODY},
    ]
    body = {"task_types": task_types, "task_status_ids": [todo, todo, NOBODY], "asset_type_ids": [character]}
    assert admin.post(f"{at}/settings/batch", body).status_code == 200
    read = admin.ok_get(at)
    assert set(read["task_types"]) == {modeling, rigging, shading}
    assert read["task_types_priority"][modeling] == 3
    assert read["task_type_links"][modeling]["hd_bitrate_compression"] == 9
    assert read["task_type_links"][rigging]["is_client_visible"] is False
    assert (read["task_statuses"], read["asset_types"]) == ([todo], [character])
    admin.ok_post(f"{at}/settings/batch", {"task_types": [{"task_type_id": rigging}], "replace_task_types": True})
    read = admin.ok_get(at)
    assert read["task_types"] == [rigging]
    assert read["task_type_links"][rigging]["is_client_visible"] is False
    low = {"task_types": [{"task_type_id": rigging, "hd_bitrate_compression": 4, "ld_bitrate_compression": 5}]}
    for wrong in ({"task_status_ids": ["x"]}, low, {"task_types": [{"task_type_id": rigging, "priority": 2**31}]}):
        assert admin.post(f"{at}/settings/batch", wrong).status_code == 400


def test_clients_may_be_given_a_status(admin: Client) -> None:
    todo = named(admin, "task-status", "Todo")["id"]
    at = f"/data/projects/{production(admin, task_statuses=[todo])['id']}/settings/task-status"
    assert admin.ok_put(f"{at}/{todo}", {"is_client_allowed": False})["is_client_allowed"] is False
    assert admin.ok_put(f"{at}/{todo}", {"is_client_allowed": None})["is_client_allowed"] is None
    for wrong in ({}, {"is_client_allowed": "x"}):
        assert admin.put(f"{at}/{todo}", wrong).status_code == 400
    for unknown in (NOBODY, "x"):
        assert admin.put(f"{at}/{unknown}", {"is_client_allowed": True}).status_code == 404


LINKS: list[tuple[str, dict[str, Any]]] = [
    ("/data/task-type-links", {"task_type_id": NOBODY}),
    ("/data/task-status-links", {"task_status_id": NOBODY}),
]


@pytest.mark.parametrize(("path", "body"), LINKS)
def test_link_upserts_refuse_what_does_not_exist(admin: Client, path: str, body: dict[str, Any]) -> None:
    """Spec crud, Worth fixing: unknown project/type in link upserts, non-UUID ids in the reorder bodies."""
    show = production(admin)["id"]
    assert admin.post(path, {"project_id": show, **body}).status_code == 400
    assert admin.post(path, {"project_id": NOBODY, **body}).status_code == 404
    assert admin.post(path, {"project_id": show}).status_code == 400
    assert admin.post(path, {"project_id": show, **dict.fromkeys(body, "x")}).status_code == 400
    (key,) = body
    for wrong in ({}, {f"{key}s": None}, {f"{key}s": ["x"]}, {f"{key}s": [None]}, {f"{key}s": NOBODY}):
        name = path.removeprefix("/data/")
        assert admin.post(f"/actions/projects/{show}/{name}/reorder", wrong).status_code == 400


def test_board_roles_are_validated(admin: Client) -> None:
    """Spec projects, Worth fixing 1: unvalidated enums poison reads."""
    show, todo = production(admin)["id"], named(admin, "task-status", "Todo")["id"]
    for wrong in (["nobody"], "user", [3], [None]):
        answer = admin.post(
            "/data/task-status-links", {"project_id": show, "task_status_id": todo, "roles_for_board": wrong}
        )
        assert answer.status_code == 400
        assert "roles_for_board" in answer.json()["message"]
    link = {"project_id": show, "task_status_id": todo, "priority": None, "roles_for_board": ["client"]}
    assert admin.ok_post("/data/task-status-links", link)["priority"] is None
    assert admin.ok_post("/data/task-status-links", {"project_id": show, "task_status_id": todo})["priority"] == 1
    wrong_number = {"project_id": show, "task_status_id": todo, "priority": "first"}
    assert admin.post("/data/task-status-links", wrong_number).status_code == 400


def test_values_stored_by_others_poison_no_read(admin: Client, database: psycopg.Connection) -> None:
    """Spec projects, Worth fixing 1: every later read of that list fails."""
    boss, todo = hire(admin, "manager"), named(admin, "task-status", "Todo")["id"]
    show = production(admin, boss, task_statuses=[todo])["id"]
    at = f"/data/projects/{show}"
    budget = boss.ok_post(f"{at}/budgets", {"name": "Quote"})["id"]
    line = {"department_id": named(admin, "departments", "Modeling")["id"], "start_date": "2031-01-01"}
    boss.ok_post(f"{at}/budgets/{budget}/entries", {**line, "months_duration": 1, "daily_salary": 1})
    for change in (
        "UPDATE project_task_status_link SET roles_for_board = '{poem}' WHERE project_id = %s",
        "UPDATE budget_entry SET position = 'poem' WHERE budget_id IN (SELECT id FROM budget WHERE project_id = %s)",
    ):
        database.execute(change, (show,))
    database.execute("UPDATE person SET seniority = 'poem' WHERE id = %s", (boss.id,))
    assert boss.ok_get("/data/projects/open")[0]["task_statuses_link"][todo]["roles_for_board"] == ["poem"]
    assert [row["position"] for row in boss.ok_get(f"{at}/budgets/{budget}/entries")] == ["poem"]
    assert [row["seniority"] for row in boss.ok_get(f"{at}/team")] == ["poem"]


def test_links_are_numbered_in_the_order_given(admin: Client, database: psycopg.Connection) -> None:
    modeling, rigging, shading = kinds(admin, "Modeling", "Rigging", "Shading")
    boss = hire(admin, "manager")
    show = production(admin, boss, task_types=[modeling, rigging])["id"]
    before = database.execute("SELECT count(*) FROM api_event WHERE project_id = %s", (show,)).fetchone()
    at = f"/actions/projects/{show}/task-type-links/reorder"
    rows = boss.ok_post(at, {"task_type_ids": [rigging, shading, modeling]})
    assert [(row["task_type_id"], row["priority"]) for row in rows] == [(rigging, 1), (modeling, 3)]
    after = database.execute("SELECT count(*) FROM api_event WHERE project_id = %s", (show,)).fetchone()
    assert before is not None
    assert after == (before[0] + 1,)
    assert boss.ok_post(at, {"task_type_ids": []}) == []


def test_linking_at_once_makes_one_link(admin: Client, database: psycopg.Connection) -> None:
    (modeling,) = kinds(admin, "Modeling")
    todo, prop = named(admin, "task-status", "Todo")["id"], named(admin, "entity-types", "Prop")["id"]
    show = production(admin)["id"]
    token, api = admin.token, admin.api
    at = f"/data/projects/{show}/settings"
    row = {"project_id": show, "task_type_id": modeling}
    posts = [
        ("/data/task-type-links", row),
        (f"{at}/task-types", {"task_type_id": modeling}),
        (f"{at}/batch", {"task_types": [{"task_type_id": modeling}], "asset_type_ids": [prop]}),
        (f"{at}/task-status", {"task_status_id": todo}),
        (f"{at}/asset-types", {"asset_type_id": prop}),
    ]
    with ThreadPoolExecutor(6) as pool:
        for answer in pool.map(lambda post: Client(api, token).post(*post), posts * 3):
            assert answer.status_code in (200, 201), answer.text
    for kind in ("task_type", "task_status", "asset_type"):
        count = f"SELECT count(*) FROM project_{kind}_link WHERE project_id = %s"
        assert database.execute(count, (show,)).fetchone() == (1,)  # type: ignore[arg-type]


@pytest.mark.parametrize("role", ["supervisor", "user", "vendor", "client"])
def test_only_managers_change_settings(admin: Client, role: str) -> None:
    member = hire(admin, role)
    (modeling,) = kinds(admin, "Modeling")
    show = production(admin, member, task_types=[modeling])["id"]
    at = f"/data/projects/{show}"
    link = {"project_id": show, "task_type_id": modeling}
    for answer in [
        member.post(f"{at}/settings/task-types", {"task_type_id": modeling}),
        member.delete(f"{at}/settings/task-types/{modeling}"),
        member.post(f"{at}/settings/batch", {}),
        member.get(f"{at}/settings/status-automations"),
        member.post("/data/task-type-links", link),
        member.post(f"/actions/projects/{show}/task-type-links/reorder", {"task_type_ids": [modeling]}),
    ]:
        assert answer.status_code == 403, answer.request.url
    assert [row["name"] for row in member.ok_get(f"{at}/task-types")] == ["Modeling"]
    assert member.ok_get(f"{at}/settings/preview-background-files") == []

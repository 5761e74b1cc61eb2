"""The studio's dictionaries: types, statuses, software, salary scales, the organisation."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.client import Client, unique
from tests.factories import entity, hire, named, production, task

NOWHERE = "00000000-0000-4000-8000-000000000000"


def task_type(admin: Client, **more: Any) -> dict[str, Any]:
    row: dict[str, Any] = admin.ok_post("/data/task-types", {"name": unique("Polish"), "color": "#ff00aa", **more})
    return row


def status(admin: Client, **more: Any) -> dict[str, Any]:
    name = unique("Nap")
    row = {"name": name, "short_name": name[-10:].strip(), "color": "#0f0f0f", **more}
    created: dict[str, Any] = admin.ok_post("/data/task-status", row)
    return created


def test_names_of_types_are_unique_in_any_case(admin: Client) -> None:
    own = task_type(admin, for_entity="Shot")
    for path, row in [("task-types", {"color": "#000000"}), ("entity-types", {})]:
        name = own["name"] if path == "task-types" else unique("Vehicle")
        if path == "entity-types":
            admin.ok_post("/data/entity-types", {"name": name, "import_task_types": []})
        answer = admin.post(f"/data/{path}", {"name": name.upper(), **row})
        assert (answer.status_code, answer.json()["data"]) == (400, None)
        assert admin.post(f"/data/{path}", {"name": None, **row}).status_code == 400
        assert admin.post(f"/data/{path}", row).status_code == 400
    other = task_type(admin)
    assert admin.put(f"/data/task-types/{other['id']}", {"name": own["name"].upper()}).status_code == 400
    assert admin.ok_put(f"/data/task-types/{own['id']}", {"name": own["name"].upper()})["for_entity"] == "Shot"
    percent = unique("%")
    task_type(admin, name=percent)


def test_task_types_are_put_in_order(admin: Client) -> None:
    first, second = task_type(admin), task_type(admin)
    ids = [second["id"], NOWHERE, first["id"]]
    rows = admin.ok_post("/actions/task-types/reorder", {"task_type_ids": ids})
    assert [(row["id"], row["priority"]) for row in rows] == [(second["id"], 1), (first["id"], 3)]
    for wrong in ({}, {"task_type_ids": ["x"]}, {"task_type_ids": "x"}, {"task_type_ids": None}):
        assert admin.post("/actions/task-types/reorder", wrong).status_code == 400
    assert admin.ok_post("/actions/task-types/reorder", {"task_type_ids": []}) == []
    assert hire(admin, "manager").post("/actions/task-types/reorder", {"task_type_ids": ids}).status_code == 403


def test_a_task_type_in_use_is_deleted_only_by_force(admin: Client) -> None:
    used, show = task_type(admin), production(admin)
    admin.ok_post("/data/task-type-links", {"project_id": show["id"], "task_type_id": used["id"]})
    refused = admin.delete(f"/data/task-types/{used['id']}")
    assert (refused.status_code, refused.json()["error"]) == (400, True)
    assert "1 productions" in refused.json()["message"]
    admin.ok_delete(f"/data/task-types/{used['id']}?force=true")
    worked = task_type(admin)
    of = entity(admin, show["id"])
    task(admin, of, worked["name"])
    assert admin.delete(f"/data/task-types/{worked['id']}?force=true").status_code == 400


def test_one_default_status_for_concepts_and_one_for_the_rest(admin: Client) -> None:
    todo, neutral = named(admin, "task-status", "Todo"), named(admin, "task-status", "Neutral")
    other = status(admin, is_default=True)
    try:
        assert admin.ok_get(f"/data/task-status/{todo['id']}")["is_default"] is False
        assert admin.ok_get(f"/data/task-status/{neutral['id']}")["is_default"] is True
        admin.ok_put(f"/data/task-status/{other['id']}", {"for_concept": True})
        assert admin.ok_get(f"/data/task-status/{neutral['id']}")["is_default"] is False
    finally:
        for row in (todo, neutral):
            admin.ok_put(f"/data/task-status/{row['id']}", {"is_default": True})
    assert admin.ok_get(f"/data/task-status/{other['id']}")["is_default"] is False


def test_a_status_automation_tells_nothing_before_the_permission_is_checked(admin: Client) -> None:
    todo = named(admin, "task-status", "Todo")["id"]
    row = {"in_task_status_id": todo, "out_task_status_id": todo, "out_field_type": "status"}
    automation = admin.ok_post("/data/status-automations", row)
    show = production(admin)
    admin.ok_post(
        f"/data/projects/{show['id']}/settings/status-automations", {"status_automation_id": automation["id"]}
    )
    assert hire(admin, "manager").delete(f"/data/status-automations/{automation['id']}").status_code == 403
    refused = admin.delete(f"/data/status-automations/{automation['id']}")
    assert refused.status_code == 400
    assert refused.json().keys() == {"error", "message", "data"}
    assert "Key" not in refused.text
    assert admin.post("/data/status-automations", {"out_field_type": "color"}).status_code == 400
    assert admin.ok_get("/data/status-automations", params={"id": automation["id"]})
    vendor = hire(admin, "vendor")
    for path in ("status-automations", "custom-actions"):
        assert vendor.get(f"/data/{path}").status_code == 403


def test_salary_scales_appear_once_however_many_ask(admin: Client) -> None:
    fur = admin.ok_post("/data/departments", {"name": unique("Fur"), "color": "#102030"})["id"]
    with ThreadPoolExecutor(8) as several:
        lists = list(several.map(lambda _: Client(admin.api, admin.token).ok_get("/data/salary-scales"), range(8)))
    for rows in lists:
        ours = {(row["position"], row["seniority"]) for row in rows if row["department_id"] == fur}
        assert len(ours) == len([row for row in rows if row["department_id"] == fur]) == 9
    one = next(row for row in lists[0] if row["department_id"] == fur)
    changed = admin.ok_put(f"/data/salary-scales/{one['id']}", {"salary": 320, "department_id": NOWHERE})
    assert (changed["salary"], changed["department_id"]) == (320, fur)
    assert admin.put(f"/data/salary-scales/{one['id']}", {"position": "king"}).status_code == 400
    assert admin.post("/data/salary-scales", {"department_id": fur}).status_code == 400
    manager = hire(admin, "manager")
    assert manager.get("/data/salary-scales").status_code == 403
    assert manager.post("/data/salary-scales", {}).status_code == 403
    admin.ok_delete(f"/data/departments/{fur}")
    assert admin.get(f"/data/salary-scales/{one['id']}").status_code == 404


def test_chat_tokens_are_for_administrators(admin: Client) -> None:
    row, *_ = admin.ok_get("/data/organisations")
    assert row["chat_token_slack"] == ""
    artist = hire(admin)
    seen, *_ = artist.ok_get("/data/organisations")
    assert seen == {key: value for key, value in row.items() if not key.startswith("chat_")}
    assert artist.ok_get(f"/data/organisations/{row['id']}") == seen
    assert artist.get("/data/organisations", params={"chat_token_slack": "x"}).status_code == 400
    assert admin.ok_get("/data/organisations", params={"chat_token_slack": "x"}) == []
    assert admin.put(f"/data/organisations/{row['id']}", {"hours_by_day": "many"}).status_code == 400
    assert admin.ok_put(f"/data/organisations/{row['id']}", {"hours_by_day": "8"})["hours_by_day"] == 8.0
    assert artist.put(f"/data/organisations/{row['id']}", {"name": "Mine"}).status_code == 403


def test_softwares_answer_404_to_a_malformed_id(admin: Client) -> None:
    assert admin.get("/data/softwares/none").status_code == 404
    assert admin.get("/data/studios/none").status_code == 400


def test_plugins_are_for_administrators(admin: Client) -> None:
    row = {"plugin_id": unique("p"), "name": "P", "version": "1", "maintainer_name": "Ida", "license": "MIT"}
    plugin = admin.ok_post("/data/plugins", {**row, "maintainer_email": "Ida@Example.COM"})
    assert plugin["maintainer_email"] == "ida@example.com"
    assert hire(admin, "manager").get("/data/plugins").status_code == 403
    admin.ok_delete(f"/data/plugins/{plugin['id']}")

"""Metadata descriptors of a production and of all productions. Spec projects, the descriptor routes."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from tests.client import Client, unique
from tests.factories import entity, hire, join, named, production, task
from tests.productions.test_projects import close

NOBODY = "00000000-0000-4000-8000-000000000000"


def at(show: dict[str, Any]) -> str:
    return f"/data/projects/{show['id']}/metadata-descriptors"


def logged(database: psycopg.Connection, project_id: str, name: str) -> list[dict[str, Any]]:
    rows = database.execute(
        "SELECT data FROM api_event WHERE project_id = %s AND name = %s ORDER BY created_at", (project_id, name)
    )
    return [row[0] for row in rows]


def test_supervisors_edit_the_columns_of_their_departments(admin: Client) -> None:
    """Spec projects, Worth fixing 11: DEPARTMENT-EDITOR is inverted."""
    mine, ours, theirs = (named(admin, "departments", name)["id"] for name in ("Modeling", "Concept", "Animation"))
    lead = hire(admin, "supervisor", departments=[mine, ours])
    generalist = hire(admin, "supervisor")
    boss, artist = hire(admin, "manager"), hire(admin, "user", departments=[mine])
    show = production(admin, lead, generalist, boss, artist)

    def add(caller: Client, *departments: str) -> int:
        return caller.post(at(show), {"name": unique("Column"), "departments": departments}).status_code

    assert [add(lead, mine), add(lead, mine, ours), add(generalist, theirs), add(boss)] == [201] * 4
    refused = [add(lead), add(lead, theirs), add(lead, mine, theirs), add(generalist), add(artist, mine)]
    assert refused == [403] * 5
    column = {
        name: boss.ok_post(at(show), {"name": unique(name), "departments": departments})["id"]
        for name, departments in {"mine": [mine], "theirs": [theirs], "all": []}.items()
    }
    for name, body, status in [
        ("mine", {}, 200),
        ("mine", {"departments": [mine, theirs]}, 403),
        ("theirs", {"departments": [mine]}, 403),
        ("all", {"departments": [mine]}, 403),
    ]:
        assert lead.put(f"{at(show)}/{column[name]}", {"departments": [mine], **body}).status_code == status, name
    assert artist.put(f"{at(show)}/{NOBODY}", {}).status_code == 404
    assert lead.delete(f"{at(show)}/{column['theirs']}").status_code == 403
    assert lead.delete(f"{at(show)}/{column['mine']}").status_code == 204
    other = production(admin, lead)
    assert lead.delete(f"{at(other)}/{column['all']}").status_code == 404


@pytest.mark.parametrize(
    ("name", "field"),
    [("Don't stop", "don_t_stop"), ("l’été", "lete"), ("1,000 things", "1000_things"), ("日本", "ri_ben"), ("!!!", "")],
)
def test_field_names_are_slugs(admin: Client, name: str, field: str) -> None:
    assert admin.ok_post(at(production(admin)), {"name": name})["field_name"] == field


def test_wrong_columns_are_refused(admin: Client) -> None:
    """Spec projects, Worth fixing 3: POST metadata descriptor longer than 120 chars is a 500."""
    show = production(admin)
    column = admin.ok_post(at(show), {"name": "Fur"})
    for wrong in (
        {"name": "a" * 121},
        {"name": "日" * 60},
        {"name": "a\0b"},
        {"name": "Odd", "choices": ["\0"]},
        {"name": "Odd", "choices": "a"},
        {"name": "Odd", "data_type": None},
        {"name": "Odd", "task_type_id": "x"},
    ):
        assert admin.post(at(show), wrong).status_code == 400, wrong
        body = {key: value for key, value in wrong.items() if (key, value) != ("name", "Odd")}
        if "task_type_id" not in body:
            assert admin.put(f"{at(show)}/{column['id']}", body).status_code == 400, body
    assert admin.post(at(show), {"name": "Odd", "departments": ["x"]}).status_code == 404
    assert admin.ok_post(at(show), {"name": "Odd", "departments": [NOBODY]})["departments"] == []
    assert admin.ok_get(f"{at(show)}/{column['id']}") == column


def test_renaming_and_removing_a_column_is_told_by_its_rows(admin: Client, database: psycopg.Connection) -> None:
    """Spec projects, Worth fixing 8: descriptor rename/delete leaves other clients stale; deletion is not atomic."""
    show = production(admin)
    modeling = named(admin, "task-types", "Modeling")["id"]
    data = {"mood": "calm", "empty": None}
    hero, extra = (entity(admin, show["id"], data=values) for values in (data, {"age": 3}))
    shot, job = entity(admin, show["id"], "Shot", data=data), task(admin, hero, data=data)
    admin.ok_put(f"/data/projects/{show['id']}", {"data": data})
    for kind, row, event, key in [
        ("Asset", f"/data/entities/{hero['id']}", "asset:update", hero["id"]),
        ("Shot", f"/data/entities/{shot['id']}", "shot:update", shot["id"]),
        ("Task", f"/data/tasks/{job['id']}", "task:update", job["id"]),
        ("Project", f"/data/projects/{show['id']}", "project:update", show["id"]),
    ]:
        more = {"task_type_id": modeling} if kind == "Task" else {}
        column = admin.ok_post(at(show), {"name": "Mood", "entity_type": kind, **more})
        path = f"{at(show)}/{column['id']}"
        for act, after in [
            (lambda path=path: admin.ok_put(path, {"name": "Temper"}), {"temper": "calm"}),
            (lambda path=path: admin.ok_delete(path), {}),
        ]:
            known = len(logged(database, show["id"], event))
            act()
            events = logged(database, show["id"], event)[known:]
            assert [payload for payload in events if key in payload.values()] == events, kind
            assert len(events) == 1
            assert admin.ok_get(row)["data"] == {**after, "empty": None}
        assert len(logged(database, show["id"], "metadata-descriptor:delete")) >= 1
    assert admin.ok_get(f"/data/entities/{extra['id']}")["data"] == {"age": 3}
    assert [len(logged(database, show["id"], f"metadata-descriptor:{verb}")) for verb in ("update", "delete")] == [4, 4]


def test_columns_renamed_at_once_keep_their_values(admin: Client) -> None:
    show = production(admin)
    hero = entity(admin, show["id"], data={"a": 1, "b": 2})
    columns = [admin.ok_post(at(show), {"name": name})["id"] for name in ("a", "b")]
    token, api = admin.token, admin.api

    def rename(number: int) -> int:
        path = f"{at(show)}/{columns[number % 2]}"
        return Client(api, token).put(path, {"name": f"c{number // 2}"}).status_code

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(rename, range(6))) <= {200, 400}
    fields = {row["field_name"] for row in admin.ok_get(at(show)) if row["entity_type"] == "Asset"}
    data = admin.ok_get(f"/data/entities/{hero['id']}")["data"]
    assert len(fields) == 2
    assert set(data) == fields
    assert set(data.values()) == {1, 2}


def test_columns_added_at_once_are_one(admin: Client) -> None:
    show = production(admin)
    token, api = admin.token, admin.api
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: Client(api, token).post(at(show), {"name": "Fur"}).status_code, range(6)))
    assert sorted(answers) == [201, 400, 400, 400, 400, 400]


def test_all_productions_are_changed_together_or_not_at_all(admin: Client, database: psycopg.Connection) -> None:
    """Spec projects, Worth fixing 7: all-projects descriptor routes loop with a commit each."""
    boss = hire(admin, "manager")
    first, second, closed, demoted, foreign = (production(admin, boss) for _ in range(5))
    close(admin, closed["id"])
    join(admin, demoted["id"], boss, "supervisor")
    admin.ok_delete(f"/data/projects/{foreign['id']}/team/{boss.id}")
    everywhere = "/data/metadata-descriptors/all-projects"
    modeling = named(admin, "departments", "Modeling")["id"]
    body = {"name": "Mood", "entity_type": "Asset", "departments": [modeling]}
    hero = entity(admin, second["id"], data={"mood": "calm"})
    admin.ok_post(at(first), {"name": "Mood", "data_type": "number"})
    (column,) = boss.ok_post(everywhere, body)
    assert (column["project_id"], column["departments"]) == (second["id"], [modeling])
    assert logged(database, second["id"], "metadata-descriptor:new")[-1]["metadata_descriptor_id"] == column["id"]

    admin.ok_post(at(first), {"name": "Temper"})
    field = f"{everywhere}/mood"
    assert boss.put(field, {"entity_type": "Asset", "name": "Temper"}).status_code == 400
    assert admin.ok_get(f"/data/entities/{hero['id']}")["data"] == {"mood": "calm"}
    rows = boss.ok_put(field, {"entity_type": "Asset", "name": "State of mind", "for_client": True})
    assert {(row["project_id"], row["name"], row["data_type"], row["for_client"]) for row in rows} == {
        (show["id"], "State of mind", "string", True) for show in (first, second)
    }
    assert all(row["departments"] == [] for row in rows)
    assert admin.ok_get(f"/data/entities/{hero['id']}")["data"] == {"state_of_mind": "calm"}

    order = {"entity_type": "Asset", "field_order": ["state_of_mind", "nothing"]}
    placed = boss.ok_post("/actions/metadata-descriptors/all-projects/reorder", order)
    assert [(row["name"], row["position"]) for row in placed if row["project_id"] == first["id"]] == [
        ("State of mind", 1),
        ("Temper", 2),
    ]
    for wrong in ({"entity_type": "Task", "field_order": ["a"]}, {"entity_type": "Asset", "field_order": []}):
        assert boss.post("/actions/metadata-descriptors/all-projects/reorder", wrong).status_code == 400
    removed = boss.delete(f"{everywhere}/state_of_mind", params={"entity_type": "Asset"})
    assert (removed.status_code, set(removed.json())) == (200, {row["id"] for row in rows})
    assert admin.ok_get(f"/data/entities/{hero['id']}")["data"] == {}
    by_role = hire(admin, "user")
    join(admin, first["id"], by_role, "manager")
    assert by_role.post(everywhere, body).status_code == 403

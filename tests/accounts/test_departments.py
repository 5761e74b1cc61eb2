"""Departments: the plainest table of all, so the shared rules of the generic routes are seen here."""

from tests.client import Client, unique


def test_a_department_lives_through_its_generic_routes(admin: Client) -> None:
    name = unique("Fur")
    department = admin.ok_post("/data/departments", {"name": name, "color": "#102030"})
    assert department["name"] == name
    assert department["archived"] is False
    assert department["type"] == "Department"
    changed = admin.ok_put(f"/data/departments/{department['id']}", {"archived": True, "unknown": 1})
    assert changed["archived"] is True
    assert admin.ok_get("/data/departments", params={"name": name.upper(), "fields": "color"}) == [
        {"id": department["id"], "color": "#102030", "type": "Department"}
    ]
    admin.ok_delete(f"/data/departments/{department['id']}")
    assert admin.get(f"/data/departments/{department['id']}").status_code == 404


def test_refusals_name_the_field_and_store_nothing(admin: Client) -> None:
    name = unique("Long")
    for wrong, field in [
        ({"name": name, "color": "#1020304050"}, "color"),
        ({"name": name}, "color"),
        ({"name": name, "color": None}, "color"),
        ({"name": name, "color": "#102030", "shade": 1}, "shade"),
        ({"name": name, "color": "#102030", "archived": "yes"}, "archived"),
        ({"name": "a\0b", "color": "#102030"}, "name"),
    ]:
        answer = admin.post("/data/departments", wrong)
        assert answer.status_code == 400, wrong
        assert field in answer.json()["message"]
    assert admin.ok_get("/data/departments", params={"name": name}) == []


def test_only_the_signed_in_get_in(anonymous: Client) -> None:
    answer = anonymous.get("/data/departments")
    assert answer.status_code == 401
    assert answer.json()["msg"].startswith("Missing JWT in cookies or headers")

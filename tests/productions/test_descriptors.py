"""Metadata descriptors through their generic routes. Spec crud, "metadata-descriptors"."""

from typing import Any

import pytest

from tests.client import Client, unique
from tests.factories import entity, hire, join, named, production, task
from tests.productions.test_projects import close


def descriptor(admin: Client, project_id: str, entity_type: str = "Asset", **more: Any) -> dict[str, Any]:
    name = unique("Column")
    row = {"project_id": project_id, "entity_type": entity_type, "name": name, "field_name": name.replace(" ", "_")}
    return dict(admin.ok_post("/data/metadata-descriptors", {**row, "data_type": "string", **more}))


def test_a_list_without_parameters_has_departments(admin: Client) -> None:
    modeling = named(admin, "departments", "Modeling")["id"]
    column = descriptor(admin, production(admin)["id"], departments=[modeling])
    everything = admin.ok_get("/data/metadata-descriptors")
    assert next(row for row in everything if row["id"] == column["id"])["departments"] == [modeling]
    at = "/data/metadata-descriptors"
    assert "departments" not in admin.ok_get(at, params={"id": column["id"]})[0]
    assert admin.ok_get(at, params={"id": column["id"], "relations": "true"})[0]["departments"] == [modeling]
    assert admin.ok_put(f"{at}/{column['id']}", {"for_client": True})["departments"] == [modeling]


def test_each_role_sees_its_columns(admin: Client) -> None:
    modeling, animation = (named(admin, "departments", name)["id"] for name in ("Modeling", "Animation"))
    people = {role: hire(admin, role) for role in ("manager", "user", "client")}
    vendor = hire(admin, "vendor", departments=[modeling])
    show, closed = production(admin, vendor, *people.values()), production(admin, *people.values())
    published = descriptor(admin, show["id"], for_client=True, departments=[animation])["id"]
    ours = descriptor(admin, show["id"], departments=[modeling, animation])["id"]
    plain = descriptor(admin, show["id"])["id"]
    hidden = descriptor(admin, closed["id"])["id"]
    close(admin, closed["id"])

    def seen(caller: Client) -> set[str]:
        mine = {published, ours, plain, hidden}
        listed = {row["id"] for row in caller.ok_get("/data/metadata-descriptors")}
        own = {row["id"] for row in caller.ok_get(f"/data/projects/{show['id']}")["descriptors"]}
        opened = {row["id"] for row in caller.ok_get("/data/projects/open")[0]["descriptors"]}
        at = f"/data/projects/{show['id']}/metadata-descriptors"
        shown = {row["id"] for row in caller.ok_get(at)}
        assert listed & mine == own & mine == opened & mine == shown & mine
        for column_id in (published, ours, plain):
            assert caller.get(f"{at}/{column_id}").status_code == (200 if column_id in shown else 403)
        assert caller.get(f"{at}/{hidden}").status_code == 404
        return listed & mine

    assert seen(people["manager"]) == seen(people["user"]) == {published, ours, plain}
    assert seen(people["client"]) == {published}
    assert seen(vendor) == {ours, plain}
    join(admin, show["id"], people["manager"], "client")
    assert seen(people["manager"]) == {published}


def test_boards_have_their_columns_in_order(admin: Client) -> None:
    show = production(admin)["id"]
    last, third = descriptor(admin, show, name="b")["id"], descriptor(admin, show, name="a")["id"]
    second, first = descriptor(admin, show, position=2)["id"], descriptor(admin, show, position=1)["id"]
    rows = [row for row in admin.ok_get(f"/data/projects/{show}/metadata-descriptors") if row["entity_type"] == "Asset"]
    assert [row["id"] for row in rows] == [first, second, third, last]
    assert rows[0]["type"] == "MetadataDescriptor"
    assert rows[0]["departments"] == []


def test_only_administrators_use_the_generic_rows(admin: Client) -> None:
    boss = hire(admin, "manager")
    show = production(admin, boss)
    at = f"/data/metadata-descriptors/{descriptor(admin, show['id'])['id']}"
    for answer in (boss.get(at), boss.put(at, {"name": "x"}), boss.delete(at)):
        assert answer.status_code == 403


def test_kinds_of_data_are_validated(admin: Client) -> None:
    column = descriptor(admin, production(admin)["id"])
    at = f"/data/metadata-descriptors/{column['id']}"
    for wrong in ("poem", None, 3):
        answer = admin.put(at, {"data_type": wrong})
        assert answer.status_code == 400
        assert "data_type" in answer.json()["message"]
    again = {key: column[key] for key in ("project_id", "entity_type", "name", "field_name")}
    assert admin.post("/data/metadata-descriptors", again).status_code == 400


@pytest.mark.parametrize("kind", ["Asset", "Shot", "Task", "Project"])
def test_values_follow_their_descriptor(admin: Client, kind: str) -> None:
    """Spec crud, Worth fixing: CRUD delete/rename of a descriptor leaves values in entity/task/project.data."""
    show, other = production(admin), production(admin)
    modeling = named(admin, "task-types", "Modeling")["id"]
    more = {"task_type_id": modeling} if kind == "Task" else {}
    column = descriptor(admin, show["id"], kind, **more)
    old, new = column["field_name"], f"{column['field_name']}_2"
    data = {old: "red", "age": 3}

    def holders() -> list[str]:
        """Where a value is: of the descriptor, of another kind, of another production."""
        paths = []
        for project_id in (show["id"], other["id"]):
            hero, shot = entity(admin, project_id, data=data), entity(admin, project_id, "Shot", data=data)
            job = task(admin, hero, data=data)
            admin.ok_put(f"/data/projects/{project_id}", {"data": data})
            paths += [
                f"/data/entities/{hero['id']}",
                f"/data/entities/{shot['id']}",
                f"/data/tasks/{job['id']}",
                f"/data/projects/{project_id}",
            ]
        return paths

    paths = holders()
    mine = {"Asset": 0, "Shot": 1, "Task": 2, "Project": 3}[kind]
    at = f"/data/metadata-descriptors/{column['id']}"
    admin.ok_put(at, {"name": unique("Other name")})
    assert all(admin.ok_get(path)["data"][old] == "red" for path in paths)
    admin.ok_put(at, {"field_name": new})
    for number, path in enumerate(paths):
        assert admin.ok_get(path)["data"] == ({new: "red", "age": 3} if number == mine else data), path
    admin.ok_delete(at)
    for number, path in enumerate(paths):
        assert admin.ok_get(path)["data"] == ({"age": 3} if number == mine else data), path


def test_a_new_production_shows_what_the_others_show(admin: Client) -> None:
    modeling = named(admin, "departments", "Modeling")["id"]
    column = descriptor(
        admin, production(admin)["id"], "Project", departments=[modeling], choices=["a"], for_client=True
    )
    twin = production(admin)
    again = {key: column[key] for key in ("entity_type", "name", "field_name", "data_type")}
    assert column["field_name"] in {
        row["field_name"] for row in admin.ok_get(f"/data/projects/{twin['id']}")["descriptors"]
    }
    row = {**again, "project_id": twin["id"]}
    assert admin.post("/data/metadata-descriptors", row).status_code == 400
    copied = [
        row
        for row in admin.ok_get(f"/data/projects/{twin['id']}")["descriptors"]
        if row["field_name"] == column["field_name"]
    ]
    assert [(row["departments"], row["choices"], row["for_client"]) for row in copied] == [([modeling], ["a"], True)]
    overview = next(show for show in admin.ok_get("/data/projects/all") if show["id"] == twin["id"])
    assert column["field_name"] in {row["field_name"] for row in overview["descriptors"]}
    admin.ok_put(f"/data/metadata-descriptors/{column['id']}", {"name": unique("x")})

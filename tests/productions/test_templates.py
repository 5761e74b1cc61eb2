"""Project templates, and productions made from them. Spec crud, "project-templates"; spec projects."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.client import Client, unique
from tests.factories import hire, named, production

NOBODY = "00000000-0000-4000-8000-000000000000"


def template(admin: Client, **more: Any) -> dict[str, Any]:
    return dict(admin.ok_post("/data/project-templates", {"name": unique("Pattern"), **more}))


def test_a_template_takes_its_settings_and_nothing_else(admin: Client) -> None:
    pattern = template(admin, fps="24", production_style=None, unknown=1, revision_padding=4, task_types=["x"])
    assert (pattern["fps"], pattern["production_style"], pattern["revision_padding"]) == ("24", "2d3d", 4)
    at = f"/data/project-templates/{pattern['id']}"
    changed = admin.ok_put(at, {"revision_padding": 3, "task_types": [NOBODY], "unknown": 1})
    assert changed["revision_padding"] == 3
    assert admin.ok_get(at)["task_types"] == []
    admin.ok_delete(at)
    assert admin.get(at).status_code == 404


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"production_style": "cubism"}, "production_style"),
        ({"resolution": "big"}, "resolution"),
        ({"hd_bitrate_compression": 400}, "hd_bitrate_compression"),
    ],
)
def test_a_wrong_value_makes_no_template(admin: Client, wrong: dict[str, Any], field: str) -> None:
    """Spec crud, Worth fixing: template POST without name; poison `production_style`."""
    answer = admin.post("/data/project-templates", {"name": unique("Slip"), **wrong})
    assert answer.status_code == 400
    assert field in answer.json()["message"]
    assert admin.post("/data/project-templates", {"fps": "24"}).status_code == 400


def test_unknown_templates_are_not_found(admin: Client) -> None:
    for unknown in (NOBODY, "x"):
        for answer in (
            admin.put(f"/data/project-templates/{unknown}", {}),
            admin.delete(f"/data/project-templates/{unknown}"),
        ):
            assert answer.status_code == 404
            assert answer.json() == {"error": True, "message": "Project template not found", "data": None}


def test_managers_read_templates_and_administrators_write_them(admin: Client) -> None:
    at = f"/data/project-templates/{template(admin)['id']}"
    for role, status in [("manager", 200), ("supervisor", 403), ("user", 403), ("vendor", 403), ("client", 403)]:
        caller = hire(admin, role)
        assert caller.get("/data/project-templates").status_code == status
        assert caller.get(at).status_code == status
        assert caller.put(at, {"fps": "1"}).status_code == 403
        assert caller.post("/data/project-templates", {"name": unique("Own")}).status_code == 403
        assert caller.delete(at).status_code == 403


def test_a_production_starts_as_its_template(admin: Client) -> None:
    modeling, todo = named(admin, "task-types", "Modeling")["id"], named(admin, "task-status", "Todo")["id"]
    modeling_department = named(admin, "departments", "Modeling")["id"]
    fur = {"name": "Fur", "field_name": "fur", "entity_type": "Asset", "data_type": "list", "choices": ["red"]}
    entries = [
        {**fur, "departments": [modeling_department, NOBODY], "position": 2, "for_client": True},
        fur,
        {"name": "", "entity_type": "Asset"},
        {**fur, "entity_type": "Task", "task_type_id": NOBODY},
        {**fur, "entity_type": "Task", "task_type_id": modeling},
        "nonsense",
    ]
    pattern = template(admin, fps="12", ratio="1:1", data={"a": 1}, metadata_descriptors=entries)
    admin.ok_put(f"/data/project-templates/{pattern['id']}", {"revision_padding": 3, "is_frame_in_numbering": True})
    at = f"/data/project-templates/{pattern['id']}"
    admin.ok_put(f"{at}/metadata-descriptors", [*entries[:-1], {**fur, "name": "a" * 121}])
    assert admin.put(f"{at}/metadata-descriptors", {"metadata_descriptors": entries}).status_code == 400
    link = {"task_type_id": modeling, "priority": 5, "hd_bitrate_compression": 9, "is_client_visible": False}
    admin.ok_post(f"{at}/task-types", link)
    roles = {"task_status_id": todo, "priority": 2, "roles_for_board": ["client"], "is_client_allowed": False}
    admin.ok_post(f"{at}/task-statuses", roles)
    show = production(admin, project_template_id=pattern["id"], ratio="2:1", fps=None)
    assert (show["fps"], show["ratio"], show["data"]) == ("12", "2:1", {"a": 1})
    assert (show["revision_padding"], show["is_frame_in_numbering"]) == (3, True)
    read = admin.ok_get(f"/data/projects/{show['id']}")
    assert read["task_type_links"][modeling]["priority"] == 5
    assert read["task_type_links"][modeling]["hd_bitrate_compression"] == 9
    assert read["task_type_links"][modeling]["is_client_visible"] is False
    assert read["task_statuses_link"][todo] == {
        "priority": 2,
        "roles_for_board": ["client"],
        "is_client_allowed": False,
    }
    own = [column for column in read["descriptors"] if column["entity_type"] != "Project"]
    assert {(column["entity_type"], column["task_type_id"]) for column in own} == {("Asset", None), ("Task", modeling)}
    asset = next(column for column in own if column["entity_type"] == "Asset")
    assert asset["departments"] == [modeling_department]
    assert (asset["position"], asset["for_client"], asset["choices"]) == (2, True, ["red"])


def test_an_unknown_template_makes_no_production(admin: Client) -> None:
    """Spec projects, Worth fixing 9: POST /data/projects with a bad template leaves a half-created project."""
    name = unique("Half")
    assert admin.post("/data/projects", {"name": name, "project_template_id": NOBODY}).status_code == 404
    assert admin.ok_get("/data/projects", params={"name": name}) == []


def test_templates_and_productions_mirror_each_other(admin: Client) -> None:
    """Spec projects, Worth fixing 14: templates drop three mirrored flags and descriptor positions."""
    modeling, rigging = (named(admin, "task-types", name)["id"] for name in ("Modeling", "Rigging"))
    todo, prop = named(admin, "task-status", "Todo")["id"], named(admin, "entity-types", "Prop")["id"]
    department = named(admin, "departments", "Modeling")["id"]
    flags = {"is_single_preview_per_revision": True, "is_frame_in_numbering": True, "revision_padding": 3}
    first = production(admin, **flags, fps="12", data={"a": 1}, file_tree={"b": 2}, asset_types=[prop])
    at = f"/data/projects/{first['id']}"
    link = {"priority": 4, "hd_bitrate_compression": 8, "ld_bitrate_compression": 3, "is_client_visible": False}
    admin.ok_post(f"{at}/settings/task-types", {"task_type_id": modeling, **link})
    status = {"project_id": first["id"], "task_status_id": todo, "priority": 7, "roles_for_board": ["vendor"]}
    admin.ok_post("/data/task-status-links", status)
    column = {"name": "Fur", "data_type": "list", "choices": ["b", "a"], "departments": [department]}
    fur = admin.ok_post(f"{at}/metadata-descriptors", {**column, "for_client": True})["id"]
    bones = {"name": "Bones", "entity_type": "Task", "task_type_id": rigging}
    admin.ok_post(f"{at}/metadata-descriptors", bones)
    admin.ok_post(f"{at}/metadata-descriptors", {"name": "Age"})
    admin.ok_post(f"{at}/metadata-descriptors/reorder", {"entity_type": "Asset", "descriptor_ids": [fur]})

    mirror = admin.ok_post(f"/data/project-templates/from-project/{first['id']}", {"name": unique("Mirror")})
    second = production(admin)
    own = {"task_type_id": modeling, "priority": 1}
    admin.ok_post(f"/data/projects/{second['id']}/settings/task-types", own)
    admin.ok_post(f"/data/projects/{second['id']}/metadata-descriptors", {"name": "Age", "data_type": "number"})
    admin.ok_post(f"/data/projects/{second['id']}/apply-template/{mirror['id']}")
    third = production(admin, project_template_id=mirror["id"])
    names = (*flags, "fps", "data", "file_tree")
    before = admin.ok_get(at)
    for show, task_type, age in [(second, {"priority": 1}, "number"), (third, link, "string")]:
        read = admin.ok_get(f"/data/projects/{show['id']}")
        assert {name: read[name] for name in names} == {name: before[name] for name in names}
        assert read["task_type_links"][modeling].items() >= task_type.items()
        assert read["task_statuses_link"] == before["task_statuses_link"]
        assert read["asset_types"] == [prop]
        columns = {row["name"]: row for row in read["descriptors"] if row["entity_type"] != "Project"}
        assert set(columns) == {"Fur", "Bones", "Age"}
        keys = ("choices", "departments", "for_client", "position", "field_name")
        assert [columns["Fur"][key] for key in keys] == [["b", "a"], [department], True, 1, "fur"]
        assert (columns["Bones"]["task_type_id"], columns["Age"]["data_type"]) == (rigging, age)


def test_parts_of_templates_refuse_what_does_not_exist(admin: Client) -> None:
    """Spec projects, Worth fixing 1 and 3: unchecked roles; unknown and malformed ids."""
    at = f"/data/project-templates/{template(admin)['id']}"
    modeling, todo = named(admin, "task-types", "Modeling")["id"], named(admin, "task-status", "Todo")["id"]
    parts = {
        "task-types": "task_type_id",
        "task-statuses": "task_status_id",
        "asset-types": "asset_type_id",
        "status-automations": "status_automation_id",
        "preview-background-files": "preview_background_file_id",
    }
    for path, key in parts.items():
        for unknown in (NOBODY, "x"):
            assert admin.post(f"{at}/{path}", {key: unknown}).status_code == 400, path
            lost = f"/data/project-templates/{unknown}/{path}"
            assert admin.get(lost).status_code == 404
            assert admin.post(lost, {key: modeling}).status_code == 404
            removed = 204 if unknown == NOBODY and path.startswith("task") else 404
            assert admin.delete(f"{lost}/{NOBODY}").status_code == removed
        assert admin.delete(f"{at}/{path}/{NOBODY}").status_code == 204
        assert admin.delete(f"{at}/{path}/x").status_code == 400
        assert admin.post(f"{at}/{path}", {}).status_code == 400
    for wrong in ({"roles_for_board": ["nobody"]}, {"roles_for_board": "user"}, {"priority": 2**31}):
        assert admin.post(f"{at}/task-statuses", {"task_status_id": todo, **wrong}).status_code == 400
    admin.ok_post(f"{at}/task-types", {"task_type_id": modeling, "hd_bitrate_compression": 5})
    for wrong in ({"ld_bitrate_compression": 6}, {"hd_bitrate_compression": 0}, {"hd_bitrate_compression": 99}):
        assert admin.post(f"{at}/task-types", {"task_type_id": modeling, **wrong}).status_code == 400
    link = admin.ok_post(f"{at}/task-types", {"task_type_id": modeling, "ld_bitrate_compression": 2, "priority": 3})
    assert [link[f"{name}_bitrate_compression"] for name in ("hd", "ld")] == [5, 2]
    order = f"/actions{at.removeprefix('/data')}/task-types/reorder"
    for wrong in ({}, {"task_type_ids": [modeling, NOBODY]}, {"task_type_ids": ["x"]}):
        assert admin.post(order, wrong).status_code == 400
    assert admin.ok_get(f"{at}/task-types")[0]["priority"] == 3
    assert admin.post(order.replace(at.rpartition("/")[2], NOBODY), {"task_type_ids": [modeling]}).status_code == 404
    for wrong in ([3], {"metadata_descriptors": [{"name": 3}]}, {"metadata_descriptors": [{"name": "\0"}]}, 3):
        assert admin.put(f"{at}/metadata-descriptors", wrong).status_code == 400
    assert admin.put(f"{at}/default-preview-background-file", {}).status_code == 200


def test_parts_added_at_once_are_one(admin: Client) -> None:
    pattern, modeling = template(admin), named(admin, "task-types", "Modeling")["id"]
    token, api = admin.token, admin.api

    def add(number: int) -> str:
        path, client = f"/data/project-templates/{pattern['id']}/task-types", Client(api, token)
        return str(client.ok_post(path, {"task_type_id": modeling, "priority": number})["id"])

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(add, range(6)))) == 1

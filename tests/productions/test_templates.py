"""Project templates, and productions made from them. Spec crud, "project-templates"; spec projects."""

from typing import Any

import psycopg
import pytest

from tests.client import Client, unique
from tests.factories import hire, named, production

NOBODY = "00000000-0000-4000-8000-000000000000"


def template(admin: Client, **more: Any) -> dict[str, Any]:
    return dict(admin.ok_post("/data/project-templates", {"name": unique("Pattern"), **more}))


def test_a_template_takes_its_settings_and_nothing_else(admin: Client) -> None:
    made = template(admin, fps="24", production_style=None, unknown=1, revision_padding=4, task_types=["x"])
    assert (made["fps"], made["production_style"], made["revision_padding"]) == ("24", "2d3d", 0)
    at = f"/data/project-templates/{made['id']}"
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
            assert answer.json() == {"message": "Project template not found"}


def test_managers_read_templates_and_administrators_write_them(admin: Client) -> None:
    at = f"/data/project-templates/{template(admin)['id']}"
    for role, status in [("manager", 200), ("supervisor", 403), ("user", 403), ("vendor", 403), ("client", 403)]:
        caller = hire(admin, role)
        assert caller.get("/data/project-templates").status_code == status
        assert caller.get(at).status_code == status
        assert caller.put(at, {"fps": "1"}).status_code == 403
        assert caller.post("/data/project-templates", {"name": unique("Own")}).status_code == 403
        assert caller.delete(at).status_code == 403


def _link(database: psycopg.Connection, kind: str, template_id: str, other: str, **more: Any) -> None:
    columns = "".join(f", {name}" for name in more)
    values = ", %s" * len(more)
    database.execute(
        f"INSERT INTO project_template_{kind}_link (project_template_id, {kind}_id, id{columns})"  # type: ignore[arg-type]
        f" VALUES (%s, %s, gen_random_uuid(){values})",
        (template_id, other, *more.values()),
    )


def test_a_production_starts_as_its_template(admin: Client, database: psycopg.Connection) -> None:
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
    made = template(admin, fps="12", ratio="1:1", data={"a": 1}, metadata_descriptors=entries)
    admin.ok_put(f"/data/project-templates/{made['id']}", {"revision_padding": 3, "is_frame_in_numbering": True})
    _link(database, "task_type", made["id"], modeling, priority=5, hd_bitrate_compression=9, is_client_visible=False)
    _link(database, "task_status", made["id"], todo, priority=2, roles_for_board=["client"], is_client_allowed=False)
    show = production(admin, project_template_id=made["id"], ratio="2:1", fps=None)
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
    own = [each for each in read["descriptors"] if each["entity_type"] != "Project"]
    assert {(each["entity_type"], each["task_type_id"]) for each in own} == {("Asset", None), ("Task", modeling)}
    asset = next(each for each in own if each["entity_type"] == "Asset")
    assert asset["departments"] == [modeling_department]
    assert (asset["position"], asset["for_client"], asset["choices"]) == (2, True, ["red"])


def test_an_unknown_template_makes_no_production(admin: Client) -> None:
    """Spec projects, Worth fixing 9: POST /data/projects with a bad template leaves a half-created project."""
    name = unique("Half")
    assert admin.post("/data/projects", {"name": name, "project_template_id": NOBODY}).status_code == 404
    assert admin.ok_get("/data/projects", params={"name": name}) == []

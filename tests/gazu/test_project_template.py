"""Gazu's templates of productions."""

import gazu

from tests.client import unique
from tests.gazu.conftest import Row, ids


def test_templates_and_productions(signed_in: Row) -> None:
    made = gazu.project_template.new_project_template(unique("Series"), "Ten minutes", fps="12", production_style="2d")
    assert gazu.project_template.get_project_template(made["id"])["fps"] == "12"
    assert gazu.project_template.get_project_template_by_name(made["name"])["id"] == made["id"]
    assert made["id"] in ids(gazu.project_template.all_project_templates())
    gazu.project_template.update_project_template({"id": made["id"], "ratio": "1:1"})
    column = {"name": "Mood", "entity_type": "Asset", "data_type": "string"}
    kept = gazu.project_template.set_project_template_metadata_descriptors(made, [column])["metadata_descriptors"]
    assert [entry["field_name"] for entry in kept] == ["mood"]

    film = gazu.project.new_project(unique("Pilot"), production_style="2d", project_template=made)
    assert (film["fps"], film["ratio"]) == ("12", "1:1")
    copy = gazu.project_template.new_project_template_from_project(film, unique("Copy"))
    other = gazu.project.new_project(unique("Other"))
    assert gazu.project_template.apply_project_template(other, copy)["ratio"] == "1:1"
    assert "mood" in {row["field_name"] for row in gazu.project.all_metadata_descriptors(other)}
    for template in (made, copy):
        gazu.project_template.remove_project_template(template)
    assert made["id"] not in ids(gazu.project_template.all_project_templates())


def test_what_a_template_uses(signed_in: Row) -> None:
    made = gazu.project_template.new_project_template(unique("Series"))
    modeling, todo = gazu.task.get_task_type_by_name("Modeling"), gazu.task.get_task_status_by_short_name("todo")
    prop, sky = (
        gazu.asset.get_asset_type_by_name("Prop"),
        gazu.client.create("preview-background-files", {"name": unique("Sky")}),
    )
    done = gazu.task.get_task_status_by_short_name("done")
    out = {"out_task_type_id": modeling["id"], "out_task_status_id": done["id"]}
    automation = gazu.client.create(
        "status-automations", {"in_task_type_id": modeling["id"], "in_task_status_id": todo["id"], **out}
    )
    gazu.project_template.add_task_type_to_project_template(made, modeling, 2)
    gazu.project_template.add_task_status_to_project_template(made, todo, 1, ["user"])
    gazu.project_template.add_asset_type_to_project_template(made, prop)
    gazu.project_template.add_status_automation_to_project_template(made, automation)
    gazu.project_template.add_preview_background_file_to_project_template(made, sky)
    key = "default_preview_background_file_id"
    assert gazu.project_template.set_project_template_default_preview_background_file(made, sky)[key] == sky["id"]
    assert gazu.project_template.set_project_template_default_preview_background_file(made, None)[key] is None
    assert [row["priority"] for row in gazu.project_template.all_task_types_for_project_template(made)] == [2]
    assert [row["roles_for_board"] for row in gazu.project_template.all_task_statuses_for_project_template(made)] == [
        ["user"]
    ]
    assert ids(gazu.project_template.all_asset_types_for_project_template(made)) == [prop["id"]]
    assert ids(gazu.project_template.all_status_automations_for_project_template(made)) == [automation["id"]]
    assert ids(gazu.project_template.all_preview_background_files_for_project_template(made)) == [sky["id"]]
    gazu.project_template.remove_task_type_from_project_template(made, modeling)
    gazu.project_template.remove_task_status_from_project_template(made, todo)
    gazu.project_template.remove_asset_type_from_project_template(made, prop)
    gazu.project_template.remove_status_automation_from_project_template(made, automation)
    gazu.project_template.remove_preview_background_file_from_project_template(made, sky)
    read = gazu.client.get(f"data/project-templates/{made['id']}")
    lists = ("task_types", "task_statuses", "asset_types", "status_automations", "preview_background_files")
    assert [read[name] for name in lists] == [[]] * 5

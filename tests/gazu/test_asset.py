"""Gazu's assets, their types and instances."""

from pathlib import Path

import gazu

from tests.client import unique
from tests.gazu.conftest import Show, ids, placed


def test_assets_are_made_changed_and_removed(show: Show) -> None:
    name = unique("Oak")
    made = gazu.asset.new_asset(show.project, show.prop_type, name, "Tall", {"height": 9}, show.episode)
    again = gazu.asset.new_asset(show.project, show.prop_type, name)
    assert again["id"] == made["id"]
    found = gazu.asset.get_asset(made["id"])
    assert (found["name"], found["description"], found["data"]) == (name, "Tall", {"height": 9})
    assert gazu.asset.get_asset_by_name(show.project, name, show.prop_type)["id"] == made["id"]
    gazu.asset.update_asset({"id": made["id"], "description": "Old"})
    gazu.asset.update_asset_data(made, {"leaves": "green"})
    found = gazu.asset.get_asset(made["id"])
    assert (found["description"], found["data"]) == ("Old", {"height": 9, "leaves": "green"})
    assert gazu.asset.get_episode_from_asset(found)["id"] == show.episode["id"]
    assert gazu.asset.get_asset_type_from_asset(found)["name"] == "Prop"
    assert made["id"] in ids(gazu.asset.all_assets_for_episode(show.episode))
    task_type = gazu.task.get_task_type_by_name("Modeling", for_entity="Asset")
    gazu.task.new_task(made, task_type)
    gazu.asset.remove_asset(made)
    assert gazu.asset.get_asset(made["id"])["canceled"] is True
    gazu.asset.remove_asset(made, force=True)
    assert gazu.asset.get_asset_by_name(show.project, name) is None


def test_assets_are_listed(show: Show) -> None:
    everything = {show.asset["id"], show.prop["id"]}
    assert everything <= set(ids(gazu.asset.all_assets_for_open_projects()))
    assert everything <= set(ids(gazu.asset.all_assets_for_project(show.project)))
    assert show.asset["id"] in ids(gazu.asset.all_assets_for_project_and_type(show.project, show.character))
    gazu.casting.update_shot_casting(show.project, show.shot, [{"asset_id": show.asset["id"], "nb_occurences": 1}])
    assert ids(gazu.asset.all_assets_for_shot(show.shot)) == [show.asset["id"]]
    assert ids(gazu.asset.all_asset_types_for_shot(show.shot)) == [show.character["id"]]
    assert {show.character["id"], show.prop_type["id"]} <= set(
        ids(gazu.asset.all_asset_types_for_project(show.project))
    )


def test_addresses_of_assets(show: Show) -> None:
    project_id = show.project["id"]
    assert gazu.asset.get_asset_url(show.asset).endswith(f"{project_id}/episodes/main/assets/{show.asset['id']}/")
    assert gazu.asset.get_all_assets_url(show.project).endswith(f"{project_id}/episodes/main/assets/")
    assert "type%3D%5BCharacter%5D" in gazu.asset.get_asset_type_url(show.project, show.character)


def test_asset_types() -> None:
    name = unique("Vehicle")
    made = gazu.asset.new_asset_type(name)
    assert gazu.asset.new_asset_type(name)["id"] == made["id"]
    assert made["id"] in ids(gazu.asset.all_asset_types())
    gazu.asset.update_asset_type({"id": made["id"], "name": f"{name}!"})
    assert gazu.asset.get_asset_type(made["id"])["name"] == f"{name}!"
    gazu.asset.remove_asset_type(made)
    assert gazu.asset.get_asset_type_by_name(f"{name}!") is None


def test_asset_instances(show: Show) -> None:
    inside = gazu.asset.new_asset_asset_instance(show.prop, show.asset, "In the pot")
    assert placed(gazu.asset.all_asset_instances_for_asset(show.prop)) == {show.asset["id"]: [inside["id"]]}
    gazu.asset.disable_asset_instance(inside)
    assert gazu.asset.get_asset_instance(inside["id"])["active"] is False
    gazu.asset.enable_asset_instance(inside)
    assert gazu.asset.get_asset_instance(inside["id"])["active"] is True
    scene = gazu.scene.new_scene(show.project, show.sequence, unique("SC"))
    here = gazu.scene.new_scene_asset_instance(scene, show.prop)
    assert placed(gazu.asset.all_scene_asset_instances_for_asset(show.prop)) == {scene["id"]: [here["id"]]}
    gazu.shot.add_asset_instance_to_shot(show.shot, here)
    assert placed(gazu.asset.all_shot_asset_instances_for_asset(show.prop)) == {show.shot["id"]: [here["id"]]}
    assert placed(gazu.asset.all_asset_instances_for_shot(show.shot)) == {show.prop["id"]: [here["id"]]}
    gazu.shot.remove_asset_instance_from_shot(show.shot, here)
    assert gazu.asset.all_asset_instances_for_shot(show.shot) == {}


def test_assets_come_from_a_sheet(show: Show, tmp_path: Path) -> None:
    name = unique("Lamp")
    sheet = tmp_path / "assets.csv"
    sheet.write_text(f"Type;Name;Episode\nProp;{name};{show.episode['name']}\n")
    (made,) = gazu.asset.import_assets_with_csv(show.project, str(sheet))
    assert (made["name"], made["source_id"]) == (name, show.episode["id"])

"""Gazu's layout scenes."""

import gazu

from tests.client import unique
from tests.gazu.conftest import Show, ids, placed


def test_scenes(show: Show) -> None:
    name = unique("SC")
    made = gazu.scene.new_scene(show.project, show.sequence, name)
    assert gazu.scene.get_scene_by_name(show.sequence, name)["id"] == made["id"]
    gazu.scene.update_scene({"id": made["id"], "description": "Kitchen"})
    found = gazu.scene.get_scene(made["id"])
    assert (found["name"], found["description"]) == (name, "Kitchen")
    assert gazu.scene.get_sequence_from_scene(found)["id"] == show.sequence["id"]
    assert made["id"] in ids(gazu.scene.all_scenes())
    assert made["id"] in ids(gazu.scene.all_scenes_for_project(show.project))
    assert made["id"] in ids(gazu.scene.all_scenes_for_sequence(show.sequence))


def test_shots_of_a_scene(show: Show) -> None:
    scene = gazu.scene.new_scene(show.project, show.sequence, unique("SC"))
    gazu.scene.add_shot_to_scene(scene, show.shot)
    assert ids(gazu.scene.all_shots_for_scene(scene)) == [show.shot["id"]]
    gazu.scene.remove_shot_from_scene(scene, show.shot)
    assert gazu.scene.all_shots_for_scene(scene) == []


def test_instances_in_a_scene(show: Show) -> None:
    scene = gazu.scene.new_scene(show.project, show.sequence, unique("SC"))
    made = gazu.scene.new_scene_asset_instance(scene, show.asset, "On the table")
    assert placed(gazu.scene.all_asset_instances_for_scene(scene)) == {show.asset["id"]: [made["id"]]}
    assert gazu.scene.all_camera_instances_for_scene(scene) == {}
    gazu.scene.update_asset_instance_name(made, "Left lama")
    gazu.scene.update_asset_instance_data(made, {"scale": 2})
    found = gazu.scene.get_asset_instance_by_name(scene, "Left lama")
    assert (found["id"], found["data"]) == (made["id"], {"scale": 2})

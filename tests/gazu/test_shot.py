"""Gazu's episodes, sequences and shots."""

from pathlib import Path

import gazu

from tests.client import unique
from tests.gazu.conftest import Show, ids, placed

EXCUSED = {
    "import_otio": "imports have tests of their own",
}


def test_shots_are_made_changed_and_removed(show: Show) -> None:
    name = unique("SH")
    made = gazu.shot.new_shot(show.project, show.sequence, name, 24, 101, 124, "Dawn", {"fps": 24})
    assert gazu.shot.new_shot(show.project, show.sequence, name)["id"] == made["id"]
    found = gazu.shot.get_shot(made["id"])
    assert (found["nb_frames"], found["description"]) == (24, "Dawn")
    assert (found["data"]["frame_in"], found["data"]["frame_out"]) == (101, 124)
    assert gazu.shot.get_shot_by_name(show.sequence, name)["id"] == made["id"]
    gazu.shot.update_shot({"id": made["id"], "description": "Dusk"})
    gazu.shot.update_shot_data(made, {"weather": "rain"})
    found = gazu.shot.get_shot(made["id"])
    assert (found["description"], found["data"]["weather"], found["data"]["frame_in"]) == ("Dusk", "rain", 101)
    assert gazu.shot.get_sequence_from_shot(found)["id"] == show.sequence["id"]
    gazu.task.new_task(made, gazu.task.get_task_type_by_name("Animation", for_entity="Shot"))
    gazu.shot.remove_shot(made)
    assert gazu.shot.get_shot(made["id"])["canceled"] is True
    gazu.shot.restore_shot(made)
    assert gazu.shot.get_shot(made["id"])["canceled"] is False
    gazu.shot.remove_shot(made, force=True)
    assert gazu.shot.get_shot_by_name(show.sequence, name) is None


def test_sequences_are_made_changed_and_removed(show: Show) -> None:
    name = unique("SQ")
    made = gazu.shot.new_sequence(show.project, name, episode=show.episode)
    assert gazu.shot.get_sequence_by_name(show.project, name)["id"] == made["id"]
    assert gazu.shot.get_sequence_by_name(show.project, name, show.episode)["id"] == made["id"]
    gazu.shot.update_sequence({"id": made["id"], "description": "Chase"})
    gazu.shot.update_sequence_data(made, {"mood": "fast"})
    found = gazu.shot.get_sequence(made["id"])
    assert (found["description"], found["data"]) == ("Chase", {"mood": "fast"})
    assert gazu.shot.get_episode_from_sequence(found)["id"] == show.episode["id"]
    gazu.shot.remove_sequence(made, force=True)
    assert gazu.shot.get_sequence_by_name(show.project, name) is None


def test_episodes_are_made_changed_and_removed(show: Show) -> None:
    name = unique("E")
    made = gazu.shot.new_episode(show.project, name)
    assert gazu.shot.new_episode(show.project, name)["id"] == made["id"]
    gazu.shot.update_episode({"id": made["id"], "description": "Pilot"})
    gazu.shot.update_episode_data(made, {"air": "May"})
    found = gazu.shot.get_episode(made["id"])
    assert (found["description"], found["data"]) == ("Pilot", {"air": "May"})
    gazu.shot.remove_episode(made, force=True)
    assert gazu.shot.get_episode_by_name(show.project, name) is None


def test_the_breakdown_is_listed(show: Show) -> None:
    shot, sequence, episode = show.shot["id"], show.sequence["id"], show.episode["id"]
    assert shot in ids(gazu.shot.all_shots_for_project(show.project))
    assert shot in ids(gazu.shot.all_shots_for_episode(show.episode))
    assert shot in ids(gazu.shot.all_shots_for_sequence(show.sequence))
    assert sequence in ids(gazu.shot.all_sequences_for_project(show.project))
    assert sequence in ids(gazu.shot.all_sequences_for_episode(show.episode))
    assert episode in ids(gazu.shot.all_episodes_for_project(show.project))
    empty = gazu.shot.new_shot(show.project, show.sequence, unique("SH"))
    assert gazu.shot.all_previews_for_shot(empty) == {}


def test_addresses_of_the_breakdown(show: Show) -> None:
    host = f"{gazu.client.get_api_url_from_host()}/productions/{show.project['id']}"
    episode = f"{host}/episodes/{show.episode['id']}"
    assert gazu.shot.get_episode_url(show.episode) == f"{episode}/shots"
    assert gazu.shot.get_shot_url(show.shot) == f"{episode}/shots/{show.shot['id']}/"
    assert gazu.shot.get_sequence_url(show.sequence) == f"{episode}/sequences/{show.sequence['id']}/"
    assert gazu.shot.get_all_episodes_url(show.project) == f"{host}/episodes/"
    assert gazu.shot.get_all_sequences_url(show.project) == f"{host}/sequences/"


def test_instances_in_a_shot(show: Show) -> None:
    scene = gazu.scene.new_scene(show.project, show.sequence, unique("SC"))
    here = gazu.scene.new_scene_asset_instance(scene, show.asset)
    gazu.shot.add_asset_instance_to_shot(show.shot, here)
    expected = {show.asset["id"]: [here["id"]]}
    assert placed(gazu.shot.get_asset_instances_for_shot(show.shot)) == expected
    assert placed(gazu.shot.all_asset_instances_for_shot(show.shot)) == expected
    gazu.shot.remove_asset_instance_from_shot(show.shot, here)
    assert gazu.shot.get_asset_instances_for_shot(show.shot) == {}


def test_shots_come_from_a_sheet(show: Show, tmp_path: Path) -> None:
    name = unique("SH")
    sheet = tmp_path / "shots.csv"
    sheet.write_text(f"Episode;Sequence;Name\n{show.episode['name']};{show.sequence['name']};{name}\n")
    (made,) = gazu.shot.import_shots_with_csv(show.project, str(sheet))
    assert (made["name"], made["parent_id"]) == (name, show.sequence["id"])

"""Gazu's tasks: what they are, their thread, their time, their previews."""

from pathlib import Path

import gazu
import pytest

from tests.client import unique
from tests.gazu.conftest import Row, Show, ids
from tests.media.publishing import png


@pytest.fixture(scope="module")
def status(signed_in: Row) -> dict[str, Row]:
    """Statuses by short name."""
    return {short: gazu.task.get_task_status_by_short_name(short) for short in ("todo", "wip", "wfa", "done")}


@pytest.fixture(scope="module")
def animation(show: Show) -> Row:
    return dict(gazu.task.get_task_type(show.task["task_type_id"]))


@pytest.fixture
def task(show: Show, animation: Row) -> Row:
    """A task to do on a shot of its own."""
    shot = gazu.shot.new_shot(show.project, show.sequence, unique("SH"))
    return dict(gazu.task.new_task(shot, animation))


@pytest.fixture
def picture(tmp_path: Path) -> str:
    path = tmp_path / "pose.png"
    path.write_bytes(png())
    return str(path)


def shot_of(task: Row) -> Row:
    return dict(gazu.shot.get_shot(task["entity_id"]))


def test_task_types() -> None:
    name = unique("Grooming")
    made = gazu.task.new_task_type(name, "#123456", "Asset")
    assert gazu.task.new_task_type(name)["id"] == made["id"]
    gazu.task.update_task_type({"id": made["id"], "short_name": name[-6:]})
    assert gazu.task.get_task_type(made["id"])["short_name"] == name[-6:]
    assert gazu.task.get_task_type_by_short_name(name[-6:])["id"] == made["id"]
    assert made["id"] in ids(gazu.task.all_task_types())
    gazu.task.remove_task_type(made)
    assert gazu.task.get_task_type_by_name(name) is None


def test_task_statuses(show: Show) -> None:
    name = unique("Hold")
    made = gazu.task.new_task_status(name, name[-6:], "#123456")
    gazu.task.update_task_status({"id": made["id"], "is_retake": True})
    assert gazu.task.get_task_status(made["id"])["is_retake"] is True
    assert gazu.task.get_task_status_by_name(name)["id"] == made["id"]
    assert gazu.task.get_default_task_status()["short_name"] == "todo"
    assert made["id"] in ids(gazu.task.all_task_statuses())
    gazu.task.remove_task_status(made)
    assert gazu.task.get_task_status_by_name(name) is None
    gazu.project.add_task_status(show.project, gazu.task.get_default_task_status())
    assert gazu.task.get_default_task_status()["id"] in ids(gazu.task.all_task_statuses_for_project(show.project))


def test_tasks_are_made_changed_and_removed(show: Show, animation: Row, status: dict[str, Row]) -> None:
    shot = gazu.shot.new_shot(show.project, show.sequence, unique("SH"))
    made = gazu.task.new_task(shot, animation, task_status=status["todo"], assignees=[show.artist.person])
    assert gazu.task.new_task(shot, animation)["id"] == made["id"]
    assert gazu.task.get_task_by_entity(shot, animation)["id"] == made["id"]
    gazu.task.update_task({"id": made["id"], "estimation": 480, "assignees": []})
    gazu.task.update_task_data(made, {"farm": "blue"})
    found = gazu.task.get_task(made["id"])
    assert (found["estimation"], found["data"]["farm"], found["assignees"]) == (480, "blue", [])
    assert found["task_type"]["id"] == animation["id"]
    assert gazu.task.get_task_url(found).endswith(f"{show.project['id']}/shots/tasks/{made['id']}/")
    gazu.task.remove_task(made)
    assert gazu.task.get_task_by_entity(shot, animation) is None


def test_tasks_are_made_for_entities(show: Show) -> None:
    types = gazu.task.all_task_types_for_project(show.project)

    def of(kind: str) -> list[Row]:
        return [row for row in types if row["for_entity"] == kind][:2]

    shot = gazu.shot.new_shot(show.project, show.sequence, unique("SH"))
    edit = gazu.edit.new_edit(show.project, unique("Cut"))
    concept = gazu.concept.new_concept(show.project, unique("Concept"))
    asset = gazu.asset.new_asset(show.project, show.prop_type, unique("Rock"))
    assert len(gazu.task.create_shot_tasks(shot, of("Shot"))) == 2
    assert set(ids(gazu.task.all_task_types_for_shot(shot))) == set(ids(of("Shot")))
    assert len(gazu.task.create_asset_tasks(asset, of("Asset"))) == 2
    assert set(ids(gazu.task.all_task_types_for_asset(asset))) == set(ids(of("Asset")))
    made = gazu.task.create_edit_tasks(edit, of("Edit"))
    assert set(ids(gazu.task.all_tasks_for_edit(edit))) == set(ids(made))
    made = gazu.task.create_concept_tasks(concept, of("Concept"))
    assert set(ids(gazu.task.all_tasks_for_concept(concept))) == set(ids(made))
    assert set(ids(gazu.task.all_task_types_for_concept(concept))) == set(ids(of("Concept")))
    # Those that are there are not made again.
    assert gazu.task.create_entity_tasks(shot, of("Shot")) == []
    gazu.entity.remove_entities(show.project, [edit, concept, asset], force=True)


def test_tasks_are_listed_along_the_breakdown(show: Show) -> None:
    scene = gazu.scene.new_scene(show.project, show.sequence, unique("SC"))
    kinds = ("Scene", "Sequence", "Episode")
    boarding = {kind: gazu.task.new_task_type(unique("Boards"), for_entity=kind) for kind in kinds}
    on_scene = gazu.task.new_task(scene, boarding["Scene"])
    on_sequence = gazu.task.new_task(show.sequence, boarding["Sequence"])
    on_episode = gazu.task.new_task(show.episode, boarding["Episode"])
    modeling = gazu.task.get_task_type_by_name("Modeling", for_entity="Asset")
    on_asset = gazu.task.new_task(show.asset, modeling)
    of_episode = gazu.asset.new_asset(show.project, show.prop_type, unique("Lamp"), episode=show.episode)
    in_episode = gazu.task.new_task(of_episode, modeling)
    assert show.task["id"] in ids(gazu.task.all_tasks_for_shot(show.shot, relations=True))
    assert ids(gazu.task.all_tasks_for_scene(scene)) == [on_scene["id"]]
    assert on_sequence["id"] in ids(gazu.task.all_tasks_for_sequence(show.sequence))
    assert on_episode["id"] in ids(gazu.task.all_tasks_for_episode(show.episode))
    assert on_asset["id"] in ids(gazu.task.all_tasks_for_asset(show.asset))
    assert show.task["id"] in ids(gazu.task.all_shot_tasks_for_sequence(show.sequence))
    assert show.task["id"] in ids(gazu.task.all_shot_tasks_for_episode(show.episode))
    assert in_episode["id"] in ids(gazu.task.all_assets_tasks_for_episode(show.episode))
    assert ids(gazu.task.all_task_types_for_scene(scene)) == [boarding["Scene"]["id"]]
    assert show.task["task_type_id"] in ids(gazu.task.all_task_types_for_sequence(show.sequence))
    assert show.task["task_type_id"] in ids(gazu.task.all_task_types_for_episode(show.episode))
    gazu.asset.remove_asset(of_episode, force=True)


def test_tasks_are_listed_by_type_status_and_person(show: Show, animation: Row, status: dict[str, Row]) -> None:
    task, project, artist = show.task["id"], show.project, show.artist.person
    assert animation["id"] in ids(gazu.task.all_task_types_for_project(project))
    assert task in ids(gazu.task.all_tasks_for_project(project, animation, show.episode))
    assert task in ids(gazu.task.all_tasks_for_task_type(project, animation, show.episode))
    assert task in ids(gazu.task.all_tasks_for_task_status(project, animation, status["todo"]))
    assert ids(gazu.task.all_tasks_for_entity_and_task_type(show.shot, animation)) == [task]
    assert task in ids(gazu.task.all_tasks_for_person(artist))
    assert gazu.task.all_done_tasks_for_person(artist) == []
    assert task in ids(gazu.task.all_tasks_for_person_and_type(artist, animation))
    assert task in ids(gazu.task.all_open_tasks()["data"])
    assert gazu.task.get_open_tasks_stats()
    gazu.task.update_task({"id": task, "start_date": "2031-02-03"})
    (dates,) = [row for row in gazu.task.get_persons_tasks_dates() if row["person_id"] == artist["id"]]
    assert dates["min_date"].startswith("2031-02-03")


def test_assignments(show: Show, task: Row) -> None:
    def assigned() -> list[str]:
        return ids(gazu.task.get_task(task["id"])["persons"])

    gazu.task.assign_task(task, show.artist.person)
    assert assigned() == [show.artist.id]
    gazu.task.clear_assignations([task], person=show.artist.person)
    assert assigned() == []
    gazu.task.assign_tasks_to_person([task], show.artist.person)
    assert assigned() == [show.artist.id]


def test_the_thread_of_a_task(show: Show, task: Row, status: dict[str, Row], tmp_path: Path) -> None:
    started = gazu.task.start_task(task)
    assert gazu.task.get_task(task["id"])["task_status"]["short_name"] == "wip"
    notes = [tmp_path / name for name in ("one.txt", "two.txt")]
    for note in notes:
        note.write_text("Look closer")
    checklist = [{"text": "Eyes", "checked": False}]
    made = gazu.task.add_comment(
        task, status["wfa"], "Ready?", show.artist.person, checklist, [str(notes[0])], "2031-01-01T10:00:00"
    )
    assert gazu.task.get_comment(made["id"])["checklist"] == checklist
    with_files = gazu.task.add_attachment_files_to_comment(task, made, str(notes[1]))
    files = {row["name"]: row for row in with_files}
    gazu.task.delete_comment_attachment(task, made, files["two.txt"])
    assert [row["name"] for row in gazu.task.all_comments_for_task(task)[0]["attachment_files"]] == ["one.txt"]
    reply = gazu.task.reply_to_comment(task, made, "Almost")
    assert [row["text"] for row in gazu.task.get_last_comment_for_task(task)["replies"]] == ["Almost"]
    gazu.task.delete_comment_reply(task, made, reply)
    gazu.task.acknowledge_comment(task, made)
    last = gazu.task.get_last_comment_for_task(task)
    assert (last["id"], last["replies"], len(last["acknowledgements"])) == (made["id"], [], 1)
    gazu.task.update_comment({"id": made["id"], "text": "Ready!"})
    assert gazu.task.get_comment(made["id"])["text"] == "Ready!"
    assert made["id"] in ids(gazu.task.all_comments_for_project(show.project))
    elsewhere = gazu.task.new_task(shot_of(task), gazu.task.get_task_type_by_name("Lighting", for_entity="Shot"))
    gazu.task.move_comment_to_task(task, started, elsewhere)
    assert ids(gazu.task.all_comments_for_task(elsewhere)) == [started["id"]]
    assert started["id"] not in ids(gazu.task.all_comments_for_task(task))
    gazu.task.remove_comment(made)
    assert gazu.task.all_comments_for_task(task) == []


def test_many_comments_at_once(show: Show, task: Row, status: dict[str, Row], tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    note.write_text("Look closer")
    wip = status["wip"]["id"]
    comment = {"task_status_id": wip, "comment": "One", "object_id": task["id"]}
    gazu.task.create_multiple_comments(show.project, [comment])
    gazu.task.batch_comments([{"task_status_id": wip, "text": "Two", "attachment_files": [str(note)]}], task=task)
    gazu.task.add_tasks_batch_comments([task], {"task_status_id": wip, "text": "Three"})
    thread = {row["text"]: row["attachment_files"] for row in gazu.task.all_comments_for_task(task)}
    assert (thread.keys(), [row["name"] for row in thread["Two"]]) == ({"One", "Two", "Three"}, ["note.txt"])


def test_time_spent(show: Show, task: Row) -> None:
    person, date = show.artist.person, "2031-01-06"
    gazu.task.assign_task(task, person)
    made = gazu.task.set_time_spent(task, person, date, 60)
    assert made["duration"] == 60
    assert gazu.task.add_time_spent(task, person, date, 30)["duration"] == 90
    assert gazu.task.get_time_spent(task)["total"] == 90
    assert gazu.task.get_time_spent(task, date)["total"] == 90
    assert gazu.task.get_task_time_spent_for_date(task, date)["total"] == 90
    gazu.task.remove_time_spent(made)
    assert gazu.task.get_time_spent(task)["total"] == 0


def test_previews_of_a_task(show: Show, task: Row, status: dict[str, Row], picture: str, tmp_path: Path) -> None:
    comment, preview = gazu.task.publish_preview(task, status["wfa"], "Look", preview_file_path=picture)
    assert (preview["revision"], preview["status"]) == (1, "ready")
    gazu.task.set_main_preview(preview)
    rig = tmp_path / "rig.blend"
    rig.write_bytes(b"BLENDER")
    extra = gazu.task.add_extra_preview(task, comment, preview, preview_file_path=str(rig))
    assert (extra["revision"], extra["position"]) == (1, 2)
    gazu.task.remove_preview_from_comment(task, comment, extra)
    assert ids(gazu.task.all_previews_for_task(task)) == [preview["id"]]
    second = gazu.task.add_comment(task, status["wfa"], "Again")
    empty = gazu.task.create_preview(task, second, revision=5)
    assert gazu.task.upload_preview_file(empty, str(rig))["revision"] == 5
    assert gazu.task.create_extra_preview(task, second, empty)["position"] == 2
    third = gazu.task.add_comment(task, status["wfa"], "And again")
    assert gazu.task.add_preview(task, third, preview_file_path=str(rig))["revision"] == 6
    assert preview["id"] in ids(gazu.task.all_preview_files_for_project(show.project))


def test_notifications_and_subscriptions_of_a_production(show: Show, task: Row) -> None:
    show.artist.ok_post(f"/actions/user/tasks/{task['id']}/subscribe")
    assert task["id"] in [row["task_id"] for row in gazu.task.all_subscriptions_for_project(show.project)]
    gazu.task.assign_task(task, show.artist.person)
    told = [row["task_id"] for row in gazu.task.all_notifications_for_project(show.project)]
    assert task["id"] in told


def test_many_tasks_are_removed(show: Show) -> None:
    lighting = gazu.task.get_task_type_by_name("Lighting", for_entity="Shot")
    shots = [gazu.shot.new_shot(show.project, show.sequence, unique("SH")) for _ in range(2)]
    first, _ = (gazu.task.new_task(shot, lighting) for shot in shots)
    assert gazu.task.remove_tasks_batch(show.project, [first]) == [first["id"]]
    gazu.task.remove_tasks_for_type(show.project, lighting)
    assert gazu.task.all_tasks_for_task_type(show.project, lighting) == []

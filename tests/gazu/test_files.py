"""Gazu's working and output files, their types and paths."""

from pathlib import Path

import gazu
import pytest

from pegbar.files.trees.shipped import shipped_tree
from tests.client import Client, unique
from tests.gazu.conftest import Row, Show, ids, made_show

_PREVIEWS = "previews have tests of their own"
_ATTACHMENTS = "files of comments have tests of their own"
_AVATARS = "avatars have tests of their own"
EXCUSED = {
    "download_attachment_file": _ATTACHMENTS,
    "download_attachment_thumbnail": _ATTACHMENTS,
    "get_all_attachment_files_for_project": _ATTACHMENTS,
    "get_all_attachment_files_for_task": _ATTACHMENTS,
    "get_attachment_file": _ATTACHMENTS,
    "get_attachment_thumbnail_url": _ATTACHMENTS,
    "download_organisation_avatar": _AVATARS,
    "download_person_avatar": _AVATARS,
    "download_project_avatar": _AVATARS,
    "upload_organisation_avatar": _AVATARS,
    "upload_person_avatar": _AVATARS,
    "upload_project_avatar": _AVATARS,
    "download_preview_file": _PREVIEWS,
    "download_preview_file_cover": _PREVIEWS,
    "download_preview_file_thumbnail": _PREVIEWS,
    "download_preview_lowdef_movie": _PREVIEWS,
    "download_preview_movie": _PREVIEWS,
    "extract_frame_from_preview": _PREVIEWS,
    "extract_tile_from_preview": _PREVIEWS,
    "get_all_preview_files_for_task": _PREVIEWS,
    "get_preview_file": _PREVIEWS,
    "get_preview_file_url": _PREVIEWS,
    "get_preview_lowdef_movie_url": _PREVIEWS,
    "get_preview_movie_url": _PREVIEWS,
    "get_running_preview_files": _PREVIEWS,
    "remove_preview_file": _PREVIEWS,
    "update_preview": _PREVIEWS,
    "update_preview_annotations": _PREVIEWS,
    "update_preview_position": _PREVIEWS,
    "wait_for_preview_file": _PREVIEWS,
}


@pytest.fixture(scope="module")
def pipeline(admin: Client, signed_in: Row) -> Show:
    """A show with a file tree."""
    show = made_show(admin)
    updated = gazu.files.update_project_file_tree(show.project, shipped_tree("simple"))
    assert updated["file_tree"] == shipped_tree("simple")
    return show


@pytest.fixture(scope="module")
def mesh(pipeline: Show) -> Row:
    return dict(gazu.files.new_output_type(unique("Mesh"), "mesh"))


def test_working_files_are_published_with_their_binary(pipeline: Show, tmp_path: Path) -> None:
    tool = gazu.files.new_software(unique("Carve"), "carve", "crv", ["crvx"])
    gazu.files.update_software({"id": tool["id"], "version": "2"})
    assert gazu.files.get_software(tool["id"])["version"] == "2"
    assert gazu.files.get_software_by_name(tool["name"])["id"] == tool["id"]
    assert tool["id"] in ids(gazu.files.all_softwares())
    path = gazu.files.build_working_file_path(pipeline.task, software=tool, revision=1)
    made = gazu.files.new_working_file(pipeline.task, software=tool, comment="Blocking", person=pipeline.artist.person)
    assert made["path"] == path
    assert made["person_id"] == pipeline.artist.id
    again = gazu.files.new_working_file(pipeline.task, software=tool)
    assert gazu.files.get_last_working_files(pipeline.task)["main"]["id"] == again["id"]
    assert gazu.files.get_last_working_file_revision(pipeline.task)["revision"] == 2
    assert ids(gazu.files.get_working_files_for_task(pipeline.task)) == [again["id"], made["id"]]
    rows = gazu.files.get_all_working_files_for_entity(pipeline.shot, pipeline.task, "main")
    assert ids(rows) == [again["id"], made["id"]]
    gazu.files.update_comment(made, "Take two")
    gazu.files.update_modification_date(made)
    assert gazu.files.get_working_file(made["id"])["comment"] == "Take two"
    scene = tmp_path / "scene.crv"
    scene.write_bytes(b"CARVE" * 1000)
    gazu.files.upload_working_file(made, str(scene))
    gazu.files.download_working_file(made, str(tmp_path / "back.crv"))
    assert (tmp_path / "back.crv").read_bytes() == scene.read_bytes()
    folder = made["path"].rpartition("/")[0]
    guesses = gazu.entity.guess_from_path(pipeline.project["id"], folder)
    assert {guess.get("Shot") for guess in guesses} == {pipeline.shot["id"]}


def test_output_files_of_an_entity_are_published_and_listed(pipeline: Show, mesh: Row) -> None:
    types = (mesh, pipeline.task["task_type_id"])
    source = gazu.files.new_working_file(pipeline.task, name=unique("source"))
    path = gazu.files.build_entity_output_file_path(pipeline.shot, *types, representation="abc", revision=1)
    assert gazu.files.get_next_entity_output_revision(pipeline.shot, *types) == 1
    made = gazu.files.new_entity_output_file(
        pipeline.shot, *types, "For lighting", working_file=source, representation="abc"
    )
    assert made["path"] == path
    assert made["source_file"]["id"] == source["id"]
    assert gazu.files.get_next_entity_output_revision(pipeline.shot, *types) == 2
    assert gazu.files.get_last_entity_output_revision(pipeline.shot, *types) == 1
    assert gazu.files.get_output_file(made["id"])["comment"] == "For lighting"
    assert gazu.files.get_output_file_by_path(made["path"])["id"] == made["id"]
    gazu.files.update_output_file(made, {"size": 12})
    for rows in (
        gazu.files.all_output_files_for_entity(pipeline.shot, mesh, representation="abc"),
        gazu.files.all_output_files_for_project(pipeline.project, mesh),
        gazu.files.get_last_output_files_for_entity(pipeline.shot, mesh, name="main"),
    ):
        assert [(row["id"], row["size"]) for row in rows] == [(made["id"], 12)]
    assert ids(gazu.files.all_output_types_for_entity(pipeline.shot)) == [mesh["id"]]
    assert mesh["id"] in ids(gazu.files.all_output_types())
    assert gazu.files.get_output_type(mesh["id"])["name"] == mesh["name"]
    assert gazu.files.get_output_type_by_name(mesh["name"])["id"] == mesh["id"]


def test_output_files_of_an_asset_instance_are_published_and_listed(pipeline: Show, mesh: Row) -> None:
    scene = gazu.scene.new_scene(pipeline.project, pipeline.sequence, unique("SC"))
    instance = gazu.scene.new_scene_asset_instance(scene, pipeline.asset)
    status = gazu.files.new_file_status(unique("Ok"), "#001122")
    assert gazu.files.get_file_status(status["id"])["name"] == status["name"]
    assert gazu.files.get_file_status_by_name(status["name"])["id"] == status["id"]
    types = (mesh, pipeline.task["task_type_id"])
    path = gazu.files.build_asset_instance_output_file_path(
        instance, scene, *types, name="cache", representation="abc", revision=1
    )
    assert gazu.files.get_next_asset_instance_output_revision(instance, scene, *types, name="cache") == 1
    made = gazu.files.new_asset_instance_output_file(
        instance, scene, *types, "First", name="cache", representation="abc", file_status_id=status["id"]
    )
    assert made["path"] == path
    assert gazu.files.get_last_asset_instance_output_revision(instance, scene, *types, name="cache") == 1
    assert ids(gazu.files.all_output_files_for_asset_instance(instance, scene, output_type=mesh)) == [made["id"]]
    assert ids(gazu.files.get_last_output_files_for_asset_instance(instance, scene, file_status=status)) == [made["id"]]
    assert ids(gazu.files.all_output_types_for_asset_instance(instance, scene)) == [mesh["id"]]

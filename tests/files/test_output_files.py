"""Output files of entities and asset instances, and paths read back."""

from typing import Any
from uuid import uuid4

import pytest

from pegbar.files.trees.shipped import shipped_tree
from tests import factories
from tests.client import Client, unique
from tests.files.studio import Row, Show, at_once, made_show


@pytest.fixture(scope="module")
def show(admin: Client) -> Show:
    return made_show(admin)


@pytest.fixture(scope="module")
def instance(admin: Client, show: Show) -> Row:
    row = {"name": unique("SC"), "sequence_id": show.sequence["id"]}
    scene = admin.ok_post(f"/data/projects/{show.project['id']}/scenes", row)
    return dict(admin.ok_post(f"/data/scenes/{scene['id']}/asset-instances", {"asset_id": show.asset["id"]}))


def place_of(show: Show, instance: Row) -> str:
    return f"/data/asset-instances/{instance['id']}/entities/{show.shot['id']}"


def test_fifty_publishes_at_once_get_fifty_revisions(show: Show) -> None:
    body = {**show.types, "name": unique("rush"), "representation": "abc", "extension": ".abc"}
    answers = at_once(show.artist, f"{show.outputs}/new", [body] * 50)
    assert [answer.status_code for answer in answers] == [201] * 50
    assert sorted(answer.json()["revision"] for answer in answers) == list(range(1, 51))
    assert show.artist.ok_post(f"{show.outputs}/next-revision", body) == {"next_revision": 51}


def test_one_of_fifty_publishes_of_the_same_revision_is_made(show: Show, instance: Row) -> None:
    for path in (f"{show.outputs}/new", f"{place_of(show, instance)}/output-files/new"):
        body = {**show.types, "name": unique("same"), "revision": 3}
        answers = at_once(show.artist, path, [body] * 50)
        assert sorted(answer.status_code for answer in answers) == [201] + [400] * 49


def test_a_malformed_tree_leaves_no_file_behind(admin: Client) -> None:
    show = made_show(admin)
    tree = shipped_tree("simple")
    assert tree is not None
    del tree["output"]["file_name"]["shot"]
    admin.ok_put(f"/data/projects/{show.project['id']}", {"file_tree": tree})
    answer = show.artist.post(f"{show.outputs}/new", show.types)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("output/file_name/shot: ")
    assert show.artist.ok_get(show.outputs) == []
    answer = show.artist.post(f"/data/entities/{show.shot['id']}/output-file-path", show.types)
    assert answer.json()["received_data"] == show.types


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"output_type_id": str(uuid4())}, 400, "output_type_id"),
        ({"person_id": str(uuid4())}, 400, "person_id"),
        ({"file_status_id": str(uuid4())}, 400, "file_status_id"),
        ({"task_type_id": str(uuid4())}, 404, None),
        ({"task_type_id": None}, 400, "task_type_id"),
        ({"nb_elements": 0}, 400, "nb_elements"),
        ({"representation": "x" * 21}, 400, "representation"),
        ({"revision": 10**10}, 400, "revision"),
    ],
)
def test_a_bad_output_file_is_refused_by_the_name_of_its_field(
    show: Show, instance: Row, change: Row, status: int, field: str | None
) -> None:
    name = unique("refused")
    for path in (f"{show.outputs}/new", f"{place_of(show, instance)}/output-files/new"):
        answer = show.artist.post(path, {**show.types, "name": name, **change})
        assert answer.status_code == status, answer.text
        if field is not None:
            assert answer.json()["data"]["errors"][0]["field"] == field
    assert show.artist.ok_get(show.outputs, params={"name": name}) == []


def test_an_output_names_the_working_file_it_was_made_from_but_none_of_another_production(
    admin: Client, show: Show
) -> None:
    mine = show.artist.ok_post(f"{show.working}/new", {"name": unique("source")})
    elsewhere = made_show(admin)
    foreign = elsewhere.artist.ok_post(f"{elsewhere.working}/new", {"name": "secret"})
    body = {**show.types, "name": unique("made")}
    sources: list[Any] = [mine["id"], foreign["id"], "no id", None]
    outputs = [show.artist.ok_post(f"{show.outputs}/new", {**body, "working_file_id": source}) for source in sources]
    assert [output["source_file"] for output in outputs] == [mine, None, None, None]
    assert show.artist.ok_get(f"/data/files/{mine['id']}")["outputs"] == [outputs[0]["id"]]


def test_output_files_are_listed_by_their_filters_and_last_revisions(admin: Client) -> None:
    show = made_show(admin)
    other = admin.ok_post("/data/output-types", {"name": unique("Cache"), "short_name": "abc"})
    status = admin.ok_post("/data/file-status", {"name": unique("Ok"), "color": "#001122"})

    def publish(**more: Any) -> str:
        return str(show.artist.ok_post(f"{show.outputs}/new", {**show.types, **more})["id"])

    first, second = publish(representation="obj"), publish(representation="obj")
    third = publish(representation="abc", revision=2, file_status_id=status["id"])
    cache = publish(output_type_id=other["id"], name="hero")

    def listed(path: str = show.outputs, **params: Any) -> list[str]:
        return [row["id"] for row in show.artist.ok_get(path, params=params)]

    assert set(listed()) == {first, second, third, cache}
    assert listed(representation="obj") == [second, first]
    assert listed(file_status_id=status["id"]) == [third]
    assert listed(name="hero", output_type_id=other["id"]) == [cache]
    assert set(listed(f"{show.outputs}/last-revisions")) == {second, third, cache}
    assert listed(f"{show.outputs}/last-revisions", file_status_id=status["id"]) == [third]
    of_type = f"/data/entities/{show.shot['id']}/output-types/{other['id']}/output-files"
    assert listed(of_type) == [cache]
    assert listed(of_type, representation="") == [cache]
    assert listed(of_type, representation="obj") == []
    types = show.artist.ok_get(f"/data/entities/{show.shot['id']}/output-types")
    assert {row["id"] for row in types} == {show.output_type["id"], other["id"]}
    of_project = f"/data/projects/{show.project['id']}/output-files"
    assert [row["id"] for row in admin.ok_get(of_project)] == [cache, third, second, first]
    assert show.artist.get(of_project).status_code == 403
    for name in ("output_type_id", "task_type_id", "file_status_id"):
        assert show.artist.get(show.outputs, params={name: "x"}).status_code == 400


def test_files_of_an_instance_are_apart_from_those_of_its_asset(admin: Client, show: Show, instance: Row) -> None:
    place, body = place_of(show, instance), {**show.types, "name": unique("cache"), "representation": "abc"}
    made = show.artist.ok_post(f"{place}/output-files/new", {**body, "nb_elements": 9})
    assert made["path"].endswith("_v001")
    assert f"/instance_{instance['number']:04d}/abc/" in made["path"]
    assert show.artist.ok_post(f"{place}/output-files/next-revision", body) == {"next_revision": 2}
    asset = f"/data/entities/{show.asset['id']}"
    assert show.artist.ok_post(f"{asset}/output-files/next-revision", body) == {"next_revision": 2}
    mine = [
        row["id"] for row in show.artist.ok_get(f"{place}/output-files/last-revisions", params={"name": body["name"]})
    ]
    assert mine == [made["id"]]
    assert show.artist.ok_get(f"{asset}/output-files") == []
    path = f"/data/asset-instances/{instance['id']}/output-files"
    assert made["id"] in [row["id"] for row in show.artist.ok_get(path)]
    assert show.artist.ok_get(path, params={"temporal_entity_id": show.asset["id"]}) == []


def test_an_instance_tells_nothing_of_an_entity_in_another_production(admin: Client, show: Show, instance: Row) -> None:
    elsewhere = made_show(admin)
    path = f"/data/asset-instances/{instance['id']}/entities/{elsewhere.shot['id']}"
    assert show.artist.post(f"{path}/output-file-path", show.types).status_code == 404
    assert show.artist.post(f"{path}/output-files/new", show.types).status_code == 404


# Back from a path


def test_a_path_that_was_published_is_about_what_it_was_published_for(admin: Client) -> None:
    show = made_show(admin)
    admin.ok_put(f"/data/entities/{show.shot['id']}", {"name": "sh_010-À.b"})
    made = show.artist.ok_post(f"{show.working}/new", {"name": "main"})
    body = {"project_id": show.project["id"], "file_path": made["path"].rpartition("/")[0]}
    guesses = show.artist.ok_post("/data/entities/guess_from_path", body)
    assert guesses == show.artist.ok_post("/data/entities/guess-from-path", body)
    assert {
        "Template": "shot",
        "Project": show.project["id"],
        "Sequence": show.sequence["id"],
        "Shot": show.shot["id"],
        "TaskType": show.task["task_type_id"],
    } in guesses
    for who in (show.client, show.vendor, factories.hire(admin)):
        assert who.post("/data/entities/guess-from-path", body).status_code == 403


def test_a_path_without_a_tree_to_read_it_by_is_refused(admin: Client, show: Show) -> None:
    bare = factories.production(admin, show.artist)
    for tree in (None, {"working": {}}, "tree"):
        admin.ok_put(f"/data/projects/{bare['id']}", {"file_tree": tree})
        answer = show.artist.post("/data/entities/guess-from-path", {"project_id": bare["id"], "file_path": "/x"})
        assert answer.status_code == 400
        assert answer.json()["message"]

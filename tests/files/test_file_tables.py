"""Working and output files through their generic routes."""

from typing import Any

import pytest

from tests import factories
from tests.client import Client, unique


@pytest.fixture(scope="module")
def asset(admin: Client) -> dict[str, Any]:
    return factories.entity(admin, factories.production(admin)["id"])


def test_output_and_working_files_of_a_malformed_id_are_not_found(admin: Client) -> None:
    for path in ("output-types", "working-files", "output-files"):
        assert admin.get(f"/data/{path}/not-an-id").status_code == 404
        assert admin.put(f"/data/{path}/not-an-id", {}).status_code == 400
    assert admin.get("/data/file-status/not-an-id").status_code == 400


def test_what_was_made_from_a_working_file_outlives_it(admin: Client, asset: dict[str, Any]) -> None:
    status = admin.ok_post("/data/file-status", {"name": unique("Ok"), "color": "#001122"})
    scene = admin.ok_post("/data/working-files", {"name": "main", "revision": 1, "entity_id": asset["id"]})
    assert scene["outputs"] == []
    row = {
        "name": "cache",
        "revision": 1,
        "entity_id": asset["id"],
        "file_status_id": status["id"],
        "source_file_id": scene["id"],
        "path": "/prod/cache.abc",
    }
    output = admin.ok_post("/data/output-files", row)
    assert output["source_file"]["id"] == scene["id"]
    assert admin.ok_get(f"/data/working-files/{scene['id']}")["outputs"] == [output["id"]]
    admin.ok_delete(f"/data/working-files/{scene['id']}")
    after = admin.ok_get(f"/data/output-files/{output['id']}")
    assert after["source_file"] is None
    assert after["source_file_id"] is None
    assert admin.delete(f"/data/file-status/{status['id']}").status_code == 400


def test_an_output_file_without_an_entity_is_refused_and_not_stored(admin: Client) -> None:
    status = admin.ok_post("/data/file-status", {"name": unique("Ok"), "color": "#001122"})
    name = unique("orphan")
    answer = admin.post("/data/output-files", {"name": name, "revision": 1, "file_status_id": status["id"]})
    assert (answer.status_code, answer.json()["message"]) == (400, "'entity_id'")
    assert admin.ok_get("/data/output-files", params={"name": name}) == []


def test_enums_are_validated_before_anything_is_written(admin: Client, asset: dict[str, Any]) -> None:
    scene = admin.ok_post("/data/working-files", {"name": unique("a"), "revision": 1, "entity_id": asset["id"]})
    for value in ("perfect", None):
        answer = admin.put(f"/data/working-files/{scene['id']}", {"comment": "no", "validation_status": value})
        assert answer.status_code == 400
    assert admin.ok_get(f"/data/working-files/{scene['id']}")["comment"] is None


def test_filtering_on_the_inlined_source_file_is_refused(admin: Client) -> None:
    answer = admin.get("/data/output-files", params={"source_file": "x"})
    assert answer.status_code == 400


def test_vendors_list_no_files(admin: Client) -> None:
    vendor = factories.hire(admin, "vendor")
    assert vendor.get("/data/working-files").status_code == 403
    assert vendor.get("/data/output-files").status_code == 403


def test_a_team_member_lists_the_files_of_open_productions_of_theirs(admin: Client) -> None:
    artist = factories.hire(admin)
    mine = factories.entity(admin, factories.production(admin, artist)["id"])
    other = factories.entity(admin, factories.production(admin)["id"])
    ids = []
    for subject in (mine, other):
        row = {"name": unique("w"), "revision": 1, "entity_id": subject["id"]}
        ids.append(admin.ok_post("/data/working-files", row)["id"])
    assert [row["id"] for row in artist.ok_get("/data/working-files")] == ids[:1]

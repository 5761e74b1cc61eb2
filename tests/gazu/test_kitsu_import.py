"""Gazu brings rows of another server: `import_data` and the imports of `gazu.sync`."""

from typing import Any
from uuid import uuid4

import gazu
import pytest

from tests import factories
from tests.client import Client, unique
from tests.gazu.conftest import Show, ids
from tests.server import Server

THEN = {"created_at": "2023-05-06T07:08:09", "updated_at": "2023-05-07T08:09:10"}


def renumbered(row: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A row that this server gave, as if it were another's."""
    return {**row, "id": str(uuid4()), **THEN, **changes}


def test_what_one_server_gives_the_other_takes(admin: Client, show: Show) -> None:
    other = renumbered(gazu.project.get_project(show.project["id"]), name=unique("Elsewhere"))
    (project,) = gazu.client.import_data("projects", [other])
    assert (project["id"], project["created_at"]) == (other["id"], THEN["created_at"])
    assert gazu.project.get_project(project["id"])["team"] == other["team"]
    home = {"project_id": project["id"]}
    sequence = renumbered(gazu.shot.get_sequence(show.sequence["id"]), parent_id=None, **home)
    shot = renumbered(gazu.shot.get_shot(show.shot["id"]), parent_id=sequence["id"], entities_out=[], **home)
    shot["sequence_id"] = sequence["id"]
    asset = renumbered(gazu.asset.get_asset(show.asset["id"]), source_id=None, **home)
    made = gazu.sync.import_entities([sequence, shot, asset])
    assert ids(made) == [sequence["id"], shot["id"], asset["id"]]
    assert gazu.shot.get_shot(shot["id"])["frame_in"] == 1001
    assert gazu.shot.get_shot_by_name(sequence, shot["name"])["id"] == shot["id"]
    link = {"id": str(uuid4()), "entity_in_id": shot["id"], "entity_out_id": asset["id"], "nb_occurences": 2}
    (linked,) = gazu.sync.import_entity_links([{**link, "label": "", "type": "EntityLink", "data": None, **THEN}])
    assert (linked["id"], linked["nb_occurences"]) == (link["id"], 2)
    (cast,) = gazu.casting.get_shot_casting(gazu.shot.get_shot(shot["id"]))
    assert (cast["asset_id"], cast["nb_occurences"]) == (asset["id"], 2)
    task = renumbered(gazu.task.get_task(show.task["id"]), entity_id=shot["id"], **home)
    (todo,) = gazu.sync.import_tasks([task])
    assert todo["id"] == task["id"]
    assert gazu.task.get_task(task["id"])["name"] == task["name"]
    assert gazu.task.get_task(task["id"])["assignees"] == [show.artist.id]


def test_gazu_says_which_row_was_refused(show: Show) -> None:
    rows = [{"id": str(uuid4()), "name": name, "project_id": show.project["id"]} for name in ("Alpha", None)]
    with pytest.raises(gazu.exception.ParameterException, match=r"Row 1 .*name must not be null"):
        gazu.client.import_data("milestones", rows)


def test_an_artist_is_told_that_nothing_was_imported(server: Server, admin: Client) -> None:
    artist = factories.hire(admin)
    client = gazu.client.create_client(server.api)
    client.tokens = {"access_token": artist.token}
    with pytest.raises(gazu.exception.NotAllowedException):
        gazu.sync.import_tasks([{"id": str(uuid4())}], client=client)

"""Gazu's edits."""

import gazu

from tests.client import unique
from tests.gazu.conftest import Show, ids


def test_edits(show: Show) -> None:
    name = unique("Cut")
    made = gazu.edit.new_edit(show.project, name, "First", {"fps": 25}, show.episode)
    assert gazu.edit.new_edit(show.project, name)["id"] == made["id"]
    assert gazu.edit.get_edit_by_name(show.project, name)["id"] == made["id"]
    gazu.edit.update_edit({"id": made["id"], "description": "Final"})
    gazu.edit.update_edit_data(made, {"locked": True})
    found = gazu.edit.get_edit(made["id"])
    assert (found["description"], found["data"]) == ("Final", {"fps": 25, "locked": True})
    assert made["id"] in ids(gazu.edit.all_edits_for_project(show.project))
    assert gazu.edit.all_previews_for_edit(made) == {}
    assert gazu.edit.get_edit_url(made).endswith(f"/episodes/{show.episode['id']}/edits/{made['id']}/")
    gazu.edit.remove_edit(made, force=True)
    assert gazu.edit.get_edit_by_name(show.project, name) is None

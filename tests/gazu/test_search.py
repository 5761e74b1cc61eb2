"""Gazu's search."""

import gazu

from tests.client import unique
from tests.gazu.conftest import Show


def test_entities_are_found(show: Show) -> None:
    name = unique("Juniper").replace(" ", "")
    asset = gazu.asset.new_asset(show.project, show.prop_type, name)
    found = gazu.search.search_entities(name)
    assert [row["id"] for row in found["assets"]] == [asset["id"]]
    assert found.keys() == {"assets", "shots", "persons"}
    assert gazu.search.search_entities(name, project=show.project)["assets"][0]["project_name"] == show.project["name"]
    assert gazu.search.search_entities(name, entity_types=[show.character])["assets"] == []
    assert gazu.search.search_entities(name, entity_types=[show.prop_type])["assets"][0]["asset_type_name"] == "Prop"

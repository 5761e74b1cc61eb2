"""Gazu's concepts."""

import gazu

from tests.client import unique
from tests.gazu.conftest import Show


def test_concepts(show: Show) -> None:
    name = unique("Concept")
    made = gazu.concept.new_concept(show.project, name, description="Sketch", data={"mood": "dark"})
    assert gazu.concept.get_concept(made["id"])["name"] == name
    assert gazu.concept.get_concept_by_name(show.project, name)["id"] == made["id"]
    assert made["id"] in [row["id"] for row in gazu.concept.all_concepts()]
    assert made["id"] in [row["id"] for row in gazu.concept.all_concepts_for_project(show.project)]
    assert gazu.concept.all_previews_for_concept(made) == {}
    gazu.concept.update_concept({"id": made["id"], "description": "Paint"})
    assert gazu.concept.get_concept(made["id"])["description"] == "Paint"
    gazu.concept.remove_concept(made)
    assert gazu.concept.get_concept_by_name(show.project, name) is None

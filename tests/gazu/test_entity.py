"""Gazu's entities whatever their kind."""

import gazu

from tests.client import unique
from tests.gazu.conftest import Show, ids


def test_entities(show: Show) -> None:
    names = [unique("Rock") for _ in range(3)]
    first, second, third = (gazu.asset.new_asset(show.project, show.prop_type, name) for name in names)
    assert first["id"] in ids(gazu.entity.all_entities())
    assert gazu.entity.get_entity(first["id"])["name"] == names[0]
    assert gazu.entity.get_entity_by_name(names[0], show.project)["id"] == first["id"]
    assert gazu.entity.all_entities_with_tasks_linked_to_entity(first) == []
    gazu.entity.remove_entity(first, force=True)
    assert gazu.entity.get_entity_by_name(names[0]) is None
    gazu.entity.remove_entities(show.project, [second, third], force=True)
    assert gazu.entity.get_entity_by_name(names[1]) is None


def test_entity_types() -> None:
    name = unique("Effect")
    made = gazu.entity.new_entity_type(name)
    assert made["id"] in ids(gazu.entity.all_entity_types())
    assert gazu.entity.get_entity_type(made["id"])["name"] == name
    gazu.entity.remove_entity_type(made)
    assert gazu.entity.get_entity_type_by_name(name) is None

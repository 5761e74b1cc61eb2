"""What follows from the declaration of a kind."""

import pytest

from pegbar.app import load_domains
from pegbar.core.data.writes import MANAGERS
from pegbar.entities.kinds import ASSET, FOLDER, KINDS, Kind
from pegbar.entities.resources import entities

ROUTES = {(operation.method, operation.path) for operation in load_domains()}
kinds = pytest.mark.parametrize(
    "kind", [kind for kind in KINDS.values() if kind.name != FOLDER], ids=lambda kind: kind.name
)


@kinds
def test_a_kind_has_the_regular_routes(kind: Kind) -> None:
    one = f"/data/{kind.plural}/{{{kind.key}:uuid}}"
    create = "asset-types/{asset_type_id:uuid}/assets/new" if kind.name == ASSET else kind.plural
    assert {
        ("GET", f"/data/projects/{{project_id:uuid}}/{kind.plural}"),
        ("GET", f"/data/{kind.plural}/with-tasks"),
        ("GET", one),
        ("GET", f"{one}/tasks"),
        ("GET", f"{one}/task-types"),
        ("POST", f"/data/projects/{{project_id:uuid}}/{create}"),
        ("DELETE", one),
    } <= ROUTES


@kinds
def test_columns_of_a_kind_are_written_by_those_it_says(kind: Kind) -> None:
    for name in kind.columns + kind.managed:
        assert name in entities.writes.create & entities.writes.update
        assert entities.writes.whom(name) is (MANAGERS if name in kind.managed else None)

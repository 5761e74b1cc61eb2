"""Random filters find what a model of them finds, for every role, among the rows that the Kitsu API shows that role."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.client import Client
from tests.open.query.model import SHOT, TASK, World, filters, holds
from tests.open.query.show import ROLES, Queried

_ASKED = {"tasks": TASK, "shots": SHOT}


@pytest.fixture(scope="module")
def worlds(admin: Client, queried: Queried) -> dict[str, tuple[Client, World]]:
    people = {"admin": admin, **queried.people}
    return {role: (who, World(who, queried)) for role, who in people.items()}


@st.composite
def questions(draw: st.DrawFn) -> tuple[str, str, Any]:
    role = draw(st.sampled_from(["admin", *ROLES]))
    thing = draw(st.sampled_from(sorted(_ASKED)))
    return role, thing, draw(filters(_ASKED[thing], client=role == "client"))


@settings(max_examples=150, suppress_health_check=list(HealthCheck), derandomize=True)
@given(question=questions())
def test_a_filter_finds_what_the_model_finds(
    worlds: dict[str, tuple[Client, World]], queried: Queried, question: tuple[str, str, Any]
) -> None:
    role, thing, condition = question
    who, world = worlds[role]
    rows = world.tasks if thing == "tasks" else {shot["id"]: world.entities.get(shot["id"]) for shot in queried.shots}
    expected = {key for key, row in rows.items() if row and holds(world, row, condition, _ASKED[thing])}
    body = {"filters": [["project_id", "is", queried.id], condition], "fields": ["id"]}
    found = who.ok_post(f"/open/v1/query/{thing}", body)
    assert {row["id"] for row in found["data"]} == expected

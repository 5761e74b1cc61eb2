"""What a declaration says of productions is what the tables say; who makes a request is known to its statements."""

import asyncio

import pytest
from sqlalchemy import select

from pegbar.core.data import belonging
from pegbar.core.data.compiled import compiled
from pegbar.core.data.parameters import CALLER_ID, about_caller, param
from tests.whole.bodies import RESOURCES


def test_resources_whose_rows_are_of_a_production_say_so() -> None:
    for resource in (resource for resource in RESOURCES if resource.emit is None):
        expected = resource.table.name != "project" and belonging.belongs(resource.table)
        assert resource.of_production == expected, resource.path


def test_statements_take_what_they_ask_about_the_caller_from_the_request_under_way() -> None:
    statement = compiled(select(CALLER_ID, param("task_id")))

    async def request(caller_id: str) -> list[object]:
        about_caller.set({"caller_id": caller_id, "caller_role": "user", "caller_departments": []})
        await asyncio.sleep(0)  # another request runs
        return statement.arguments({"task_id": "T"})

    async def requests() -> list[list[object]]:
        return await asyncio.gather(request("A"), request("B"))

    assert asyncio.run(requests()) == [["A", "T"], ["B", "T"]]
    assert statement.arguments({"caller_id": "C", "task_id": "T"}) == ["C", "T"], "what is passed on counts"
    with pytest.raises(AssertionError, match="missing parameter"):
        statement.arguments({"task_id": "T"})

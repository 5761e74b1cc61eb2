"""A form of statement that was estimated to be cheap is not estimated at each run; what may be costly is."""

import asyncio
from typing import Any

import pytest

from pegbar.core.data.bounds import Bounds, TooCostly


class _Statement:
    def __init__(self, connection: "_Connection", sql: str) -> None:
        self.connection, self.sql = connection, sql

    async def fetchval(self, *_: Any) -> Any:
        self.connection.estimates += 1
        return [{"Plan": {"Total Cost": self.connection.cost}}]

    async def cursor(self, *_: Any) -> str:
        return self.sql


class _Connection:
    """Takes statements, and counts how often one was estimated."""

    def __init__(self, cost: float) -> None:
        self.cost, self.estimates = cost, 0
        self.timeouts: list[str] = []

    async def execute(self, sql: str) -> None:
        self.timeouts.append(sql)

    async def prepare(self, sql: str) -> _Statement:
        return _Statement(self, sql)

    def run(self, sql: str, *arguments: Any) -> str:
        return str(asyncio.run(Bounds(1000.0, 2.0).cursor(self, sql, arguments)))


def test_a_cheap_form_is_estimated_now_and_then() -> None:
    connection = _Connection(cost=100.0)
    assert connection.run("SELECT cheap", 1) == "SELECT cheap"
    for value in range(30):
        connection.run("SELECT cheap", value)
    assert connection.estimates == 1
    connection.run("SELECT cheap", 1)
    assert connection.estimates == 2
    assert connection.timeouts == ["SET LOCAL statement_timeout = 2000"] * 32


def test_a_longer_list_is_another_form() -> None:
    connection = _Connection(cost=100.0)
    for ids in ([1], [2], [1, 2, 3, 4], [5, 6, 7]):
        connection.run("SELECT listed", ids)
    assert connection.estimates == 3


def test_what_may_be_costly_is_estimated_each_time_and_refused() -> None:
    connection = _Connection(cost=101.0)
    for _ in range(3):
        connection.run("SELECT dear")
    assert connection.estimates == 3
    connection.cost = 1001.0
    with pytest.raises(TooCostly):
        connection.run("SELECT dear")

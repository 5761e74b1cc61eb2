"""What a statement that callers shape may cost: estimated before it runs, and timed while it does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pegbar.core.errors import BadRequest


class TooCostly(BadRequest):
    """A statement that PostgreSQL estimates to cost more than it may."""

    def __init__(self, estimate: float, most: float) -> None:
        super().__init__(f"The estimated cost is {estimate:,.0f}, and {most:,.0f} is the most.")
        self.estimate, self.most = estimate, most


@dataclass(frozen=True)
class Bounds:
    """The most that a statement may cost, by the planner's estimate, and the seconds that each piece may take."""

    cost: float
    seconds: float

    async def cursor(self, connection: Any, sql: str, arguments: Sequence[Any]) -> Any:
        """A cursor of a statement, in a transaction that keeps to them. Raises TooCostly.

        Nothing is prepared for later: callers shape so many statements that a connection would grow with them.
        """
        await connection.execute(f"SET LOCAL statement_timeout = {int(self.seconds * 1000)}")
        plans = await (await connection.prepare(f"EXPLAIN (FORMAT JSON) {sql}")).fetchval(*arguments)
        estimate: float = plans[0]["Plan"]["Total Cost"]
        if estimate > self.cost:
            raise TooCostly(estimate, self.cost)
        return await (await connection.prepare(sql)).cursor(*arguments)

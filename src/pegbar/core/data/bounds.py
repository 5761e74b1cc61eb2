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

    async def hold(self, connection: Any, sql: str, arguments: Sequence[Any]) -> None:
        """Have the transaction of a connection keep to them. Raises TooCostly."""
        await connection.execute(f"SET LOCAL statement_timeout = {int(self.seconds * 1000)}")
        plans = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {sql}", *arguments)
        estimate: float = plans[0]["Plan"]["Total Cost"]
        if estimate > self.cost:
            raise TooCostly(estimate, self.cost)

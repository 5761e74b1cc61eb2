"""What a statement that callers shape may cost: estimated before it runs, and timed while it does.

An estimate takes a planning of its own, as long as the one that runs: of a page of rows, a third of what PostgreSQL
does for it. So a form of statement that was estimated far below the most is not estimated again at each of its runs;
what its values make costly nevertheless is ended by its time.
"""

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from pegbar.core.errors import BadRequest

#: A form that was estimated at this part of the most is estimated anew after so many runs.
_CHEAP, _RUNS = 0.1, 30
#: Forms that are remembered.
_FORMS = 1024


class TooCostly(BadRequest):
    """A statement that PostgreSQL estimates to cost more than it may."""

    def __init__(self, estimate: float, most: float) -> None:
        super().__init__(f"The estimated cost is {estimate:,.0f}, and {most:,.0f} is the most.")
        self.estimate, self.most = estimate, most


class _Cheap:
    """The forms that were cheap, with the runs that each has before it is estimated anew. The oldest are forgotten."""

    def __init__(self) -> None:
        self._runs: OrderedDict[Hashable, int] = OrderedDict()

    def takes(self, form: Hashable) -> bool:
        """Whether this run of a form goes without an estimate."""
        left = self._runs.get(form, 0)
        if left:
            self._runs[form] = left - 1
        return left > 0

    def add(self, form: Hashable) -> None:
        """A form was estimated to be cheap."""
        self._runs[form] = _RUNS
        self._runs.move_to_end(form)
        if len(self._runs) > _FORMS:
            self._runs.popitem(last=False)


_cheap = _Cheap()


def _form_of(sql: str, arguments: Sequence[Any], most: float) -> Hashable:
    """What statements of about the same cost have in common: the text, and how long lists are, to a power of two."""
    return sql, most, tuple(len(value).bit_length() for value in arguments if isinstance(value, list))


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
        form = _form_of(sql, arguments, self.cost)
        if not _cheap.takes(form):
            plans = await (await connection.prepare(f"EXPLAIN (FORMAT JSON) {sql}")).fetchval(*arguments)
            estimate: float = plans[0]["Plan"]["Total Cost"]
            if estimate > self.cost:
                raise TooCostly(estimate, self.cost)
            if estimate <= self.cost * _CHEAP:
                _cheap.add(form)
        return await (await connection.prepare(sql)).cursor(*arguments)

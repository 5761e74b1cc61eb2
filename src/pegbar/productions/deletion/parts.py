"""What a production consists of: the tables whose rows go with it, as their columns say, removed some rows at a time.

A part is a table with a column `project_id` that says `goes="with"`. Parts are emptied in the order of foreign keys,
what names others before them. Tables that link a production to its settings and its team go at the end, at once.
"""

from dataclasses import dataclass
from functools import cache

from sqlalchemy import Column, Executable, Table

from pegbar.core.data.parameters import sql
from pegbar.core.data.removal import columns_naming, goes_of
from pegbar.productions.tables import project

#: Rows that go in a transaction: those on which much hangs, others, and exceptions.
_AT_ONCE, _AT_ONCE_ALONE = 200, 1000
_EXCEPTIONS = {"api_event": 5000, "production_schedule_version": 20}


@dataclass(frozen=True)
class Part:
    """Rows of a table, and how many of them are removed at once."""

    table: Table
    at_once: int
    made: bool  #: somebody made these rows: without force, they keep the production

    @property
    def what(self) -> str:
        """As progress tells it."""
        return f"{self.table.name.replace('_', ' ')} rows"

    @property
    def counted(self) -> str:
        """SQL: the number of rows of `:project_id`."""
        return f"SELECT count(*) FROM {self.table.fullname} WHERE project_id = :project_id"  # noqa: S608 - a name of ours

    @property
    def locked(self) -> Executable:
        """The ids of at most `:most` of the rows of `:project_id`, locked; what is below others comes before them."""
        above = [column.name for column in columns_naming(self.table) if column.table is self.table]
        order = f"ORDER BY {', '.join(f'{name} NULLS LAST' for name in above)}" if above else ""
        return sql(
            f"SELECT id FROM {self.table.fullname} WHERE project_id = :project_id {order} LIMIT :most FOR UPDATE"  # noqa: S608
        )


def _part(column: Column[object]) -> Part:
    table = column.table
    assert isinstance(table, Table)
    alone = not any(goes_of(naming) == "with" for naming in columns_naming(table))
    at_once = _EXCEPTIONS.get(table.name, _AT_ONCE_ALONE if alone else _AT_ONCE)
    return Part(table, at_once, bool(column.info["made"]))


@cache
def parts() -> tuple[Part, ...]:
    """Every part, in the order in which they go. For when all tables are known."""
    waiting = [
        _part(column)
        for column in columns_naming(project)
        if goes_of(column) == "with" and isinstance(column.table, Table) and "id" in column.table.c
    ]
    order: list[Part] = []
    while waiting:
        tables = {part.table for part in waiting}
        named = {
            naming.column.table
            for part in waiting
            for naming in part.table.foreign_keys
            if naming.column.table is not part.table
        }
        free = [part for part in waiting if part.table not in named & tables]
        assert free, f"{[part.table.name for part in waiting]} name each other"
        order += free
        waiting = [part for part in waiting if part not in free]
    return tuple(order)

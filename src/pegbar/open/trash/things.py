"""What somebody can be said to have deleted: rows that have routes of their own, besides those that are no things.

Of the rows that a change deleted, those are the things that went with no other: of a shot with its tasks, the shot.
"""

from collections.abc import Iterable
from functools import cache

from sqlalchemy import Table

from pegbar.core.data import belonging
from pegbar.core.data import resource as resources
from pegbar.core.data.removal import goes_of
from pegbar.core.data.schema import OWN_SCHEMA, Column, Uuid

#: Persons go for good; what they take back of a chat too: that is what people take it back for. Logs, what others are
#: told, entries of lists that are edited as a whole, and what can be made again.
_NO_THINGS = frozenset(
    {
        *("person", "chat_message"),
        *("api_event", "news", "notification", "subscription", "plugin"),
        *("entity_link", "production_schedule_version_task_link", "build_job"),
    }
)


@cache
def things() -> dict[str, str]:
    """What the rows of each table are called, by the name of the table."""
    return {
        resource.table.name: resource.type
        for resource in resources.declared
        if resource.table.schema != OWN_SCHEMA and resource.table.name not in _NO_THINGS
    }


def hangs_on(column: Column[object]) -> Table | None:
    """The table of the row without which a row goes, as its column says; a hook does what is right for its rows."""
    if goes_of(column) not in ("with", "hook") or not isinstance(column.type, Uuid):
        return None
    return belonging.target_of(column)


def references(tables: Iterable[Table]) -> list[tuple[str, str, str]]:
    """Between these tables, what goes with what: the name of a table, of its column, and of the table it names."""
    listed = list(tables)
    return [
        (table.fullname, column.name, target.fullname)
        for table in listed
        for column in table.columns
        if (target := hangs_on(column)) is not None and target in listed
    ]

"""A write under way to a row of a resource (resource.py), and the keys of it that list related rows."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

import asyncpg
from sqlalchemy import ColumnElement, FromClause, Table, select

from pegbar.core.data import values
from pegbar.core.data.database import Transaction
from pegbar.core.data.schema import Column
from pegbar.core.data.wire import json_list
from pegbar.core.errors import BadRequest, Refused
from pegbar.core.http.access import Caller

Verb = Literal["new", "update", "delete"]


@dataclass(frozen=True)
class Relation:
    """A key that lists the ids of related rows: `other` of the rows of a table whose `owner` is this row."""

    key: str
    owner: Column[Any]
    other: Column[Any]
    writable: bool = True
    #: Which related rows the key lists, of those linked, given the related row and the row itself; else all.
    among: Callable[[FromClause, FromClause], ColumnElement[bool]] | None = None

    @property
    def link(self) -> Table:
        """The table of the two columns."""
        assert isinstance(self.owner.table, Table)
        return self.owner.table

    @property
    def target(self) -> Table:
        """The table of the related rows, which may name their owner themselves."""
        foreign = next(iter(self.other.foreign_keys), None)
        return self.link if foreign is None else foreign.column.table

    def ids(self, table: Table) -> ColumnElement[str]:
        """The JSON array of ids for a row of `table`."""
        listed = select(self.other).where(self.owner == table.c.id)
        if self.among is not None:
            related = self.target.alias()
            listed = listed.join(related, related.c.id == self.other).where(self.among(related, table))
        return json_list(listed.correlate(table))


@dataclass
class Change:
    """A write under way: what the caller sent, the row before it, and the values about to be stored."""

    tx: Transaction
    caller: Caller
    document: Mapping[str, Any]
    values: dict[str, Any] = field(default_factory=dict)
    relations: dict[str, list[UUID]] = field(default_factory=dict)
    before: asyncpg.Record | None = None
    row_id: UUID | None = None
    force: bool = False
    #: References that a hook found to be of the row's production: they are not read again.
    vouched: set[str] = field(default_factory=set)
    #: Set by `deleting` of a removal whose row goes later: it is told now, and nobody finds the row any more.
    row_stays: bool = False
    #: What hooks found out, for those after them.
    known: dict[str, Any] = field(default_factory=dict)
    #: Of a removal: the production of the row, while it was there.
    project_id: UUID | None = None

    def after(self, name: str) -> Any:
        """A column's value once the write is done."""
        if name in self.values:
            return self.values[name]
        return None if self.before is None else self.before[name]

    def changes(self, name: str) -> bool:
        """Whether the write gives a column another value."""
        return name in self.values and (self.before is None or self.values[name] != self.before[name])

    def need(self, *names: str) -> None:
        """Refuse the write when one of these keys is absent or null."""
        for name in names:
            if self.document.get(name) is None:
                raise Refused(f"'{name}'", field=name)

    def row(self, table: Table) -> UUID:
        """The id of the row."""
        assert self.row_id is not None, table
        return self.row_id


Hook = Callable[[Change], Awaitable[None]]


def related_ids(key: str, value: Any) -> list[UUID]:
    """The ids of a relation key: a list of ids or of objects holding one; null is none."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadRequest(f"{key} must be a list of ids.")
    items = [item.get("id") if isinstance(item, dict) else item for item in value]
    return list(dict.fromkeys(values.to_uuid(item, key) for item in items))

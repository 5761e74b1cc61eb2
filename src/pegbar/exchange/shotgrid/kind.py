"""What a kind of record is, and the rows that its records are about while they are taken.

Records are taken in their order, so that a later one finds what an earlier one made: the rows are held in memory, found
by what a kind declares (`found_by`, the first way that finds one), and written together afterwards.
"""

from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Executable, Table, any_, func

from pegbar.core.data.changes import Relation
from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import Text, Uuid
from pegbar.core.data.wire import Wire
from pegbar.exchange.shotgrid.queries import known_rows
from pegbar.exchange.shotgrid.records import Entry, Key, Record

Columns = Mapping[str, Any]
#: What rows are told apart by; None for a row that is not looked for this way.
Way = Callable[[Columns], Hashable | None]


class Skip(Exception):
    """A record that is passed over, and why."""


def by(*names: str) -> Way:
    """Rows that are equal in these columns; none of those where the first is null."""

    def way(columns: Columns) -> Hashable | None:
        return None if columns.get(names[0]) is None else tuple(columns.get(name) for name in names)

    return way


NUMBER = by("shotgun_id")

#: What `Kind.beside` is about.
BESIDE_NAMES, BESIDE_IDS = param("beside", ARRAY(Text)), param("beside", ARRAY(Uuid))


def lower(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """Rows whose name is among `:beside`, whatever its case."""
    return func.lower(column) == any_(BESIDE_NAMES)


@dataclass(eq=False)
class Row:
    """A row that records are about, as it is once those before are stored."""

    id: UUID
    columns: dict[str, Any]
    new: bool = False
    changes: dict[str, Any] = field(default_factory=dict)
    links: dict[Relation, list[UUID]] = field(default_factory=dict)


class Rows:
    """Rows by the ways in which they are found; of several the first counts."""

    def __init__(self, ways: Sequence[Way]) -> None:
        self._ways = ways
        self._found: list[dict[Hashable, list[Row]]] = [{} for _ in ways]
        self.all: list[Row] = []

    def add(self, row: Row) -> None:
        """Have a row found."""
        self.all.append(row)
        self._list(row)

    def change(self, row: Row, columns: Columns) -> dict[str, Any]:
        """Change a row; the columns that had another value."""
        changes = {name: value for name, value in columns.items() if row.columns.get(name) != value}
        if changes:
            for way, found in zip(self._ways, self._found, strict=True):
                if (place := way(row.columns)) is not None:
                    found[place].remove(row)
            row.columns |= changes
            self._list(row)
        return changes

    def find(self, number: int, columns: Columns) -> Row | None:
        """The row that is found in a way by what these columns say."""
        place = self._ways[number](columns)
        rows = None if place is None else self._found[number].get(place)
        return rows[0] if rows else None

    def _list(self, row: Row) -> None:
        for way, found in zip(self._ways, self._found, strict=True):
            if (place := way(row.columns)) is not None:
                found.setdefault(place, []).append(row)


@dataclass
class Draft:
    """A record about to be taken: what it says, and the row it is about, if there is one."""

    entry: Entry
    values: Mapping[str, Any]  #: what it names is replaced by ids
    columns: dict[str, Any]  #: about to be stored
    row: Row | None
    way: int  #: in which the row was found
    rows: Rows
    facts: dict[Any, Any]  #: what the kind looked up before
    twin: Row | None = None  #: a row that is the same by `Kind.twin`, the row itself included


@dataclass(frozen=True, eq=False)
class Kind:
    """A kind of record: which keys it has, how its row is found, and what is its own about it."""

    name: str  #: in paths and commands
    one: str  #: in a sentence
    table: Table
    wire: Wire
    keys: Sequence[Key]
    found_by: Sequence[Way] = (NUMBER,)
    twin: Way | None = None  #: what no two rows may have in common, besides
    among: ColumnElement[bool] | None = None  #: of all rows of the table, those of the kind
    beside: ColumnElement[bool] | None = None  #: rows to look at besides those that have the numbers, by `:beside`
    beside_values: Callable[[Columns], Any] = lambda _: None  #: of `:beside`, for a record's columns
    skips: Callable[[Entry], str] = lambda _: ""  #: why a record is none of those that are imported
    #: Columns that follow from several keys.
    derive: Callable[[Columns, Record], Mapping[str, Any]] = lambda _values, _record: {}
    #: The last word about a record: it may leave columns out, and raise Skip.
    settle: Callable[[Draft], None] = lambda _: None
    #: What new rows have that no record says.
    fresh: Callable[[Transaction, UUID], Awaitable[Columns]] | None = None
    #: What `settle` must know of other rows when there may be new ones, given the columns of the records.
    facts: Callable[[Transaction, Sequence[Columns]], Awaitable[dict[Any, Any]]] | None = None
    #: How rows are written, where that is not by their id.
    store: Callable[[Transaction, Sequence[Row]], Awaitable[None]] | None = None
    #: What follows once they are.
    stored: Callable[[Transaction, Sequence[Row]], Awaitable[None]] | None = None
    #: What follows when all records are taken: given each with its row; the rows that changed by it.
    finish: Callable[[Transaction, Sequence[tuple[Entry, UUID]]], Awaitable[Iterable[UUID]]] | None = None
    answers: Table | None = None  #: whose rows are answered, when they are not its own

    @property
    def ways(self) -> list[Way]:
        """In which rows are found; the last is that of twins, if there is one."""
        return [*self.found_by, *([self.twin] if self.twin else [])]

    @property
    def known(self) -> Executable:
        """The rows to look at."""
        return known_rows(self.table, self.among, self.beside)

    def row_of(self, columns: dict[str, Any], *, new: bool = False) -> Row:
        """A row of the kind; a connection has no id but that of its production."""
        return Row(columns["id" if "id" in self.table.c else "project_id"], columns, new)

    @property
    def relations(self) -> list[Relation]:
        """What its records replace."""
        return [key.relation for key in self.keys if key.relation is not None]

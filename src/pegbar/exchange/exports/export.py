"""An export, declared: its columns, its rows, its name. The statement that writes it is derived.

The statement yields lines of text: the words of the file's name, the marks of what the columns hold (`cells.MARKS`),
then the sheet as CSV. So the rows, the header and the name are of one snapshot, and a sheet of any length is read in
constant memory.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Executable, Integer, Select, Subquery, Text, case, func, literal_column, select
from sqlalchemy import union_all as one_after_the_other
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from pegbar.core.data.wire import EVERY_ROW
from pegbar.exchange.exports.cells import END_OF_LINE, MARKS, SEPARATOR, Kind, cell, cell_of, words

Row = ReadOnlyColumnCollection[str, Any]
_AFTER_SEPARATOR = literal_column("2", Integer)
#: A text of cells, each after a separator: a part of a line.
Cells = ColumnElement[str]


@dataclass(frozen=True, eq=False)
class Column:
    """A column of a sheet: its header, and the name of its value in the rows or an expression of them."""

    header: str
    value: str | Callable[[Row], ColumnElement[Any]]
    kind: Kind = "text"
    #: SQL: whether the sheet has it.
    when: ColumnElement[bool] | None = None

    @property
    def headers(self) -> Cells:
        """Its cell of the header."""
        return self._if_there(words(f";{self.header}"))

    @property
    def marks(self) -> Cells:
        """What it holds."""
        return self._if_there(words(f";{MARKS[self.kind]}"))

    def cells(self, row: Row) -> Cells:
        """Its cell of a row."""
        value = row[self.value] if isinstance(self.value, str) else self.value(row)
        return self._if_there(func.concat(SEPARATOR, cell_of(value, self.kind), type_=Text))

    def _if_there(self, cells: Cells) -> Cells:
        return cells if self.when is None else case((self.when, cells))


@dataclass(frozen=True, eq=False)
class ColumnsOfRows:
    """Columns that the data name: metadata, task types."""

    headers: Cells
    marks: Cells
    cells: Callable[[Row], Cells]


@dataclass(frozen=True, eq=False)
class Export:
    """A sheet. Its rows are selected, in order, by one or several selects that follow each other."""

    name: ColumnElement[str]  #: the words that the file's name is made of
    columns: Sequence[Column | ColumnsOfRows]
    rows: Sequence[Select[Any]]
    before: Sequence[Cells] = field(default=())  #: lines above the header


def _line(cells: Sequence[Cells]) -> ColumnElement[str]:
    return func.concat(func.substr(func.concat(*cells, type_=Text), _AFTER_SEPARATOR), END_OF_LINE, type_=Text)


def _in_order(rows: Select[Any], number: int) -> Subquery:
    """The rows of a select, each with its values made once it has been sorted, whatever they cost."""
    return rows.limit(EVERY_ROW).subquery(f"rows_{number}")


@lru_cache(512)
def statement(export: Export) -> Executable:
    """The lines of an export.

    PostgreSQL runs the parts of a UNION ALL one after the other: a limit in each keeps it from running them at once.
    """
    head = [
        func.concat(export.name, type_=Text),  # empty when what it names went meanwhile
        _line([columns.marks for columns in export.columns]),
        *map(_line, ([cells] for cells in export.before)),
        _line([columns.headers for columns in export.columns]),
    ]
    sections = [_in_order(rows, number) for number, rows in enumerate(export.rows)]
    lines = [
        select(_line([columns.cells(section.c) for columns in export.columns]).label("line")).select_from(section)
        for section in sections
    ]
    return one_after_the_other(*(select(line.label("line")) for line in head), *lines)


def line_of(*values: ColumnElement[Any] | str) -> Cells:
    """A line of its own: constants and texts."""
    return func.concat(
        *(part for value in values for part in (SEPARATOR, words(value) if isinstance(value, str) else cell(value))),
        type_=Text,
    )

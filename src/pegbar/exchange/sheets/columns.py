"""The columns of a sheet: each is declared with its name, how a cell is read, and what a blank cell means.

A reader takes the text of a cell and gives a value; it raises ApiError or ValueError with what is wrong, and the
refusal names the column. Source: spec exchange, "CSV input: format".
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from itertools import pairwise
from typing import Any

from pegbar.core.errors import ApiError
from pegbar.environment import FALSE, TRUE
from pegbar.exchange.sheets.reading import Line, Table

Reader = Callable[[str], Any]
#: Where the value of a column goes.
Key = Hashable


class Blank(Enum):
    """What a cell without text means."""

    ABSENT = "as if the column were not there"
    TAKEN = "a value like any other"
    REFUSED = "the row cannot be imported"


@dataclass(frozen=True)
class Column:
    """A column of a sheet. `key` is where its value goes, its name unless said; `aliases` are read when it is blank.

    A column named `beside[0]` right after one named `beside[1]` is an alias, too.
    """

    name: str
    read: Reader = str
    blank: Blank = Blank.ABSENT
    required: bool = False  #: the file must have it
    aliases: tuple[str, ...] = ()
    beside: tuple[str, str] | None = None
    key: Key = ""


@dataclass(frozen=True)
class Row:
    """A line of a sheet: its values by key, those of columns that are absent left out."""

    number: int
    values: Mapping[Any, Any]


class RowError(ApiError):
    """What is wrong with a cell, or with a row (`column` is None)."""

    status = 400

    def __init__(self, message: str, column: str | None = None) -> None:
        super().__init__(message)
        self.column = column


class Reading:
    """The columns of a sheet in one file: which cell of a line is whose. A name that is there twice is its last."""

    def __init__(self, columns: Iterable[Column], header: Sequence[str]) -> None:
        places: dict[str | tuple[str, str] | None, int] = {name: place for place, name in enumerate(header)}
        places |= {(name, before): place for place, (before, name) in enumerate(pairwise(header), 1)}
        #: Each with its cells: the place and what a refusal calls it.
        self.columns = [
            (
                column,
                [
                    (places[name], name if isinstance(name, str) else column.name)
                    for name in (column.name, *column.aliases, column.beside)
                    if name in places
                ],
            )
            for column in columns
        ]

    def row(self, line: Line) -> tuple[Row, list[RowError]]:
        """The values of a line, and all that is wrong with its cells."""
        values: dict[Key, Any] = {}
        errors: list[RowError] = []
        for column, places in self.columns:
            try:
                cells = [(line.cells[place], name) for place, name in places if place < len(line.cells)]
                _take(column, cells, values)
            except RowError as error:
                errors.append(error)
        return Row(line.number, values), errors


def _take(column: Column, cells: Sequence[tuple[str, str]], values: dict[Key, Any]) -> None:
    """Add the value of a cell: the first that holds something of the column's and its aliases'. Raises RowError."""
    if not cells:
        if column.required:
            raise RowError(f"The column {column.name} is missing.", column.name)
        return
    text, name = next((cell for cell in cells if cell[0].strip()), cells[0])
    if text.strip() or column.blank is Blank.TAKEN:
        values[column.key or column.name] = _value(column, text, name)
    elif column.blank is Blank.REFUSED:
        raise RowError(f"{name} is blank.", name)


def _value(column: Column, text: str, name: str) -> Any:
    try:
        return column.read(text)
    except ApiError as error:
        message = error.message if name in error.message else f"{name}: {error.message}"
        raise RowError(message, name) from None
    except ValueError as error:
        raise RowError(f"{name}: {error}.", name) from None


# Readers


def whole_number(text: str) -> int:
    """An integer of 32 bits."""
    try:
        number = int(text)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is not a whole number") from None
    if not -(2**31) <= number < 2**31:
        raise ValueError(f"{text[:40]} is out of range")
    return number


def yes_or_no(text: str) -> bool:
    """A truth, in the words that settings take too."""
    word = text.strip().lower()
    if word not in TRUE | FALSE:
        raise ValueError(f"{text[:40]!r} is neither true nor false")
    return word in TRUE


def day(text: str) -> date:
    """A date, YYYY-MM-DD."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{text[:40]!r} is not a date (YYYY-MM-DD)") from None


def code_of(labels: Mapping[str, str]) -> Reader:
    """Reads a label or the code that is stored for it, whatever their case."""
    codes = {label.lower(): code for label, code in labels.items()} | {code: code for code in labels.values()}

    def read(text: str) -> str:
        code = codes.get(text.strip().lower())
        if code is None:
            raise ValueError(f"{text[:80]!r} is not one of {', '.join(labels)}")
        return code

    return read


def named(known: Mapping[str, Any], what: str) -> Reader:
    """Reads the exact name of something that exists; `known` maps names to what stands for them."""

    def read(name: str) -> Any:
        if name not in known:
            raise RowError(f"There is no {what} named {name[:200]}.")
        return known[name]

    return read


def listed(read: Reader) -> Reader:
    """Reads several, separated by commas, each once."""
    return lambda text: list(dict.fromkeys(read(part.strip()) for part in text.split(",") if part.strip()))


__all__ = [
    "Blank",
    "Column",
    "Key",
    "Line",
    "Reading",
    "Row",
    "RowError",
    "Table",
    "code_of",
    "day",
    "listed",
    "named",
    "whole_number",
    "yes_or_no",
]

"""Writes an Excel workbook of a sheet that comes as CSV: a program of its own, in constant memory.

    program OUTPUT HEADER < lines

The first line says what the columns hold (`cells.MARKS`); the others are the sheet, whose row HEADER (from 0) is its
header. Text is text, whatever it begins with: no cell is ever a formula. A sheet that does not fit into a workbook
ends the program with DOES_NOT_FIT and the reason.
"""

import csv
import io
import re
import resource
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import xlsxwriter

DOES_NOT_FIT = 3
#: What Excel takes.
MOST_ROWS, MOST_COLUMNS, MOST_TEXT = 1_048_576, 16_384, 32_767
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,17})?")
_MOST_MEMORY = 2**30
#: Widths are those of the texts of so many rows, within bounds.
_ROWS_LOOKED_AT, _NARROWEST, _WIDEST = 200, 8, 60


class DoesNotFit(Exception):
    """A sheet is more than a workbook holds; the message says where."""


def number_of(mark: str, text: str) -> int | float | None:
    """The number that a cell of a column with this mark holds; None for a text.

    What came in as text is a number only if the number reads as that text again: `007` and `1.0` are texts.
    """
    if mark == "t" or not _NUMBER.fullmatch(text):
        return None
    number = float(text) if "." in text else int(text)
    if mark == "n" and (f"{number}" != text or text.endswith(".0")):
        return None
    return number


def _length(text: str) -> int:
    """Characters as Excel counts them."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


class _Sheet:
    """The one sheet of a workbook."""

    def __init__(self, path: Path, marks: Sequence[str], header: int) -> None:
        options = {"constant_memory": True, "tmpdir": str(path.parent)}
        self._book = xlsxwriter.Workbook(str(path), options)
        self._sheet: Any = self._book.add_worksheet()
        self._bold = self._book.add_format({"bold": True})
        self._marks, self._header = marks, header
        self._widths = [_NARROWEST] * len(marks)
        if len(marks) > MOST_COLUMNS:
            raise DoesNotFit(f"A workbook has no more than {MOST_COLUMNS} columns; this export has {len(marks)}.")

    def write(self, number: int, row: Sequence[str]) -> None:
        """Write a row of the sheet, from 0."""
        if number >= MOST_ROWS:
            raise DoesNotFit(f"A workbook has no more than {MOST_ROWS} rows; this export has more.")
        is_data = number > self._header
        for column, text in enumerate(row):
            if not text:
                continue
            value = number_of(self._marks[column], text) if is_data and column < len(self._marks) else None
            if value is not None:
                self._sheet.write_number(number, column, value)
                continue
            if len(text) * 2 > MOST_TEXT and _length(text) > MOST_TEXT:
                raise DoesNotFit(
                    f"A cell of a workbook has no more than {MOST_TEXT} characters; row {number + 1}, column"
                    f" {column + 1} of this export has {_length(text)}."
                )
            self._sheet.write_string(number, column, text, *(() if is_data else (self._bold,)))
        if self._header <= number < self._header + _ROWS_LOOKED_AT:
            widths = zip(self._widths, row, strict=False)
            self._widths = [max(width, len(text.split("\n", 1)[0])) for width, text in widths]

    def close(self) -> None:
        """Finish the file."""
        for column, width in enumerate(self._widths):
            self._sheet.set_column(column, column, min(width, _WIDEST) + 2)
        self._sheet.freeze_panes(self._header + 1, 0)
        self._book.close()


def write(lines: Iterable[str], path: Path, header: int) -> None:
    """Write the workbook. Raises DoesNotFit."""
    csv.field_size_limit(sys.maxsize)
    rows = csv.reader(lines, delimiter=";")
    sheet = _Sheet(path, next(rows), header)
    for number, row in enumerate(rows):
        sheet.write(number, row)
    sheet.close()


def main() -> None:
    """Run the program."""
    _, output, header = sys.argv
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    try:
        write(io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", newline=""), Path(output), int(header))
    except DoesNotFit as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(DOES_NOT_FIT)

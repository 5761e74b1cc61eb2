"""Spreadsheets that come in as CSV. Source: spec exchange, "CSV input: format" and "Worth fixing" 1.

A sheet is read whole, then its rows are taken in order. The first row that is refused stops an import; the rows before
it are kept, and the answer names the line.
"""

import asyncio
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from litestar import Request

from pegbar.core.errors import ApiError, TooLarge
from pegbar.core.http.uploads import received_form

DELIMITERS = ";,\t|"
_LONGEST_SHEET = 64 * 1024**2
#: The web UI puts an apostrophe before cells that begin so, lest spreadsheets take them for formulas.
_FORMULA_SIGNS = ("'=", "'+", "'-", "'@")


class UnreadableSheet(ApiError):
    """A file that is no CSV."""

    status = 400


class RowRefused(ApiError):
    """A row that cannot be imported: its line in the file, and how many rows before it were."""

    status = 400

    def __init__(self, message: str, line_number: int, imported_rows: int) -> None:
        super().__init__(message, line_number=line_number, imported_rows=imported_rows)


@dataclass(frozen=True)
class Row:
    """A row of a sheet: its cells by column, and the line of the file on which it ends. An absent cell has no key."""

    line_number: int
    cells: dict[str, str]

    def need(self, column: str) -> str:
        """The cell of a column that must be there. Raises ApiError naming it."""
        if column not in self.cells:
            raise ApiError(f"The column {column} is missing.", status=400)
        return self.cells[column]

    def value(self, column: str) -> str | None:
        """The cell of a column, or None when it is absent or empty."""
        return self.cells.get(column) or None


def _text(content: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UnreadableSheet("The file is not a CSV in UTF-8.")


def _reader(text: str, delimiter: str) -> Any:
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)


def delimiter_of(text: str) -> str:
    """The delimiter that cuts the first line into most cells; quoted ones do not count."""
    return max(DELIMITERS, key=lambda delimiter: len(next(_reader(text, delimiter), [])))


def _cell(text: str) -> str:
    return text[1:] if text.startswith(_FORMULA_SIGNS) else text


def parse(content: bytes) -> Iterator[Row]:
    """The rows of a sheet below its header, without blank ones. Raises UnreadableSheet."""
    text = _text(content)
    try:
        lines = _reader(text, delimiter_of(text))
        header = next(lines, None)
        if header is None:
            raise UnreadableSheet("The file is empty: its first line must name the columns.")
        for cells in lines:
            if any(cell.strip() for cell in cells):
                yield Row(lines.line_num, dict(zip(header, map(_cell, cells), strict=False)))
    except csv.Error as error:
        raise UnreadableSheet(f"The file cannot be read as CSV: {error}.") from None


def _read(path: Path) -> list[Row]:
    return list(parse(path.read_bytes()))


async def uploaded_rows(request: Request[Any, Any, Any]) -> list[Row]:
    """The rows of the sheet in the field `file` of a request's form."""
    async with received_form(request) as form:
        upload = form.file()
        if upload.size > _LONGEST_SHEET:
            raise TooLarge(f"A CSV file is limited to {_LONGEST_SHEET} bytes.")
        return await asyncio.to_thread(_read, upload.path)


def updates(request: Request[Any, Any, Any]) -> bool:
    """Whether rows that exist are to be changed."""
    return request.query_params.get("update", "").lower() == "true"

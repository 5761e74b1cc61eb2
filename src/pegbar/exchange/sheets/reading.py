"""Spreadsheets that come in: the lines of a CSV file or of a workbook, as text.

A file is known by what it holds, not by its name. Source: spec exchange, "CSV input: format", "Worth fixing" 1.
"""

import asyncio
import codecs
import csv
import io
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from pegbar.core.errors import ApiError, TooLarge
from pegbar.core.work.confined import Limits, TookTooLong, confined
from pegbar.exchange.sheets import workbook

DELIMITERS = ";,\t|"
#: What a sheet may be: bytes of its file, cells, columns, characters of a line of CSV.
_LONGEST_SHEET, _MOST_CELLS, _MOST_COLUMNS, _LONGEST_LINE = 64 * 2**20, 2_000_000, 2_000, 4 * 2**20
#: What reading a workbook may take.
_READING = Limits(memory=2 * 2**30, processor=60, longest=120, file_size=4 * _LONGEST_SHEET)
#: The web UI puts an apostrophe before cells that begin so, lest spreadsheets take them for formulas.
_FORMULA_SIGNS = ("'=", "'+", "'-", "'@")
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


class UnreadableSheet(ApiError):
    """A file that is no sheet."""

    status = 400


@dataclass(frozen=True)
class Line:
    """A line that is not blank: its cells, and where it ends in the file (1 is the header)."""

    number: int
    cells: Sequence[str]


@dataclass(frozen=True)
class Table:
    """What a file holds: the names of its columns, and its lines below them."""

    header: Sequence[str]
    lines: Sequence[Line]


async def read(path: Path, folder: Path, *, encoding: str | None = None) -> Table:
    """What a file holds; `folder` is for working in. Raises UnreadableSheet, TooLarge."""
    content = await asyncio.to_thread(_content, path)
    if content.startswith(workbook.SIGNATURES):
        return _table(await _lines_of_workbook(path, folder))
    return await asyncio.to_thread(parse, content, encoding=encoding)


def _content(path: Path) -> bytes:
    if path.stat().st_size > _LONGEST_SHEET:
        raise TooLarge(f"A spreadsheet is limited to {_LONGEST_SHEET} bytes.")
    return path.read_bytes()


def parse(content: bytes, *, encoding: str | None = None) -> Table:
    """What a CSV file holds. Raises UnreadableSheet."""
    return _table(_lines_of_csv(content, encoding))


def _table(lines: Iterator[Line]) -> Table:
    first = next((line for line in lines if any(line.cells)), None)
    if first is None:
        raise UnreadableSheet("The file is empty: its first line must name the columns.")
    if any("\0" in name for name in first.cells):
        raise UnreadableSheet("The first line holds NUL characters: the file is no text, or in another encoding.")
    if len(first.cells) > _MOST_COLUMNS:
        raise UnreadableSheet(f"The file has more than {_MOST_COLUMNS} columns. Is it a CSV file or a workbook?")
    kept, cells = [], 0
    for line in lines:
        if any(cell.strip() for cell in line.cells):
            kept.append(Line(line.number, [_cell(text) for text in line.cells[: len(first.cells)]]))
            cells += len(kept[-1].cells)
        if cells > _MOST_CELLS:
            raise UnreadableSheet(f"The file has more than {_MOST_CELLS} cells. Import it in several parts.")
    return Table(first.cells, kept)


def _cell(text: str) -> str:
    return text[1:] if text.startswith(_FORMULA_SIGNS) else text


# CSV


def _lines_of_csv(content: bytes, encoding: str | None) -> Iterator[Line]:
    text = _text(content, encoding)
    rows = _reader(text, delimiter_of(text))
    try:
        for cells in rows:
            yield Line(rows.line_num, cells)
    except csv.Error as error:
        raise UnreadableSheet(f"Line {rows.line_num + 1} cannot be read as CSV: {error}.") from None


def _text(content: bytes, encoding: str | None) -> str:
    if encoding is not None:
        return _decoded(content, encoding)
    for mark, name in _MARKS.items():
        if content.startswith(mark):
            return _decoded(content, name)
    try:
        return content.decode()
    except UnicodeDecodeError:
        return _decoded(content, "cp1252")


def _decoded(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except (UnicodeError, LookupError):
        raise UnreadableSheet(
            f"The file cannot be read as {encoding[:40]}. Save it in UTF-8, or name its encoding in ?encoding=."
        ) from None


def _reader(text: str, delimiter: str) -> Any:
    return csv.reader(_bounded(io.StringIO(text, newline="")), delimiter=delimiter, skipinitialspace=True)


def _bounded(lines: io.StringIO) -> Iterator[str]:
    """The lines of a text, none of which would fill the memory when it is cut into cells."""
    for number, line in enumerate(iter(lambda: lines.readline(_LONGEST_LINE + 1), ""), 1):
        if len(line) > _LONGEST_LINE:
            raise UnreadableSheet(f"Line {number} has more than {_LONGEST_LINE} characters. Is it a CSV file?")
        yield line


def delimiter_of(text: str) -> str:
    """The delimiter that cuts the first line into most cells; quoted ones do not count."""
    try:
        return max(DELIMITERS, key=lambda delimiter: len(next(_reader(text, delimiter), [])))
    except csv.Error as error:
        raise UnreadableSheet(f"The line of the columns cannot be read as CSV: {error}.") from None


# Workbooks


async def _lines_of_workbook(path: Path, folder: Path) -> Iterator[Line]:
    output = folder / "cells.json"
    command = (sys.executable, "-I", workbook.__file__, str(path), str(output), str(_MOST_CELLS))
    try:
        outcome = await confined(command, folder=folder, reads=[path, Path(workbook.__file__)], limits=_READING)
    except TookTooLong as error:
        raise UnreadableSheet(f"The workbook cannot be read: {error}.") from None
    if outcome.code == workbook.UNREADABLE:
        raise UnreadableSheet(f"The workbook cannot be read: {outcome.output.decode().strip()}.")
    if outcome.code != 0:
        raise UnreadableSheet("The workbook cannot be read: it is broken, or needs more memory than it may take.")
    rows: list[list[str]] = msgspec.json.decode(output.read_bytes(), type=list[list[str]])
    return (Line(number, cells) for number, cells in enumerate(rows, 1))

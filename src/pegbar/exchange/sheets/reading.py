"""Spreadsheets that come in: the lines of a CSV file or of a workbook, as text.

A file is known by what it holds, not by its name. Source: spec exchange, "CSV input: format", "Worth fixing" 1.
"""

import asyncio
import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import msgspec

from pegbar.core.errors import ApiError, TooLarge
from pegbar.core.work import programs
from pegbar.core.work.confined import Limits, TookTooLong
from pegbar.exchange.sheets import workbook

DELIMITERS = ";,\t|"
#: What a sheet may be: bytes of its file, its lines, cells and columns, characters of a line of CSV.
_LONGEST_SHEET, _MOST_LINES, _MOST_CELLS = 64 * 2**20, 100_000, 1_000_000
_MOST_COLUMNS, _LONGEST_LINE = 2_000, 4 * 2**20
#: What reading a workbook may take.
_READING = Limits(memory=2 * 2**30, processor=60, longest=120, file_size=_LONGEST_SHEET)
#: The web UI puts an apostrophe before cells that begin so, lest spreadsheets take them for formulas.
_FORMULA_SIGNS = ("'=", "'+", "'-", "'@")
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
#: Encodings of Python that no spreadsheet writes: of names of hosts and of programs.
_NO_ENCODINGS = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"})
_CHUNK = 2**18


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
    if await asyncio.to_thread(_is_workbook, path):
        output = await _cells_of_workbook(path, folder)
        return await asyncio.to_thread(_of_workbook, output)
    return await asyncio.to_thread(_of_file, path, encoding)


def _is_workbook(path: Path) -> bool:
    if path.stat().st_size > _LONGEST_SHEET:
        raise TooLarge(f"A spreadsheet is limited to {_LONGEST_SHEET} bytes.")
    with path.open("rb") as file:
        return file.read(8).startswith(workbook.SIGNATURES)


def _of_file(path: Path, encoding: str | None) -> Table:
    with path.open("rb") as file:
        return parse(file, encoding=encoding)


def parse(file: BinaryIO, *, encoding: str | None = None) -> Table:
    """What a CSV file holds, of which no more than a line is kept besides its cells. Raises UnreadableSheet."""
    encoding = _encoding_of(file, encoding)
    with io.TextIOWrapper(file, encoding, newline="") as text:
        return _table(_lines_of_csv(text))


def _table(lines: Iterator[Line]) -> Table:
    first = next((line for line in lines if any(line.cells)), None)
    if first is None:
        raise UnreadableSheet("The file is empty: its first line must name the columns.")
    if len(first.cells) > _MOST_COLUMNS:
        raise UnreadableSheet(f"The file has more than {_MOST_COLUMNS} columns. Is it a CSV file or a workbook?")
    kept: list[Line] = []
    cells = 0
    for line in lines:
        if any(cell.strip() for cell in line.cells):
            kept.append(Line(line.number, [_cell(text) for text in line.cells[: len(first.cells)]]))
            cells += len(kept[-1].cells)
        if len(kept) > _MOST_LINES or cells > _MOST_CELLS:
            most = f"{_MOST_LINES} lines or {_MOST_CELLS} cells"
            raise UnreadableSheet(f"Line {line.number}: the file has more than {most}. Import it in several parts.")
    return Table(first.cells, kept)


def _cell(text: str) -> str:
    return text[1:] if text.startswith(_FORMULA_SIGNS) else text


# CSV


def _encoding_of(file: BinaryIO, wanted: str | None) -> str:
    """The encoding of a file, which holds nothing else: the one wanted, that of its mark, UTF-8 or cp1252."""
    if wanted is not None:
        _check(file, _known(wanted))
        return wanted
    file.seek(0)
    beginning = file.read(4)
    for mark, name in _MARKS.items():
        if beginning.startswith(mark):
            _check(file, name)
            return name
    try:
        _check(file, "utf-8")
    except _NotDecoded:
        _check(file, "cp1252")
        return "cp1252"
    return "utf-8"


def _known(encoding: str) -> str:
    try:
        name = codecs.lookup(encoding).name
        "".encode(name)
    except (LookupError, ValueError):  # ValueError: what cannot be a name at all
        name = "undefined"
    if name in _NO_ENCODINGS:
        raise UnreadableSheet(f"encoding: {encoding[:40]} is no encoding of text files. UTF-8 is one, cp1252 another.")
    return name


class _NotDecoded(UnreadableSheet):
    """A file that holds something that is no text of its encoding."""


def _check(file: BinaryIO, encoding: str) -> None:
    """Refuse a file that is no text of an encoding, naming the line."""
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    line = 1
    chunk = b"first"
    while chunk:
        chunk = file.read(_CHUNK)
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeError as error:
            if isinstance(error, UnicodeDecodeError):
                line += error.object.count(b"\n", 0, error.start)
            raise _NotDecoded(
                f"Line {line} cannot be read as {encoding}. Save the file in UTF-8, or name its encoding in ?encoding=."
            ) from None
        if (place := text.find("\0")) >= 0:
            line += text.count("\n", 0, place)
            column = place - text.rfind("\n", 0, place)
            raise UnreadableSheet(
                f"Line {line} holds a NUL character in column {column}: the file is no CSV file in {encoding}."
                " Save it in UTF-8, or name its encoding in ?encoding=."
            )
        line += text.count("\n")


def _lines_of_csv(text: TextIO) -> Iterator[Line]:
    delimiter = delimiter_of(text)
    text.seek(0)
    rows = _reader(text, delimiter)
    try:
        for cells in rows:
            yield Line(rows.line_num, cells)
    except csv.Error as error:
        raise UnreadableSheet(f"Line {rows.line_num} cannot be read as CSV: {error}.") from None


def _reader(text: TextIO, delimiter: str) -> Any:
    return csv.reader(_bounded(text), delimiter=delimiter, skipinitialspace=True)


def _bounded(text: TextIO) -> Iterator[str]:
    """The lines of a text, none of which would fill the memory when it is cut into cells."""
    for number, line in enumerate(iter(lambda: text.readline(_LONGEST_LINE + 1), ""), 1):
        if len(line) > _LONGEST_LINE:
            raise UnreadableSheet(f"Line {number} has more than {_LONGEST_LINE} characters. Is it a CSV file?")
        yield line


def delimiter_of(text: TextIO) -> str:
    """The delimiter that cuts the first line into most cells; quoted ones do not count."""

    def cells(delimiter: str) -> int:
        text.seek(0)
        return len(next(_reader(text, delimiter), []))

    try:
        return max(DELIMITERS, key=cells)
    except csv.Error as error:
        raise UnreadableSheet(f"Line 1 cannot be read as CSV: {error}.") from None


# Workbooks


async def _cells_of_workbook(path: Path, folder: Path) -> Path:
    """A file of the cells of a workbook: a line of JSON for each row."""
    output = folder / "cells.ndjson"
    words = str(path), str(output), str(_MOST_CELLS)
    try:
        outcome = await programs.run(workbook.__name__, *words, folder=folder, reads=[path], limits=_READING)
    except TookTooLong as error:
        raise UnreadableSheet(f"The workbook cannot be read: {error}.") from None
    if outcome.code == workbook.UNREADABLE:
        raise UnreadableSheet(f"The workbook cannot be read: {outcome.output.decode().strip()}.")
    if outcome.code != 0:
        raise UnreadableSheet("The workbook cannot be read: it is broken, or needs more memory than it may take.")
    return output


def _of_workbook(output: Path) -> Table:
    decode = msgspec.json.Decoder(list[str]).decode
    with output.open("rb") as rows:
        return _table(Line(number, decode(row)) for number, row in enumerate(rows, 1))

"""Writes the cells of a workbook's first sheet as lines of JSON, each a list of text.

    workbook SOURCE OUTPUT MOST_CELLS

A program (`core/work/programs.py`), confined: workbooks are untrusted, and their size is known only when they are
unpacked. It imports nothing of Pegbar. Numbers, dates and truths become the text that a CSV file of the same sheet
would have.
"""

import datetime
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LOADS = ("python_calamine",)
#: The first bytes of workbooks: XLSX and ODS are zip files, XLS is a compound file.
SIGNATURES = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
UNREADABLE = 3


def as_text(value: Any) -> str:
    """What a cell says."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    return "" if value is None else str(value)


def rows_of(source: str, most_cells: int) -> Iterator[list[str]]:
    """The rows of the first sheet. Raises ValueError with what keeps them from being read."""
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_path(source)
        if not book.sheet_names:
            raise ValueError("it has no sheet")
        sheet = book.get_sheet_by_index(0)
        if sheet.total_width * sheet.total_height > most_cells:
            raise ValueError(f"its first sheet has more than {most_cells} cells")
        for row in sheet.iter_rows():
            yield [as_text(value) for value in row]
    except CalamineError as error:
        raise ValueError(str(error)[:200]) from None


def main() -> None:
    """Write the cells. What keeps them from being read is told on standard output, and ends with UNREADABLE."""
    _, source, output, most_cells = sys.argv
    try:
        with Path(output).open("w", encoding="utf-8") as lines:
            lines.writelines(json.dumps(row) + "\n" for row in rows_of(source, int(most_cells)))
    except ValueError as error:
        print(error)  # noqa: T201
        sys.exit(UNREADABLE)

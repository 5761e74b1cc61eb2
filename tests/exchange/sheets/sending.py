"""Sheets as tests send them."""

import io
import zipfile
from collections.abc import Sequence
from typing import Any

import requests
import xlsxwriter

from tests.client import Client


def send(who: Client, what: str, sheet: str | bytes, name: str = "sheet.csv", **query: Any) -> requests.Response:
    """The answer to a sheet, sent to `/import/csv/<what>`."""
    return who.post(f"/import/csv/{what}", files={"file": (name, sheet, "text/csv")}, params=query)


def workbook(rows: Sequence[Sequence[Any]]) -> bytes:
    """An XLSX file of one sheet; text stays text, dates are written as dates."""
    output = io.BytesIO()
    with xlsxwriter.Workbook(output, {"strings_to_formulas": False, "default_date_format": "yyyy-mm-dd"}) as book:
        page = book.add_worksheet()
        for number, row in enumerate(rows):
            page.write_row(number, 0, row)
    return output.getvalue()


def bomb() -> bytes:
    """A workbook of 400 MB that is packed into 400 kB."""
    output = io.BytesIO(workbook([["First Name"]]))
    with zipfile.ZipFile(output) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    cell = b'<row r="%d"><c r="A%d" t="inlineStr"><is><t>' + b"a" * 30_000 + b"</t></is></c></row>"
    rows = b"".join(cell % (number, number) for number in range(1, 13_000))
    sheet = parts["xl/worksheets/sheet1.xml"]
    start, _, rest = sheet.partition(b"<sheetData>")
    parts["xl/worksheets/sheet1.xml"] = (
        start + b"<sheetData>" + rows + b"</sheetData>" + rest.partition(b"</sheetData>")[2]
    )
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book:
        for name, content in parts.items():
            book.writestr(name, content)
    return output.getvalue()

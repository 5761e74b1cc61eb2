"""Sheets as tests send them."""

import io
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

"""Sheets as clients read them."""

import csv
import io
import re
from typing import Any

import requests
from python_calamine import CalamineWorkbook

from tests.accounts.people import artist, signed_in
from tests.client import Client, unique

#: Names that break what was put together carelessly.
NASTY = ['=1+1 "quoted"; and more', "Élise 🦊, the fox", "+33 'tis", "two\nlines\r\nthree", "@home;", '"', "plain"]


def worker(admin: Client, role: str = "user", **more: Any) -> Client:
    """A person with hours: bots have none."""
    return signed_in(admin, artist(admin, role, **{"last_name": unique("Lup"), **more})[1])


def of_csv(content: bytes) -> list[list[str]]:
    """The rows of a CSV sheet, written as the specification has it."""
    text = content.decode()
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=";", strict=True))
    again = io.StringIO(newline="")
    csv.writer(again, delimiter=";").writerows(rows)
    assert text == again.getvalue()
    return rows


def sheet(who: Client, path: str, **query: str) -> list[list[str]]:
    """The rows of an export below `/export/csv/`."""
    answer = who.get(f"/export/csv/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return of_csv(answer.content)


def column(rows: list[list[str]], header: str, at: int = 0) -> list[str]:
    """The cells of a column; the header's row is `at`."""
    place = rows[at].index(header)
    return [row[place] for row in rows[at + 1 :]]


def of_workbook(content: bytes) -> list[list[Any]]:
    """The rows of a workbook's only sheet; an empty cell is an empty text."""
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    (name,) = book.sheet_names
    return book.get_sheet_by_name(name).to_python(skip_empty_area=False)


def statements(answer: requests.Response) -> int:
    """How many statements an answer took."""
    assert answer.status_code == 200, answer.text
    told = re.fullmatch(r'db;desc="(\d+) statements"', answer.headers["server-timing"])
    assert told
    return int(told[1])

"""What the import of any sheet shares: dry runs, workbooks, encodings, files that are none."""

import contextlib
import csv
import datetime
import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pegbar.exchange.sheets.reading import UnreadableSheet, parse
from pegbar.exchange.sheets.workbook import as_text
from tests.client import Client, unique
from tests.exchange.sheets.sending import send, workbook

HEAD = "First Name;Last Name;Email"


def address() -> str:
    return f"{unique('ida').replace(' ', '.').lower()}@example.com"


def test_a_dry_run_tells_what_becomes_of_every_row_and_writes_nothing(admin: Client) -> None:
    known, new = address(), address()
    send(admin, "persons", f"{HEAD};Phone\nIda;Vik;{known};1\n")
    sheet = (
        f"{HEAD};Phone;Role;Daily Salary\nIda;Vik;{known};1;;\nIda;Vik;{known};2;;\nEda;Vik;{new};;;\n"
        "Eda;Vik;nobody;;King;much\n"
    )
    answer = send(admin, "persons", sheet, update="true", dry_run="true")
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert [report[name] for name in ("created", "changed", "left", "refused")] == [1, 1, 1, 1]
    assert [(row["line_number"], row["outcome"]) for row in report["rows"]] == [
        (2, "left"),
        (3, "changed"),
        (4, "created"),
        (5, "refused"),
    ]
    assert [error["column"] for error in report["rows"][3]["errors"]] == ["Email", "Role", "Daily Salary"]
    assert admin.ok_get("/data/persons", params={"email": new}) == []
    assert admin.ok_get("/data/persons", params={"email": known})[0]["phone"] == "1"
    untouched = send(admin, "persons", sheet, dry_run="true").json()
    assert (untouched["changed"], untouched["left"]) == (0, 2), "without update=true nobody would be changed"


def test_a_dry_run_as_a_sheet(admin: Client) -> None:
    answer = send(admin, "persons", f"{HEAD};Role\nIda;Vik;{address()};King\n", dry_run="true", report="csv")
    assert answer.headers["content-type"].startswith("text/csv")
    (header, row) = csv.reader(io.StringIO(answer.text), delimiter=";")
    assert header == ["Line", "Outcome", "Name", "Column", "Message"]
    assert (row[0], row[1], row[3]) == ("2", "refused", "Role")
    assert "King" in row[4]


def test_a_workbook_is_read_as_a_csv_file_is(admin: Client) -> None:
    email = address()
    header = ["First Name", "Last Name", "Email", "Phone", "Daily Salary", "Active"]
    book = workbook([[], header, [], ["=Ida", "Vik", email, 331, 250.0, True]])
    answer = send(admin, "persons", book, "people.csv")
    assert answer.status_code == 201, answer.text
    (row,) = answer.json()
    assert (row["first_name"], row["phone"], row["daily_salary"], row["active"]) == ("=Ida", "331", 250, True)
    refused = send(admin, "persons", workbook([[], header, [], ["Ida", "Vik", address(), 331, "much", True]]))
    assert refused.json()["line_number"] == 4


def test_an_encoding_can_be_named(admin: Client) -> None:
    sheet = f"{HEAD}\nЖанна;Vik;{address()}\n"
    (row,) = send(admin, "persons", sheet.encode("cp1251"), encoding="cp1251").json()
    assert row["first_name"] == "Жанна"
    (row,) = send(admin, "persons", sheet.replace("Жанна", "Zoé").encode("utf-16"), update="true").json()
    for encoding in ("nonsense", "utf-8", "base64"):
        answer = send(admin, "persons", sheet.encode("cp1251"), encoding=encoding)
        assert (answer.status_code, encoding in answer.json()["message"]) == (400, True)


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


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (bytes(range(256)) * 40, "UTF-8"),
        (bytes(range(32)) * 40, "NUL"),
        (HEAD.encode("utf-16-le"), "NUL"),
        (b"PK\x03\x04" + bytes(100), "workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "workbook"),
        (b"a;" * 3_000, "2000 columns"),
        (b"a" * 200_000, "131072"),
        (b"First Name;" + b'"' + b"a\n" * 100_000, "131072"),
        (b"a;b\n" * 1_100_000, "several parts"),
        (b"a;b;" * 1_200_000, "characters"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_files_that_are_no_sheet_are_refused(admin: Client, content: bytes, word: str) -> None:
    answer = send(admin, "persons", content)
    assert answer.status_code == 400, answer.text
    assert word in answer.json()["message"]


def test_a_workbook_that_grows_is_refused(admin: Client) -> None:
    answer = send(admin, "persons", bomb(), "bomb.xlsx")
    assert answer.status_code == 400
    assert "workbook" in answer.json()["message"]


def test_a_sheet_has_its_limit(admin: Client) -> None:
    assert send(admin, "persons", b"a" * (64 * 2**20 + 1)).status_code == 413


@given(st.binary(max_size=300))
def test_any_bytes_are_a_table_or_refused(content: bytes) -> None:
    with contextlib.suppress(UnreadableSheet):
        table = parse(io.BytesIO(content))
        assert all(len(line.cells) <= len(table.header) for line in table.lines)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (5.0, "5"),
        (0.25, "0.25"),
        (datetime.datetime(2024, 1, 5), "2024-01-05"),
        (datetime.datetime(2024, 1, 5, 12), "2024-01-05T12:00:00"),
        (datetime.date(2024, 1, 5), "2024-01-05"),
        ("=1", "=1"),
        (None, ""),
    ],
)
def test_cells_of_workbooks_as_text(value: object, text: str) -> None:
    assert as_text(value) == text

"""Files that are read, and files that are none: each is refused with the line, and the server stays small."""

import io
import random
from collections.abc import Iterator
from datetime import date, datetime

import psutil
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from pegbar.exchange.sheets.reading import parse
from tests.client import Client
from tests.exchange.sheets.sending import bomb, workbook
from tests.exchange.sheets.spreadsheets import Sheets, csv_of, refusal_of, rows_of
from tests.server import Server
from tests.shared import path

HEAD = ("Sequence", "Name", "Description")


@pytest.fixture(scope="module")
def film(admin: Client) -> Sheets:
    return Sheets(admin)


def shown(*rows: tuple[object, ...]) -> bytes:
    """A workbook whose formulas have been computed."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True, "default_date_format": "yyyy-mm-dd"}) as book:
        page = book.add_worksheet()
        for number, row in enumerate(rows):
            for place, cell in enumerate(row):
                if isinstance(cell, str) and cell.startswith("="):
                    page.write_formula(number, place, cell, value="computed")
                else:
                    page.write(number, place, cell)
    return file.getvalue()


def api_of(server: Server) -> psutil.Process:
    """The process that answers."""
    assert server.process is not None
    children = psutil.Process(server.process.pid).children(recursive=True)
    return max(
        (child for child in children if child.name().startswith("pegbar api")),
        key=lambda child: child.memory_info().rss,
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_marks_tell_the_encoding(film: Sheets, encoding: str) -> None:
    (row,) = rows_of(film.send("shots", csv_of(HEAD, ("É1", encoding, "Zoé")).encode(encoding)))
    assert row["description"] == "Zoé"


def test_another_encoding_is_named(film: Sheets) -> None:
    text = csv_of(HEAD, ("J1", "S1", "夜明け"))
    for encoding in ("shift_jis", "utf-16-le", "gb18030"):
        rows = rows_of(film.send("shots", text.encode(encoding), encoding=encoding, update="true"))
        assert rows[0]["description"] == "夜明け"
    for encoding in ("klingon", "punycode", "unicode_escape", "rot13", "hex", "a\0b", "x" * 1000):
        answer = film.send("shots", text.encode(), encoding=encoding)
        assert answer.status_code == 400, encoding
        assert "encoding" in answer.json()["message"]


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_every_delimiter_is_known_by_the_line_of_the_columns(film: Sheets, delimiter: str) -> None:
    plain = delimiter.join(HEAD) + "\r\n" + delimiter.join(("DL", f"S{ord(delimiter)}", '"a ""b"", c; d|e\tf\ng"'))
    (row,) = rows_of(film.send("shots", plain))
    assert row["description"] == 'a "b", c; d|e\tf\ng'


def test_lines_are_those_of_the_file(film: Sheets) -> None:
    text = 'Sequence;Name;Nb Frames\nL1;"S\n1";1\n;;\n\nL1;S2;x\n'
    assert refusal_of(film.send("shots", text))[1:] == (6, 1)
    assert rows_of(film.send("shots", "Sequence;Name\nL1;S3;more;cells\nL1;S4\n"))[1]["name"] == "S4"
    assert film.send("shots", "Sequence;Name\n").json() == []
    message, line, imported = refusal_of(film.send("shots", "Name;Sequence\nS5\n"))
    assert "Sequence" in message
    assert (line, imported) == (2, 0)


def test_the_samples_of_broken_files_are_refused_where_they_break(admin: Client) -> None:
    film = Sheets(admin)
    film.use_task_type("Modeling", "Asset")
    for name, line, imported in [
        ("assets_broken_02.csv", 3, 1),
        ("assets_broken_03.csv", 2, 0),
        ("assets_empty_type.csv", 3, 1),
    ]:
        assert refusal_of(film.send("assets", path(f"data/csv/{name}").read_bytes()))[1:] == (line, imported), name
    assert len(rows_of(film.send("assets", path("data/csv/assets_broken_01.csv").read_bytes()))) == 3


def test_what_is_no_spreadsheet_is_refused(film: Sheets) -> None:
    text = csv_of(HEAD, ("B1", "S1", "x"))
    noise = random.Random(1).randbytes(50_000)
    for content, word in [
        (b"", "empty"),
        (text.encode("utf-16-le"), "Line 1"),
        (text.encode("utf-16-be"), "Line 1"),
        (b"\xff\xfe" + noise, "Line"),
        (b"\x89PNG\r\n\x1a\n\0\0\0" + noise, "Line"),
        ((text + "B1;S2;\0").encode(), "Line 3 holds a NUL character in column 7"),
        ((text + "B1;S2;").encode() + b"\x81\x8d", "Line 3"),
        ((text + f"B1;S2;{'x' * 140_000}\n").encode(), "Line 3"),
        (b";".join(b"x" for _ in range(3000)), "columns"),
    ]:
        answer = film.send("shots", content)
        assert answer.status_code == 400, content[:40]
        assert word in answer.json()["message"], (word, answer.json())
    assert "B1" not in {row["name"] for row in film.admin.ok_get(f"{film.path}/sequences")}
    assert film.admin.post(f"/import/csv/projects/{film.id}/shots", {"file": "x"}).status_code == 400


def test_workbooks_say_what_their_cells_show(film: Sheets) -> None:
    film.describe("When", "Shot")
    film.describe("Final", "Shot", "boolean")
    head = (*HEAD, "Nb Frames", "Frame In", "When", "Final", "FPS")
    book = shown(
        head,
        ("W1", "S1", "=1+1", 24, 101.0, date(2026, 3, 1), True, 23.976),
        ("W1", "S2", 'é\n"x"; y', 8.0, -3, datetime(2026, 3, 1, 12, 30), False, 25),
        ("", "", "", "", "", "", "", ""),
        ("W1", 10, None, None, None, None, None, None),
    )
    first, second, third = rows_of(film.send("shots", book))
    assert (first["description"], first["nb_frames"]) == ("computed", 24)
    assert first["data"] == {"frame_in": 101, "when": "2026-03-01", "final": "true", "fps": "23.976"}
    assert (second["description"], second["nb_frames"]) == ('é\n"x"; y', 8)
    assert second["data"] == {"frame_in": -3, "when": "2026-03-01T12:30:00", "final": "false", "fps": "25"}
    assert (third["name"], third["description"]) == ("10", "")
    assert refusal_of(film.send("shots", workbook([HEAD, ("W1", "S3", "x"), ("W1", "", "x")])))[1:] == (3, 1)


def locked() -> bytes:
    """The beginning of a workbook with a password: a compound file."""
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + b"\x3e\0\x03\0\xfe\xff\x09\0" + bytes(4096)


class Endless(io.RawIOBase):
    """So many bytes of one line, made as they are read."""

    def __init__(self, size: int) -> None:
        self.left = size

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        taken = min(self.left, size if size >= 0 else 2**16)
        self.left -= taken
        return b"a" * taken


def test_bad_files_leave_the_server_small(server: Server, film: Sheets) -> None:
    film.send("shots", csv_of(HEAD, ("G1", "S1", "x")))
    api = api_of(server)
    before = api.memory_info().rss
    assert film.send("shots", bomb()).status_code == 400
    assert film.send("shots", locked()).status_code == 400
    answer = film.send("shots", b"Sequence;Name\n" + b"x" * (20 * 2**20))
    assert answer.status_code == 400
    assert "Line 2" in answer.json()["message"]
    many = "Sequence;Name\n" + "a;b\n" * 1_000_000
    answer = film.send("shots", many)
    assert answer.status_code == 400
    assert "several parts" in answer.json()["message"]
    assert api.memory_info().rss - before < 150 * 2**20


def _form(size: int) -> Iterator[bytes]:
    yield b'--mark\r\ncontent-disposition: form-data; name="file"; filename="s.csv"\r\n\r\nSequence;Name\n'
    line = Endless(size)
    while chunk := line.read(2**20):
        yield chunk
    yield b"\r\n--mark--\r\n"


def test_two_hundred_megabytes_in_one_line_are_refused_for_their_size(server: Server, film: Sheets) -> None:
    api = api_of(server)
    before = api.memory_info().rss
    answer = film.admin.post(
        f"/import/csv/projects/{film.id}/shots",
        data=_form(200 * 2**20),
        headers={"content-type": "multipart/form-data; boundary=mark"},
        timeout=300,
    )
    assert answer.status_code == 413
    assert api.memory_info().rss - before < 150 * 2**20


_CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=12)


@given(
    st.lists(st.tuples(_CELL, _CELL), max_size=6),
    st.sampled_from(";,\t|"),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_what_is_quoted_is_read_as_it_is(rows: list[tuple[str, str]], delimiter: str, encoding: str) -> None:
    head = ("One; two, three", "Four")
    table = parse(io.BytesIO(csv_of(head, *rows, delimiter=delimiter).encode(encoding)))
    assert tuple(table.header) == head
    read = [tuple(line.cells) for line in table.lines]
    assert read == [tuple(map(_plain, row)) for row in rows if any(cell.strip() for cell in row)]


def _plain(cell: str) -> str:
    """What the reader leaves of a cell: without the apostrophe of the web UI."""
    return cell[1:] if cell[:2] in ("'=", "'+", "'-", "'@") else cell


def test_no_temporary_file_is_left(server: Server, film: Sheets) -> None:
    film.send("shots", workbook([HEAD, ("T1", "S1", "x")]))
    assert not list(server.folder.rglob("cells.ndjson"))

"""Workbooks: the same cells as the CSV, and nothing in them that runs."""

import io
import math
import re
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pegbar.core.work import programs
from pegbar.exchange.exports import program
from pegbar.exchange.exports.program import DOES_NOT_FIT, DoesNotFit, number_of
from tests import factories
from tests.client import Client
from tests.entities.shows import Show
from tests.exchange.exports.sheets import NASTY, of_csv, of_workbook
from tests.server import Server

KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
#: What XML and PostgreSQL both take.
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\ufffe\uffff", exclude_categories=["Cs", "Cc"]))


def written(path: Path, lines: str, header: int = 0) -> list[list[Any]]:
    program.write(io.StringIO(lines, newline=""), path / "export.xlsx", header)
    return of_workbook((path / "export.xlsx").read_bytes())


def same(text: str, value: Any) -> bool:
    """Whether a cell of a workbook says what the CSV says: of a number, sixteen digits."""
    return value == text if isinstance(value, str) else math.isclose(float(text), value, rel_tol=1e-15)


@pytest.fixture(scope="module")
def show(admin: Client) -> Show:
    made = Show(admin, production_type="tvshow")
    sequence = made.sequence(made.episode("E;01"), "SQ01")
    for number, name in enumerate(NASTY):
        made.shot(
            sequence, name=f"{number}{name}", description=name, nb_frames=number, data={"frame_in": "007", "fps": 24}
        )
    made.cast(made.shot(sequence, name="cast"), made.asset("Prop", name="=Boat"), count=2)
    for entity in made.admin.ok_get(f"{made.path}/shots"):
        factories.task(admin, entity, "Layout")
    return made


@pytest.mark.parametrize(
    "path",
    [
        "persons", "projects", "task-types", "tasks", "time-spents", "projects/{id}/assets", "projects/{id}/shots",
        "projects/{id}/edits", "projects/{id}/casting",
    ],
)  # fmt: skip
def test_a_workbook_has_the_cells_of_the_csv(admin: Client, show: Show, path: str) -> None:
    path = path.format(id=show.id)
    csv, xlsx = (admin.get(f"/export/csv/{path}.{form}") for form in ("csv", "xlsx"))
    assert xlsx.headers["content-type"] == KIND
    assert xlsx.headers["content-length"] == str(len(xlsx.content))
    assert xlsx.headers["content-disposition"] == csv.headers["content-disposition"].replace(".csv", ".xlsx")
    rows, book = of_csv(csv.content), of_workbook(xlsx.content)
    assert len(book) == len(rows)
    for row, cells in zip(rows, book, strict=True):
        assert all(map(same, row, [*cells, *[""] * (len(row) - len(cells))])), (row, cells)


def test_numbers_are_numbers_and_text_never_runs(admin: Client, show: Show) -> None:
    content = admin.get(f"/export/csv/projects/{show.id}/shots.xlsx").content
    book = of_workbook(content)
    head, first = book[0], book[1]
    assert first[head.index("Name")] == "0" + NASTY[0]
    assert first[head.index("Description")] == NASTY[0]
    assert first[head.index("Frames")] == 0
    assert first[head.index("Frame In")] == "007"
    assert first[head.index("FPS")] == 24
    assert first[head.index("Time Spent")] == 0
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert 'state="frozen"' in sheet
    assert re.search(r"<cols><col [^>]*width", sheet)


def test_nothing_is_left_of_what_was_made(admin: Client, show: Show, server: Server) -> None:
    assert admin.get(f"/export/csv/projects/{show.id}/shots.xlsx").status_code == 200
    assert admin.get(f"/export/csv/projects/{show.id}/shots.xlsx?episode_id=x").status_code == 400
    assert admin.call("HEAD", f"/export/csv/projects/{show.id}/shots.xlsx").status_code == 200
    assert not list((server.folder / "tmp").glob("work-*"))


def test_a_text_that_is_too_long_for_a_workbook_is_refused(admin: Client) -> None:
    show = Show(admin)
    show.asset("Prop", name="A", description="é" * 32_767)
    path = f"/export/csv/projects/{show.id}/assets"
    assert of_workbook(admin.get(f"{path}.xlsx").content)[1][3] == "é" * 32_767
    show.asset("Prop", name="B", description="🦊" * 16_384)
    answer = admin.get(f"{path}.xlsx")
    assert answer.status_code == 400
    for word in ("row 3", "column 4", "32767", "32768", "CSV"):
        assert word in answer.json()["message"]
    assert admin.get(f"{path}.csv").status_code == 200


def test_more_rows_than_a_workbook_has_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "MOST_ROWS", 3)
    assert len(written(tmp_path, "t;t\r\nA;B\r\n1;2\r\n3;4\r\n")) == 3
    with pytest.raises(DoesNotFit, match="3 rows"):
        written(tmp_path, "t;t\r\nA;B\r\n1;2\r\n3;4\r\n5;6\r\n")


def test_the_program_says_what_does_not_fit(tmp_path: Path) -> None:
    wide = ";".join(["t"] * 16_385)
    ran = subprocess.run(
        programs.command("pegbar.exchange.exports.program", str(tmp_path / "export.xlsx"), "0"),
        input=f"{wide}\r\n{wide}\r\n".encode(), capture_output=True, check=False,
    )  # fmt: skip
    assert ran.returncode == DOES_NOT_FIT
    assert "16384 columns" in ran.stderr.decode()


@settings(max_examples=60)
@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=8))
@example([("=1+1", "_x0041_"), ("{=A1}", "http://x.org"), ("'", '"";\n')])
def test_any_text_comes_back_from_a_workbook(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    quoted = "".join(f'"{a.replace(chr(34), chr(34) * 2)}";"{b.replace(chr(34), chr(34) * 2)}"\r\n' for a, b in rows)
    book = written(tmp_path_factory.mktemp("book"), f"t;t\r\nA;B\r\n{quoted}")
    cells = [tuple([*row, "", ""][:2]) for row in book[1:]]
    cells += [("", "")] * (len(rows) - len(cells))
    assert cells == [("" if a == "" else a, b) for a, b in rows]


@given(st.one_of(st.integers().map(str), st.floats(allow_nan=False, allow_infinity=False).map(str), st.text()))
@example("007")
@example("1.0")
@example("-0")
@example("1_000")
@example("9" * 16)
@example("٣")
def test_a_number_reads_as_the_text_that_it_was(text: str) -> None:
    number = number_of("n", text)
    assert number is None or f"{number}" == text
    assert number_of("t", text) is None


def test_what_we_write_as_a_number_is_one() -> None:
    assert [number_of("m", text) for text in ("0.00", "50.0", "1.25", "", "null")] == [0.0, 50.0, 1.25, None, None]
    assert [number_of("n", text) for text in ("12", "-3", "1.5", "1.0", "01", "1e3")] == [12, -3, 1.5, None, None, None]

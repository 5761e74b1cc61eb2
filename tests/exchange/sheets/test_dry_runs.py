"""What a spreadsheet would do, told without doing it."""

import csv
import io

from tests.client import Client
from tests.entities.shows import happened
from tests.exchange.sheets.spreadsheets import Sheets, csv_of, rows_of
from tests.factories import hire
from tests.server import Server


def outcomes(report: dict[str, object]) -> list[tuple[int, str, str]]:
    rows = report["rows"]
    assert isinstance(rows, list)
    return [(row["line_number"], row["outcome"], row["name"]) for row in rows]


def test_a_report_tells_what_becomes_of_every_row(server: Server, admin: Client) -> None:
    film = Sheets(admin)
    head = ("Sequence", "Name", "Description", "Frame In", "Frame Out")
    rows_of(film.send("shots", csv_of(head, ("SQ01", "SH010", "Dawn", "1", "9"), ("SQ01", "SH020", "", "", ""))))
    before = happened(server, film.id)
    text = csv_of(
        head,
        ("SQ01", "SH010", "Dawn", "1", "9"),
        ("SQ01", "SH020", "Dusk", "", ""),
        ("SQ02", "SH010", "", "", ""),
        ("", "", "", "", ""),
        ("SQ02", "SH010", "", "", ""),
        ("SQ02", "SH010", "Noon", "", ""),
        ("SQ03", "", "", "first", "last"),
    )
    report = film.report("shots", text, update="true")
    assert outcomes(report) == [
        (2, "left", "SQ01 / SH010"),
        (3, "changed", "SQ01 / SH020"),
        (4, "created", "SQ02 / SH010"),
        (6, "left", "SQ02 / SH010"),
        (7, "changed", "SQ02 / SH010"),
        (8, "refused", ""),
    ]
    assert [report[name] for name in ("created", "changed", "left", "refused")] == [1, 2, 2, 1]
    assert [error["column"] for error in report["rows"][-1]["errors"]] == ["Name", "Frame In", "Frame Out"]
    assert [row[1] for row in outcomes(film.report("shots", text))] == [
        "left",
        "left",
        "created",
        "left",
        "left",
        "refused",
    ]
    assert happened(server, film.id) == before
    assert {row["name"] for row in admin.ok_get(f"{film.path}/sequences")} == {"SQ01"}


def test_statuses_and_persons_count_when_they_differ(admin: Client) -> None:
    film = Sheets(admin)
    animation = film.use_task_type("Animation", "Shot")
    ada, bob = (hire(admin, first_name=name).person for name in ("Ada", "Bob"))
    head = ("Sequence", "Name", animation, f"{animation} assignations")
    rows_of(film.send("shots", csv_of(head, ("SQ", "SH", "wip", ada["full_name"]))))

    def outcome(*cells: str) -> str:
        return str(film.report("shots", csv_of(head, ("SQ", "SH", *cells)), update="true")["rows"][0]["outcome"])

    assert outcome("Work in progress", ada["id"]) == "left"
    assert outcome("", "") == "left"
    assert outcome("done", "") == "changed"
    assert outcome("", f"{ada['id']}, {bob['id']}") == "changed"
    spoken = csv_of(("Sequence", "Name", f"{animation} comment"), ("SQ", "SH", "Nice"))
    assert film.report("shots", spoken, update="true")["changed"] == 1
    report = film.report("shots", csv_of(head, ("SQ", "SH", "Lunch", "Nobody"), ("SQ", "SI", "Tea", "")))
    assert [[error["column"] for error in row["errors"]] for row in report["rows"]] == [
        [animation, f"{animation} assignations"],
        [animation],
    ]
    assert "Lunch" in report["rows"][0]["errors"][0]["message"]


def test_assets_and_edits_are_reported_by_their_names(admin: Client) -> None:
    show = Sheets(admin, production_type="tvshow")
    report = show.report("assets", csv_of(("Type", "Name", "Episode"), ("Prop", "Lamp", "E01"), ("Shot", "x", "")))
    assert outcomes(report) == [(2, "created", "Prop / Lamp"), (3, "refused", "")]
    report = show.report("edits", csv_of(("Episode", "Name"), ("E01", "Cut"), ("", "Trailer")))
    assert outcomes(report) == [(2, "created", "E01 / Cut"), (3, "created", "Trailer")]
    assert show.report("shots", csv_of(("Episode", "Sequence", "Name"), ("E9", "SQ", "SH")))["rows"][0]["name"] == (
        "E9 / SQ / SH"
    )
    assert {row["name"] for row in admin.ok_get(f"{show.path}/episodes")}.isdisjoint({"E9"})


def test_a_report_may_be_a_spreadsheet(admin: Client) -> None:
    film = Sheets(admin)
    text = csv_of(("Sequence", "Name", "Frames"), ("SQ", "SH", "1"), ("SQ", "", "x"))
    answer = film.send("shots", text, dry_run="true", report="csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert [row[:4] for row in csv.reader(io.StringIO(answer.text), delimiter=";")] == [
        ["Line", "Outcome", "Name", "Column"],
        ["2", "created", "SQ / SH", ""],
        ["3", "refused", "", "Name"],
        ["3", "refused", "", "Frames"],
    ]


def test_a_dry_run_that_is_misspelt_is_refused(admin: Client) -> None:
    film = Sheets(admin)
    text = csv_of(("Sequence", "Name"), ("SQ01", "SH01"))
    for word in ("1", "yes", "TRUE"):
        assert film.send("shots", text, dry_run=word).json()["created"] == 1
    for path in (f"csv/projects/{film.id}/shots", f"otio/projects/{film.id}"):
        files = {"file": ("cut.edl", text, "text/plain")}
        answer = admin.post(f"/import/{path}", files=files, params={"dry_run": "ture"})
        assert (answer.status_code, "dry_run" in answer.json()["message"]) == (400, True)
    assert admin.ok_get(f"{film.path}/shots") == []

"""What went out comes in again without a change."""

import csv
import io
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.client import Client
from tests.exchange.sheets.spreadsheets import Sheets, csv_of

#: What people type: no control characters but line breaks, nothing that a spreadsheet trims, no apostrophe that hides
#: a formula from one.
_TEXT = (
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=12)
    | st.sampled_from(
        ['Ü;"x"', "=1+1", "+33", "-1", "@me", "two\nlines", "a,b", "日本 🎬", "tab\there", "'quoted'", "é|è"]
    )
).map(str.strip)
_NAMES = st.lists(
    _TEXT.filter(lambda text: text and not text.startswith(("'=", "'+", "'-", "'@"))),
    min_size=1,
    max_size=5,
    unique=True,
)
_STATUSES = st.sampled_from(["todo", "wip", "done", ""])
#: Each example is a production: what failed is told as it is, not made smaller for minutes.
_NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)


class Film(Sheets):
    """A production with a metadata column of each kind and a task type for assets, shots and edits."""

    def __init__(self, admin: Client) -> None:
        super().__init__(admin)
        self.types = {kind: self.use_task_type(f"Work on {kind}", kind) for kind in ("Asset", "Shot", "Edit")}
        for kind in self.types:
            self.describe('Mood; "strange"', kind)
            self.describe("Ready", kind, "boolean")

    def export(self, kind: str, form: str = "csv", **query: Any) -> bytes:
        """The sheet of a kind."""
        answer = self.admin.get(f"/export/csv/projects/{self.id}/{kind}.{form}", params=query)
        assert answer.status_code == 200, answer.text
        return bytes(answer.content)

    def fill(self, kind: str, rows: Sequence[Sequence[object]]) -> None:
        """Import rows, whose first is the header."""
        answer = self.send(kind, csv_of(*rows))
        assert answer.status_code == 201, answer.text


@pytest.fixture(scope="module")
def films(admin: Client) -> list[Film]:
    """Made by each example; the list keeps them for the report of a failure."""
    return []


def _comes_in_again(film: Film, kind: str, **query: Any) -> None:
    before = film.export(kind, **query)
    rows = len(list(csv.reader(io.StringIO(before.decode(), newline=""), delimiter=";"))) - 1
    for form in ("csv", "xlsx"):
        content = film.export(kind, form, **query)
        report = film.report(kind, content, update="true")
        assert (report["left"], report["refused"]) == (rows, 0), (form, before.decode(), report)
        assert film.send(kind, content, update="true").status_code == 201
        assert film.export(kind, **query) == before


@settings(max_examples=6, phases=_NO_SHRINKING, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=_NAMES, texts=_NAMES, statuses=st.lists(_STATUSES, min_size=5, max_size=5), ready=st.booleans())
def test_sheets_of_entities(
    admin: Client, films: list[Film], names: list[str], texts: list[str], statuses: list[str], ready: bool
) -> None:
    film = Film(admin)
    films.append(film)
    head = ("Description", 'Mood; "strange"', "Ready")

    def cells(kind: str, number: int) -> tuple[str, ...]:
        text = texts[number % len(texts)]
        return (text, text[::-1].strip(), "yes" if ready and number else "", statuses[number], "")

    assets, shots, edits = (film.types[kind] for kind in ("Asset", "Shot", "Edit"))
    film.fill(
        "assets",
        [("Type", "Name", *head, assets, f"{assets} comment")]
        + [("Prop", name, *cells("Asset", number)) for number, name in enumerate(names)],
    )
    film.fill(
        "shots",
        [("Sequence", "Name", "Frame In", "Frame Out", *head, shots, f"{shots} comment")]
        + [(texts[0], name, 101, 100 + 2 * number, *cells("Shot", number)) for number, name in enumerate(names)],
    )
    film.fill(
        "edits",
        [("Name", *head, edits, f"{edits} comment")]
        + [(name, *cells("Edit", number)) for number, name in enumerate(names)],
    )
    for kind in ("assets", "shots", "edits"):
        _comes_in_again(film, kind)


def test_what_programs_write_comes_in_again(admin: Client) -> None:
    film = Film(admin)
    for value in (1.5, 7, True, False, None, "", "07"):
        ready = value if value in (True, False, None, "") else "true"
        film.shot(film.sequence(), data={"mood_strange": value, "ready": ready, "fps": 24, "frame_in": 1001})
    before = {row["id"]: row["data"] for row in admin.ok_get(f"{film.path}/shots")}
    _comes_in_again(film, "shots")
    for row in admin.ok_get(f"{film.path}/shots"):
        kept = {key: value for key, value in before[row["id"]].items() if value is not None}
        assert {key: row["data"][key] for key in kept} == kept, "numbers stay numbers"


@settings(max_examples=6, phases=_NO_SHRINKING, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(st.from_regex(r"[A-Za-z][A-Za-z0-9 ;\"é]{0,8}[a-z0-9]", fullmatch=True), min_size=2, max_size=4),
    count=st.integers(1, 20),
)
def test_sheets_of_castings(admin: Client, films: list[Film], names: list[str], count: int) -> None:
    film = Film(admin)
    films.append(film)
    numbered = [f"{name} {number}" for number, name in enumerate(names)]
    film.fill("assets", [("Type", "Name"), *(("Prop", name) for name in numbered)])
    film.fill("shots", [("Sequence", "Name"), *(("SQ01", f"S {name}") for name in numbered)])
    head = ("Parent", "Name", "Asset Type", "Asset", "Occurences", "Label")
    film.fill("casting", [head, *(("SQ01", f"S {name}", "Prop", name, count, "near") for name in numbered)])
    assert len(film.export("casting", is_shot_casting="true").splitlines()) == len(numbered) + 1
    _comes_in_again(film, "casting", is_shot_casting="true")

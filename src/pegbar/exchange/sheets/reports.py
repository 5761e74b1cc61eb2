"""What an import would do, row by row: the answer to `?dry_run=true`."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from typing import Literal

import msgspec

from pegbar.core.data.database import Json
from pegbar.core.errors import ApiError
from pegbar.core.http.routing import Reply

Format = Literal["json", "csv"]


class Outcome(StrEnum):
    """What becomes of a row."""

    CREATED = "created"
    CHANGED = "changed"
    LEFT = "left"
    REFUSED = "refused"


class Problem(msgspec.Struct):
    """Why a row is refused or left: what is wrong, and in which column when it is one cell."""

    message: str
    column: str | None = None


class Entry(msgspec.Struct):
    """A row: its line in the file, what would become of it, what it is called."""

    line_number: int
    outcome: Outcome
    name: str = ""
    errors: list[Problem] = []


class Report(msgspec.Struct):
    """All rows, and how many come to what."""

    created: int
    changed: int
    left: int
    refused: int
    rows: list[Entry]


def problems(errors: Sequence[ApiError]) -> list[Problem]:
    """What errors say of a row."""
    return [Problem(error.message, getattr(error, "column", None)) for error in errors]


def notes(text: str) -> list[Problem]:
    """A note about a row that is not refused."""
    return [Problem(text)] if text else []


def answer(entries: Sequence[Entry], form: Format) -> Reply:
    """The report as JSON, or as CSV for a spreadsheet."""
    if form == "csv":
        headers = {"content-disposition": "attachment; filename=import_report.csv"}
        return Reply(_as_csv(entries), status=200, media_type="text/csv; charset=utf-8", headers=headers)
    counts = Counter(entry.outcome for entry in entries)
    report = Report(**{outcome: counts[outcome] for outcome in Outcome}, rows=list(entries))
    return Reply(Json(msgspec.json.encode(report)), status=200)


def _as_csv(entries: Sequence[Entry]) -> bytes:
    output = io.StringIO(newline="")
    writer = csv.writer(output, delimiter=";")
    writer.writerow(("Line", "Outcome", "Name", "Column", "Message"))
    for entry in entries:
        for problem in entry.errors or [Problem("")]:
            writer.writerow((entry.line_number, entry.outcome, entry.name, problem.column or "", problem.message))
    return output.getvalue().encode()

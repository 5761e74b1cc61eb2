"""docs/permissions.md says what the oracle says (oracle/README.md); a running server is asked in test_oracle.py."""

import re
from pathlib import Path

import pytest

from tests.whole import oracle
from tests.whole.oracle import Line

PAGE = Path(__file__).parents[2] / "docs" / "permissions.md"
#: The callers of each column: people whose role in the team is that of the studio.
COLUMNS = {
    "studio manager": {"studio-manager"},
    "manager": {"manager", "bot"},
    "supervisor": {"supervisor", "supervisor-other", "supervisor-all"},
    "artist": {"assigned", "artist", "creator"},
    "client": {"client"},
    "vendor": {"vendor-assigned", "vendor"},
}
#: Whose role counts nothing on the production of the world.
ELSEWHERE = {"manager-elsewhere", "artist-elsewhere", "client-elsewhere"}
SECTIONS = [part.splitlines() for part in re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)]
ROWS = [
    (section[0], [cell.strip() for cell in line.strip("|\n").split("|")])
    for section in SECTIONS
    for line in section
    if re.search(r"\| `(GET|POST|PUT|DELETE) /", line)
]
#: Routes where a cell tells what one sees, or when, by facts that no caller of the oracle differs in: their tests.
TOLD_APART = {
    "GET /data/tasks/{task_id}/comments": "tests/tasks/test_comments.py",
    "POST /actions/tasks/{task_id}/comment": "tests/tasks/test_comments.py",
    "POST /actions/tasks/{task_id}/comments/{comment_id}/add-preview": "tests/media/test_previews.py",
    "GET /data/projects/{project_id}/news": "tests/tasks/test_news.py",
    "GET /data/projects/{project_id}/playlists/{playlist_id}": "tests/review/test_playlists.py",
    "GET /data/playlists/{playlist_id}/review.pdf": "tests/exchange/reviews/test_documents.py",
    "GET /data/playlists/{playlist_id}/download/zip": "tests/review/test_builds.py",
    "GET /export/csv/playlists/{playlist_id}": "tests/exchange/exports/test_playlists.py",
    "GET /export/otio/playlists/{playlist_id}": "tests/exchange/timelines/test_export.py",
    "GET /data/projects/{project_id}/time-spents": "tests/timesheets/test_time.py",
    "POST /actions/tasks/{task_id}/time-spents/{day}/persons/{person_id}": "tests/timesheets/test_time.py",
    "PUT /actions/tasks/{task_id}/assign": "tests/tasks/test_assignment.py",
    "DELETE /data/shots/{shot_id}": "tests/entities/test_removal.py",
    "PUT /data/comments/{instance_id}": "tests/tasks/test_comments.py",
    "PUT /data/persons/{instance_id}": "tests/accounts/test_people.py",
    "GET /data/events/last": "tests/review/test_event_log.py",
    "POST /data/metadata-descriptors/all-projects": "tests/productions/test_columns.py",
}


def lines_of(route: str) -> list[Line]:
    return [line for line in oracle.lines() if line.route == route]


@pytest.mark.parametrize(("section", "row"), ROWS, ids=[row[0] for _, row in ROWS])
def test_the_page_says_what_the_oracle_says(section: str, row: list[str]) -> None:
    route = row[-1].strip("`")
    first, *others = lines_of(route)
    for role, said in zip(COLUMNS, row[1:-1], strict=True):
        callers = COLUMNS[role]
        may = callers & first.allowed
        ever = callers & frozenset().union(first.allowed, *(line.allowed for line in others))
        if said == "yes":
            assert may == callers, f"{role}: the oracle refuses {callers - may}"
        elif said == "no":
            assert not ever, f"{role}: the oracle allows {ever}"
        else:
            assert route in TOLD_APART or (ever and may != callers), f"{role}, {said!r}: the oracle allows {may}"
    if section.startswith("On a production"):
        assert not ELSEWHERE & first.allowed


def test_what_the_oracle_cannot_tell_is_tested_elsewhere() -> None:
    root = PAGE.parents[1]
    assert [path for path in TOLD_APART.values() if not (root / path).exists()] == []
    routes = {row[-1].strip("`") for _, row in ROWS}
    assert TOLD_APART.keys() <= routes


def test_every_role_has_a_column() -> None:
    assert len(ROWS) > 30
    assert {caller.role for caller in oracle.callers()} - {""} == set(
        re.findall(r"^\| [^|]+ \| `(\w+)` \|", PAGE.read_text(), re.MULTILINE)
    )

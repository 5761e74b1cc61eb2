"""docs/permissions.md says what the rules of the routes say."""

import re
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest

from pegbar.app import load_domains
from pegbar.core.access import Caller, Rule, Token
from pegbar.core.errors import Forbidden

PAGE = Path(__file__).parents[2] / "docs" / "permissions.md"
ROLES = ("admin", "manager", "supervisor", "user", "client", "vendor")
RULES = {(each.method, re.sub(r":\w+\}", "}", each.path)): each.access for each in load_domains()}
ROWS = [
    [cell.strip() for cell in line.strip("|\n").split("|")]
    for line in PAGE.read_text().splitlines()
    if re.search(r"\| `(GET|POST|PUT|DELETE) /", line)
]
#: Routes whose handler or query decides, on facts that lie in the row or body; tests of their own cover them.
DECIDED_LATER = {
    "/data/tasks/{task_id}/comments": "tests/tasks/test_comments.py",
    "/actions/tasks/{task_id}/comment": "tests/tasks/test_comments.py",
    "/actions/tasks/{task_id}/assign": "tests/tasks/test_assignment.py",
    "/actions/tasks/{task_id}/time-spents/{day}/persons/{person_id}": "tests/tasks/test_time.py",
    "/actions/tasks/{task_id}/comments/{comment_id}/add-preview": "tests/media/test_previews.py",
    "/data/comments/{instance_id}": "tests/tasks/test_comments.py",
    "/data/events/last": "tests/review/test_event_log.py",
    "/data/metadata-descriptors/all-projects": "tests/productions/test_columns.py",
    "/data/playlists/{instance_id}": "tests/review/test_playlists.py",
    "/data/projects/{project_id}/metadata-descriptors": "tests/productions/test_columns.py",
    "/data/projects/{project_id}/news": "tests/tasks/test_news.py",
    "/data/projects/{project_id}/time-spents": "tests/tasks/test_time.py",
    "/data/projects/{project_id}/playlists/{playlist_id}": "tests/review/test_playlists.py",
}


def caller(role: str, *, concerned: bool) -> Caller:
    """A member of the team; when concerned, with all that a rule may ask of one besides."""
    me, department = uuid4(), uuid4()
    return Caller(
        id=me,
        role=role,
        token=Token(sub=me, jti="", type="access", identity_type="person", iat=0),
        in_team=True,
        departments=frozenset({department}),
        subject_id=me if concerned else uuid4(),
        task_department_id=department if concerned else uuid4(),
        created_entity=concerned,
        assigned_to_entity=concerned,
        assigned_to_task=concerned,
    )


def passes(rule: Rule, who: Caller) -> bool:
    try:
        rule.check(who)
    except Forbidden:
        return False
    return True


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_the_page_says_what_the_rule_says(row: list[str]) -> None:
    method, _, path = row[-1].strip("`").partition(" ")
    rule = RULES[method, path]
    for role, said in zip(ROLES, row[1:-1], strict=True):
        stranger, concerned = (passes(rule, caller(role, concerned=each)) for each in (False, True))
        if said == "yes":
            assert stranger, role
        elif said == "no":
            assert not concerned or path in DECIDED_LATER, role
        else:
            assert concerned, role
            assert not stranger or path in DECIDED_LATER, (role, said)
    assert (PAGE.parents[1] / DECIDED_LATER.get(path, ".")).exists()
    outsider = msgspec.structs.replace(caller("manager", concerned=False), in_team=False)
    assert not passes(rule, outsider) or rule.place.kind == "studio" or path in DECIDED_LATER, row[0]


def test_every_role_has_a_row() -> None:
    assert len(ROWS) > 30
    assert all(f"`{role}`" in PAGE.read_text() for role in ROLES)

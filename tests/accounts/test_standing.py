"""Who stands where: a pure reading of the specification, the SQL of `standing`, and the API say the same.

One world of persons × roles in the studio × roles in the team × two productions (one with isolated clients) × tasks ×
comments × concepts.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import psycopg as dialect

import pegbar
from pegbar.accounts import standing
from pegbar.accounts.tables import person
from pegbar.tasks.tables import comment, task
from tests import factories
from tests.client import Client, sign_in
from tests.server import ADMIN, Server

STUDIO_ROLES = ("admin", "manager", "supervisor", "user", "client", "vendor")
TEAM_ROLES = ("outside", None, "manager", "supervisor", "user", "client", "vendor")


@dataclass(frozen=True)
class Member:
    """Somebody, as the specification describes them: what follows from this is worked out here, not in SQL."""

    client: Client
    studio_role: str
    team_role: str | None
    assigned: bool

    @property
    def is_admin(self) -> bool:
        return self.studio_role == "admin"

    @property
    def in_team(self) -> bool:
        return self.team_role != "outside"

    @property
    def role(self) -> str:
        if self.is_admin or self.team_role in (None, "outside"):
            return self.studio_role
        return str(self.team_role)

    def reaches(self, own_task: bool) -> bool:
        return self.role != "vendor" or own_task

    def hears(self, remark: "Comment", own_task: bool, isolated: bool) -> bool:
        if self.is_admin:
            return True
        if not self.in_team:
            return False
        if self.role in ("manager", "supervisor"):
            return True
        if self.role == "client":
            return remark.for_client or (remark.by_client and not isolated)
        return not remark.by_client and self.reaches(own_task)


@dataclass(frozen=True)
class Comment:
    """What is said on a task."""

    id: str
    by_client: bool
    for_client: bool


@dataclass(frozen=True)
class Show:
    """A production with a task for everybody to be assigned to, one for nobody, comments, and a concept."""

    id: str
    isolated: bool
    own_task: str
    other_task: str
    concept: str
    comments: dict[str, list[Comment]]  #: by task
    members: list[Member]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture(scope="module")
def admin(server: Server) -> Client:
    return sign_in(server.api, *ADMIN)


def _say(admin: Client, task_id: str, author: Client, for_client: bool, by_client: bool) -> Comment:
    status = factories.named(admin, "task-status", "Todo")["id"]
    row = admin.ok_post(
        f"/actions/tasks/{task_id}/comment",
        {"comment": "said", "task_status_id": status, "person_id": author.id, "for_client": for_client},
    )
    return Comment(row["id"], by_client, for_client)


def _show(admin: Client, *, isolated: bool) -> Show:
    project_id = factories.production(admin, is_clients_isolated=isolated)["id"]
    admin.ok_put(f"/data/projects/{project_id}", {"is_clients_isolated": isolated})
    artist, buyer = factories.hire(admin), factories.hire(admin, "client")
    for author in (artist, buyer):
        factories.join(admin, project_id, author)
    own, other = (factories.task(admin, factories.entity(admin, project_id))["id"] for _ in range(2))
    comments = {
        task_id: [
            _say(admin, task_id, artist, for_client=False, by_client=False),
            _say(admin, task_id, artist, for_client=True, by_client=False),
            _say(admin, task_id, buyer, for_client=False, by_client=True),
        ]
        for task_id in (own, other)
    }
    members = []
    admin.ok_put(f"/data/projects/{project_id}", {"is_bot_collaboration_enabled": True})
    for studio_role in STUDIO_ROLES:
        for team_role in TEAM_ROLES:
            for assigned in (False, True):
                who = factories.hire(admin, studio_role)
                if assigned:
                    admin.ok_put(f"/actions/tasks/{own}/assign", {"person_id": who.id})
                    if team_role == "outside":
                        admin.ok_delete(f"/data/projects/{project_id}/team/{who.id}")
                if team_role != "outside":
                    factories.join(admin, project_id, who, team_role)
                members.append(Member(who, studio_role, team_role, assigned))
    concept = admin.ok_post(f"/data/projects/{project_id}/concepts", {"name": "Sketch"})
    return Show(project_id, isolated, own, other, concept["id"], comments, members)


@pytest.fixture(scope="module")
def shows(admin: Client) -> list[Show]:
    return [_show(admin, isolated=isolated) for isolated in (False, True)]


def _rows(server: Server, statement: Any) -> list[Any]:
    sql = str(statement.compile(dialect=dialect.dialect(), compile_kwargs={"literal_binds": True}))
    with psycopg.connect(server.database_url) as connection:
        return connection.execute(sql).fetchall()  # type: ignore[call-overload, no-any-return]


def test_sql_reads_a_role_and_what_is_within_reach_as_the_specification_does(server: Server, shows: list[Show]) -> None:
    here = standing.on(standing.PERSON, task.c.project_id)
    joined, joined_here = standing.joined_team(
        person.join(task, task.c.id.is_not(None)), standing.PERSON, task.c.project_id
    )
    facts = {}
    for row in _rows(
        server,
        select(
            person.c.id,
            task.c.id,
            here.role,
            here.in_team,
            here.sees_production,
            here.reaches(task.c.entity_id),
            standing.assigned(standing.PERSON, task.c.id),
            joined_here.role,
            joined_here.in_team,
            task.c.project_id.in_(standing.teams(standing.PERSON)),
            standing.covers_department(standing.PERSON, task.c.project_id),
        ).select_from(joined),
    ):
        facts[str(row[0]), str(row[1])] = row[2:]
    for show in shows:
        for member in show.members:
            for task_id in (show.own_task, show.other_task):
                own = member.assigned and task_id == show.own_task
                assert facts[member.client.id, task_id] == (
                    member.role,
                    member.in_team,
                    member.is_admin or member.in_team,
                    member.reaches(own),
                    own,
                    member.role,
                    member.in_team,
                    member.in_team,
                    True,
                ), member


def test_sql_shows_a_comment_to_whom_the_specification_does(server: Server, shows: list[Show]) -> None:
    remark = standing.Said(comment.c.person_id, task.c.project_id, comment.c.for_client)
    sees = standing.sees_comment(standing.on(standing.PERSON, task.c.project_id), remark, task.c.entity_id)
    source = person.join(comment, comment.c.id.is_not(None)).join(task, task.c.id == comment.c.object_id)
    shown = {
        (str(a), str(b)): c for a, b, c in _rows(server, select(person.c.id, comment.c.id, sees).select_from(source))
    }
    for show in shows:
        for member in show.members:
            for task_id, comments in show.comments.items():
                own = member.assigned and task_id == show.own_task
                for posted in comments:
                    expected = member.hears(posted, own, show.isolated)
                    assert shown[member.client.id, posted.id] == expected, (member, posted)


def test_the_api_answers_about_tasks_and_comments_as_the_specification_does(shows: list[Show]) -> None:
    for show in shows:
        for member in show.members:
            for task_id, comments in show.comments.items():
                own = member.assigned and task_id == show.own_task
                allowed = (member.is_admin or member.in_team) and member.reaches(own)
                assert member.client.get(f"/data/tasks/{task_id}").status_code == (200 if allowed else 403), member
                answer = member.client.get(f"/data/tasks/{task_id}/comments")
                assert answer.status_code == (200 if allowed else 403), member
                if allowed:
                    heard = {row["id"] for row in answer.json()}
                    assert heard == {posted.id for posted in comments if member.hears(posted, own, show.isolated)}, (
                        member
                    )


def test_lists_over_all_productions_go_by_the_role_in_each_team(shows: list[Show]) -> None:
    for show in shows:
        for member in show.members:
            listed = {row["id"] for row in member.client.ok_get("/data/tasks", params={"project_id": show.id})}
            seen = set()
            for task_id in (show.own_task, show.other_task):
                own = member.assigned and task_id == show.own_task
                if member.is_admin or (member.in_team and (own if member.role == "vendor" else True)):
                    seen.add(task_id)
            assert listed == seen, member


def test_concepts_are_kept_from_clients_in_every_list(shows: list[Show]) -> None:
    for show in shows:
        for member in show.members:
            listed = {row["id"] for row in member.client.ok_get("/data/entities", params={"project_id": show.id})}
            expected = member.is_admin or (member.in_team and member.role not in ("client", "vendor"))
            assert (show.concept in listed) == expected, member


#: Who writes teams and shows them, besides `standing`.
_TEAMS_THEMSELVES = {
    "accounts/people/leaving.py",
    "demo/production.py",  # closes its own, and leaves people whom others have in a team
    "exchange/exports/studio.py",  # writes the name of the state
    "exchange/shotgrid/kinds/studio.py",
    "exchange/shotgrid/queries.py",
    "exchange/sync/parts.py",
    "open/feed/shapes.py",  # names the tables of the history; who hears what is asked of `standing`
    "productions/actions.py",
    "productions/creation.py",
    "productions/deletion/queries.py",
    "productions/queries.py",
    "productions/shapes.py",
    "studio/defaults.py",
}


def test_nothing_else_reads_the_roles_of_teams_or_the_state_of_productions() -> None:
    source = Path(pegbar.__file__).parent
    telling = re.compile(r"project_person_link|project_status\.c\.name|'Open'|\"Open\"|team_role\b.*nullif")
    readers = {
        str(path.relative_to(source))
        for path in source.rglob("*.py")
        if path.name not in ("tables.py", "standing.py")
        and "migrations" not in path.parts
        and telling.search(path.read_text())
    }
    assert readers <= _TEAMS_THEMSELVES, f"ask accounts/standing.py instead: {sorted(readers - _TEAMS_THEMSELVES)}"

"""Comments posted together are those posted one by one: tasks, threads, news, notifications and events."""

from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests import factories
from tests.client import Client, unique
from tests.core.data.test_statements import statements
from tests.server import Server
from tests.tasks.test_automations import automation
from tests.tasks.test_comments import status

STATUSES = ("Todo", "Work In Progress", "Waiting For Approval", "Retake", "Done")
TYPES = ("Modeling", "Rigging", "Shading")


@dataclass(frozen=True)
class Studio:
    """Who is told of what, and what a status sets off: the same for every production."""

    admin: Client
    artist: Client
    follower: Client
    department: str
    automations: list[str]


@dataclass
class Show:
    """A production of two assets with three tasks each, and names for what is in it, to compare it with its twin."""

    studio: Studio
    database: psycopg.Connection
    id: str = ""
    tasks: list[str] = field(default_factory=list)
    names: dict[Any, str] = field(default_factory=dict)
    start: int = 0

    def make(self) -> "Show":
        admin = self.studio.admin
        more = {"max_retakes": 2, "status_automations": self.studio.automations}
        show = factories.production(admin, self.studio.artist, self.studio.follower, **more)
        self.id = show["id"]
        self.names[self.id] = "show"
        for n in range(2):
            asset = factories.entity(admin, self.id)
            for name in TYPES:
                assignees = [self.studio.artist.id] if name == "Rigging" else []
                task = factories.task(admin, asset, name, assignees=assignees)
                self.names[task["id"]] = f"{name} of {n}"
                self.tasks.append(task["id"])
        for task_id in self.tasks[::2]:
            admin.ok_post("/data/subscriptions", {"person_id": self.studio.follower.id, "task_id": task_id})
        (self.start,) = self._rows("SELECT coalesce(max(position), 0) FROM pegbar.outbox")[0]
        return self

    def _rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.database.execute(query, values).fetchall()

    def record(self) -> dict[str, list[Any]]:
        """All that the comments left, with names instead of ids and of times."""
        comments = self._rows(
            """
            SELECT id::text, created_at, object_id::text, text, task_status_id::text, person_id::text, links, checklist,
                   for_client, ARRAY(SELECT person::text FROM comment_mentions WHERE comment = id ORDER BY 1),
                   ARRAY(SELECT department::text FROM comment_department_mentions WHERE comment = id ORDER BY 1)
              FROM comment WHERE object_id = ANY(%s::uuid[]) ORDER BY created_at
            """,
            self.tasks,
        )
        for n, (comment_id, at, *_) in enumerate(comments):
            self.names[comment_id] = self.names[at] = f"comment {n}"
        news = self._rows(
            """
            SELECT id::text, comment_id::text, change, author_id::text, task_id::text, created_at FROM news
             WHERE task_id = ANY(%s::uuid[]) ORDER BY created_at
            """,
            self.tasks,
        )
        for n, (news_id, *_) in enumerate(news):
            self.names[news_id] = f"news {n}"
        notices = self._rows(
            """
            SELECT id::text, comment_id::text, person_id::text, type, change, read, author_id::text, task_id::text,
                   created_at
              FROM notification WHERE task_id = ANY(%s::uuid[]) ORDER BY created_at, person_id, type
            """,
            self.tasks,
        )
        for notice_id, comment_id, person_id, kind, *_ in notices:
            self.names[notice_id] = f"{kind} of {self.names[comment_id]} to {person_id}"
        tasks = self._rows(
            """
            SELECT id::text, task_status_id::text, retake_count, real_start_date, end_date, done_date, last_comment_date
              FROM task WHERE id = ANY(%s::uuid[]) ORDER BY array_position(%s::uuid[], id)
            """,
            self.tasks,
            self.tasks,
        )
        tables = {"comments": comments, "news": news, "notices": notices, "tasks": tasks, "events": self._events()}
        return {name: [self._named(row) for row in rows] for name, rows in tables.items()}

    def _events(self) -> list[Any]:
        """Events in their order; those of the notifications of one comment come in any."""
        rows = self._rows(
            """
            SELECT name, person_id::text, project_id::text, payload::jsonb - 'event_id' FROM pegbar.outbox
             WHERE position > %s AND (project_id = %s OR payload::jsonb ->> 'project_id' = %s) ORDER BY position
            """,
            self.start,
            self.id,
            self.id,
        )
        events: list[Any] = []
        for name, person_id, project_id, payload in rows:
            event = [name, person_id, project_id, sorted(payload.items())]
            if name == "notification:new" and events and isinstance(events[-1], frozenset):
                events[-1] |= {str(self._named(event))}
            else:
                events.append(frozenset({str(self._named(event))}) if name == "notification:new" else event)
        return events

    def _named(self, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [self._named(item) for item in value]
        return self.names.get(value, value) if not isinstance(value, dict) else value


@pytest.fixture(scope="module")
def studio(admin: Client) -> Studio:
    department = admin.ok_post("/data/departments", {"name": unique("Wood"), "color": "#000000"})
    return Studio(
        admin,
        factories.hire(admin, "user", departments=[department["id"]]),
        factories.hire(admin, "supervisor"),
        department["name"],
        [
            automation(admin, "Modeling", "Done", "Rigging"),
            automation(admin, "Rigging", "Retake", "Modeling", out_task_status_id=status(admin, "Retake")),
        ],
    )


_POSTS = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.sampled_from(STATUSES),
        st.sampled_from(["", "ok", "@{artist}", "@{department} @{follower}", "#Rigging", "#all @{artist}"]),
    ),
    min_size=2,
    max_size=12,
)


#: Every example makes two productions: a failing one is told as it is.
@settings(max_examples=5, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(posts=_POSTS)
def test_together_or_one_by_one_is_the_same(server: Server, studio: Studio, posts: list[tuple[int, str, str]]) -> None:
    admin = studio.admin
    people = {"artist": studio.artist.person["full_name"], "follower": studio.follower.person["full_name"]}
    with psycopg.connect(server.database_url, autocommit=True) as database:
        alone, together = (Show(studio, database).make() for _ in range(2))
        accepted, words = [], []
        for task, name, text in posts:
            said = {
                "task_status_id": status(admin, name),
                "comment": text.format(**people, department=studio.department),
            }
            answer = admin.post(
                f"/actions/tasks/{alone.tasks[task]}/comment", {**said, "links": ["https://a.b", "\\{"]}
            )
            assert answer.status_code in (201, 400), answer.text
            words.append({**said, "object_id": together.tasks[task], "links": ["https://a.b", "\\{"]})
            if answer.status_code == 201:
                accepted.append(words[-1])
        path = f"/actions/projects/{together.id}/tasks/comment-many"
        if len(accepted) < len(words):
            assert admin.post(path, words).status_code == 400, "retakes are used up, of one as of many"
        admin.ok_post(path, accepted)
        expected = alone.record()
        assert together.record() == expected
        assert expected["comments"]


@pytest.fixture(scope="module")
def crowd(admin: Client) -> tuple[str, list[str], Client]:
    """A production with thirty tasks of one artist."""
    artist = factories.hire(admin, "user")
    show = factories.production(admin, artist)
    assets = [factories.entity(admin, show["id"]) for _ in range(30)]
    tasks = [factories.task(admin, asset, assignees=[artist.id])["id"] for asset in assets]
    return show["id"], tasks, artist


def test_many_comments_take_as_many_statements_as_a_few(admin: Client, crowd: tuple[str, list[str], Client]) -> None:
    show, tasks, artist = crowd
    path, wip = f"/actions/projects/{show}/tasks/comment-many", status(admin, "Work In Progress")
    text = f"@{artist.person['full_name']} go"

    def posted(number: int) -> int:
        words = [{"object_id": task, "task_status_id": wip, "comment": text} for task in tasks[:number] * 2]
        answer = admin.post(path, words)
        assert len(answer.json()) == 2 * number
        return statements(answer)

    assert posted(30) == posted(2) <= 8


def test_a_single_comment_takes_no_statement_more(admin: Client, crowd: tuple[str, list[str], Client]) -> None:
    body = {"task_status_id": status(admin, "Work In Progress"), "comment": "go"}
    answer = admin.post(f"/actions/tasks/{crowd[1][0]}/comment", body)
    # The caller, the task, all that is written, its events with the answer.
    assert statements(answer) == 4

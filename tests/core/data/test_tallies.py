"""Tallies are what counting the rows gives: after any writes, by whoever, in whichever order they are committed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from pegbar.app import load_domains
from pegbar.core.data import migrations, tallies
from tests import factories
from tests.client import Client
from tests.command import pegbar
from tests.server import Server
from tests.tasks.test_comments import say, status

load_domains()


@dataclass
class World:
    """Rows to choose from; the lists grow as rows are made."""

    url: str
    projects: list[Any]
    persons: list[Any]
    types: list[Any]
    statuses: list[Any]
    entities: list[Any]
    tasks: list[Any]


@pytest.fixture(scope="module")
def world(server: Server, admin: Client) -> Iterator[World]:
    shows = [factories.production(admin) for _ in range(2)]
    parents = [factories.entity(admin, show["id"], "Sequence", parent_id=None) for show in shows]
    shots = [factories.entity(admin, row["project_id"], "Shot", parent_id=row["id"]) for row in parents for _ in "ab"]
    tasks = [factories.task(admin, shot, kind) for shot in shots for kind in ("Animation", "Layout")]
    yield World(
        server.database_url,
        [show["id"] for show in shows],
        [factories.hire(admin).id for _ in range(2)],
        list({task["task_type_id"] for task in tasks}),
        [status(admin, "Work In Progress"), status(admin, "Done")],
        [row["id"] for row in (*parents, *shots)],
        [task["id"] for task in tasks],
    )
    with psycopg.connect(server.database_url) as connection:
        connection.execute("UPDATE task SET duration = 0 WHERE duration = 'NaN'")


@contextmanager
def snapshot(url: str) -> Iterator[Connection]:
    with migrations.connect(url) as connection:
        connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection
        connection.rollback()


def wrong(url: str) -> dict[str, int]:
    with snapshot(url) as connection:
        return tallies.differences(connection)


def fold(connection: psycopg.Connection) -> None:
    for of in tallies.TALLIES:
        connection.execute(str(tallies.fold(of)))


#: What a writer does, with numbers that choose its rows.
Write = tuple[str, Callable[[World, list[int]], list[Any]]]
_NOW = datetime(2026, 3, 1)


def one(values: list[Any], number: int) -> Any:
    return values[number % len(values)]


def moment(number: int) -> datetime | None:
    return None if number % 5 == 0 else _NOW + timedelta(days=number % 60)


_ANY = "(SELECT id FROM {} WHERE {} ORDER BY id OFFSET %s LIMIT 1)"
_A_TASK = _ANY.format("task", "project_id = ANY (%s::uuid[])")
_A_COMMENT = _ANY.format("comment", "object_id IN (SELECT id FROM task WHERE project_id = ANY (%s::uuid[]))")
_SOME_NEWS = _ANY.format("news", "task_id IN (SELECT id FROM task WHERE project_id = ANY (%s::uuid[]))")
_SOME_HOURS = _SOME_NEWS.replace("news", "time_spent")

WRITES: dict[str, Write] = {
    "comments": (
        (
            f"INSERT INTO comment (id, object_id, object_type, person_id, task_status_id)"
            f" SELECT gen_random_uuid(), id, 'Task', %s, %s FROM task WHERE id = {_A_TASK}"
        ),
        lambda w, n: [one(w.persons, n[0]), one(w.statuses, n[1]), w.projects, n[2] % 6],
    ),
    "news with a comment": (
        (
            f"WITH said AS (INSERT INTO comment (id, object_id, object_type, person_id, task_status_id)"
            f" SELECT gen_random_uuid(), id, 'Task', %s, %s FROM task WHERE id = {_A_TASK} RETURNING *)"
            " INSERT INTO news (id, change, author_id, comment_id, task_id, created_at)"
            " SELECT gen_random_uuid(), %s, person_id, id, object_id, %s FROM said"
        ),
        lambda w, n: [one(w.persons, n[0]), one(w.statuses, n[1]), w.projects, n[2] % 6, n[3] % 2 == 0, moment(n[0])],
    ),
    "news of a comment": (
        (
            f"INSERT INTO news (id, change, author_id, comment_id, task_id)"
            f" SELECT gen_random_uuid(), %s, person_id, id, object_id FROM comment WHERE id = {_A_COMMENT}"
        ),
        lambda w, n: [n[0] % 2 == 0, w.projects, n[1] % 6],
    ),
    "news change": (
        f"UPDATE news SET change = %s, created_at = %s, comment_id = {_A_COMMENT} WHERE id = {_SOME_NEWS}",
        lambda w, n: [n[0] % 2 == 0, moment(n[1]), w.projects, n[2] % 6, w.projects, n[3] % 6],
    ),
    "news go": (f"DELETE FROM news WHERE id = {_SOME_NEWS}", lambda w, n: [w.projects, n[0] % 6]),
    "a comment's status": (
        f"UPDATE comment SET task_status_id = %s WHERE id = {_A_COMMENT}",
        lambda w, n: [one(w.statuses, n[0]), w.projects, n[1] % 6],
    ),
    "a comment goes": (
        (
            f"WITH gone AS (DELETE FROM comment WHERE id = {_A_COMMENT} RETURNING id)"
            " UPDATE news SET comment_id = NULL WHERE comment_id IN (SELECT id FROM gone)"
        ),
        lambda w, n: [w.projects, n[0] % 6],
    ),
    "hours": (
        (
            f"INSERT INTO time_spent (id, duration, date, task_id, person_id)"
            f" SELECT gen_random_uuid(), %s, %s, {_A_TASK}, %s ON CONFLICT DO NOTHING"
        ),
        lambda w, n: [
            1 + n[0] % 100 / 7,
            date(2026, 1, 1) + timedelta(days=n[1] % 90),
            w.projects,
            n[2] % 6,
            one(w.persons, n[3]),
        ],
    ),
    "hours change": (
        f"UPDATE time_spent SET duration = %s, date = date + %s WHERE id = {_SOME_HOURS}",
        lambda w, n: [1 + n[0] % 100 / 3, n[1] % 40, w.projects, n[2] % 6],
    ),
    "hours go": (f"DELETE FROM time_spent WHERE id = {_SOME_HOURS}", lambda w, n: [w.projects, n[0] % 6]),
    "a task": (
        (
            "INSERT INTO task (id, name, project_id, task_type_id, task_status_id, entity_id, estimation)"
            " SELECT gen_random_uuid(), %s, e.project_id, %s, %s, e.id, %s FROM entity e WHERE id = %s"
        ),
        lambda w, n: [str(uuid4()), one(w.types, n[0]), one(w.statuses, n[1]), n[2] / 7, one(w.entities, n[3])],
    ),
    "tasks change": (
        (
            "UPDATE task SET task_status_id = %s, estimation = %s, duration = %s, done_date = %s, start_date = %s"
            f" WHERE id = {_A_TASK}"
        ),
        lambda w, n: [
            one(w.statuses, n[0]),
            n[1] / 3,
            float("nan") if n[2] % 9 == 0 else n[2],
            moment(n[3]),
            moment(n[0]),
            w.projects,
            n[1] % 6,
        ],
    ),
    "a task's production": (
        f"UPDATE task SET project_id = %s WHERE id = {_A_TASK}",
        lambda w, n: [one(w.projects, n[0]), w.projects, n[1] % 6],
    ),
    "a task's type": (
        f"UPDATE task SET task_type_id = %s WHERE id = {_A_TASK}",
        lambda w, n: [one(w.types, n[0]), w.projects, n[1] % 6],
    ),
    "a task's entity": (
        f"UPDATE task SET entity_id = %s WHERE id = {_A_TASK}",
        lambda w, n: [one([*w.entities, None], n[0]), w.projects, n[1] % 6],
    ),
    "a task goes with all that is on it": (
        (
            f"WITH gone AS (SELECT id FROM task WHERE id = {_A_TASK}),"
            " a AS (DELETE FROM task WHERE id IN (SELECT id FROM gone)),"
            " b AS (DELETE FROM task_person_link WHERE task_id IN (SELECT id FROM gone)),"
            " c AS (DELETE FROM comment WHERE object_id IN (SELECT id FROM gone)),"
            " d AS (DELETE FROM time_spent WHERE task_id IN (SELECT id FROM gone))"
            " DELETE FROM news WHERE task_id IN (SELECT id FROM gone)"
        ),
        lambda w, n: [w.projects, n[0] % 6],
    ),
    "an entity's production": (
        "UPDATE entity SET project_id = %s WHERE id = %s",
        lambda w, n: [one(w.projects, n[0]), one(w.entities, n[1])],
    ),
    "an entity's place": (
        "UPDATE entity SET parent_id = %s, source_id = %s WHERE id = %s",
        lambda w, n: [one([*w.entities, None], n[0]), one([*w.entities, None], n[1]), one(w.entities, n[2])],
    ),
    "a link": (
        (
            "INSERT INTO entity_link (id, entity_in_id, entity_out_id, created_at)"
            " VALUES (gen_random_uuid(), %s, %s, %s) ON CONFLICT DO NOTHING"
        ),
        lambda w, n: [one(w.entities, n[0]), one(w.entities, n[1]), moment(n[2])],
    ),
    "links go": ("DELETE FROM entity_link WHERE entity_in_id = %s", lambda w, n: [one(w.entities, n[0])]),
}

_STEPS = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.sampled_from([*WRITES, "commit", "commit", "rollback", "savepoint", "back", "fold"]),
        st.lists(st.integers(0, 1000), min_size=4, max_size=4),
    ),
    min_size=5,
    max_size=40,
)


def step(connection: psycopg.Connection, world: World, what: str, numbers: list[int]) -> None:
    if what == "commit":
        connection.commit()
    elif what == "rollback":
        connection.rollback()
    elif what == "savepoint":
        connection.execute("SAVEPOINT here")
    elif what == "back":
        connection.execute("ROLLBACK TO SAVEPOINT here")
    elif what == "fold":
        fold(connection)
    else:
        statement, values = WRITES[what]
        connection.execute(statement, values(world, numbers))


@settings(max_examples=60)
@given(steps=_STEPS)
def test_tallies_are_what_counting_gives_after_any_writes_of_two_at_once(
    world: World, steps: list[tuple[int, str, list[int]]]
) -> None:
    with psycopg.connect(world.url) as one_writer, psycopg.connect(world.url) as other:
        for connection in (one_writer, other):
            # Who meets the other's lock gives up: what both did until then is what matters.
            connection.execute("SET lock_timeout = '5ms'")
            connection.commit()
        for who, what, numbers in steps:
            connection = (one_writer, other)[who]
            try:
                step(connection, world, what, numbers)
            except psycopg.Error:
                connection.rollback()
        one_writer.commit()
        other.commit()
    assert wrong(world.url) == {}
    with psycopg.connect(world.url) as connection:
        fold(connection)
    assert wrong(world.url) == {}


def test_every_tally_is_declared_and_compared(server: Server) -> None:
    with psycopg.connect(server.database_url) as connection:
        functions = connection.execute(
            "SELECT proname FROM pg_proc WHERE pronamespace = 'pegbar'::regnamespace AND proname ~ '^(count|rows_of)_'"
        ).fetchall()
    declared = {f"count_{of.table.name}" for of in tallies.TALLIES} | {f"rows_of_{row.name}" for row in tallies.KEPT}
    assert {name for (name,) in functions} == declared


def test_nobody_waits_for_a_tally_and_what_both_add_counts(server: Server, admin: Client) -> None:
    show = factories.production(admin)
    tasks = [factories.task(admin, factories.entity(admin, show["id"])) for _ in range(2)]
    add = "INSERT INTO news (id, change, author_id, task_id) VALUES (gen_random_uuid(), true, %s, %s)"
    path = f"/data/projects/{show['id']}/news"
    with psycopg.connect(server.database_url) as one_writer, psycopg.connect(server.database_url) as other:
        for connection, task in ((one_writer, tasks[0]), (other, tasks[1])):
            connection.execute("SET lock_timeout = '1s'")
            connection.execute(add, (admin.id, task["id"]))
        fold(other)
        assert admin.ok_get(path)["total"] == 0
        other.commit()
        assert admin.ok_get(path)["total"] == 1
    assert admin.ok_get(path)["total"] == 2
    assert len(admin.ok_get(path)["data"]) == 2


def test_a_truncated_table_counts_nothing_and_a_recount_finds_everything(server: Server, admin: Client) -> None:
    show = factories.production(admin)
    say(admin, factories.task(admin, factories.entity(admin, show["id"])), status(admin, "Done"))
    with migrations.connect(server.database_url) as connection:
        connection.execute(text("SET LOCAL lock_timeout = '20s'"))
        connection.execute(text("TRUNCATE news"))
        assert connection.execute(text("SELECT count(*) FROM pegbar.news_tally")).scalar_one() == 0
        assert tallies.differences(connection) == {}
        connection.execute(text("DELETE FROM pegbar.task_tally"))
        connection.execute(text("DELETE FROM pegbar.project_hours"))
        assert set(tallies.differences(connection)) >= {"task_tally"}
        connection.execute(tallies.RECOUNT)
        assert tallies.differences(connection) == {}
        connection.rollback()


def test_a_command_tells_what_is_wrong_and_mends_it(server: Server, admin: Client) -> None:
    show = factories.production(admin)
    factories.task(admin, factories.entity(admin, show["id"]))
    with psycopg.connect(server.database_url) as connection:
        connection.execute("DELETE FROM pegbar.task_tally WHERE project_id = %s", (show["id"],))
    told = pegbar("db", "tallies", "--database-url", server.database_url)
    assert (told.returncode, "task_tally" in told.stdout) == (1, True)
    mended = pegbar("db", "tallies", "--recount", "--database-url", server.database_url)
    assert (mended.returncode, "as the rows say" in mended.stdout) == (0, True), mended.stderr
    assert wrong(server.database_url) == {}

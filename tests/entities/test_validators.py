"""Boards are sent again when they may have changed, by whomever. Source: spec entities and shots, "Caching"."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from pegbar.core.data.marks import _MERGE
from tests.client import Client, unique
from tests.entities.shows import Show
from tests.factories import hire, named, task
from tests.server import Server


@dataclass
class Watched:
    """A production and everything that clients keep of it, seen by a manager, an artist and a vendor."""

    show: Show
    viewers: list[Client]
    database: psycopg.Connection[Any]
    shot: dict[str, Any]
    other_shot: dict[str, Any]
    asset: dict[str, Any]
    tasks: list[dict[str, Any]]
    department: str

    @property
    def paths(self) -> list[str]:
        kept = [f"/data/{kind}/with-tasks?project_id={self.show.id}" for kind in ("shots", "assets")]
        return [*kept, f"/data/projects/{self.show.id}/tasks"]

    def sql(self, statement: str, *values: Any) -> None:
        """A write by another program on the same database, that knows nothing of `updated_at`."""
        self.database.execute(statement, values)  # type: ignore[arg-type]

    def seen(self) -> dict[tuple[str, str], tuple[str, str]]:
        """(viewer, path) -> (tag, body)"""
        found = {}
        for who in self.viewers:
            for path in self.paths:
                answer = who.get(path)
                found[who.id, path] = (answer.headers["etag"], answer.text)
        return found

    def kept(self, tags: dict[tuple[str, str], tuple[str, str]]) -> list[bool]:
        """Which answers are still good, as the server says."""
        asked = [
            who.get(path, headers={"If-None-Match": tags[who.id, path][0]}).status_code
            for who in self.viewers
            for path in self.paths
        ]
        assert set(asked) <= {200, 304}
        return [status == 304 for status in asked]


@pytest.fixture(scope="module")
def watched(admin: Client, server: Server) -> Iterator[Watched]:
    show = Show(admin)
    department = admin.ok_post("/data/departments", {"name": unique("Roto"), "color": "#000000"})["id"]
    viewers = [show.join(hire(admin, role)) for role in ("manager", "vendor")]
    episode = show.episode()
    shots = [show.shot(show.sequence(episode), data={"secret": 1, "fps": "25"}) for _ in range(2)]
    asset = show.asset("Prop")
    show.cast(shots[0], asset)
    tasks = [task(admin, shots[0], name, assignees=[row.id for row in viewers]) for name in ("Layout", "Animation")]
    tasks.append(task(admin, asset, "Modeling", assignees=[viewers[1].id]))
    with psycopg.connect(server.database_url, autocommit=True) as database:
        yield Watched(show, viewers, database, *shots, asset, tasks, department)


Change = Callable[[Watched], Any]

#: Each may change a body, and is seen by at least one of the viewers.
SEEN: dict[str, Change] = {
    "a task by HTTP": lambda w: w.show.admin.ok_put(f"/data/tasks/{w.tasks[0]['id']}", {"priority": 2}),
    "a task": lambda w: w.sql("UPDATE task SET priority = 3 WHERE id = %s", w.tasks[0]["id"]),
    "the date of a comment": lambda w: w.sql(
        "UPDATE task SET last_comment_date = now() WHERE id = %s", w.tasks[0]["id"]
    ),
    "a comment": lambda w: w.show.admin.ok_post(
        f"/actions/tasks/{w.tasks[0]['id']}/comment",
        {"task_status_id": named(w.show.admin, "task-status", "Work In Progress")["id"], "comment": "Seen"},
    ),
    "an assignment": lambda w: w.sql(
        "INSERT INTO task_person_link SELECT %s, id FROM person WHERE id = %s", w.tasks[0]["id"], w.show.admin.id
    ),
    "an assignment undone": lambda w: w.sql(
        "DELETE FROM task_person_link WHERE task_id = %s AND person_id = %s", w.tasks[0]["id"], w.viewers[1].id
    ),
    "a subscription": lambda w: w.sql(
        "INSERT INTO subscription (id, person_id, task_id) VALUES (gen_random_uuid(), %s, %s) ON CONFLICT DO NOTHING",
        w.viewers[0].id,
        w.tasks[1]["id"],
    ),
    "no subscription": lambda w: w.sql("DELETE FROM subscription WHERE person_id = %s", w.viewers[0].id),
    "a moved shot": lambda w: w.sql(
        "UPDATE entity SET parent_id = %s WHERE id = %s", w.other_shot["parent_id"], w.shot["id"]
    ),
    "a renamed sequence": lambda w: w.sql("UPDATE entity SET name = 'SQ' WHERE id = %s", w.other_shot["parent_id"]),
    "a production": lambda w: w.sql("UPDATE project SET name = name || '!' WHERE id = %s", w.show.id),
    "an asset type": lambda w: w.sql("UPDATE entity_type SET archived = archived WHERE name = 'Prop'"),
    "a casting": lambda w: w.sql("DELETE FROM entity_link WHERE entity_out_id = %s", w.asset["id"]),
    "a mask": lambda w: w.sql(
        "WITH d AS (INSERT INTO metadata_descriptor (id, project_id, entity_type, name, field_name)"
        " VALUES (gen_random_uuid(), %s, 'Shot', 'Secret', 'secret') RETURNING id)"
        " SELECT id FROM d",
        w.show.id,
    ),
    "departments of a mask": lambda w: w.sql(
        "INSERT INTO department_metadata_descriptor_link SELECT id, %s FROM metadata_descriptor WHERE project_id = %s",
        w.department,
        w.show.id,
    ),
    "a department of the caller": lambda w: w.sql(
        "INSERT INTO department_link (person_id, department_id) VALUES (%s, %s)", w.viewers[1].id, w.department
    ),
    "a mask undone": lambda w: w.sql(
        "WITH gone AS (DELETE FROM department_metadata_descriptor_link WHERE department_id = %s RETURNING 1)"
        " SELECT count(*) FROM gone",
        w.department,
    ),
    "a role": lambda w: w.sql(
        "UPDATE project_person_link SET role = 'client' WHERE person_id = %s AND project_id = %s",
        w.viewers[0].id,
        w.show.id,
    ),
    "a task deleted": lambda w: w.show.admin.ok_delete(f"/data/tasks/{w.tasks[1]['id']}?force=true"),
    "a new shot": lambda w: w.show.shot(),
    "several tasks": lambda w: w.sql("UPDATE task SET difficulty = 5 WHERE project_id = %s", w.show.id),
}

#: None of these can change a body of these viewers.
UNSEEN: dict[str, Change] = {
    "no row": lambda w: w.sql("UPDATE task SET priority = 1 WHERE project_id = %s AND false", w.show.id),
    "another production": lambda w: Show(w.show.admin).shot(),
    "another person's subscription": lambda w: w.sql(
        "INSERT INTO subscription (id, person_id, task_id) VALUES (gen_random_uuid(), %s, %s) ON CONFLICT DO NOTHING",
        w.show.admin.id,
        w.tasks[2]["id"],
    ),
}


def test_a_validator_sees_every_write(watched: Watched) -> None:
    before, tags = watched.seen(), set()
    for name, change in SEEN.items():
        tags |= {tag for tag, _ in before.values()}
        change(watched)
        after = watched.seen()
        same_tag = [before[key][0] == after[key][0] for key in before]
        same_body = [before[key][1] == after[key][1] for key in before]
        assert all(body or not tag for tag, body in zip(same_tag, same_body, strict=True)), name
        assert not all(same_tag), name
        assert not tags & {after[key][0] for key, same in zip(before, same_tag, strict=True) if not same}, name
        before = after
    for name, change in UNSEEN.items():
        change(watched)
        assert watched.seen() == before, name
    assert all(watched.kept(before))
    watched.sql("UPDATE task SET priority = 0 WHERE project_id = %s", watched.show.id)
    assert not any(watched.kept(before))


def test_writers_of_one_production_neither_wait_nor_hide_each_other(watched: Watched, server: Server) -> None:
    first, second = (row["id"] for row in watched.tasks if row["id"] != watched.tasks[1]["id"])
    write = "UPDATE task SET priority = priority + 1 WHERE id = %s"
    before = watched.seen()
    with psycopg.connect(server.database_url) as early, psycopg.connect(server.database_url) as late:
        for connection in (early, late):
            connection.execute("SET lock_timeout = '2s'")
        early.execute(write, [first])
        early.execute(write, [first])
        assert all(watched.kept(before))
        late.execute(write, [second])
        late.commit()
        middle = watched.seen()
        early.commit()  # begun before, committed after
    after = watched.seen()
    for key in before:
        assert len({before[key][0], middle[key][0], after[key][0]}) == 3
    with psycopg.connect(server.database_url) as undone:
        undone.execute(write, [first])
        undone.rollback()
    assert all(watched.kept(after))


def test_merged_marks_bring_no_tag_back(watched: Watched) -> None:
    tags = []
    of_project = "SELECT count(*) FROM pegbar.mark WHERE scope = %s"
    for _ in range(2):
        watched.sql("INSERT INTO pegbar.mark (scope) SELECT %s FROM generate_series(1, 101)", watched.show.id)
        tags.append(watched.seen())
        watched.sql(str(_MERGE))
        row = watched.database.execute(of_project, [watched.show.id]).fetchone()
        assert row is not None
        assert row[0] < 10
        tags.append(watched.seen())
    for key in tags[0]:
        assert len({item[key][0] for item in tags}) == 4

"""Playlists of what is selected on a page, of which nothing is kept."""

import re
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests import factories
from tests.client import Client
from tests.entities.shows import Show
from tests.exchange.exports.sheets import worker
from tests.media.publishing import comment_on, place, published
from tests.server import Server

_MANY = """
WITH shots AS (
  INSERT INTO entity SELECT (jsonb_populate_record(e, jsonb_build_object('id', gen_random_uuid(), 'name', 'M' || n))).*
    FROM entity e, generate_series(1, 500) AS n WHERE e.id = %s RETURNING id)
INSERT INTO task SELECT (jsonb_populate_record(t, jsonb_build_object(
         'id', gen_random_uuid(), 'entity_id', shots.id, 'last_preview_file_id', null))).*
  FROM task t, shots WHERE t.id = %s RETURNING id
"""


@dataclass
class Stage:
    """A show with two shots of a sequence, an asset, and their tasks by the name of the entity and the task type."""

    show: Show
    people: dict[str, Client]
    tasks: dict[str, dict[str, Any]]
    previews: dict[str, dict[str, Any]]

    @property
    def path(self) -> str:
        return f"/data/projects/{self.show.id}/playlists/temp"


@pytest.fixture(scope="module")
def stage(admin: Client) -> Stage:
    people = {role: worker(admin, role) for role in ("user", "client", "vendor")}
    show = Show(admin, *people.values(), production_type="tvshow")
    sequence = show.sequence(show.episode("E01"), "SQ01")
    b, a = (show.shot(sequence, name=name) for name in ("B", "A"))
    boat = show.asset("Prop", name="Boat")
    tasks = {
        f"{of['name']} {kind}": factories.task(admin, of, kind)
        for of, kind in ((b, "Layout"), (a, "Layout"), (a, "Animation"), (boat, "Modeling"))
    }
    names = ("A Layout", "Boat Modeling")
    previews = {name: published(admin, admin, tasks[name]["id"]) for name in names}
    return Stage(show, people, tasks, previews)


def test_entries_tell_where_their_entity_is(admin: Client, stage: Stage) -> None:
    tasks = [stage.tasks[name] for name in ("Boat Modeling", "A Layout", "B Layout")]
    boat, a, b = admin.ok_post(stage.path, {"task_ids": [task["id"] for task in tasks]})
    assert (a["name"], a["parent_name"], a["sequence_name"], a["episode_name"]) == ("A", "SQ01", "SQ01", "")
    assert (a["preview_file_task_id"], a["preview_file_id"]) == (tasks[1]["id"], stage.previews["A Layout"]["id"])
    assert (a["preview_file_status"], a["preview_file_annotations"], a["preview_file_previews"]) == ("ready", [], [])
    assert a["preview_files"][tasks[1]["task_type_id"]][0]["id"] == a["preview_file_id"]
    assert (boat["parent_name"], boat["asset_type_name"], boat["sequence_id"]) == ("Prop", "Prop", "")
    assert (b["preview_files"], "preview_file_id" in b, b["id"]) == ({}, False, tasks[2]["entity_id"])
    ordered = admin.ok_post(f"{stage.path}?sort=true", {"task_ids": [task["id"] for task in tasks]})
    assert [entry["name"] for entry in ordered] == ["Boat", "A", "B"]


def test_a_task_without_previews_shows_those_of_the_first_type_of_the_show(admin: Client, stage: Stage) -> None:
    animation, layout = stage.tasks["A Animation"], stage.tasks["A Layout"]
    body = {"task_ids": [animation["id"]]}
    (entry,) = admin.ok_post(stage.path, body)
    assert "preview_file_id" not in entry
    for task in (animation, layout):
        link = {"project_id": stage.show.id, "task_type_id": task["task_type_id"], "priority": 2}
        admin.ok_post("/data/task-type-links", link)
    (entry,) = admin.ok_post(stage.path, body)
    assert entry["preview_file_id"] == stage.previews["A Layout"]["id"]
    assert entry["preview_file_task_id"] == animation["id"]


def test_an_entity_comes_in_its_task_of_the_last_comment(admin: Client, stage: Stage) -> None:
    layout, bare = stage.tasks["A Layout"], stage.tasks["B Layout"]
    place(admin, stage.tasks["A Animation"]["id"], comment_on(admin, admin, stage.tasks["A Animation"]["id"])["id"])
    comment_on(admin, admin, layout["id"])
    asked = [layout["entity_id"], bare["entity_id"], str(uuid4())]
    entries = admin.ok_post(stage.path, {"entity_ids": asked, "task_ids": [bare["id"], bare["id"]]})
    assert [entry["preview_file_task_id"] for entry in entries] == [bare["id"], layout["id"]]


def test_a_selection_is_seen_whole_or_not_at_all(admin: Client, stage: Stage) -> None:
    mine, foreign = stage.tasks["A Layout"]["id"], factories.task(admin, Show(admin).shot(), "Layout")["id"]
    assert len(admin.ok_post(stage.path, {"task_ids": [mine, foreign]})) == 2
    for role, status in {"user": 200, "client": 200, "vendor": 403}.items():
        assert stage.people[role].post(stage.path, {"task_ids": [mine]}).status_code == status, role
        assert stage.people[role].post(stage.path, {"task_ids": [mine, foreign]}).status_code == 403, role
        assert stage.people[role].post(stage.path, {}).json() == []
    admin.ok_put(f"/actions/tasks/{mine}/assign", {"person_id": stage.people["vendor"].id})
    assert len(stage.people["vendor"].ok_post(stage.path, {"task_ids": [mine]})) == 1
    assert factories.hire(admin).post(stage.path, {}).status_code == 403
    assert admin.post(stage.path, {"task_ids": [mine, str(uuid4())]}).status_code == 404
    too_many: list[Any] = [{"task_ids": ["x"]}, {"task_ids": "x"}, {"entity_ids": [str(uuid4())] * 2001}]
    for body in too_many:
        answer = admin.post(stage.path, body)
        assert (answer.status_code, answer.json()["message"]) == (400, "Validation error."), body


def test_a_selection_of_any_size_is_one_statement(admin: Client, stage: Stage, server: Server) -> None:
    task = stage.tasks["B Layout"]
    with psycopg.connect(server.database_url) as connection:
        rows = connection.execute(_MANY, [task["entity_id"], task["id"]]).fetchall()

    def statements(task_ids: list[str]) -> int:
        answer = admin.post(stage.path, {"task_ids": task_ids})
        assert len(answer.json()) == len(task_ids)
        counted = re.fullmatch(r'db;desc="(\d+) statements"', answer.headers["server-timing"])
        assert counted is not None
        return int(counted[1])

    assert statements([str(row[0]) for row in rows]) == statements([task["id"]]) <= 2

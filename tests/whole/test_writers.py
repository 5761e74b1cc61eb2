"""Who writes which column through the generic routes."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from pegbar.core.data.resource import Resource
from pegbar.core.data.writes import Only, writes
from pegbar.studio.tables import studio
from tests import factories
from tests.client import Client
from tests.media.publishing import comment_on, published
from tests.server import Server
from tests.whole.bodies import RESOURCES, value_for
from tests.whole.rows import Rows

#: For each resource that keeps columns for some, a caller of the route who is none of them.
OTHERS = {
    "/data/asset-instances": "user",
    "/data/comments": "author",
    "/data/day-offs": "person",
    "/data/entities": "author",
    "/data/output-files": "user",
    "/data/persons": "person",
    "/data/preview-files": "vendor",
    "/data/schedule-items": "supervisor",
    "/data/tasks": "supervisor",
    "/data/working-files": "user",
}


class Stage:
    """A production with a row of every table, and people who work there."""

    def __init__(self, admin: Client, connection: psycopg.Connection) -> None:
        self.admin, self.connection = admin, connection
        show = factories.production(admin)
        asset = factories.entity(admin, show["id"])
        task = factories.task(admin, asset)
        self.people = {
            name: factories.hire(admin, role)
            for name, role in {
                "manager": "manager",
                "supervisor": "supervisor",
                "user": "user",
                "vendor": "vendor",
                "author": "user",
                "person": "user",
                "client": "client",
            }.items()
        }
        for each in self.people.values():
            factories.join(admin, show["id"], each)
        workers = [self.people[name].id for name in ("user", "vendor", "author")]
        admin.ok_put(f"/data/tasks/{task['id']}", {"assignees": workers})
        said = comment_on(self.people["author"], admin, task["id"])
        given = {
            "project": show["id"],
            "entity": asset["id"],
            "task": task["id"],
            "comment": said["id"],
            "person": self.people["person"].id,
        }
        connection.execute("UPDATE entity SET created_by = %s WHERE id = %s", [self.people["author"].id, asset["id"]])
        self.rows = Rows(connection, given)

    def row(self, resource: Resource) -> dict[str, Any]:
        query = f'SELECT * FROM "{resource.table.name}" WHERE id = %s'
        found = self.connection.execute(query, [self.rows.of(resource.table)]).fetchone()
        assert found is not None
        return {name: value for name, value in found.items() if name != "updated_at"}

    def linked(self, resource: Resource) -> list[Any]:
        tables = sorted(each.link.name for each in resource.relations)
        return [self.connection.execute(f'SELECT * FROM "{name}" ORDER BY 1, 2').fetchall() for name in tables]


@pytest.fixture(scope="module")
def stage(server: Server, admin: Client) -> Iterator[Stage]:
    with psycopg.connect(server.database_url, autocommit=True, row_factory=dict_row) as connection:
        yield Stage(admin, connection)


def restricted() -> list[Any]:
    return [
        pytest.param(resource, who, name, id=f"{resource.path.removeprefix('/data/')} {name}")
        for resource in RESOURCES
        for who, names in resource.writes.only.items()
        for name in sorted(names)
        # Comments: an author writes these.
        if not (resource.path == "/data/comments" and name in ("text", "data", "links", "checklist", "task_status_id"))
    ]


@pytest.mark.parametrize(("resource", "who", "name"), restricted())
def test_a_column_is_changed_by_those_it_is_for(resource: Resource, who: Only, name: str, stage: Stage) -> None:
    caller = stage.people[OTHERS[resource.path]]
    value: Any = [] if name in resource.by_key else value_for(resource.table.c[name])
    before, links = stage.row(resource), stage.linked(resource)
    answer = caller.put(f"{resource.path}/{stage.rows.of(resource.table)}", {name: value})
    if who.silent:
        assert answer.status_code == 200, answer.text
    else:
        assert answer.status_code == 403, answer.text
        assert name in answer.json()["message"]
    assert stage.row(resource) == before
    assert stage.linked(resource) == links


def test_whoever_keeps_columns_for_some_is_tested() -> None:
    assert {each.path for each in RESOURCES if each.writes.only} == set(OTHERS)


def test_what_a_form_sends_back_as_it_was_is_no_change(stage: Stage) -> None:
    author, comment_id = stage.people["author"], stage.rows.ids["comment"]
    follows = ("text", "editor_id", "updated_at", "mentions", "department_mentions")
    whole = stage.admin.ok_get(f"/data/comments/{comment_id}")
    sent = {**whole, "text": "Said again"}
    assert author.ok_put(f"/data/comments/{comment_id}", sent)["text"] == "Said again"
    again = stage.admin.ok_get(f"/data/comments/{comment_id}")
    assert [(key, value) for key, value in again.items() if key not in follows] == [
        (key, value) for key, value in whole.items() if key not in follows
    ]


def test_managers_review_previews_and_write_what_clients_write(stage: Stage) -> None:
    manager, preview_id = stage.people["manager"], stage.rows.ids["preview_file"]
    for change in ({"validation_status": "rejected"}, {"annotations": []}, {"status": "broken"}, {"revision": 12}):
        answer = manager.ok_put(f"/data/preview-files/{preview_id}", change)
        assert {key: answer[key] for key in change} == change
    supervisor = stage.people["supervisor"]
    assert supervisor.ok_put(f"/data/preview-files/{preview_id}", {"validation_status": "neutral"})
    assert supervisor.put(f"/data/preview-files/{preview_id}", {"path": "/elsewhere"}).status_code == 403


def test_a_new_row_takes_no_column_that_nobody_named(stage: Stage) -> None:
    made = stage.admin.ok_post(
        "/data/playlists",
        {"name": "Dailies", "project_id": str(stage.rows.ids["project"]), "created_by": stage.people["user"].id},
    )
    assert made["created_by"] == stage.admin.id
    answer = stage.admin.post("/data/playlists", {"name": "B", "project_id": made["project_id"], "colour": "red"})
    assert answer.status_code == 400
    assert "colour" in answer.json()["message"]


def test_a_resource_says_what_it_writes() -> None:
    with pytest.raises(TypeError, match="writes"):
        Resource(studio, path="/data/nowhere", type="Nothing")  # type: ignore[call-arg]
    with pytest.raises(AssertionError, match="colour"):
        Resource(studio, path="/data/nowhere", type="Nothing", writes=writes("name colour"))


def other_task(stage: Stage) -> dict[str, Any]:
    """A task of another entity of the production."""
    return factories.task(stage.admin, factories.entity(stage.admin, str(stage.rows.ids["project"])))


def test_a_comment_shows_no_preview_of_another_task(stage: Stage) -> None:
    shown = published(stage.admin, stage.admin, other_task(stage)["id"])
    comment_id = stage.rows.ids["comment"]
    before = stage.admin.ok_get(f"/data/comments/{comment_id}")["previews"]
    for who, status in (("author", 403), ("manager", 400)):
        answer = stage.people[who].put(f"/data/comments/{comment_id}", {"previews": [shown["id"]]})
        assert answer.status_code == status, answer.text
        assert "previews" in answer.json()["message"]
    assert stage.admin.ok_get(f"/data/comments/{comment_id}")["previews"] == before


def test_a_preview_hangs_on_no_comment_of_another_task(stage: Stage) -> None:
    said = comment_on(stage.admin, stage.admin, other_task(stage)["id"])
    preview_id = stage.rows.ids["preview_file"]
    answer = stage.people["manager"].put(f"/data/preview-files/{preview_id}", {"comments": [said["id"]]})
    assert answer.status_code == 400, answer.text
    assert "comments" in answer.json()["message"]


def test_a_comment_that_goes_takes_no_preview_of_another_task(stage: Stage) -> None:
    """Whatever an older server, or a copy of another one, left in the table."""
    shown = published(stage.admin, stage.admin, other_task(stage)["id"])
    task_id = stage.rows.ids["task"]
    own = published(stage.people["author"], stage.admin, str(task_id))
    stage.connection.execute(
        "INSERT INTO comment_preview_link (comment, preview_file) VALUES (%s, %s)", [own["comment_id"], shown["id"]]
    )
    stage.connection.execute("UPDATE comment SET preview_file_id = %s WHERE id = %s", [shown["id"], own["comment_id"]])
    stage.people["author"].ok_delete(f"/data/comments/{own['comment_id']}")
    assert stage.admin.get(f"/data/preview-files/{shown['id']}").status_code == 200
    assert stage.admin.get(f"/data/preview-files/{own['id']}").status_code == 404


def test_a_comment_with_previews_is_not_moved(stage: Stage) -> None:
    task_id = str(stage.rows.ids["task"])
    own = published(stage.people["author"], stage.admin, task_id)
    answer = stage.people["manager"].put(f"/data/comments/{own['comment_id']}", {"object_id": other_task(stage)["id"]})
    assert answer.status_code == 400
    assert "object_id" in answer.json()["message"]


def test_who_changes_nothing_of_a_comment_is_not_its_editor(stage: Stage) -> None:
    said = comment_on(stage.people["author"], stage.admin, str(stage.rows.ids["task"]))
    stage.people["vendor"].ok_put(f"/data/comments/{said['id']}", {})
    assert stage.admin.ok_get(f"/data/comments/{said['id']}")["editor_id"] is None


def test_who_is_given_a_task_enters_the_team(stage: Stage) -> None:
    """As by the routes that assign; who is told of a task can open it."""
    stranger = factories.hire(stage.admin)
    task = other_task(stage)
    stage.people["manager"].ok_put(f"/data/tasks/{task['id']}", {"assignees": [stranger.id]})
    assert stranger.get(f"/data/tasks/{task['id']}").status_code == 200

"""What goes with what is told by the references, and so is the order in which it goes."""

from typing import Any

import psycopg
import pytest
from sqlalchemy import Table

from pegbar.app import load_domains
from pegbar.core.data import tallies
from pegbar.core.data.removal import columns_naming, goes_of, undeclared
from pegbar.core.data.schema import metadata
from pegbar.entities.tables import entity
from pegbar.media.tables import preview_file
from pegbar.productions.deletion.parts import parts
from pegbar.productions.tables import project
from pegbar.review.tables import playlist
from pegbar.tasks.tables import comment, task
from pegbar.workspace.tables import chat_message
from tests.client import Client
from tests.entities.shows import Show, happened
from tests.factories import task as make_task
from tests.media.publishing import published
from tests.productions.test_projects import close
from tests.server import Server

load_domains()


def test_every_reference_says_what_becomes_of_its_row() -> None:
    silent = [
        str(column)
        for table in metadata.tables.values()
        for column in table.columns
        if (column.foreign_keys or "names" in column.info) and goes_of(column) not in ("with", "null", "hook", "refuse")
    ]
    assert silent == []


@pytest.mark.parametrize("table", [project, entity, task, comment, preview_file, playlist, chat_message], ids=str)
def test_nothing_keeps_the_rows_of_a_table_from_going(table: Table) -> None:
    assert undeclared(table) == []


def test_the_parts_of_a_production_go_before_what_they_name() -> None:
    tables = [part.table for part in parts()]
    assert {task, entity, playlist} <= set(tables)
    for place, table in enumerate(tables):
        named = {key.column.table for key in table.foreign_keys} - {table}
        assert not named & set(tables[:place]), table.name


def test_whatever_has_the_column_of_a_production_goes_with_it() -> None:
    """But rows that outlive it, as they say, and what the database itself drops with the row it is about."""
    going = {column.table.name for column in columns_naming(project) if goes_of(column) == "with"}
    holding = {table.name for table in metadata.tables.values() if "project_id" in table.c}
    # Triggers take from tallies what goes.
    tallied = {of.table.name for of in tallies.TALLIES} | {kept.name for kept in tallies.KEPT}
    assert holding - going - tallied == {"history", "outbox", "project_removal", "search_document"}


def test_what_names_others_is_told_of_before_them(server: Server, admin: Client) -> None:
    show = Show(admin)
    shot = show.shot(show.sequence())
    published(admin, admin, make_task(admin, shot, "Layout")["id"])
    before = len(happened(server, show.id))
    admin.ok_delete(f"/data/shots/{shot['id']}?force=true")
    names = list(dict.fromkeys(name for name, _ in happened(server, show.id)[before:]))
    assert [name for name in names if name.endswith(":delete")] == [
        "news:delete",
        "preview-file:delete",
        "task:delete",
        "shot:delete",
    ]


def test_nobody_writes_in_many_places_of_a_production_that_goes(server: Server, admin: Client) -> None:
    show = Show(admin)
    shot = show.shot(show.sequence())
    row = make_task(admin, shot, "Layout")
    status_id = row["task_status_id"]
    close(admin, show.id)
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO pegbar.project_removal"
            " (project_id, project_name, requested_at, updated_at, total, removed, doing)"
            " VALUES (%s, 'gone', now(), '2131-01-06', 2, 0, 'tasks')",
            [show.id],
        )
    word = {"object_id": shot["id"], "task_id": row["id"], "task_status_id": status_id, "comment": "Late"}
    attempts: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", f"/actions/projects/{show.id}/tasks/comment-many", {"json": [word]}),
        ("POST", "/actions/tasks/batch-comment", {"json": {"comments": [{**word, "text": "Late"}]}}),
        ("POST", f"/actions/projects/{show.id}/delete-tasks", {"json": [row["id"]]}),
        ("POST", f"/actions/projects/{show.id}/delete-entities", {"json": [shot["id"]]}),
        ("POST", f"/actions/projects/{show.id}/task-types/{row['task_type_id']}/shots/create-tasks", {"json": {}}),
        ("PUT", f"/actions/persons/{admin.id}/assign", {"json": {"task_ids": [row["id"]]}}),
        ("PUT", "/actions/tasks/clear-assignation", {"json": {"task_ids": [row["id"]]}}),
    ]
    for method, path, body in attempts:
        answer = admin.call(method, path, **body)
        assert answer.status_code in (403, 404) or answer.json() == [], (path, answer.status_code, answer.text)
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        kept = connection.execute("SELECT count(*) FROM task WHERE id = %s", [row["id"]]).fetchone()
        said = connection.execute("SELECT count(*) FROM comment WHERE object_id = %s", [row["id"]]).fetchone()
        assigned = connection.execute(
            "SELECT count(*) FROM task_person_link WHERE task_id = %s", [row["id"]]
        ).fetchone()
        assert (kept, said, assigned) == ((1,), (0,), (0,))
        connection.execute("DELETE FROM pegbar.project_removal WHERE project_id = %s", [show.id])

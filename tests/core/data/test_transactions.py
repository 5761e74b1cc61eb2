"""A request is a transaction: its rows, events and jobs are kept together or not at all."""

import threading

import psycopg
import pytest
import requests

from tests.client import Client, unique
from tests.core.listener import Listener
from tests.server import Server

WAITING = """
SELECT pid FROM pg_stat_activity
 WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE %s
"""


def wait_until_blocked(connection: psycopg.Connection, query: str) -> int:
    """The process of the statement that waits for our lock."""
    for _ in range(100_000):
        row = connection.execute(WAITING, (f"%{query}%",)).fetchone()
        if row is not None:
            return int(row[0])
    raise AssertionError("no statement ever waited")


def test_a_connection_killed_between_two_writes_leaves_nothing(server: Server, admin: Client) -> None:
    wood = admin.ok_post("/data/departments", {"name": unique("Wood"), "color": "#000000"})["id"]
    last_name = unique("Gone")
    answers: list[requests.Response] = []

    def hire() -> None:
        row = {"first_name": "Gil", "last_name": last_name, "is_bot": True, "departments": [wood]}
        answers.append(admin.post("/data/persons", row))

    with (
        psycopg.connect(server.database_url) as locker,
        psycopg.connect(server.database_url, autocommit=True) as watcher,
        Listener(server.url, admin.token, "person:new", "department:new") as listener,
    ):
        # The person's row is written; its link to the department waits for us.
        locker.execute("SELECT 1 FROM department WHERE id = %s FOR UPDATE", (wood,))
        request = threading.Thread(target=hire)
        request.start()
        pid = wait_until_blocked(watcher, "INSERT INTO department_link")
        watcher.execute("SELECT pg_terminate_backend(%s)", (pid,))
        request.join()
        locker.rollback()
        marker = admin.ok_post("/data/departments", {"name": unique("After"), "color": "#000000"})["id"]
        heard = [name for name, _ in listener.wait_for("department_id", marker)]
        left = watcher.execute("SELECT count(*) FROM person WHERE last_name = %s", (last_name,)).fetchone()
    assert answers[0].status_code == 503
    assert answers[0].json()["error"] is True
    assert left == (0,)
    assert heard == ["department:new"]


@pytest.mark.parametrize("column", ["api_event", "pegbar.outbox"])
def test_an_event_that_cannot_be_written_keeps_the_rows_out(server: Server, admin: Client, column: str) -> None:
    name = unique("Mute")
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        connection.execute(f"ALTER TABLE {column} ADD CONSTRAINT no_events CHECK (name <> 'department:new') NOT VALID")
        try:
            assert admin.post("/data/departments", {"name": name, "color": "#000000"}).status_code >= 400
        finally:
            connection.execute(f"ALTER TABLE {column} DROP CONSTRAINT no_events")
    assert admin.ok_get("/data/departments", params={"name": name}) == []

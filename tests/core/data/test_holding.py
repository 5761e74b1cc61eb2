"""What the log of events names is held by triggers, once for a statement, as foreign keys would hold it."""

from uuid import uuid4

import psycopg
import pytest

from tests import factories
from tests.client import Client, unique
from tests.server import Server

LOG = """
INSERT INTO api_event (id, name, user_id, project_id, created_at, updated_at)
SELECT gen_random_uuid(), 'shot:update', %(person)s, %(project)s, now(), now() FROM generate_series(1, 3)
"""
HELD = {"project": "project_id", "person": "user_id"}


@pytest.fixture
def show(admin: Client) -> str:
    return str(factories.production(admin)["id"])


def named(admin: Client, show: str, **other: str) -> dict[str, str]:
    return {"project": show, "person": admin.id, **other}


@pytest.mark.parametrize("what", HELD)
def test_what_is_not_there_is_not_logged(server: Server, admin: Client, show: str, what: str) -> None:
    nobody = str(uuid4())
    with psycopg.connect(server.database_url) as connection:
        with pytest.raises(psycopg.errors.ForeignKeyViolation, match=HELD[what]), connection.transaction():
            connection.execute(LOG, named(admin, show, **{what: nobody}))
        connection.execute(LOG, named(admin, show))
        update = f"UPDATE api_event SET {HELD[what]} = %s WHERE project_id = %s"
        with pytest.raises(psycopg.errors.ForeignKeyViolation, match=nobody), connection.transaction():
            connection.execute(update, (nobody, show))  # type: ignore[arg-type]


def test_nothing_has_to_be_named(server: Server) -> None:
    with psycopg.connect(server.database_url) as connection:
        assert connection.execute(LOG, {"project": None, "person": None}).rowcount == 3
        connection.rollback()


@pytest.mark.parametrize("what", HELD)
def test_what_is_logged_is_held_until_the_commit(server: Server, admin: Client, show: str, what: str) -> None:
    about = named(admin, show)
    with psycopg.connect(server.database_url) as writer, psycopg.connect(server.database_url) as remover:
        writer.execute(LOG, about)
        with pytest.raises(psycopg.errors.LockNotAvailable):
            remover.execute(f"SELECT 1 FROM {what} WHERE id = %s FOR UPDATE NOWAIT", (about[what],))  # type: ignore[arg-type]
        writer.rollback()


def test_what_is_logged_goes_only_with_its_log(server: Server) -> None:
    with psycopg.connect(server.database_url) as connection:
        about = {"project": str(uuid4()), "person": None}
        project = "INSERT INTO project (id, name, production_style, revision_padding) VALUES (%s, %s, '2d', 3)"
        connection.execute(project, (about["project"], unique("Logged")))
        connection.execute(LOG, about)
        with (
            pytest.raises(psycopg.errors.ForeignKeyViolation, match="still referenced") as refused,
            connection.transaction(),
        ):
            connection.execute("DELETE FROM project WHERE id = %(project)s", about)
        assert refused.value.diag.table_name == "api_event"
        together = """
            WITH logged AS (DELETE FROM api_event WHERE project_id = %(project)s)
            DELETE FROM project WHERE id = %(project)s
        """
        assert connection.execute(together, about).rowcount == 1
        connection.rollback()


def test_a_caller_is_told_what_is_not_there(admin: Client, show: str) -> None:
    answer = admin.post("/data/events", {"name": "shot:update", "project_id": str(uuid4()), "user_id": admin.id})
    assert (answer.status_code, "project_id names a row that does not exist" in answer.text) == (400, True)
    made = admin.ok_post("/data/events", {"name": "shot:update", "project_id": show, "user_id": admin.id})
    answer = admin.put(f"/data/events/{made['id']}", {"user_id": str(uuid4())})
    assert (answer.status_code, "user_id names a row that does not exist" in answer.text) == (400, True)

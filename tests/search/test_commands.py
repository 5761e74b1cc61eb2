"""`pegbar search`, also on a database that lacks what typing errors are found with."""

import json

import psycopg
import pytest
import structlog

from pegbar.cli.serve import check_search
from pegbar.core.data import migrations
from pegbar.search.actions import ADVICE
from tests import factories
from tests.client import Client, unique
from tests.command import pegbar
from tests.core.data.databases import new_database
from tests.server import Server

_REFUSED = """
CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS
  $$ BEGIN RAISE EXCEPTION 'not for you' USING ERRCODE = 'insufficient_privilege'; END $$;
CREATE EVENT TRIGGER no_extensions ON ddl_command_start WHEN TAG IN ('CREATE EXTENSION') EXECUTE FUNCTION refuse();
"""
_SHOW = """
INSERT INTO project (id, name, project_status_id, production_style, revision_padding)
SELECT gen_random_uuid(), 'Feature', id, '2d3d', 0 FROM project_status WHERE name = 'Open';
INSERT INTO entity (id, name, status, is_shared, project_id, entity_type_id)
SELECT gen_random_uuid(), 'LanternRobot', 'running', false, p.id, t.id FROM project p, entity_type t
 WHERE t.name = 'Character';
"""


def found(url: str, query: str) -> list[str]:
    """The names of the assets that the command finds."""
    done = pegbar("search", "find", query, "--index", "assets", "--json", "--database-url", url)
    assert done.returncode == 0, done.stderr
    return [row["name"] for row in json.loads(done.stdout)["assets"]]


def test_a_database_without_the_extension_is_searched(server: Server) -> None:
    url = new_database(server, "bare")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_REFUSED)
    assert pegbar("db", "init", "--database-url", url).returncode == 0
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_SHOW)
    assert found(url, "lantern") == found(url, "robot") == ["LanternRobot"], "beginnings and parts of words"
    assert found(url, "lanternrobto") == ["LanternRobot"], "an error behind the first letter"
    assert found(url, "alnternrobot") == [], "an error in the first letter"
    with migrations.connect(url) as connection, structlog.testing.capture_logs() as logs:
        check_search(connection)
    assert [entry["event"] for entry in logs] == [ADVICE]
    assert ADVICE in pegbar("search", "status", "--database-url", url).stdout

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP EVENT TRIGGER no_extensions")
        connection.execute("CREATE EXTENSION pg_trgm")
        connection.execute("DELETE FROM pegbar.search_document")
    assert found(url, "lantern") == []
    done = pegbar("search", "reset", "--database-url", url)
    assert (done.returncode, ADVICE in done.stdout, "assets" in done.stdout) == (0, False, True)
    assert found(url, "alnternrobot") == found(url, "lantern") == ["LanternRobot"]
    with migrations.connect(url) as connection, structlog.testing.capture_logs() as logs:
        check_search(connection)
    assert logs == []


def test_the_documents_are_written_anew(admin: Client, server: Server) -> None:
    show = factories.production(admin)
    name, other = unique("Bramble").replace(" ", ""), unique("Heather").replace(" ", "")
    asset = factories.entity(admin, show["id"], name=name)
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        connection.execute("UPDATE pegbar.search_document SET words = '', key = '' WHERE id = %s", [asset["id"]])
        connection.execute(
            "INSERT INTO pegbar.search_document VALUES (gen_random_uuid(), 'assets', %s, %s, '')", [show["id"], other]
        )
        connection.execute("INSERT INTO pegbar.search_word VALUES ('assets', '', %s)", [other])
        assert admin.ok_post("/data/search", {"query": name})["assets"] == []
        done = pegbar("search", "reset", "--database-url", server.database_url)
        assert done.returncode == 0, done.stderr
        assert found(server.database_url, name) == [name]
        gone = connection.execute(
            "SELECT (SELECT count(*) FROM pegbar.search_document WHERE key = %(key)s)"
            " + (SELECT count(*) FROM pegbar.search_word WHERE word = %(key)s)",
            {"key": other},
        ).fetchone()
    assert gone == (0,)


@pytest.mark.parametrize("arguments", [["find"], ["find", "robot", "--limit", "many"], ["rest"]])
def test_command_lines_that_make_no_sense_are_refused(arguments: list[str]) -> None:
    assert pegbar("search", *arguments).returncode == 2

"""Long answers come in pieces: whole, or broken off so that the client knows. Source: spec shots, the shot board."""

import json
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.client import Client
from tests.entities.shows import Show
from tests.server import Server

SHOTS = """
INSERT INTO entity (id, status, name, description, project_id, entity_type_id, parent_id, is_casting_standby, canceled)
SELECT gen_random_uuid(), 'running', 'SH' || n, repeat('x', 4000), %s, entity_type_id, parent_id, false, false
  FROM entity, generate_series(1, 4000) n WHERE id = %s
"""
END_STREAMS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pegbar streams'"
STREAMING = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pegbar streams' AND xact_start IS NOT NULL"


@pytest.fixture(scope="module")
def path(admin: Client, server: Server) -> Iterator[str]:
    """The board of a production of 4001 shots: some 16 MB."""
    show = Show(admin)
    shot = show.shot(show.sequence())
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        connection.execute(SHOTS, [show.id, shot["id"]])
        yield f"/data/shots/with-tasks?project_id={show.id}"
        connection.execute(
            "DELETE FROM entity WHERE project_id = %s AND id <> %s AND name ~ '^SH[0-9]+$'", [show.id, shot["id"]]
        )


def test_every_encoding_is_whole_at_any_length(admin: Client, path: str) -> None:
    assert len(admin.ok_get(path)) == 4001
    assert len(admin.ok_get(path + "&compact=true")["rows"]) == 4001
    head, *rows = admin.get(path + "&stream=true&compact=true").text.splitlines()
    names = json.loads(head)["shot_fields"]
    assert len({json.loads(row)[names.index("id")] for row in rows}) == 4001


@pytest.mark.parametrize("more", ["", "&stream=true"])
def test_a_stream_that_fails_is_broken_off(admin: Client, server: Server, path: str, more: str) -> None:
    parts = urlsplit(server.api)
    with psycopg.connect(server.database_url, autocommit=True) as connection, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**16)
        client.connect((parts.hostname, parts.port))
        client.sendall(
            f"GET /api{path}{more} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {admin.token}\r\n\r\n".encode()
        )
        received = client.recv(2**16)
        assert received.startswith(b"HTTP/1.1 200")
        # The server waits for a client that does not read: the statement is still under way.
        assert connection.execute(STREAMING).fetchone() != (0,)
        connection.execute(END_STREAMS)
        client.settimeout(20)
        while piece := client.recv(2**20):
            received = received[-16:] + piece
        assert not received.endswith(b"0\r\n\r\n")
    assert len(admin.ok_get(path)) == 4001


def test_an_error_before_the_first_byte_is_an_answer(admin: Client, path: str) -> None:
    assert admin.get(path + "&stream=true&id=x").status_code == 400

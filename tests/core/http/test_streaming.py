"""Long answers come in pieces: whole, or broken off so that the client knows; slow readers hold up nobody.

Source: spec shots, the shot board.
"""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.client import Client, sign_in
from tests.entities.shows import Show
from tests.factories import hire
from tests.server import ADMIN, Server

SHOTS = """
INSERT INTO entity (id, status, name, description, project_id, entity_type_id, parent_id, is_casting_standby, canceled)
SELECT gen_random_uuid(), 'running', 'SH' || n, repeat('x', 4000), %s, entity_type_id, parent_id, false, false
  FROM entity, generate_series(1, 4000) n WHERE id = %s
"""
#: The table as a view, one of whose rows cannot be read: after the first pieces, before a slow reader has had too much.
SPOILT = """
ALTER TABLE entity RENAME TO entity_kept;
DO $$ BEGIN EXECUTE (
    SELECT 'CREATE VIEW entity AS SELECT '
        || string_agg(CASE attname
                      WHEN 'description'
                      THEN 'CASE name WHEN ''SH1500'' THEN (1 / (length(name) - 6))::text ELSE description END AS '
                        || attname
                      ELSE quote_ident(attname) END, ', ' ORDER BY attnum)
        || ' FROM entity_kept'
      FROM pg_attribute WHERE attrelid = 'entity_kept'::regclass AND attnum > 0 AND NOT attisdropped
); END $$
"""
UNSPOILT = "DROP VIEW entity; ALTER TABLE entity_kept RENAME TO entity"
STREAMING = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pegbar streams' AND xact_start IS NOT NULL"


@contextmanager
def long_board(server: Server, admin: Client) -> Iterator[str]:
    """The board of a production of 4001 shots: some 17 MB."""
    show = Show(admin)
    shot = show.shot(show.sequence())
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        connection.execute(SHOTS, [show.id, shot["id"]])
        yield f"/data/shots/with-tasks?project_id={show.id}"
        connection.execute(
            "DELETE FROM entity WHERE project_id = %s AND id <> %s AND name ~ '^SH[0-9]+$'", [show.id, shot["id"]]
        )


@pytest.fixture(scope="module")
def path(admin: Client, server: Server) -> Iterator[str]:
    with long_board(server, admin) as board:
        yield board


@pytest.fixture(scope="module")
def narrow() -> Iterator[Server]:
    """A server that keeps little of its answers for slow readers."""
    with Server(None, PEGBAR_SPOOL_PER_PERSON=str(8 * 2**20)) as running:
        yield running


@pytest.fixture(scope="module")
def keeper(narrow: Server) -> Client:
    return sign_in(narrow.api, *ADMIN)


@pytest.fixture(scope="module")
def narrow_path(narrow: Server, keeper: Client) -> Iterator[str]:
    with long_board(narrow, keeper) as board:
        yield board


class Reader:
    """A socket that has asked for something, and reads when told."""

    def __init__(self, who: Client, path: str) -> None:
        parts = urlsplit(who.api)
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**14)
        self.socket.settimeout(120)
        self.socket.connect((parts.hostname, parts.port))
        request = f"GET /api{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {who.token}\r\n\r\n"
        self.socket.sendall(request.encode())

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def status(self) -> int:
        return int(self.socket.recv(2**12).split()[1])

    def is_whole(self) -> bool:
        """Read on; whether what comes has an end."""
        tail = b""
        try:
            while piece := self.socket.recv(2**20):
                tail = (tail + piece)[-16:]
                if tail.endswith(b"\r\n0\r\n\r\n"):
                    return True
        except ConnectionResetError:
            pass
        return False


def wait_until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.02)


def connections(server: Server) -> int:
    """How many connections to the database hold rows of a stream."""
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        row = connection.execute(STREAMING).fetchone()
    assert row is not None
    return int(row[0])


def test_every_encoding_is_whole_at_any_length(admin: Client, path: str) -> None:
    assert len(admin.ok_get(path)) == 4001
    assert len(admin.ok_get(path + "&compact=true")["rows"]) == 4001
    head, *rows = admin.get(path + "&stream=true&compact=true").text.splitlines()
    names = json.loads(head)["shot_fields"]
    assert len({json.loads(row)[names.index("id")] for row in rows}) == 4001


def test_an_error_before_the_first_byte_is_an_answer(admin: Client, path: str) -> None:
    assert admin.get(path + "&stream=true&id=x").status_code == 400


def test_thirty_two_clients_that_do_not_read_hold_no_connection_and_miss_nothing(
    server: Server, admin: Client, path: str
) -> None:
    slow, other = hire(admin, "admin"), hire(admin, "admin")
    with ExitStack() as readers:
        boards = [readers.enter_context(Reader(slow, path + ("&stream=true" if i % 2 else ""))) for i in range(32)]
        assert len(other.ok_get(path)) == 4001  # in its turn, while the others are still read from the database
        assert [board.status() for board in boards] == [200] * 32
        wait_until(lambda: connections(server) == 0, "the connections go back while nobody reads")
        assert len(other.ok_get(path)) == 4001
        assert not list(server.folder.glob("tmp/*"))  # what is kept for them has no name that could stay behind
        refused = slow.get(path)
        assert refused.status_code == 429
        assert int(refused.headers["Retry-After"]) > 0
        assert "32 long answers" in refused.json()["message"]
        assert slow.get("/data/task-types").status_code == 200  # what is short is not counted
        assert boards[0].is_whole()
        assert boards[1].is_whole()


def test_who_hangs_up_gives_everything_back(server: Server, admin: Client, path: str) -> None:
    slow = hire(admin, "admin")
    readers = [Reader(slow, path) for _ in range(32)]
    assert all(reader.status() == 200 for reader in readers[:4])
    for reader in readers:
        reader.socket.close()
    wait_until(lambda: connections(server) == 0, "the statements of who hung up end")
    wait_until(lambda: slow.get(path).status_code == 200, "who hung up may read again")


@pytest.mark.parametrize("more", ["", "&stream=true"])
def test_a_stream_that_fails_is_broken_off(narrow: Server, keeper: Client, narrow_path: str, more: str) -> None:
    with psycopg.connect(narrow.database_url, autocommit=True) as connection:
        connection.execute(SPOILT)
        try:
            with Reader(keeper, narrow_path + more) as reader:
                assert reader.status() == 200
                assert not reader.is_whole()
        finally:
            connection.execute(UNSPOILT)
    narrow.wait_for_text("division by zero")
    assert len(keeper.ok_get(narrow_path)) == 4001


def test_what_a_slow_reader_makes_the_server_keep_is_bounded(narrow: Server, keeper: Client, narrow_path: str) -> None:
    slow, start = hire(keeper, "admin"), len(narrow.text())
    with Reader(slow, narrow_path) as reader:
        assert reader.status() == 200
        narrow.wait_for_text("may be kept on disk", timeout=60, start=start)
        assert not reader.is_whole()
    assert len(slow.ok_get(narrow_path)) == 4001  # who reads is not concerned

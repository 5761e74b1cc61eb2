"""A second node on the same database, which reads from a replica and takes only so much of one caller."""

import json
import resource
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager

import psycopg
import pytest

from tests import factories
from tests.client import Client, sign_in, unique
from tests.command import pegbar
from tests.replica import Replica, replica_of
from tests.server import ADMIN, Server

AT_ONCE, A_MINUTE = 9, 30
#: Of the ten connections of a process, those that one caller may take.
MOST_CONNECTIONS = 8
BLOCKED = """
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%department%'
"""


@pytest.fixture(scope="module")
def replica(server: Server) -> Iterator[Replica]:
    with replica_of(server.database_url) as copy:
        yield copy


@pytest.fixture(scope="module")
def node(server: Server, replica: Replica) -> Iterator[Server]:
    name = "ALTER DATABASE pegbar"
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        # What is visible is written to the log, as in a studio's database.
        connection.execute(f"{name} SET synchronous_commit = on")
        second = Server(
            None,
            DATABASE_URL=server.database_url,
            SECRET_KEY=(server.folder / "secret.key").read_text(),
            PREVIEW_FOLDER=str(server.folder / "previews"),
            PEGBAR_REPLICA_URL=replica.url,
            PEGBAR_BOT_REQUESTS_AT_ONCE=str(AT_ONCE),
            PEGBAR_BOT_REQUESTS_PER_MINUTE=str(A_MINUTE),
        )
        try:
            with second:
                yield second
        finally:
            connection.execute(f"{name} RESET synchronous_commit")


@pytest.fixture(scope="module")
def boss(node: Server) -> Client:
    return sign_in(node.api, *ADMIN)


@contextmanager
def a_locked_department(server: Server, admin: Client) -> Iterator[tuple[str, psycopg.Connection]]:
    """The path of a row that whoever changes it waits for, until the block ends; and a connection to watch them."""
    path = f"/data/departments/{admin.ok_post('/data/departments', {'name': unique('Lock'), 'color': '#000000'})['id']}"
    with (
        psycopg.connect(server.database_url) as locker,
        psycopg.connect(server.database_url, autocommit=True) as watcher,
    ):
        locker.execute("SELECT FROM department WHERE id = %s FOR UPDATE", (path.rpartition("/")[2],))
        yield path, watcher
        locker.rollback()


def wait_until_blocked(watcher: psycopg.Connection, count: int) -> None:
    pause = threading.Event()
    for _ in range(3000):
        row = watcher.execute(BLOCKED).fetchone()
        if row is not None and row[0] >= count:
            return
        pause.wait(0.02)
    raise AssertionError(f"{count} statements never waited")


def change(who: Client, path: str, number: int) -> int:
    """A request on a connection of its own; its status."""
    return Client(who.api, who.token).put(path, {"color": f"#00000{number % 10}"}).status_code


def test_a_caller_with_many_requests_leaves_connections_to_others(server: Server, admin: Client) -> None:
    greedy = factories.hire(admin, "admin")
    with ThreadPoolExecutor(20) as threads:
        with a_locked_department(server, admin) as (path, watcher):
            changes = [threads.submit(change, greedy, path, number) for number in range(20)]
            wait_until_blocked(watcher, MOST_CONNECTIONS)
            assert admin.get(path).status_code == 200
            assert factories.hire(admin).get("/auth/authenticated").status_code == 200
            assert watcher.execute(BLOCKED).fetchone() == (MOST_CONNECTIONS,)
            assert not any(request.done() for request in changes)
        assert {request.result(60) for request in changes} == {200}


def test_connections_that_are_kept_and_not_used_keep_nobody_out(server: Server, admin: Client) -> None:
    count = 1100  # more than Granian takes unless told otherwise
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2 * count:
        pytest.skip(f"this machine lets nobody open {2 * count} files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2 * count), hard))
    with ExitStack() as idle:
        try:
            for _ in range(count):
                connection = idle.enter_context(socket.create_connection(("127.0.0.1", server.port), 30))
                connection.sendall(b"GET /api/ HTTP/1.1\r\nHost: pegbar\r\n\r\n")
                assert connection.recv(64).startswith(b"HTTP/1.1 200")
            assert Client(server.api, admin.token).get("/auth/authenticated", timeout=25).status_code == 200
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize(("allowed", "connections"), [("512:1024", 512), ("1024:8192", 7192)])
def test_as_many_files_as_the_system_allows_are_for_connections(allowed: str, connections: int) -> None:
    soft, hard = allowed.split(":")
    program = "from pegbar.cli import serve; print(serve._make_room_for_connections())"
    script = f"ulimit -Sn {soft} && ulimit -Hn {hard} && exec {sys.executable} -c '{program}'"
    ran = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == str(connections)
    assert ("LimitNOFILE" in ran.stdout + ran.stderr) == (connections == 512)


def test_requests_at_once_are_limited_by_caller(server: Server, node: Server, boss: Client) -> None:
    greedy = factories.hire(boss, "admin")
    with ThreadPoolExecutor(AT_ONCE + 3) as threads:
        with a_locked_department(server, boss) as (path, watcher):
            changes = [threads.submit(change, greedy, path, number) for number in range(AT_ONCE + 3)]
            refused = as_completed(changes, timeout=60)
            assert [next(refused).result() for _ in range(3)] == [429] * 3
            wait_until_blocked(watcher, MOST_CONNECTIONS)
            answer = greedy.get(path)
            assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
            assert "under way" in answer.json()["message"]
            assert boss.get(path).status_code == 200
        assert sorted(request.result(60) for request in changes) == [200] * AT_ONCE + [429] * 3


def test_requests_a_minute_are_limited_by_caller(node: Server, boss: Client) -> None:
    greedy = factories.hire(boss)
    assert {greedy.get("/auth/authenticated").status_code for _ in range(A_MINUTE)} == {200}
    answers = (greedy.get("/auth/authenticated") for _ in range(20 * A_MINUTE))
    refused = next(answer for answer in answers if answer.status_code != 200)
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 60 // A_MINUTE + 1
    assert factories.hire(boss).get("/auth/authenticated").status_code == 200


def readers(replica: Replica) -> int:
    """The connections that nodes have to it."""
    with psycopg.connect(replica.url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pegbar replica'"
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_a_replica_shows_what_was_written_before(node: Server, replica: Replica, boss: Client) -> None:
    show = factories.production(boss)
    path = f"/data/assets/with-tasks?project_id={show['id']}"
    for number in range(1, 11):
        name = unique("Quartz").replace(" ", "")
        factories.entity(boss, show["id"], name=name)
        assert len(boss.ok_get(path)) == number
        assert readers(replica) > 0
        found = boss.ok_post("/data/search", {"query": name, "index_names": ["assets"]})
        assert [row["name"] for row in found["assets"]] == [name]
    assert "the replica is not used" not in node.text()
    with psycopg.connect(replica.url, autocommit=True) as connection:
        connection.execute("SELECT pg_wal_replay_pause()")
        factories.entity(boss, show["id"])
        assert len(boss.ok_get(path)) == 11
        node.wait_for_text("the replica is not used")
        connection.execute("SELECT pg_wal_replay_resume()")
    done = pegbar(
        "doctor", "--json", "--only", "replica", "--database-url", node.database_url, PEGBAR_REPLICA_URL=replica.url
    )
    assert json.loads(done.stdout)["checks"][0]["severity"] == "ok", done.stdout
    replica.stop()
    factories.entity(boss, show["id"])
    assert len(boss.ok_get(path)) == 12

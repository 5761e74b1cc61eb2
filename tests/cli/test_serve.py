"""`pegbar serve` as an operator meets it: messages, supervision, a clean stop."""

import re
import signal
import socket
import struct
import subprocess
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import psutil
import psycopg
import pytest
import requests
import structlog

from pegbar.cli.place import Place
from pegbar.cli.supervisor import Service, Supervisor
from pegbar.core.data.embedded import CannotStart, EmbeddedPostgres
from tests.client import sign_in
from tests.command import pegbar
from tests.server import ADMIN, FAST, Server, free_port


def until(condition: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def children(server: Server, word: str) -> list[psutil.Process]:
    assert server.process is not None
    matching = []
    for process in psutil.Process(server.process.pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it ended meanwhile
            if process.name() == f"pegbar {word}" and process.status() != psutil.STATUS_ZOMBIE:
                matching.append(process)
    return matching


def alive(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    return [process for process in processes if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


@pytest.fixture(scope="module")
def own() -> Iterator[Server]:
    """A server that tests may hurt, with a generated password."""
    with Server(PEGBAR_ADMIN_PASSWORD="") as running:
        until(lambda: "Stop it" in running.text())
        yield running


def test_the_start_up_text_says_where_everything_is(own: Server) -> None:
    text = own.text()
    assert f"{own.url}/api\n" in text
    assert f"{own.url}/docs\n" in text
    assert str(own.folder) in text
    assert "postgresql.log" in text
    assert re.search(r"Install the web UI +pegbar ui install\n", text)
    assert re.search(r"See a production +pegbar demo\n", text)
    (line,) = [line for line in text.splitlines() if "Sign in as" in line]
    email, password = re.search(r"Sign in as\s+(\S+) with (\S+) ", line).groups()  # type: ignore[union-attr]
    assert sign_in(own.api, email, password).person["role"] == "admin"
    assert (own.folder / "secret.key").stat().st_mode & 0o777 == 0o600


def test_a_second_server_on_the_same_folder_is_refused(own: Server) -> None:
    done = pegbar("serve", "--data", str(own.folder), "--port", "1")
    assert done.returncode == 1
    assert "already running on the data folder" in done.stderr
    assert "Traceback" not in done.stderr
    assert _signs_in(own)


def test_a_port_in_use_is_refused(own: Server, tmp_path: Path) -> None:
    done = pegbar("serve", "--data", str(tmp_path), "--port", str(own.port))
    assert done.returncode == 1
    assert f"Port {own.port} is already in use" in done.stderr


def test_a_killed_job_worker_is_started_again(own: Server) -> None:
    (worker,) = children(own, "worker")
    worker.kill()
    until(lambda: [process for process in children(own, "worker") if process.pid != worker.pid])
    assert "process='job worker'" in own.text()
    assert _signs_in(own)


def test_all_come_back_after_the_process_they_were_forked_from_was_killed(own: Server) -> None:
    (loaded,), (worker,) = children(own, "loaded"), children(own, "worker")
    loaded.kill()
    until(lambda: [process for process in children(own, "worker") if process.pid != worker.pid])
    until(lambda: children(own, "api"))
    until(lambda: _signs_in(own))


def test_a_killed_database_is_started_again(own: Server) -> None:
    assert own.process is not None
    (postgres,) = [process for process in psutil.Process(own.process.pid).children() if process.name() == "postgres"]
    postgres.kill()
    until(lambda: "PostgreSQL died and is started again" in own.text())
    until(lambda: _signs_in(own))


def _signs_in(server: Server) -> bool:
    body = {"email": "nobody@example.com", "password": "wrongpassword"}
    with suppress(requests.ConnectionError):
        return requests.post(f"{server.api}/auth/login", json=body, timeout=10).status_code == 400
    return False


def test_a_request_under_way_is_answered_before_the_stop(own: Server) -> None:
    body = b'{"email": "nobody@example.com", "password": "wrongpassword"}'
    with socket.create_connection(("127.0.0.1", own.port), timeout=30) as connection:
        head = (
            f"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        )
        connection.sendall(f"{head}\r\nExpect: 100-continue\r\n\r\n".encode())
        assert b"100 Continue" in connection.recv(1000)  # the application is reading the body
        until(lambda: children(own, "worker"))  # it starts again after the database that died before
        (worker,) = children(own, "worker")
        assert own.process is not None
        own.process.send_signal(signal.SIGTERM)
        until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)
        connection.sendall(body)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 400"), answer
    assert own.process.wait(60) == 0
    own.start()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_cleanly_and_starts_again(own: Server, number: signal.Signals) -> None:
    before = psutil.Process(own.process.pid).children(recursive=True)  # type: ignore[union-attr]
    assert own.stop(number) == 0
    until(lambda: not alive(before))
    assert not (own.folder / "postgresql" / "postmaster.pid").exists()
    own.start()


def test_it_starts_at_once_after_the_whole_tree_was_killed(own: Server) -> None:
    assert own.process is not None
    for _ in range(3):
        tree = psutil.Process(own.process.pid).children(recursive=True)
        own.process.kill()
        for process in tree:
            with suppress(psutil.NoSuchProcess):  # it ended with the others
                process.kill()
        own.process.wait()
        own.start()
    assert _signs_in(own)


def test_a_copy_of_a_folder_in_use_starts_and_is_told_of(own: Server, tmp_path: Path) -> None:
    subprocess.run(["cp", "-a", own.folder, tmp_path / "copy"], check=True)
    assert (tmp_path / "copy" / "postgresql" / "postmaster.pid").exists()
    copied = EmbeddedPostgres(tmp_path / "copy", FAST["PEGBAR_POSTGRES_OPTIONS"])
    with structlog.testing.capture_logs() as logs:
        copied.start()
    try:
        with psycopg.connect(copied.url()) as connection:
            assert connection.execute("SELECT count(*) FROM person").fetchone() != (0,)
    finally:
        copied.stop()
    assert [line["made_in"] for line in logs] == [str(own.folder)]
    assert _signs_in(own)


def test_nobody_else_on_the_machine_reads_the_data(own: Server) -> None:
    boss = sign_in(own.api, ADMIN[0], _password(own))
    picture = {"file": ("a.png", _picture(), "image/png")}
    assert boss.post(f"/pictures/thumbnails/persons/{boss.id}", files=picture).status_code in (200, 201)
    assert (own.folder / "previews").is_dir()
    paths = [path for path in own.folder.rglob("*") if not path.name.startswith("serve-")]
    assert [path for path in paths if path.lstat().st_mode & 0o007 and not path.is_socket()] == []


def _password(server: Server) -> str:
    match = re.search(r"Sign in as\s+\S+ with (\S+) ", server.text())
    assert match is not None
    return match[1]


def _picture() -> bytes:
    """A PNG of one white pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0\xff\xff\xff")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def test_what_former_versions_left_open_is_closed(tmp_path: Path) -> None:
    (tmp_path / "previews" / "pictures").mkdir(parents=True)
    (tmp_path / "previews").chmod(0o777)
    (tmp_path / "postgresql.log").write_text("SELECT 'secret'")
    (tmp_path / "postgresql.log").chmod(0o644)
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "notes.txt").chmod(0o644)
    Place(data=tmp_path).settle()
    assert (tmp_path / "previews").stat().st_mode & 0o777 == 0o770
    assert (tmp_path / "postgresql.log").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "notes.txt").stat().st_mode & 0o777 == 0o644


class _Broken:
    """A PostgreSQL that cannot start."""

    alive, log, attempts = False, "postgresql.log", 0

    def revive(self) -> None:
        self.attempts += 1
        raise CannotStart("its disk is full")


def test_a_database_that_cannot_start_does_not_end_the_server() -> None:
    database = _Broken()
    supervisor = Supervisor([], database)  # type: ignore[arg-type]
    for _ in range(5):
        supervisor._tend_database()
    assert database.attempts == 1, "it is tried again, not at once"
    planned = supervisor._until_next_restart()
    assert planned is not None
    assert planned > 0


class _Revivable(_Broken):
    """A PostgreSQL that starts again."""

    def revive(self) -> None:
        self.alive = True


def test_what_died_without_the_database_starts_with_it() -> None:
    worker = Service("job worker", ("worker",), stop_timeout=1, failures=6, restart_at=time.monotonic() + 1000)
    supervisor = Supervisor([worker], _Revivable())  # type: ignore[arg-type]
    supervisor._tend_database()
    assert supervisor._until_next_restart() == 0
    assert worker.failures == 0


@pytest.mark.parametrize(("free", "kept"), [(2**40, True), (100 * 2**20, True), (2**20, False)])
def test_the_reserve_of_the_database_is_made_kept_and_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, kept: bool
) -> None:
    (tmp_path / "postgresql").mkdir()
    database, reserve = EmbeddedPostgres(tmp_path), tmp_path / "postgresql.reserve"
    for room in (2**40, free):
        usage = type("Usage", (), {"free": room})
        monkeypatch.setattr("pegbar.core.data.embedded.shutil.disk_usage", lambda _, usage=usage: usage)
        database._use_reserve()
        assert reserve.exists() == (kept or room != free)
    assert not kept or reserve.stat().st_blocks * 512 >= 64 * 2**20


def test_nothing_outlives_a_killed_server(own: Server) -> None:
    assert own.process is not None
    before = psutil.Process(own.process.pid).children(recursive=True)
    own.stop(signal.SIGKILL)
    until(lambda: not alive(before), 90)
    own.start()


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "message"),
    [
        (["serve", "--port", "70000"], {}, 1, "PEGBAR_PORT=70000 is above 65535"),
        (["serve", "--prot", "1"], {}, 2, "Did you mean --port"),
        (["serve", "--port", "many"], {}, 2, "port"),
        (["dance"], {}, 2, "dance"),
        (["serve"], {"LOGLEVEL": "loud"}, 1, "LOGLEVEL='loud' is not one of debug, info, warning, error"),
        (["serve"], {"DEBUG": "maybe"}, 1, "DEBUG='maybe' is neither true nor false"),
        (["serve", "--port", str(free_port())], {"SECRET_KEY": "mysecretkey", "DEBUG": "false"}, 1, "everybody knows"),
        (["serve", "--ui", "/nowhere"], {}, 1, "no index.html"),
        (
            ["serve", "--port", str(free_port()), "--database-url", "postgresql://nobody@127.0.0.1:1/x"],
            {},
            1,
            "Cannot connect to",
        ),
        (
            ["serve", "--port", str(free_port()), "--database-url", "mysql:/x"],
            {},
            1,
            "postgresql://user:password@host:port/name",
        ),
    ],
)
def test_mistakes_get_one_line(
    arguments: list[str], environment: dict[str, str], code: int, message: str, tmp_path: Path
) -> None:
    variables = {"PEGBAR_DATA": str(tmp_path), **environment}
    done = pegbar(*arguments, **variables)
    assert (done.returncode, message in done.stderr, "Traceback" in done.stderr) == (code, True, False), done.stderr


def test_logs_are_json_for_collectors(tmp_path: Path) -> None:
    with Server(tmp_path, PEGBAR_LOG_FORMAT="json", PEGBAR_ADMIN_PASSWORD="") as running:
        (worker,) = children(running, "worker")
        worker.kill()
        until(lambda: "a process died" in running.text())
        lines = [msgspec.json.decode(line) for line in running.text().splitlines()]
    by_event = {line["event"]: line for line in lines}
    assert by_event["serving"]["api"] == running.api
    assert by_event["made the first administrator, told this once"]["password"]
    assert by_event["a process died and is started again"]["level"] == "error"
    assert "timestamp" in by_event["serving"]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = pegbar("serve", "--data", str(tmp_path / "file" / "data"))
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert str(tmp_path / "file") in done.stderr


def test_administrator_of_the_environment(server: Server) -> None:
    assert ADMIN[1] not in server.text()

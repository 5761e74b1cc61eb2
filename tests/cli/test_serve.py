"""`pegbar serve` as an operator meets it: messages, supervision, a clean stop."""

import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import psutil
import pytest
import requests

from tests.client import sign_in
from tests.command import pegbar
from tests.server import ADMIN, Server, free_port


def until(condition: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def children(server: Server, word: str) -> list[psutil.Process]:
    assert server.process is not None
    found = psutil.Process(server.process.pid).children()
    return [each for each in found if word in each.cmdline()]


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
    until(lambda: [each for each in children(own, "worker") if each.pid != worker.pid])
    assert "process='job worker'" in own.text()
    assert _signs_in(own)


def test_a_killed_database_is_started_again(own: Server) -> None:
    assert own.process is not None
    (postgres,) = [each for each in psutil.Process(own.process.pid).children() if each.name() == "postgres"]
    postgres.kill()
    until(lambda: "PostgreSQL died and is started again" in own.text())
    until(lambda: _signs_in(own))


def _signs_in(server: Server) -> bool:
    body = {"email": "nobody@example.com", "password": "wrongpassword"}
    return requests.post(f"{server.api}/auth/login", json=body, timeout=10).status_code == 400


def test_a_request_under_way_is_answered_before_the_stop(own: Server) -> None:
    body = b'{"email": "nobody@example.com", "password": "wrongpassword"}'
    with socket.create_connection(("127.0.0.1", own.port), timeout=30) as connection:
        head = (
            f"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        )
        connection.sendall(f"{head}\r\nExpect: 100-continue\r\n\r\n".encode())
        assert b"100 Continue" in connection.recv(1000)  # the application is reading the body
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
    assert not [each for each in before if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
    assert not (own.folder / "postgresql" / "postmaster.pid").exists()
    own.start()


def test_nothing_outlives_a_killed_server(own: Server) -> None:
    assert own.process is not None
    before = psutil.Process(own.process.pid).children(recursive=True)
    own.stop(signal.SIGKILL)
    until(lambda: not [each for each in before if each.is_running() and each.status() != psutil.STATUS_ZOMBIE], 90)
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
    given = {"PEGBAR_DATA": str(tmp_path), **environment}
    done = pegbar(*arguments, **given)
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

"""What goes wrong around requests: a database that is away, full disks, clients that hang up, bodies left unread."""

import http.client
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from pegbar.core import storage
from pegbar.core.errors import StorageFull
from pegbar.core.http.uploads import file_name
from tests.client import Client, sign_in, unique
from tests.core.listener import Listener
from tests.factories import entity, production, task
from tests.server import ADMIN, Server

AWAY = "The database is not available. Try again in a moment."


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


class Remote(Server):
    """A server that reaches the database of another one through a name that can be taken away."""

    def __init__(self, of: Server, folder: Path, **environment: str) -> None:
        self.sockets, self.way = of.folder / "postgresql" / "socket", folder / "way"
        self.way.symlink_to(self.sockets)
        super().__init__(folder, DATABASE_URL=f"postgresql://postgres@/pegbar?host={self.way}", **environment)
        self.through = of.database_url

    @contextmanager
    def cut_off(self) -> Iterator[None]:
        """The database is away: nobody finds it, and connections end."""
        self.way.unlink()
        with psycopg.connect(self.through, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'pegbar%'"
            )
        try:
            yield
        finally:
            self.way.symlink_to(self.sockets)


@pytest.fixture(scope="module")
def remote(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Remote]:
    folder = tmp_path_factory.mktemp("remote")
    with Remote(server, folder, PROMETHEUS_METRICS_ENABLED="true") as running:
        yield running


@pytest.fixture(scope="module")
def boss(remote: Remote) -> Client:
    return sign_in(remote.api, *ADMIN)


def test_a_database_that_is_away_is_503_everywhere_and_comes_back(remote: Remote, boss: Client) -> None:
    calls: list[Callable[[], requests.Response]] = [
        lambda: boss.get("/data/persons"),
        lambda: boss.get("/data/events/since"),
        lambda: boss.post("/data/departments", {"name": unique("Away"), "color": "#000000"}),
        lambda: Client(remote.api).post("/auth/login", {"email": ADMIN[0], "password": ADMIN[1]}),
        lambda: boss.post(f"/pictures/thumbnails/persons/{boss.id}", files={"file": ("a.png", b"a")}),
    ]
    with Listener(remote.url, boss.token, "department:new") as listener:
        with remote.cut_off():
            for make in calls * 3:
                answer = make()
                assert (answer.status_code, answer.json()["message"]) == (503, AWAY)
                assert answer.headers["Retry-After"]
            with pytest.raises(Exception, match=r"refused|One or more namespaces"):
                Listener(remote.url, boss.token)
        until(lambda: boss.get("/data/persons").status_code == 200)
        department = boss.ok_post("/data/departments", {"name": unique("Back"), "color": "#000000"})
        listener.wait_for("department_id", department["id"])
    assert "a request failed" not in remote.text()
    assert "handler error" not in remote.text()


@pytest.fixture
def no_room_for_departments(server: Server) -> Iterator[None]:
    """The database says of a table what it says when its disk is full."""
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        connection.execute(
            """
            CREATE FUNCTION pegbar.no_room() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
            CREATE TRIGGER no_room BEFORE INSERT ON department EXECUTE FUNCTION pegbar.no_room();
            """
        )
        try:
            yield
        finally:
            connection.execute("DROP FUNCTION pegbar.no_room CASCADE")


@pytest.mark.usefixtures("no_room_for_departments")
def test_a_full_disk_of_the_database_is_507_and_reads_and_sign_in_go_on(server: Server, admin: Client) -> None:
    refused = admin.post("/data/departments", {"name": unique("Full"), "color": "#000000"})
    assert (refused.status_code, refused.json()["message"]) == (
        507,
        "The disk of the database is full; nothing was changed.",
    )
    assert admin.ok_get("/data/departments") is not None
    assert sign_in(server.api, *ADMIN).token


@pytest.fixture(scope="module")
def cramped(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose uploads wait on a disk of a megabyte."""
    disk = tmp_path_factory.mktemp("disk")
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can be mounted by root only")
    try:
        folder = tmp_path_factory.mktemp("cramped")
        with Server(folder, DATABASE_URL=server.database_url, TMP_DIR=str(disk)) as running:
            yield running
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_of_uploads_is_507_on_every_form_and_the_rest_goes_on(cramped: Server) -> None:
    boss = sign_in(cramped.api, *ADMIN)
    project = production(boss)
    character = entity(boss, project["id"])
    modeling = task(boss, character)
    status = boss.ok_get("/data/task-status")[0]["id"]
    large = {"file": ("a.png", b"a" * 3_000_000)}
    for path, data in [
        (f"/actions/tasks/{modeling['id']}/comment", {"task_status_id": status, "comment": "x"}),
        (f"/pictures/thumbnails/persons/{boss.id}", {}),
        ("/import/csv/persons", {}),
        ("/auth/login", {"email": ADMIN[0], "password": ADMIN[1]}),
    ]:
        answer = boss.post(path, data=data, files=large)
        assert answer.status_code == 507, (path, answer.text)
        assert "is full; nothing was stored" in answer.json()["message"]
    assert boss.ok_get(f"/data/tasks/{modeling['id']}/comments") == []
    assert sign_in(cramped.api, *ADMIN).token
    assert "Traceback" not in cramped.text()


def test_files_leave_room_for_the_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    total = 100 * 1024**3
    for free, fits in [(total, True), (1024**3, True), (1024**3 - 1, False), (0, False)]:
        usage: Any = type("Usage", (), {"total": total, "free": free})
        monkeypatch.setattr(shutil, "disk_usage", lambda _, usage=usage: usage)
        if fits:
            storage.check_room(tmp_path)
        else:
            with pytest.raises(StorageFull):
                storage.check_room(tmp_path)


def test_clients_that_hang_up_in_a_body_are_counted_and_not_logged(remote: Remote, boss: Client) -> None:
    token = f"Authorization: Bearer {boss.token}"
    times = 10
    forms = "multipart/form-data; boundary=x"
    for path, kind in [("/data/departments", "application/json"), ("/auth/login", forms), ("/auth/login", "x/y")]:
        before = _given_up(remote)
        for _ in range(times):
            with socket.create_connection(("127.0.0.1", remote.port), timeout=30) as connection:
                head = (
                    f"POST /api{path} HTTP/1.1\r\nHost: x\r\n{token}\r\nContent-Type: {kind}\r\nContent-Length: 99999"
                )
                connection.sendall(f"{head}\r\n\r\n".encode() + b"{" * 10)
        if kind != "x/y":  # which nobody reads
            until(lambda before=before: _given_up(remote) == before + times)
    assert boss.get("/data/departments").status_code == 200
    for word in ("a request failed", "disconnected prematurely", "Application callable raised"):
        assert word not in remote.text()


def _given_up(server: Server) -> int:
    lines = requests.get(f"{server.url}/metrics", timeout=20).text.splitlines()
    counts = [line for line in lines if line.startswith("pegbar_http_request_total") and 'status="499"' in line]
    return sum(int(float(line.rpartition(" ")[2])) for line in counts)


@pytest.mark.parametrize("size", [1, 1000, 60_000, 70_000, 3_000_000])
@pytest.mark.parametrize("path", ["/api/data/departments", "/api/nowhere", "/socket.io/?EIO=4&transport=polling&sid=x"])
def test_a_connection_goes_on_or_is_said_to_end(server: Server, path: str, size: int) -> None:
    for _ in range(5):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        connection.putrequest("POST", path)
        connection.putheader("Content-Length", str(size))
        connection.endheaders()  # in a packet of its own
        try:
            connection.send(b"x" * size)
        except (BrokenPipeError, ConnectionResetError):
            assert size > 60_000
        answer = connection.getresponse()
        answer.read()
        assert answer.status in (400, 401, 404, 405), answer.status
        if answer.getheader("connection") == "close":
            assert size > 60_000, "a short body is read, and the connection goes on"
        else:
            connection.request("GET", "/api/")  # raises when the connection ended without a word
            assert connection.getresponse().status == 200
        connection.close()


def test_a_tab_that_closes_is_no_error(server: Server, admin: Client) -> None:
    before = len(server.text())
    url = f"{server.url}/socket.io/?EIO=4&transport=polling"
    opened = requests.get(url, headers={"Authorization": f"Bearer {admin.token}"}, timeout=20).text
    sid = opened.partition('"sid":"')[2].partition('"')[0]
    assert requests.post(f"{url}&sid={sid}", data="1", timeout=20).status_code == 200  # it says good-bye
    for method in ("POST", "GET", "POST"):
        assert requests.request(method, f"{url}&sid={sid}", data="3", timeout=20).status_code == 400
    assert server.text()[before:] == ""


@given(st.text(max_size=400))
def test_any_name_of_a_file_is_one_part_of_a_path(text: str) -> None:
    name = file_name(text)
    assert name.strip() == name
    assert name not in ("", ".", "..")
    assert len(name) <= 250
    assert not set("/\\\0\r\n\t\x1b") & set(name)
    assert file_name(name) == name


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        (".", "file"),
        ("..", "file"),
        ("../../etc/passwd", "passwd"),
        ("C:\\shots\\sh010.mov", "sh010.mov"),
        ("a\x01b\x7f.png", "ab.png"),
        ("folder/", "file"),
        ("   ", "file"),
        ("Bildschirmfoto 2026\u202f10.png", "Bildschirmfoto 2026\u202f10.png"),
        ("x" * 400 + ".png", "x" * 246 + ".png"),
    ],
)
def test_a_name_that_cannot_be_fetched_is_mended(given_name: str, kept: str) -> None:
    assert file_name(given_name) == kept


@pytest.mark.parametrize("name", [".", "..", "a\x01b.txt", "x" * 300 + ".txt", "100% done? #1.txt"])
def test_every_attachment_is_fetched_by_its_name(admin: Client, name: str) -> None:
    modeling = task(admin, entity(admin, production(admin)["id"]))
    status = admin.ok_get("/data/task-status")[0]["id"]
    comment = admin.ok_post(
        f"/actions/tasks/{modeling['id']}/comment",
        data={"task_status_id": status, "comment": "x"},
        files={"file": (name, b"content")},
    )
    (attached,) = comment["attachment_files"]
    quoted = requests.utils.quote(attached["name"], safe="")
    assert admin.get(f"/data/attachment-files/{attached['id']}/file/{quoted}").content == b"content"

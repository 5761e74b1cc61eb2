"""Several API workers: the live sockets are one process's, reached through any worker."""

import queue
from collections.abc import Iterator

import psutil
import pytest
import requests
import socketio

from tests import factories
from tests.cli.test_serve import alive, children, until
from tests.client import Client, sign_in, unique
from tests.review.rooms import Tab
from tests.server import ADMIN, Server


@pytest.fixture(scope="module")
def workers() -> Iterator[Server]:
    with Server(None, "--workers", "2") as running:
        yield running


@pytest.fixture(scope="module")
def boss(workers: Server) -> Client:
    return sign_in(workers.api, *ADMIN)


class Listener:
    """A Socket.IO client that keeps what it hears."""

    def __init__(self, server: Server, token: str | None, transport: str) -> None:
        self.heard: queue.Queue[str] = queue.Queue()
        self.socket = socketio.Client(handle_sigint=False, reconnection_delay=0.2, reconnection_delay_max=0.5)
        self.socket.on("department:new", lambda data: self.heard.put(data["department_id"]), namespace="/events")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.socket.connect(
            server.url, headers=headers, transports=[transport], namespaces=["/events"], wait_timeout=20
        )

    def leave(self) -> None:
        """Hang up without waiting for the last poll, as a browser does."""
        self.socket.reconnection = False
        self.socket.eio.disconnect(abort=True)

    @property
    def connected(self) -> bool:
        return "/events" in self.socket.namespaces


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_events_arrive_through_any_worker(workers: Server, boss: Client, transport: str) -> None:
    listeners = [Listener(workers, boss.token, transport) for _ in range(3)]
    try:
        department_ids = [
            boss.ok_post("/data/departments", {"name": unique("Hear"), "color": "#102030"})["id"] for _ in range(3)
        ]
        for listener in listeners:
            assert [listener.heard.get(timeout=20) for _ in department_ids] == department_ids
    finally:
        for listener in listeners:
            listener.leave()


def test_what_people_say_to_each_other_goes_through_any_worker(workers: Server, boss: Client) -> None:
    show = factories.production(boss)
    playlist = boss.ok_post("/data/playlists", {"name": unique("Dailies"), "project_id": show["id"]})["id"]
    tabs = [Tab(workers.url, boss, transport) for transport in ("websocket", "polling")]
    try:
        for tab in tabs:
            tab.enter(playlist)
        for number, tab in enumerate(tabs):
            tab.mark(playlist, number)
            for hearer in tabs:
                hearer.until("change-version", mark=number)
    finally:
        for tab in tabs:
            tab.close()


def test_a_socket_without_a_token_is_refused(workers: Server) -> None:
    with pytest.raises(socketio.exceptions.ConnectionError):
        Listener(workers, None, "websocket")


def test_a_message_over_the_limit_is_refused(workers: Server) -> None:
    opened = requests.get(f"{workers.url}/socket.io/?EIO=4&transport=polling", timeout=20)
    session = opened.text.partition('"sid":"')[2].partition('"')[0]
    long = requests.post(
        f"{workers.url}/socket.io/?EIO=4&transport=polling&sid={session}", data="4" * 1_100_000, timeout=20
    )
    assert long.status_code == 413


def test_clients_come_back_after_the_process_of_the_sockets_died(workers: Server, boss: Client) -> None:
    listener = Listener(workers, boss.token, "websocket")
    try:
        (holder,) = children(workers, "sockets")
        for process in [*holder.children(recursive=True), holder]:
            process.kill()
        until(lambda: not listener.connected)
        until(lambda: listener.connected, 60)
        department = boss.ok_post("/data/departments", {"name": unique("Back"), "color": "#102030"})
        assert listener.heard.get(timeout=20) == department["id"]
    finally:
        listener.leave()


def test_it_stops_with_sockets_open(workers: Server, boss: Client) -> None:
    assert workers.process is not None
    listeners = [Listener(workers, boss.token, transport) for transport in ("websocket", "polling")]
    before = psutil.Process(workers.process.pid).children(recursive=True)
    assert workers.stop() == 0
    assert "killed" not in workers.text()
    until(lambda: not alive(before))
    for listener in listeners:
        listener.leave()

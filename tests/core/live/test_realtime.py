"""Live events: delivered after the commit, once, in order, to those who may see them."""

import contextlib
import queue
import threading
from collections.abc import Iterator

import gazu
import pytest
import socketio

from tests.client import Client, sign_in, unique
from tests.core.listener import DEPARTMENT_EVENTS, Listener
from tests.server import ADMIN, Server


@pytest.fixture(scope="module")
def second(server: Server) -> Iterator[Server]:
    """Another server process on the same database."""
    key = (server.folder / "secret.key").read_text()
    # A node shares the files too: its worker may take any job.
    files = str(server.folder / "previews")
    with Server(None, DATABASE_URL=server.database_url, SECRET_KEY=key, PREVIEW_FOLDER=files) as running:
        yield running


def department(who: Client) -> str:
    return str(who.ok_post("/data/departments", {"name": unique("Wood"), "color": "#000000"})["id"])


def test_events_of_one_object_arrive_once_and_in_order(server: Server, admin: Client) -> None:
    with Listener(server.url, admin.token, *DEPARTMENT_EVENTS) as listener:
        department_id = department(admin)
        admin.ok_put(f"/data/departments/{department_id}", {"archived": True})
        admin.ok_delete(f"/data/departments/{department_id}")
        last = department(admin)
        heard = [
            name
            for name, payload in listener.wait_for("department_id", last)
            if payload["department_id"] == department_id
        ]
    assert heard == list(DEPARTMENT_EVENTS)


def test_two_servers_both_deliver_what_either_wrote(server: Server, second: Server, admin: Client) -> None:
    there = sign_in(second.api, *ADMIN)
    with (
        Listener(server.url, admin.token, *DEPARTMENT_EVENTS) as here_listener,
        Listener(second.url, there.token, *DEPARTMENT_EVENTS) as there_listener,
    ):
        for writer in (admin, there):
            department_id = department(writer)
            here_listener.wait_for("department_id", department_id)
            there_listener.wait_for("department_id", department_id)


@pytest.mark.parametrize("token", [None, "nonsense"])
def test_sockets_without_a_good_token_are_refused(server: Server, token: str | None) -> None:
    with pytest.raises(socketio.exceptions.ConnectionError):
        Listener(server.url, token, *DEPARTMENT_EVENTS)


def test_a_refused_request_emits_nothing(server: Server, admin: Client) -> None:
    with Listener(server.url, admin.token, *DEPARTMENT_EVENTS) as listener:
        taken = admin.ok_post("/data/departments", {"name": unique("Iron"), "color": "#000000"})
        refused = admin.post("/data/departments", {"name": taken["name"], "color": "#000000"})
        assert refused.status_code == 400
        last = department(admin)
        heard = [payload["department_id"] for _, payload in listener.wait_for("department_id", last)]
    assert heard == [taken["id"], last]


def test_gazu_listens(server: Server, admin: Client) -> None:
    client = gazu.client.create_client(server.api)
    gazu.log_in(*ADMIN, client=client)
    gazu.set_event_host(server.url, client=client)
    heard: queue.Queue[dict[str, str]] = queue.Queue()
    events = gazu.events.init(client=client)
    gazu.events.add_listener(events, "department:new", heard.put)
    threading.Thread(target=gazu.events.run_client, args=(events,), daemon=True).start()
    department_id = None
    while heard.empty():
        # Gazu connects in its thread: the first events may come before it listens.
        department_id = department(admin)
        with contextlib.suppress(queue.Empty):
            heard.put(heard.get(timeout=0.5))
    assert department_id is not None
    assert set(heard.get()) == {"department_id", "event_id"}

"""Socket.IO clients that keep what they hear, and those that a cursor keeps up to date."""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import socketio

from tests.client import Client
from tests.server import Server

#: Events that everybody hears.
DEPARTMENT_EVENTS = ("department:new", "department:update", "department:delete")


class Listener:
    """Listens to the events of a server (all of them unless named) as the owner of a token.

    `wait_for` blocks until an event arrives.
    """

    def __init__(self, url: str, token: str | None, *events: str, transport: str | None = None) -> None:
        self.heard: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()
        self.client = socketio.Client(reconnection=False, handle_sigint=False)
        for name in events:
            self.client.on(name, self._keep(name), namespace="/events")
        if not events:
            self.client.on("*", lambda name, payload: self.heard.put((name, payload)), namespace="/events")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        transports = [transport] if transport else None
        self.client.connect(url, headers=headers, transports=transports, namespaces=["/events"], wait_timeout=10)

    def _keep(self, name: str) -> Any:
        return lambda payload: self.heard.put((name, payload))

    def wait_for(self, key: str, value: str, timeout: float = 15) -> list[tuple[str, dict[str, Any]]]:
        """Everything heard up to the event whose payload has this value under this key."""
        seen = []
        while True:
            seen.append(self.heard.get(timeout=timeout))
            if seen[-1][1].get(key) == value:
                return seen

    def close(self) -> None:
        """Hang up without waiting for the last poll, as a browser does."""
        self.client.eio.disconnect(abort=True)

    def __enter__(self) -> "Listener":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Feed:
    """Reads the events since it was made, page by page."""

    def __init__(self, who: Client) -> None:
        self.who = who
        first = who.ok_get("/data/events/since")
        assert (first["events"], first["more"]) == ([], False)
        self.cursor: str = first["cursor"]

    def read(self, **query: Any) -> list[dict[str, Any]]:
        """What there is now."""
        events, more = [], True
        while more:
            answer = self.who.ok_get("/data/events/since", params={"cursor": self.cursor, **query})
            self.cursor, more = answer["cursor"], answer["more"]
            events += answer["events"]
        return events


class Follower:
    """A client that may lose its socket: what it hears makes it read on from its cursor."""

    def __init__(self, who: Client, url: str) -> None:
        self.who, self.url, self.feed = who, url, Feed(who)
        self.seen: list[dict[str, Any]] = []
        self._awake = threading.Semaphore(0)
        self.connect()

    def connect(self) -> None:
        """Listen (again), and read what came meanwhile."""
        self.socket = socketio.Client(reconnection=False, handle_sigint=False)
        self.socket.on("*", lambda *_: self._awake.release(), namespace="/events")
        headers = {"Authorization": f"Bearer {self.who.token}"}
        self.socket.connect(self.url, headers=headers, namespaces=["/events"], wait_timeout=10)
        self._awake.release()

    def drop(self) -> None:
        """Lose the socket, as when a laptop goes to sleep."""
        self.socket.eio.disconnect(abort=True)

    def follow_until(self, event_id: str) -> None:
        """Read whenever something is heard, until an event is there."""
        while event_id not in [event["id"] for event in self.seen]:
            assert self._awake.acquire(timeout=15), "nothing was heard"
            self.seen += self.feed.read(limit=7)


_SLOW = """
    WITH logged AS (
      INSERT INTO api_event (id, name, project_id, data, created_at, updated_at)
      VALUES (%(id)s, 'shot:update', %(project)s, '{}', now(), now())
    ), added AS (
      INSERT INTO pegbar.outbox (name, project_id, payload, event_id)
      VALUES ('shot:update', %(project)s, '{}', %(id)s) RETURNING xid, position
    )
    SELECT pg_notify('pegbar_events',
                     concat_ws(' ', xid, position, position, pg_snapshot_xmin(pg_current_snapshot()))) FROM added
"""


@contextmanager
def slow_commit(server: Server, project_id: str) -> Iterator[str]:
    """An event written as a node writes it, whose transaction commits only at the end of the block; its id."""
    with psycopg.connect(server.database_url) as connection:
        row = connection.execute("SELECT gen_random_uuid()::text").fetchone()
        assert row is not None
        connection.execute(_SLOW, {"id": row[0], "project": project_id})
        yield row[0]

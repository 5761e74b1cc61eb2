"""A Socket.IO client that keeps what it hears."""

import queue
from typing import Any

import socketio


class Listener:
    """Listens to the events of a server as the owner of a token. `wait_for` blocks until an event arrives."""

    def __init__(self, url: str, token: str | None, *events: str) -> None:
        self.heard: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()
        self.client = socketio.Client(reconnection=False)
        for name in events:
            self.client.on(name, self._keep(name), namespace="/events")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.client.connect(url, headers=headers, namespaces=["/events"], wait_timeout=10)

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
        self.client.disconnect()

    def __enter__(self) -> "Listener":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

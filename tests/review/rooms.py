"""Tabs that look at playlists together, as the web UI does."""

import queue
import threading
from typing import Any

import socketio

from tests.client import Client

PEOPLE, ROOM = "room-people-updated", "room-updated"
Heard = tuple[str, dict[str, Any]]


class Tab:
    """A tab of somebody, with a socket of its own. Events are named without `preview-room:`."""

    def __init__(self, url: str, who: Client, transport: str = "websocket") -> None:
        self.who = who
        self.heard: queue.Queue[Heard] = queue.Queue()
        self.gone: queue.Queue[str] = queue.Queue()
        self.client = socketio.Client(reconnection=False, handle_sigint=False)
        # The client has a thread for each message, in which long ones are overtaken; here one has all.
        self._messages: queue.Queue[tuple[Any, ...]] = queue.Queue()
        self._handle = self.client.eio._trigger_event
        self.client.eio._trigger_event = self._in_turn
        threading.Thread(target=self._handle_messages, daemon=True).start()
        self.client.on("*", self._keep, namespace="/events")
        self.client.on("disconnect", lambda *_: self.gone.put("gone"), namespace="/events")
        headers = {"Authorization": f"Bearer {who.token}"}
        self.client.connect(url, headers=headers, transports=[transport], namespaces=["/events"], wait_timeout=20)

    def _in_turn(self, event: str, *arguments: Any, **options: Any) -> Any:
        if event == "message" and options.get("run_async"):
            return self._messages.put((event, *arguments))
        return self._handle(event, *arguments, **options)

    def _handle_messages(self) -> None:
        while True:
            self._handle(*self._messages.get(), run_async=False)

    def _keep(self, name: str, payload: dict[str, Any]) -> None:
        if name.startswith("preview-room:"):
            self.heard.put((name.removeprefix("preview-room:"), payload))

    def say(self, event: str, playlist_id: str, *more: Any, **payload: Any) -> None:
        """Send an event about a playlist."""
        self.raw(event, {"playlist_id": playlist_id, **payload}, *more)

    def raw(self, event: str, *arguments: Any) -> None:
        """Send an event with any arguments."""
        self.client.emit(f"preview-room:{event}", arguments, namespace="/events")

    def enter(self, playlist_id: str, **state: Any) -> dict[str, Any]:
        """Open a room and join it, as the web UI does; what it looks at."""
        self.say("open-playlist", playlist_id, user_id=self.who.id)
        self.until(PEOPLE)
        self.say("join", playlist_id, user_id=self.who.id, **state)
        return self.until(ROOM)[-1][1]

    def until(self, event: str, timeout: float = 20, **values: Any) -> list[Heard]:
        """All that is heard up to an event whose payload has these values."""
        heard = []
        while True:
            heard.append(self.heard.get(timeout=timeout))
            name, payload = heard[-1]
            if name == event and all(payload.get(key) == value for key, value in values.items()):
                return heard

    def answered(self) -> None:
        """Wait until the server has handled what the tab said, and the tab has heard what it was sent before."""
        self.client.call("unknown", namespace="/events", timeout=20)

    def forget(self) -> None:
        """Forget what was heard so far."""
        while not self.heard.empty():
            self.heard.get()

    def mark(self, playlist_id: str, number: int) -> None:
        """Say something that the tab hears itself, as all in the room do."""
        self.say("change-version", playlist_id, mark=number)

    def close(self) -> None:
        """Hang up without a word, as a tab that is closed."""
        self.client.eio.disconnect(abort=True)

"""Clients of the feed: one that keeps what a stream tells it, and the statements that tests need of the database."""

import json
import queue
import threading
from contextlib import suppress
from typing import Any, NamedTuple

import requests

from tests.client import Client


class Frame(NamedTuple):
    """What a stream said: an event, or an id alone."""

    id: str
    name: str
    event: dict[str, Any]


class Stream:
    """Listens to the feed, as an EventSource does, until it is closed."""

    def __init__(self, who: Client, last_id: str | None = None, **query: Any) -> None:
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last_id} if last_id else {})
        self.answer = who.get("/open/v1/events", params=query, headers=headers, stream=True)
        assert self.answer.status_code == 200, self.answer.text
        self.cursor = last_id or ""
        self.said: list[str] = []  #: comments
        self._frames: queue.Queue[Frame | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        frame: dict[str, str] = {}
        try:
            for raw in self.answer.iter_lines(chunk_size=1):
                line = raw.decode()
                if line.startswith(":"):
                    self.said.append(line[1:].strip())
                elif line:
                    key, _, value = line.partition(": ")
                    frame[key] = value
                else:
                    if frame.keys() & {"id", "data"}:
                        event = json.loads(frame.get("data", "{}"))
                        self._frames.put(Frame(frame["id"], frame.get("event", ""), event))
                    frame = {}
        except (requests.RequestException, AttributeError, ValueError):
            self.said.append("broken off")
        finally:
            self._frames.put(None)

    def next(self) -> Frame | None:
        """What it says next; None at its end."""
        frame = self._frames.get(timeout=20)
        if frame is not None:
            self.cursor = frame.id
        return frame

    def begun(self) -> "Stream":
        """Wait until it has told the past: from now on it tells what happens."""
        while (frame := self.next()) is not None and frame.name:
            pass
        return self

    def until(self, key: str, value: str) -> list[Frame]:
        """The events up to the one whose payload has this value under this key."""
        frames: list[Frame] = []
        while not frames or frames[-1].event["data"].get(key) != value:
            frame = self.next()
            assert frame is not None, f"the stream ended: {self.said}"
            if frame.name:
                frames.append(frame)
        return frames

    def rest(self) -> list[Frame]:
        """The events up to its end."""
        frames = []
        while (frame := self.next()) is not None:
            if frame.name:
                frames.append(frame)
        return frames

    def close(self) -> None:
        """Hang up, though the reader waits for more."""
        with suppress(RuntimeError):  # it has ended
            self.answer.raw.shutdown()
        self._reader.join(20)
        self.answer.close()

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def pages(who: Client, start: str, **query: Any) -> list[dict[str, Any]]:
    """What the feed tells from a cursor on, page by page."""
    events, more = [], True
    while more:
        page = who.ok_get("/open/v1/events", params={"from": start, **query})
        start, more = page["cursor"], page["more"]
        events += page["events"]
    return events


def here(who: Client) -> str:
    """The cursor of this moment."""
    cursor: str = who.ok_get("/open/v1/events")["cursor"]
    return cursor

"""Events of the feed as they come over the line. Source: docs/open/feed.md; HTML, "Server-sent events"."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pegbar.client.calls import Call, Row, changing


@dataclass(frozen=True)
class Event:
    """Something that happened. `cursor` is where the feed goes on after it (of a consumer, there is none).

    `data` is the event's payload; `changes` tells which columns changed, with their old and new values, as far as the
    caller may see them.
    """

    name: str
    data: Mapping[str, Any]
    id: str | None
    created_at: str
    person_id: str | None
    project_id: str | None
    changes: Sequence[Row]
    cursor: str | None = None
    attempt: int = 1

    @classmethod
    def of(cls, row: Mapping[str, Any], cursor: str | None = None) -> "Event":
        """The event of a row of the feed."""
        return cls(
            name=row["name"],
            data=row.get("data") or {},
            id=row.get("id"),
            created_at=row["created_at"],
            person_id=row.get("user_id"),
            project_id=row.get("project_id"),
            changes=row.get("changes") or (),
            cursor=cursor,
            attempt=row.get("attempt", 1),
        )


class Stream:
    """Reads the lines of a stream: events come out, and what to say when it is opened again."""

    def __init__(self, start: str | None, **filters: Any) -> None:
        self.start = start
        self._filters = {name: value for name, value in filters.items() if value not in (None, (), [])}
        self.cursor: str | None = None
        self.come_back = 1.0  #: seconds
        self._cursor: str | None = None
        self._lines: list[str] = []

    @property
    def call(self) -> Call[Any]:
        """How to open it where it stands."""
        params = {**self._filters, **({"from": self.start} if self.start is not None else {})}
        headers = {"Accept": "text/event-stream"}
        if self.cursor is not None:
            headers["Last-Event-ID"] = self.cursor
        self._lines, self._cursor = [], self.cursor
        return Call("GET", "/open/v1/events", lambda answer: answer, params, headers=headers)

    def take(self, line: str) -> Event | None:
        """Read a line; the event that it ends. The cursor goes on when an event is whole, never before."""
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data" and line:
            self._lines.append(value)
        elif name == "id" and "\0" not in value:
            self._cursor = value or None
        elif name == "retry" and value.isdigit():
            self.come_back = int(value) / 1000
        if line:
            return None
        lines, self._lines, self.cursor = self._lines, [], self._cursor
        return Event.of(json.loads("\n".join(lines)), self.cursor) if lines else None


@dataclass(frozen=True)
class Batch:
    """Events that a worker has for a while: until it acknowledges them, or the lease ends and others get them."""

    lease: str | None
    events: Sequence[Event]
    more: bool

    @classmethod
    def of(cls, answer: Any) -> "Batch":
        """The batch of an answer."""
        return cls(answer["lease"], [Event.of(row) for row in answer["events"]], answer["more"])


#: The cursor of now.
NOW: Call[str] = Call("GET", "/open/v1/events", lambda answer: str(answer["cursor"]), {"from": "now", "limit": 1})


def put_consumer(name: str, start: str | None, **filters: Any) -> Call[Row]:
    """Make a consumer, or change what it gets."""
    body = {key: value for key, value in filters.items() if value not in (None, (), [])}
    return changing("PUT", f"/open/v1/consumers/{name}", {**body, **({"from": start} if start is not None else {})})


def fetch(name: str, limit: int, wait: float, lease: float) -> Call[Batch]:
    """The next events that no other worker has. Sent again, it gets others: these come back when their lease ends."""
    body = {"limit": limit, "wait": wait, "lease": lease}
    return Call("POST", f"/open/v1/consumers/{name}/fetch", Batch.of, body=body, repeats=True)


def acknowledge(name: str, batch: Batch) -> Call[Any]:
    """These are done with. Said twice, it is said once."""
    path, body = f"/open/v1/consumers/{name}/acknowledge", {"lease": batch.lease}
    return Call("POST", path, lambda answer: answer, body=body, repeats=True)

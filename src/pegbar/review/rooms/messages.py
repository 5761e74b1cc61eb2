"""What is said in a room, cut into notifications of PostgreSQL and put together again.

A notification holds 8,000 bytes at most, and those of one commit come one after the other: a long message is so many of
them. Nothing of it is written to a table or to the log of the database.
"""

import json
from typing import Any, NamedTuple
from uuid import UUID

#: Characters of a message in one notification; all are ASCII.
_PIECE = 7900
#: What is longer is not passed on.
LONGEST = 500_000


class Message(NamedTuple):
    """An event for the sockets of a room, as JSON: its name and its payload, as they go to clients."""

    room_id: UUID
    text: str

    def is_a(self, event: str) -> bool:
        """Whether it is an event of this name."""
        return self.text.startswith(f'["{event}",')

    @property
    def payload(self) -> Any:
        """What it says."""
        return json.loads(self.text)[1]


def encoded(event: str, payload: Any) -> str | None:
    """An event as ASCII JSON; None when it is no JSON (bytes, NaN), nested too deep, or too long."""
    try:
        text = json.dumps([event, payload], allow_nan=False, separators=(",", ":"))
    except (ValueError, TypeError, RecursionError):
        return None
    return text if len(text) <= LONGEST else None


def pieces(room_id: UUID, text: str) -> list[str]:
    """A message as notifications: the room, whether it is the end, and a part of the text."""
    parts = [text[first : first + _PIECE] for first in range(0, len(text), _PIECE)]
    return [f"{room_id.hex}{'.' if n == len(parts) - 1 else '+'}{part}" for n, part in enumerate(parts)]


class Assembly:
    """Puts notifications together, in the order in which they come."""

    def __init__(self) -> None:
        self._parts: list[str] = []

    def clear(self) -> None:
        """Forget what is incomplete: the connection that brought it was lost."""
        self._parts = []

    def add(self, piece: str) -> Message | None:
        """The message that a notification completes."""
        # PostgreSQL drops what a commit notifies twice, so that each has a number in front (queries.tell).
        piece = piece.partition(":")[2]
        room_id, end, part = piece[:32], piece[32:33], piece[33:]
        self._parts.append(part)
        if end != ".":
            return None
        text, self._parts = "".join(self._parts), []
        return Message(UUID(room_id), text)

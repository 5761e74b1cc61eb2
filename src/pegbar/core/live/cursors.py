"""Cursors in the events: what their reader has seen.

A cursor holds a snapshot of PostgreSQL's: which transactions its reader has seen. What follows is what is visible now
and was not then, whatever the order in which transactions began, took their ids and committed, so nothing is skipped or
told twice. Positions are taken last before a commit: in their order, an event comes after those its author had seen.
Source: DESIGN, "Events".
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated

import msgspec

from pegbar.core.errors import ApiError, BadRequest

Number = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
_SNAPSHOT = re.compile(r"\d{1,19}:\d{1,19}:[\d,]*")
_POSITION = re.compile(r"\d{1,19}")
_LONGEST = 100_000


class Cursor(msgspec.Struct, array_like=True, frozen=True):
    """What its reader has seen: all of `seen` and, of what `reading` shows besides, the positions up to `position`."""

    seen: str
    at: Number  #: seconds since 1970
    reading: str | None = None
    position: Number = 0


class Gone(ApiError):
    """A cursor that does not tell any more what its reader has seen."""

    status = 410


def parsed(text: str, origin: str = "GET /data/events/since", field: str = "cursor") -> Cursor:
    """The cursor of a text, which a field holds.

    Raises BadRequest for one that was not made by `written` or by a stem and a position.
    """
    stem, dot, position = text.partition(".")
    refused = BadRequest(f"{field}: this is not a cursor of {origin}.")
    if len(text) > _LONGEST or (dot and not _POSITION.fullmatch(position)):
        raise refused
    try:
        cursor = msgspec.json.decode(urlsafe_b64decode(stem.encode() + b"=="), type=Cursor)
        if dot:
            cursor = msgspec.convert([cursor.seen, cursor.at, cursor.reading, int(position)], Cursor)
    except (ValueError, msgspec.MsgspecError):
        raise refused from None
    for snapshot in (cursor.seen, cursor.reading):
        if snapshot is not None and not _SNAPSHOT.fullmatch(snapshot):
            raise refused
    return cursor


def stem(cursor: Cursor) -> str:
    """What the cursors of all positions of a reading begin with: a dot and the position make one."""
    return _encoded([cursor.seen, cursor.at, cursor.reading])


def written(cursor: Cursor) -> str:
    """The text of a cursor."""
    return f"{stem(cursor)}.{cursor.position}" if cursor.position else _encoded([*_parts(cursor)])


def _parts(cursor: Cursor) -> list[object]:
    return [cursor.seen, cursor.at] if cursor.reading is None else [cursor.seen, cursor.at, cursor.reading]


def _encoded(parts: list[object]) -> str:
    return urlsafe_b64encode(msgspec.json.encode(parts)).rstrip(b"=").decode()

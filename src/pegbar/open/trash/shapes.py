"""What the routes of the trash take and answer, and the cursor of its list."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from pegbar.core.errors import BadRequest
from pegbar.core.http.body import Strict

MOST_LISTED = 500

_TEXT, _NUMBER = {"type": "string"}, {"type": "integer"}
_MAYBE = {"type": ["string", "null"]}
_COUNTS = {"type": "object", "additionalProperties": _NUMBER}

#: An entry of the trash.
ENTRY: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": _TEXT,
        "type": _TEXT,
        "deleted_at": _TEXT,
        "kept_until": _TEXT,
        "person_id": _MAYBE,
        "project_id": _MAYBE,
        "project_name": _MAYBE,
        "kind": {**_TEXT, "description": "Shot, Task, Playlist, Project…; Several, of more than one kind"},
        "name": _MAYBE,
        "things": {**_NUMBER, "description": "How many of them; what went with them is in row_count"},
        "row_count": _NUMBER,
        "rows": {**_COUNTS, "description": "How many rows of each table"},
        "files": _NUMBER,
        "file_size": _NUMBER,
        "state": {"type": "string", "enum": ["whole", "emptying", "restoring"]},
        "doing": _MAYBE,
        "error": {**_MAYBE, "description": "Why the last restoration brought nothing back"},
    },
}

LIST: dict[str, Any] = {
    "type": "object",
    "properties": {"entries": {"type": "array", "items": ENTRY}, "cursor": _MAYBE},
}

WITH_CONTENTS: dict[str, Any] = {
    "type": "object",
    "properties": {
        **ENTRY["properties"],
        "contents": {"type": "object", "description": "The first rows of each table: id or key, and name"},
        "changed": {"type": "array", "description": "Rows that stayed and changed with it, with the columns"},
    },
}

RESTORED: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": _TEXT,
        "state": {"type": "string", "enum": ["restored", "would be restored", "restoring"]},
        "rows": {**_COUNTS, "description": "What came back, by table"},
        "files": _NUMBER,
        "left_out": {**_COUNTS, "description": "Rows that stay away, since what they went with is gone, by table"},
        "waiting": {**_COUNTS, "description": "Rows that come back with another entry, which has what they name"},
        "forgotten": {**_COUNTS, "description": "References that came back empty: what they named is gone"},
        "put_back": {**_NUMBER, "description": "Rows that had stayed and are again as they were"},
        "written": {"type": "array", "description": "Columns of such rows that somebody has written since: they stay"},
    },
}


class ListQuery(msgspec.Struct):
    """Which entries, and which page of them."""

    project_id: UUID | UnsetType = UNSET
    person_id: UUID | UnsetType = UNSET
    thing_id: UUID | UnsetType = UNSET
    kind: str | UnsetType = UNSET
    since: datetime | UnsetType = UNSET
    until: datetime | UnsetType = UNSET
    cursor: str | UnsetType = UNSET
    limit: int = 100


class RestoreBody(Strict):
    """Whether it is only tried."""

    dry_run: bool = False


def cursor_after(deleted_at: datetime, trash_id: UUID) -> str:
    """The cursor of the page after an entry."""
    return urlsafe_b64encode(f"{deleted_at.isoformat()} {trash_id}".encode()).rstrip(b"=").decode()


def place_of(cursor: str) -> tuple[datetime, UUID]:
    """The entry that a cursor comes after. Raises BadRequest for one that is none."""
    try:
        deleted_at, _, trash_id = urlsafe_b64decode(cursor.encode() + b"==").decode().partition(" ")
        moment = datetime.fromisoformat(deleted_at)
        if moment.tzinfo is not None:
            raise ValueError
        return moment, UUID(trash_id)
    except ValueError:
        raise BadRequest("cursor: this is not one of GET /open/v1/trash.") from None

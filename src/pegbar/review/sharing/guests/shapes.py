"""What guests send. Source: spec review, operations under `/shared/playlists/{token}`."""

from typing import Any
from uuid import UUID

import msgspec

from pegbar.core.data.values import check_json, check_text
from pegbar.core.errors import InvalidBody
from pegbar.core.http.body import Strict

#: Characters of a comment, and items of its checklist.
_LONGEST, _MOST_ITEMS = 20_000, 200
_LONGEST_NAME = 80


class GuestNames(Strict):
    """Who comes in: by name, or somebody who was here before."""

    first_name: str | None = None
    last_name: str | None = None
    guest_id: str | None = None
    guest_secret: str = ""

    def names(self) -> tuple[str, str]:
        """First and last name; 400 for what cannot be stored."""
        first, last = (self.first_name or "").strip(), (self.last_name or "").strip()
        for field, name in (("first_name", first), ("last_name", last)):
            check_text(field, name)
            if len(name) > _LONGEST_NAME:
                raise InvalidBody([(field, f"At most {_LONGEST_NAME} characters.")])
        return first or "Guest", last

    def known_id(self) -> UUID | None:
        """The guest who was here before; 400 for what is no id."""
        if not self.guest_id:
            return None
        try:
            return UUID(self.guest_id)
        except ValueError:
            raise InvalidBody([("guest_id", "This is not an id.")]) from None


class ByGuest(Strict):
    """Who acts, and what proves it where no cookie does."""

    guest_id: UUID
    guest_secret: str = ""


class _Words(ByGuest, kw_only=True):
    checklist: list[Any] | None = None

    def check(self, text: str | None) -> None:
        """Refuse (400) what cannot be stored, or is more than a comment."""
        if text is not None:
            check_text("text", text)
            if len(text) > _LONGEST:
                raise InvalidBody([("text", f"At most {_LONGEST} characters.")])
        if self.checklist is not None:
            check_json("checklist", self.checklist)
            if len(self.checklist) > _MOST_ITEMS:
                raise InvalidBody([("checklist", f"At most {_MOST_ITEMS} items.")])


class GuestComment(_Words, kw_only=True):
    """A comment of a guest on a shown task, with the status it gives the task."""

    task_id: UUID
    task_status_id: UUID
    text: str | None = ""


class GuestEdit(_Words, kw_only=True):
    """What changes in a guest's own comment; null leaves it as it is."""

    text: str | None = None
    task_status_id: UUID | None = None


class GuestDrawing(ByGuest, kw_only=True):
    """What changes in the annotations of a shown preview."""

    preview_file_id: UUID
    additions: list[dict[str, Any]] | None = None
    updates: list[dict[str, Any]] | None = None
    deletions: list[dict[str, Any]] | None = None


class PasswordQuery(msgspec.Struct):
    """The password of a link that has one; it may come in the header `X-Share-Password` too."""

    password: str = ""

"""What callers send about comments. Source: spec tasks, POST /actions/tasks/{task_id}/comment."""

import re
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request

from pegbar.core.data.values import check_json, check_text
from pegbar.core.errors import ApiError, BadRequest, InvalidBody, NotFound
from pegbar.core.http.body import Strict, decode_json

_DATE = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d")


class PostedComment(Strict):
    """A comment with the status it gives its task. Forms send the lists as JSON text."""

    task_status_id: str
    comment: str = ""
    checklist: list[Any] | str | None = None
    links: list[Any] | str | None = None
    person_id: str = ""
    created_at: str = ""
    for_client: bool | str | int = False

    def items(self, name: str) -> list[Any]:
        """A list of the body, from JSON or from text holding JSON."""
        value = getattr(self, name)
        if isinstance(value, str):
            value = _parsed(name, value)
        if value is None:
            return []
        if not isinstance(value, list):
            raise BadRequest(f"{name} must be a list.")
        check_json(name, value)
        return value

    @property
    def text(self) -> str:
        """The text, or 400 when it cannot be stored."""
        check_text("comment", self.comment)
        return self.comment

    @property
    def link_texts(self) -> list[str]:
        """The links, stored as text."""
        return [each if isinstance(each, str) else msgspec.json.encode(each).decode() for each in self.items("links")]

    @property
    def is_for_client(self) -> bool:
        """Whether it is for clients; a form sends text."""
        given = self.for_client
        return given.lower() in ("true", "1", "yes", "on") if isinstance(given, str) else bool(given)

    @property
    def date(self) -> datetime | None:
        """The date to give it; None when absent or not a date."""
        if not _DATE.fullmatch(self.created_at):
            return None
        try:
            return datetime.fromisoformat(self.created_at)
        except ValueError:
            return None


def _parsed(name: str, value: str) -> Any:
    if not value.strip():
        return None
    try:
        return decode_json(value.encode())
    except (ApiError, UnicodeEncodeError):
        raise InvalidBody([(name, "This is not a JSON list.")]) from None


def known_id(name: str, value: str) -> UUID:
    """An id of a body; one that is no UUID names nothing: 404."""
    try:
        return UUID(value)
    except ValueError:
        raise NotFound(f"{name} names nothing.", field=name) from None


def is_form(request: Request[Any, Any, Any]) -> bool:
    """Whether the request is a form with files."""
    return str(request.headers.get("content-type", "")).lower().startswith("multipart/form-data")

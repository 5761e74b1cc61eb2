"""What may go wrong."""

from collections.abc import Mapping
from typing import Any


class PegbarError(Exception):
    """Anything that keeps a call from being answered."""


class Unreachable(PegbarError):
    """The server was not reached, or did not answer, after all attempts."""


class Refused(PegbarError):
    """The server refused: `status`, `message`, and `fields` at fault with their reasons.

    Of a batch, `index` is the operation that was refused (from 0), and nothing of the batch was done.
    """

    def __init__(self, status: int, body: Any) -> None:
        document: Mapping[str, Any] = body if isinstance(body, Mapping) else {}
        self.status, self.body = status, body
        self.message = str(document.get("message") or body or f"HTTP {status}")
        data = document.get("data")
        self.data: Mapping[str, Any] = data if isinstance(data, Mapping) else {}
        self.fields: list[Mapping[str, Any]] = [*self.data.get("errors", ())]
        index = document.get("index", self.data.get("index"))
        self.index: int | None = index if isinstance(index, int) else None
        super().__init__(f"{status}: {self.message}")


class NotSignedIn(Refused):
    """401: no token, or one that is over."""


class NotAllowed(Refused):
    """403: whoever is signed in may not do this."""


class NotFound(Refused):
    """404."""


class Conflict(Refused):
    """409: somebody else was there first; of an undo, `body["conflicts"]` tells who."""


class Gone(Refused):
    """410: what a cursor points at is kept no longer."""


_BY_STATUS = {401: NotSignedIn, 403: NotAllowed, 404: NotFound, 409: Conflict, 410: Gone}


def refusal(status: int, body: Any) -> Refused:
    """The error of an answer."""
    return _BY_STATUS.get(status, Refused)(status, body)

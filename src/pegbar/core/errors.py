"""Exceptions that become answers, and their bodies. Source: spec accounts, "Error bodies"."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


class CannotRun(Exception):
    """What keeps a command from running; the message says why and what to do."""


class ApiError(Exception):
    """An answer other than the one asked for; `field` is the key of the request's body that it is about."""

    status = 500

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        field: str | None = None,
        data: Mapping[str, Any] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status or self.status
        self.data = data if field is None else field_errors([(field, message)])
        self.extra = extra
        self.headers: dict[str, str] = {}

    @property
    def body(self) -> Mapping[str, Any]:
        """The JSON of the answer: the same three keys whatever went wrong, and what some clients read besides."""
        return {"error": True, "message": self.message, "data": self.data, **self.extra}


def field_errors(errors: Iterable[tuple[str, str]]) -> Mapping[str, Any]:
    """The `data` of an error about fields: `{"errors": [{"field": "a.0.b", "message": …}]}`."""
    return {"errors": [{"field": str(field), "message": message} for field, message in errors]}


class BadRequest(ApiError):
    """A parameter that a check refuses. The message names it; `data` is null, as the recordings have it."""

    status = 400

    def __init__(self, message: str, data: Mapping[str, Any] | None = None, **more: Any) -> None:
        super().__init__(message, data=data, **more)


class InvalidBody(BadRequest):
    """A request body that does not fit its declaration: one entry for each field, `("a.b", "what is wrong")`."""

    def __init__(self, errors: Sequence[tuple[str, str]]) -> None:
        super().__init__("Validation error.", data=field_errors(errors))
        self.errors = tuple(errors)


class Refused(ApiError):
    """A value the database cannot store, or a broken rule of a table (spec crud, Errors)."""

    status = 400


class Conflict(ApiError):
    """A refusal because of other rows."""

    status = 400


class TokenError(ApiError):
    """A missing, revoked or unusable token: 401 or 422. Clients look for its text under `msg`."""

    status = 401

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message, status=status, msg=message)


class Unauthorized(ApiError):
    """An expired token, or an account that is inactive or gone."""

    status = 401


class Forbidden(ApiError):
    """The caller may not do this."""

    status = 403

    def __init__(self, message: str = "You are not allowed to do this.", **more: Any) -> None:
        super().__init__(message, **more)


class NotFound(ApiError):
    """Nothing there."""

    status = 404

    def __init__(self, message: str = "The requested object does not exist.", **more: Any) -> None:
        super().__init__(f"404 Not Found: {message}", **more)


class MethodNotAllowed(ApiError):
    """A route that does not take the method."""

    status = 405


class TooLarge(ApiError):
    """A body over a limit."""

    status = 413


class WrongContentType(ApiError):
    """A body that is not JSON where only JSON is read."""

    status = 415


class TooManyRequests(ApiError):
    """More attempts than the rate limit allows."""

    status = 429


class HungUp(ApiError):
    """The caller hung up in the middle of its body: nobody reads the answer, and nothing is wrong with the server."""

    status = 499


class StorageFull(ApiError):
    """No room left on a disk."""

    status = 507


class Unavailable(ApiError):
    """Something the server stands on is not there; the request may be sent again."""

    status = 503

    def __init__(self, message: str, *, seconds: int = 5, **extra: Any) -> None:
        super().__init__(message, **extra)
        self.headers = {"retry-after": str(seconds)}


class InternalError(ApiError):
    """A fault of ours."""

    status = 500

"""Exceptions that become answers, and their bodies. Source: spec accounts, "Error bodies"."""

from collections.abc import Mapping, Sequence
from typing import Any


class ApiError(Exception):
    """An answer other than the one asked for. `body` is its JSON."""

    status = 500

    def __init__(self, message: str, *, status: int | None = None, **extra: Any) -> None:
        super().__init__(message)
        self.message = message
        self.status = status or self.status
        self.extra = extra
        self.headers: dict[str, str] = {}

    @property
    def body(self) -> Mapping[str, Any]:
        """`{"error": true, "message": …}` and what the error adds."""
        return {"error": True, "message": self.message, **self.extra}


class BadRequest(ApiError):
    """A parameter that a check refuses. The message names the field and the reason; `data` may add more."""

    status = 400

    def __init__(self, message: str, data: Mapping[str, Any] | None = None, **extra: Any) -> None:
        super().__init__(message, data=data, **extra)


class InvalidBody(BadRequest):
    """A request body that does not fit its declaration: one entry for each field, `("a.b", "what is wrong")`."""

    def __init__(self, errors: Sequence[tuple[str, str]]) -> None:
        listed = [{"field": field, "message": message} for field, message in errors]
        super().__init__("Validation error.", data={"errors": listed})


class Refused(ApiError):
    """A value the database cannot store, or a broken rule of a table: no `error` key (spec crud, Errors)."""

    status = 400

    @property
    def body(self) -> Mapping[str, Any]:
        return {"message": self.message}


class Conflict(ApiError):
    """A refusal because of other rows, without a `data` key."""

    status = 400


class TokenError(ApiError):
    """A missing, revoked or unusable token: 401 or 422 with the body `{"msg": …}`."""

    status = 401

    @property
    def body(self) -> Mapping[str, Any]:
        return {"msg": self.message}


class Unauthorized(ApiError):
    """An expired token, or an account that is inactive or gone."""

    status = 401


class Forbidden(ApiError):
    """The caller may not do this."""

    status = 403

    def __init__(self, message: str = "You are not allowed to do this.", **extra: Any) -> None:
        super().__init__(message, **extra)


class NotFound(ApiError):
    """Nothing there."""

    status = 404

    def __init__(self, message: str = "The requested object does not exist.") -> None:
        super().__init__(f"404 Not Found: {message}")


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

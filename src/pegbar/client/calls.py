"""Calls of the API as values, and what to do with what comes of them. Nothing here waits for anything."""

import random
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import httpx

from pegbar.client.errors import Refused, Unreachable, refusal

T = TypeVar("T")

#: A JSON object of the API.
Row = dict[str, Any]
#: Seconds between two attempts: doubled from the first on, each time up to half of it more.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
#: What passes: too many at once, and what stands before or under the server being away.
_PASSING = frozenset({429, 502, 503, 504})


@dataclass(frozen=True)
class Call(Generic[T]):
    """A request, and how its answer is read.

    A call that changes something has a key, under which the server does it once however often it is sent.
    """

    method: str
    path: str
    read: Callable[[Any], T]
    params: Mapping[str, Any] | None = None
    body: Any = None
    key: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    signs_in: bool = False
    repeats: bool = False  #: changes nothing, although it is no GET


def reading(path: str, **params: Any) -> Call[Any]:
    """GET."""
    return Call("GET", path, _as_it_is, {name: value for name, value in params.items() if value is not None})


def changing(method: str, path: str, body: Any = None, *, keyed: bool = True) -> Call[Any]:
    """POST, PUT, PATCH or DELETE. `keyed=False` for the few routes that take no key: they are sent once."""
    return Call(method, path, _as_it_is, body=body, key=str(uuid.uuid4()) if keyed else None)


def sign_in(email: str, password: str, otp: str | None) -> Call[str]:
    """The access token of somebody."""
    body = {"email": email, "password": password, **({"totp": otp} if otp else {})}
    return Call("POST", "/auth/login", lambda answer: str(answer["access_token"]), body=body, signs_in=True)


def _as_it_is(answer: Any) -> Any:
    return answer


class Sending(Generic[T]):
    """A call that is being sent, until it is answered for good."""

    def __init__(self, call: Call[T], attempts: int) -> None:
        self.call, self._left = call, attempts
        self._pause = _FIRST_PAUSE
        self._may_repeat = call.method == "GET" or call.key is not None or call.signs_in or call.repeats

    def pause(self, outcome: httpx.Response | httpx.TransportError) -> float | None:
        """The seconds after which to send it again; None when this is what came of it."""
        self._left -= 1
        if self._left <= 0:
            return None
        if isinstance(outcome, httpx.TransportError):
            # What was not sent at all may be sent again, whatever it is.
            again = self._may_repeat or isinstance(outcome, httpx.ConnectError | httpx.ConnectTimeout)
            return self._next_pause(None) if again else None
        wait = outcome.headers.get("retry-after")
        # 409 with Retry-After: the same key is under way.
        passes = outcome.status_code in _PASSING or (outcome.status_code == 409 and wait is not None)
        if passes and (self._may_repeat or outcome.status_code == 429):
            return self._next_pause(wait)
        return None

    def _next_pause(self, wait: str | None) -> float:
        pause, self._pause = self._pause, min(self._pause * 2, _LONGEST_PAUSE)
        if wait is not None and wait.isdigit():
            pause = min(max(pause, float(wait)), 10 * _LONGEST_PAUSE)
        return pause * random.uniform(1, 1.5)  # noqa: S311 - no secret

    def result(self, outcome: httpx.Response | httpx.TransportError) -> T:
        """What the call answers. Raises Refused, Unreachable."""
        if isinstance(outcome, httpx.TransportError):
            raise Unreachable(f"{self.call.method} {self.call.path}: {outcome or type(outcome).__name__}") from outcome
        body = document(outcome)
        if outcome.is_success:
            return self.call.read(body)
        raise refusal(outcome.status_code, body)


def document(response: httpx.Response) -> Any:
    """The body of an answer: JSON as its value, else text; None for none."""
    if not response.content:
        return None
    if response.headers.get("content-type", "").startswith("application/json"):
        try:
            return response.json()
        except ValueError:
            raise Refused(response.status_code, "The answer is broken off.") from None
    return response.text


@dataclass
class Account:
    """Where the server is, and who calls it."""

    url: str
    token: str | None = None
    email: str | None = None
    password: str | None = None
    otp: str | None = None
    attempts: int = 6

    def __post_init__(self) -> None:
        self.url = self.url.rstrip("/")
        if not self.url.endswith("/api"):
            self.url += "/api"

    @property
    def signing_in(self) -> Call[str] | None:
        """How to get a token, where there is a password."""
        if self.email is None or self.password is None:
            return None
        return sign_in(self.email, self.password, self.otp)

    def arguments(self, call: Call[Any]) -> dict[str, Any]:
        """The request of a call."""
        headers = dict(call.headers)
        if self.token is not None and not call.signs_in:
            headers["Authorization"] = f"Bearer {self.token}"
        if call.key is not None:
            headers["Idempotency-Key"] = call.key
        body = {} if call.body is None else {"json": call.body}
        return {"method": call.method, "url": self.url + call.path, "params": call.params, "headers": headers, **body}

    def must_sign_in(self, call: Call[Any], outcome: object = None) -> Call[str] | None:
        """How to sign in, when that has to come before the call is sent (again)."""
        if call.signs_in or (signing_in := self.signing_in) is None:
            return None
        if outcome is None:
            return signing_in if self.token is None else None
        expired = isinstance(outcome, httpx.Response) and outcome.status_code == 401
        return signing_in if expired else None

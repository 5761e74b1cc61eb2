"""What this process sees go by: who uses which session, which requests are slow. In memory, until it is written.

A request costs a look into a dictionary; writing.py writes a few rows a minute.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from litestar import Request
from litestar.response.base import ASGIResponse
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from pegbar.accounts.addresses import client_address
from pegbar.accounts.sessions import session_of
from pegbar.accounts.tokens import REFRESH_LIFETIME
from pegbar.config import settings
from pegbar.core.http.access import Caller
from pegbar.core.http.downloads import Download
from pegbar.core.http.routing import CALLER, Answering, Operation

#: Sessions that are counted between two writings, and slow requests that are kept: the slowest.
_MOST_SESSIONS, _MOST_SLOW = 20_000, 100
_AGENT, _ADDRESS = 300, 50


@dataclass
class Use:
    """What one session or API token did since the last writing."""

    person_id: UUID
    kind: str
    address: str | None
    agent: str | None
    started_at: datetime
    expires_at: datetime | None
    seen: float
    requests: int = 1

    @property
    def seen_at(self) -> datetime:
        return _utc(self.seen)


@dataclass(frozen=True)
class Slow:
    """A request that took long."""

    at: datetime
    method: str
    route: str
    status: int
    seconds: float
    person_id: UUID | None


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


class Ledger:
    """What was seen since it was last written down."""

    def __init__(self) -> None:
        self._uses: dict[str, Use] = {}
        self._slow: list[Slow] = []

    def saw(self, caller: Caller, request: Request[Any, Any, Any]) -> None:
        """Take note that a session is used."""
        token = caller.token
        session = session_of(token)
        if (use := self._uses.get(session)) is not None:
            use.seen = time.time()
            use.requests += 1
        elif len(self._uses) < _MOST_SESSIONS:
            started_at = _utc(token.iat)
            expires_at = _utc(token.exp) if token.exp is not None else None
            if token.identity_type == "person":
                # The session lasts as long as its refresh token; it began no later than this access token.
                expires_at = started_at + REFRESH_LIFETIME
            address, agent = client_address(request), request.headers.get("user-agent")
            self._uses[session] = Use(
                caller.id,
                token.identity_type,
                address and address[:_ADDRESS],
                agent and agent[:_AGENT],
                started_at,
                expires_at,
                time.time(),
            )

    def took(self, slow: Slow) -> None:
        """Take note of a slow request, unless slower ones fill the list."""
        self._slow.append(slow)
        if len(self._slow) > _MOST_SLOW:
            self._slow.remove(min(self._slow, key=lambda one: one.seconds))

    def uses(self) -> dict[str, Use]:
        """The uses since the last time, which count no longer."""
        uses, self._uses = self._uses, {}
        return uses

    def slow(self) -> list[Slow]:
        """The slow requests since the last time, likewise."""
        slow, self._slow = self._slow, []
        return slow


#: Of this process.
ledger = Ledger()


def watched(operation: Operation, endpoint: Answering) -> Answering:
    """The endpoint, with who asks and how long it takes noted. Time is that to the first byte of the answer."""
    slowest_welcome = settings().slow_request
    # How long an upload takes is its sender's line to say.
    is_timed = bool(slowest_welcome) and not operation.files and not operation.path.startswith("/uploads")

    def note(request: Request[Any, Any, Any], status: int, started: float) -> None:
        seconds = time.perf_counter() - started
        if not is_timed or seconds < slowest_welcome:
            return
        caller: Caller | None = request.scope.get(CALLER)  # type: ignore[assignment]
        person_id = caller.id if caller is not None else None
        now = _utc(time.time())
        ledger.took(Slow(now, operation.method, operation.path, status, round(seconds, 3), person_id))

    async def answer(request: Request[Any, Any, Any]) -> ASGIApp:
        started = time.perf_counter()
        inner = await endpoint(request)
        caller: Caller | None = request.scope.get(CALLER)  # type: ignore[assignment]
        if caller is not None:
            ledger.saw(caller, request)
        if isinstance(inner, ASGIResponse | Download):  # made already
            note(request, inner.status_code, started)
            return inner

        async def timed(scope: Scope, receive: Receive, send: Send) -> None:
            async def sending(message: Message) -> None:
                if message["type"] == "http.response.start":
                    note(request, message["status"], started)
                await send(message)

            await inner(scope, receive, sending)

        return timed

    return answer

"""Server-Sent Events: what was told since a cursor, then what is told, for as long as the client takes it.

Past events are read in pages, a few readers at a time, each page when the client has taken the one before. When they
end, the listener joins the tail of the process; when it is left behind, it reads pages again.
"""

import asyncio
from collections.abc import AsyncGenerator
from functools import cache
from random import uniform
from typing import Any

import structlog
from litestar.types import Receive, Scope, Send

from pegbar.accounts.callers import RequestCallers
from pegbar.config import settings
from pegbar.core.data.database import Database
from pegbar.core.data.faults import answer_to
from pegbar.core.errors import TokenError, Unavailable
from pegbar.core.http.access import Caller
from pegbar.core.http.downloads import HEAD_ONLY, LAST_SEND
from pegbar.core.live.cursors import Cursor, Gone, written
from pegbar.core.turns import Allowance, Busy, Turns
from pegbar.core.work import draining
from pegbar.open.feed import queries
from pegbar.open.feed.filters import Filter
from pegbar.open.feed.listeners import Listener
from pegbar.open.feed.outlet import Outlet
from pegbar.open.feed.tail import STOPPING, tail_of

log = structlog.get_logger()

EVENT_STREAM = "text/event-stream"
_HEADERS = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
)
#: Milliseconds after which clients are to come back; apart, since a server that stops sends them all away at once.
_COME_BACK = (500, 3000)
#: Pages that are read at once, and by one person.
_PAGES = Turns(4, 2)


@cache
def _of_process() -> Allowance:
    return Allowance(settings().feed_streams, 0)


@cache
def _by_person() -> Allowance:
    return Allowance(0, settings().feed_streams_per_person)


def take_place(caller: Caller) -> None:
    """Take one of the places of those who listen. Raises Unavailable, and Busy."""
    if draining.is_letting_go():
        raise Unavailable(STOPPING, seconds=1)
    if not _by_person().take(caller.id):
        raise Busy(f"You listen {_by_person().by_holder} times already. Close one of the streams, then try again.")
    if not _of_process().take(caller.id):
        _by_person().give_back(caller.id)
        raise Unavailable("As many clients listen as this server has places for. Try again in a moment.")


def give_back_place(caller: Caller) -> None:
    """Give it back."""
    _by_person().give_back(caller.id)
    _of_process().give_back(caller.id)


class EventStream:
    """An ASGI response that ends when the client, the server or the rules end it."""

    def __init__(self, db: Database, caller: Caller, only: Filter, cursor: Cursor, *, is_new: bool = False) -> None:
        """`is_new`: the cursor is of this moment, so that there is hardly a past to read before one listens."""
        self._db, self._caller, self._only, self._cursor, self._is_new = db, caller, only, cursor, is_new
        take_place(caller)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        tasks = {asyncio.create_task(self._send(scope, send)), asyncio.create_task(_disconnected(receive))}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            give_back_place(self._caller)

    async def _send(self, scope: Scope, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        if scope.get(HEAD_ONLY):
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        last: Any = scope.get(LAST_SEND, send)  # nothing on the way changes the pieces of these streams
        outlet = Outlet(last, settings().stream_patience)
        pieces = self._pieces(outlet)
        try:
            async for piece in pieces:
                await outlet.send(piece)
        except TimeoutError:
            log.warning("a stream broke off: its client took nothing", seconds=settings().stream_patience)
            return
        except (TokenError, Gone, Unavailable):
            pass  # the client hears it when it comes back
        except Exception as error:
            log.error("a stream broke off", error=str(error), exc_info=None if answer_to(error) else error)
        finally:
            await pieces.aclose()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _pieces(self, outlet: Outlet) -> AsyncGenerator[bytes]:
        """What is to be sent; what a listener that waits is told goes to the outlet without coming by here."""
        yield f"retry: {uniform(*_COME_BACK):.0f}\n\n".encode()  # noqa: S311 - no secret
        tail = tail_of(self._db)
        while True:
            listener = Listener(self._caller.token, self._only, outlet)
            try:
                if not self._is_new:
                    async for piece in self._past(None):
                        yield piece
                self._is_new = False
                joined = await tail.join(listener)
                assert joined.seen
                async for piece in self._past(joined.seen):
                    yield piece
                if not listener.ended:
                    self._cursor = joined
                    yield f"id: {written(joined)}\n\n".encode()
                while piece := await listener.taken():
                    yield piece
                self._cursor = listener.cursor or self._cursor
            finally:
                tail.leave(listener)
            if listener.ended:
                yield f": {listener.ended}\n\n".encode()
                return

    async def _past(self, until: str | None) -> AsyncGenerator[bytes]:
        """What was told since the cursor: until nothing more is there, or up to what a snapshot shows."""
        callers, token = RequestCallers(self._db), self._caller.token
        more = True
        while more:
            async with _PAGES.place(self._caller.id):
                audience = await callers.audience({token.jti: token}, [])
                if token.jti not in audience.projects:
                    raise TokenError("Token has been revoked")
                if draining.is_letting_go():
                    raise Unavailable(STOPPING)
                page = await queries.frames(self._db, self._cursor, self._only, self._caller.id, until=until)
            moved, self._cursor, more = page.cursor != self._cursor, page.cursor, page.more
            if page.events:
                yield page.events.encode()
            elif moved and more:
                yield f"id: {written(page.cursor)}\n\n".encode()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

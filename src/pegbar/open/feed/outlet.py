"""Where the text of one stream goes: to the server, which takes it at once as long as its client reads.

So what is told to a thousand listeners needs no task of each to run: whoever tells it starts the send, and only one
that does not end there and then, of a client that is slow, is left for the task of its stream to finish.
"""

import asyncio
from collections.abc import Generator
from typing import Any

from litestar.types import Send


class Outlet:
    """The body of one answer. `patience`: seconds after which a client that takes nothing is given up: TimeoutError."""

    def __init__(self, send: Send, patience: float) -> None:
        self._send, self._patience = send, patience
        self._unfinished: _Unfinished | None = None
        self._error: Exception | None = None

    def is_sent_at_once(self, piece: bytes) -> bool:
        """Begin to send a piece; whether that is done. Otherwise it is for `finish`, before anything else is sent."""
        sending = self._send({"type": "http.response.body", "body": piece, "more_body": True}).__await__()
        try:
            waits_for = next(sending)
        except StopIteration:
            return True
        except Exception as error:  # it is the stream's to end, not of who tells it something
            self._error = error
        else:
            self._unfinished = _Unfinished(sending, waits_for)
        return False

    async def finish(self) -> None:
        """Go on with what was begun. Raises TimeoutError, and what the send did."""
        error, unfinished = self._error, self._unfinished
        self._error = self._unfinished = None
        if error is not None:
            raise error
        if unfinished is not None:
            async with asyncio.timeout(self._patience):
                await unfinished

    async def send(self, piece: bytes) -> None:
        """Send a piece. Raises TimeoutError, and what the send did."""
        if not self.is_sent_at_once(piece):
            await self.finish()


class _Unfinished:
    """What somebody else began to await, up to the future that it waits for: it goes on in the task that awaits it."""

    def __init__(self, steps: Generator[Any, None, None], waits_for: Any) -> None:
        self._steps, self._waits_for = steps, waits_for

    def __await__(self) -> Generator[Any, None, None]:
        try:
            yield self._waits_for
        except BaseException as error:
            self._steps.throw(error)
            raise
        yield from self._steps


__all__ = ["Outlet"]

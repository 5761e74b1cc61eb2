"""A worker that waits for its batch: it hears of events as listeners of the feed do, and holds no connection."""

import asyncio
from contextlib import suppress
from typing import Any
from uuid import UUID

from litestar import Request

from pegbar.core.data.database import Database, Transaction
from pegbar.core.http.access import Caller
from pegbar.open.feed.consumers import actions
from pegbar.open.feed.consumers.actions import Batch
from pegbar.open.feed.listeners import Waiter
from pegbar.open.feed.stream import give_back_place, take_place
from pegbar.open.feed.tail import tail_of


class Fetch:
    """One worker's wish for a batch."""

    def __init__(self, db: Database, caller: Caller, person_id: UUID, name: str, most: int, seconds: float) -> None:
        self._db, self._caller, self._person_id, self._name = db, caller, person_id, name
        self._most, self._seconds = most, seconds

    async def now(self) -> Batch:
        """What there is."""

        async def work(tx: Transaction) -> Batch:
            return await actions.lease(tx, self._person_id, self._name, most=self._most, seconds=self._seconds)

        return await self._db.write(self._caller.id, work)

    async def within(self, wait: float, request: Request[Any, Any, Any]) -> Batch:
        """What there is, or comes within so many seconds; nothing when the worker hangs up."""
        batch = await self.now()
        if batch.events or not wait:
            return batch
        take_place(self._caller)
        gone = asyncio.create_task(_hung_up(request))
        waiter = Waiter(self._caller.token, batch.only, batch.consumer_id)
        tail = tail_of(self._db)
        try:
            async with asyncio.timeout(wait):
                await tail.join(waiter)
                while not waiter.ended and not gone.done():
                    waiter.awake.clear()
                    batch = await self.now()
                    if batch.events:
                        return batch
                    await _first(waiter, gone, batch.next_end)
        except TimeoutError:
            pass
        finally:
            tail.leave(waiter)
            gone.cancel()
            give_back_place(self._caller)
        return batch


async def _first(waiter: Waiter, gone: "asyncio.Task[None]", seconds: float | None) -> None:
    """Until something happens, the worker hangs up, or another's lease has ended."""
    heard = asyncio.create_task(waiter.awake.wait())
    try:
        await asyncio.wait({heard, gone}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        heard.cancel()
        with suppress(asyncio.CancelledError):
            await heard


async def _hung_up(request: Request[Any, Any, Any]) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass

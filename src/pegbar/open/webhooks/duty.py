"""The duty of job workers: hand out what happened, send what is due, as soon as a commit or an answer says so."""

import asyncio
import time
from contextlib import suppress
from typing import Any

import asyncpg

from pegbar.core.data.database import Database
from pegbar.core.data.faults import connect
from pegbar.core.data.parameters import sql
from pegbar.core.live.events import CHANNEL as EVENTS
from pegbar.core.work.duties import duty
from pegbar.open.webhooks.handing_out import CHANNEL, hand_out
from pegbar.open.webhooks.sending import Sender

#: Seconds until it looks again although nothing was said, and least between two looks.
_LOOK_AGAIN, _LEAST = 2.0, 0.02


#: Most studios have none: then a commit costs one look.
_ANY = sql("SELECT EXISTS (SELECT 1 FROM pegbar.webhook)")


@duty("open.webhooks")
async def deliver(db: Database) -> None:
    """Keep webhooks served, until cancelled."""
    news, sender = _News(), Sender(db)
    connection = None
    try:
        connection = await _listening(db, news)
        while not connection.is_closed():
            news.wake.clear()
            begun = 0
            if await db.value(_ANY):
                if news.taken():
                    news.happened |= await hand_out(db)
                begun = await sender.take(news.wake)
            else:
                news.happened = news.wake.is_set()  # what did not happen meanwhile was for nobody
            if not (begun or news.happened):
                with suppress(TimeoutError):
                    await asyncio.wait_for(news.wake.wait(), _LOOK_AGAIN)
            await asyncio.sleep(_LEAST)
    finally:
        if connection is not None:
            connection.terminate()
        await sender.close()


class _News:
    """What there is to do: something was sent (`wake` alone), or something happened."""

    def __init__(self) -> None:
        self.wake = asyncio.Event()
        self.happened = True
        self._looked_at = 0.0

    def heard(self, *_: Any) -> None:
        """A commit, or somebody who wants something sent."""
        self.happened = True
        self.wake.set()

    def taken(self) -> bool:
        """Whether to look for events: some happened, or it is a while ago."""
        now = time.monotonic()
        if not self.happened and now - self._looked_at < _LOOK_AGAIN:
            return False
        self.happened, self._looked_at = False, now
        return True


async def _listening(db: Database, news: _News) -> asyncpg.Connection:
    """A connection that hears of commits and of what waits."""
    connection = await connect(db.url, server_settings={"application_name": "pegbar webhooks"})
    for channel in (EVENTS, CHANNEL):
        await connection.add_listener(channel, news.heard)
    connection.add_termination_listener(news.heard)
    return connection

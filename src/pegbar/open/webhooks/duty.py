"""The duty of job workers: hand out what happened, send what is due, as soon as a commit or an answer says so."""

import asyncio
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
    wake, sender = asyncio.Event(), Sender(db)
    connection = None
    try:
        connection = await _listening(db, wake)
        while not connection.is_closed():
            wake.clear()
            busy = await db.value(_ANY) and (await hand_out(db), await sender.take(wake))
            if not busy or not any(busy):
                with suppress(TimeoutError):
                    await asyncio.wait_for(wake.wait(), _LOOK_AGAIN)
            await asyncio.sleep(_LEAST)
    finally:
        if connection is not None:
            connection.terminate()
        await sender.close()


async def _listening(db: Database, wake: asyncio.Event) -> asyncpg.Connection:
    """A connection that hears of commits and of what waits."""

    def heard(*_: Any) -> None:
        wake.set()

    connection = await connect(db.url, server_settings={"application_name": "pegbar webhooks"})
    for channel in (EVENTS, CHANNEL):
        await connection.add_listener(channel, heard)
    connection.add_termination_listener(heard)
    return connection

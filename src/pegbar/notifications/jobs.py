"""Telling people of their notifications by mail and chat, as each of them wants it, after the commit.

One job tells all recipients of an event. What fails goes on alone, as a job of its own with longer and longer waits:
nobody is told twice because another's mail server is down, and `pegbar jobs` shows whom something could not be sent to.
A job holds ids only; texts, addresses and tokens are read when they are needed.
Source: spec tasks, "Notifications", Mails/chat; "Worth fixing", Performance.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from uuid import UUID

import asyncpg
import structlog

from pegbar.core.data.database import Database
from pegbar.core.messages.channel import Channel, TryAgain, Undeliverable
from pegbar.core.messages.channels import CHANNELS
from pegbar.core.messages.mail import ByMail
from pegbar.core.work.jobs import job
from pegbar.notifications import queries
from pegbar.notifications.messages import PLAYLIST, Notice, message

log = structlog.get_logger()

TELL = job("tasks.tell", outward=True)
#: The last attempt is some four hours after the first.
TELL_AGAIN = job("tasks.tell_again", retries=12, outward=True)

_NOTICE = [column.name for column in fields(Notice)]


@dataclass(frozen=True)
class Delivery:
    """A notice on its way by one channel."""

    notification_id: UUID
    channel: str
    address: str
    notice: Notice


def _deliveries(row: asyncpg.Record) -> list[Delivery]:
    """The ways by which a person wants to be told of a notification."""
    notice = Notice(**{name: row[name] for name in _NOTICE})
    wanted = [name for name in CHANNELS if row[f"by_{name}"]]
    # A client who wants any message is mailed of a playlist.
    if wanted and row["kind"] == PLAYLIST and ByMail.name not in wanted:
        wanted.insert(0, ByMail.name)
    return [Delivery(row["id"], name, row[name], notice) for name in wanted]


class _Post:
    """The channels that messages leave by, each opened with its first message."""

    def __init__(self, organisation: asyncpg.Record | None) -> None:
        self._organisation = organisation
        self._open: dict[str, Channel] = {}

    def _channel(self, name: str) -> Channel:
        if name not in self._open:
            kind, organisation = CHANNELS[name], self._organisation
            credential = organisation[name] if organisation and kind.credential else ""
            self._open[name] = kind(organisation["name"] if organisation else "Kitsu", credential)
        return self._open[name]

    async def close(self) -> None:
        """Close the channels."""
        for channel in self._open.values():
            await channel.close()

    async def deliver(self, delivery: Delivery) -> None:
        """Send a notice. Raises TryAgain when it should be tried again; what is refused for good is logged."""
        about = {"notification": delivery.notification_id, "by": delivery.channel}
        channel = self._channel(delivery.channel)
        try:
            await channel.send(delivery.address, message(delivery.notice, channel.style))
        except Undeliverable as error:
            log.warning("a message was refused", **about, reason=str(error))
        except TryAgain:
            raise
        except Exception as error:
            # A fault of ours about one message must not hold up the others, or have them sent again and again.
            log.error("a message failed", **about, exc_info=error)
            raise TryAgain(f"{type(error).__name__}, see the log", away=False) from None


async def _tell(db: Database, ids: Sequence[UUID], only: str | None = None) -> list[tuple[Delivery, TryAgain]]:
    """Tell of notifications, by one channel or all; what could not be sent, and why."""
    rows = await db.rows(queries.notices, ids=list(ids))
    deliveries = [way for row in rows for way in _deliveries(row) if only in (None, way.channel)]
    if not deliveries:
        return []
    away: dict[str, TryAgain] = {}
    left: list[tuple[Delivery, TryAgain]] = []
    post = _Post(await db.row(queries.credentials))
    try:
        for delivery in deliveries:
            try:
                if delivery.channel in away:
                    raise away[delivery.channel]
                await post.deliver(delivery)
            except TryAgain as error:
                left.append((delivery, error))
                if error.away:
                    # The others would only wait for the same.
                    away[delivery.channel] = error
    finally:
        await post.close()
    return left


@TELL.task
async def tell(db: Database, *, notification_ids: list[str]) -> None:
    """Tell the recipients of notifications, of one event."""
    left = await _tell(db, [UUID(notification_id) for notification_id in notification_ids])
    if not left:
        return
    async with db.transaction() as tx:
        for delivery, error in left:
            about = {"notification": delivery.notification_id, "by": delivery.channel}
            log.warning("a message waits for another attempt", **about, reason=str(error))
            tx.defer(TELL_AGAIN, notification_id=delivery.notification_id, channel=delivery.channel)


@TELL_AGAIN.task
async def tell_again(db: Database, *, notification_id: str, channel: str) -> None:
    """Tell somebody of a notification by a channel that failed before. Raises TryAgain while it fails."""
    for _, error in await _tell(db, [UUID(notification_id)], channel):
        raise error

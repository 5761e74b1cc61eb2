"""Telling people of their notifications by mail and chat, as each of them wants it, after the commit.

One job tells all recipients of an event. What fails goes on alone, as a job of its own with longer and longer waits:
nobody is told twice because another's mail server is down, and `pegbar jobs` shows whom something could not be sent to.
A job holds ids only; texts, addresses and tokens are read when they are needed.
Source: spec tasks, "Notifications", Mails/chat; "Worth fixing", Performance.
"""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, fields
from typing import Literal
from uuid import UUID

import aiosmtplib
import asyncpg
import structlog

from pegbar.config import settings
from pegbar.core.data.database import Database
from pegbar.core.messages.chat_apps import APPS, ChatApps, Credentials, TryAgain, Undeliverable
from pegbar.core.messages.mail import Postbox
from pegbar.core.work.jobs import job
from pegbar.tasks.notices import messages, queries
from pegbar.tasks.notices.messages import Notice
from pegbar.tasks.notices.texts import PLAYLIST

log = structlog.get_logger()

Channel = Literal["mail", "slack", "mattermost", "discord"]

TELL = job("tasks.tell")
#: The last attempt is some four hours after the first.
TELL_AGAIN = job("tasks.tell_again", retries=12)

_NOTICE = [each.name for each in fields(Notice)]


class NotTold(Exception):
    """A message could not be sent this time; the text says why, and holds no secret.

    `down` tells that the mail server or app is away, rather than that it does not take this one message.
    """

    def __init__(self, reason: str, *, down: bool) -> None:
        super().__init__(reason)
        self.down = down


@dataclass(frozen=True)
class Delivery:
    """A notice on its way by one channel."""

    notification_id: UUID
    channel: Channel
    address: str
    notice: Notice


def _deliveries(row: asyncpg.Record) -> list[Delivery]:
    """The ways by which a person wants to be told of a notification."""
    notice = Notice(**{name: row[name] for name in _NOTICE})
    wanted: list[Delivery] = []
    apps = [app for app in APPS if row[f"by_{app}"]]
    # A client who wants any message is mailed of a playlist.
    if row["by_mail"] or (apps and row["kind"] == PLAYLIST):
        wanted.append(Delivery(row["id"], "mail", row["email"] or "", notice))
    return wanted + [Delivery(row["id"], app, row[app], notice) for app in apps]


class _Post:
    """The connections that messages leave by."""

    def __init__(self, organisation: asyncpg.Record | None) -> None:
        credentials = Credentials(*(organisation[app] for app in APPS)) if organisation else Credentials()
        self.postbox = Postbox(organisation["name"] if organisation else "Kitsu")
        self.apps = ChatApps(credentials)

    async def deliver(self, each: Delivery) -> None:
        """Send a notice. Raises NotTold when it should be tried again; what is refused for good is logged."""
        try:
            if each.channel == "mail":
                await self._mail(each)
            else:
                await self.apps.send(each.channel, each.address, messages.chat_text(each.notice, each.channel))
        except Undeliverable as error:
            log.warning("a message was refused", notification=each.notification_id, by=each.channel, reason=str(error))
        except TryAgain as error:
            raise NotTold(str(error), down=True) from None
        except (aiosmtplib.SMTPException, OSError) as error:
            reason = f"the mail server {settings().mail_server} does not take it: {_reason(error)}"
            raise NotTold(reason, down=_is_away(error)) from None
        except Exception as error:
            # A fault of ours about one message must not hold up the others, or have them sent again and again.
            log.error("a message failed", notification=each.notification_id, by=each.channel, exc_info=error)
            raise NotTold(f"{type(error).__name__}, see the log", down=False) from None

    async def _mail(self, each: Delivery) -> None:
        if not settings().mail_enabled:
            return
        if not settings().mail_server:
            log.debug("a notification is not mailed, as there is no MAIL_SERVER", notification=each.notification_id)
            return
        if not each.address:
            raise Undeliverable("the person has no e-mail address")
        await self.postbox.send(messages.mail(each.notice, each.address))


def _reason(error: Exception) -> str:
    """What a mail server's error is: its code, never the text it quotes."""
    code = getattr(error, "code", None)
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        code = ", ".join(str(each.code) for each in error.recipients)
    return type(error).__name__ if code is None else f"{type(error).__name__} {code}"


def _is_away(error: Exception) -> bool:
    """Whether a mail server takes nothing now, rather than not this recipient or mail."""
    refused = isinstance(error, aiosmtplib.SMTPRecipientsRefused | aiosmtplib.SMTPResponseException)
    return not refused or isinstance(error, aiosmtplib.SMTPAuthenticationError | aiosmtplib.SMTPConnectResponseError)


async def _tell(db: Database, ids: Sequence[UUID], only: Channel | None = None) -> list[tuple[Delivery, NotTold]]:
    """Tell of notifications, by one channel or all; what could not be sent, and why."""
    rows = await db.rows(queries.notices, ids=list(ids))
    wanted = [each for row in rows for each in _deliveries(row) if only in (None, each.channel)]
    if not wanted:
        return []
    failed: dict[Channel, NotTold] = {}
    left: list[tuple[Delivery, NotTold]] = []
    post = _Post(await db.row(queries.credentials))
    async with AsyncExitStack() as connections:
        await connections.enter_async_context(post.postbox)
        await connections.enter_async_context(post.apps)
        for each in wanted:
            try:
                if each.channel in failed:
                    raise failed[each.channel]
                await post.deliver(each)
            except NotTold as error:
                left.append((each, error))
                if error.down:
                    # The others would only wait for the same.
                    failed[each.channel] = error
    return left


@TELL.task
async def tell(db: Database, *, notification_ids: list[str]) -> None:
    """Tell the recipients of notifications, of one event."""
    left = await _tell(db, [UUID(each) for each in notification_ids])
    if not left:
        return
    async with db.transaction() as tx:
        for each, error in left:
            log.warning(
                "a message waits for another attempt",
                notification=each.notification_id,
                by=each.channel,
                reason=str(error),
            )
            tx.defer(TELL_AGAIN, notification_id=each.notification_id, channel=each.channel)


@TELL_AGAIN.task
async def tell_again(db: Database, *, notification_id: str, channel: Channel) -> None:
    """Tell somebody of a notification by a channel that failed before. Raises NotTold while it fails."""
    for _, error in await _tell(db, [UUID(notification_id)], channel):
        raise error

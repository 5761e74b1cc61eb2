"""Mails: written as title and message, sent as text and HTML, one recipient each, by a job.

    tx.defer(SEND_MAIL, **Mail(to=…, subject=…, title=…, message=…, language=…).arguments())

`message` is HTML whose values went through `escaped`. What a mail must keep secret (a link that sets a password) is
made by the job that sends it, never put into the arguments of a job: see accounts/mails.py.
Source: spec operations, "Outgoing mails".
"""

from collections import deque
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from email.errors import HeaderParseError
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid, parseaddr
from html import escape
from html.parser import HTMLParser
from typing import Any

import aiosmtplib
import structlog
from sqlalchemy import text

from pegbar.config import settings
from pegbar.core.data.database import Database
from pegbar.core.data.schema import utc_now
from pegbar.core.messages.channel import Channel, Message, TryAgain, Undeliverable
from pegbar.core.messages.languages import texts_of
from pegbar.core.work import jobs

log = structlog.get_logger()

_PAGE = """\
<!DOCTYPE html>
<html lang="{lang}"><head><meta charset="utf-8"><title>{title}</title></head>
<body style="margin:0;padding:24px;background:#f4f4f5;font-family:Helvetica,Arial,sans-serif;color:#222">
<div style="max-width:560px;margin:0 auto;padding:32px;background:#fff;border-radius:8px;line-height:1.5">
<h1 style="margin-top:0;font-size:20px">{title}</h1>
{message}
<p style="margin-bottom:0;color:#777">{signature}</p>
</div>
</body></html>
"""

SEND_MAIL = jobs.job("core.send_mail", retries=8, outward=True)

#: A mail server that answers these will not take the recipient at the next attempt either.
_REFUSED_FOR_GOOD = range(550, 555)

ORGANISATION_NAME = text("SELECT name FROM organisation ORDER BY created_at LIMIT 1")


@dataclass(frozen=True)
class Mail:
    """A mail to one person, in one of the languages of texts. `message` is HTML."""

    to: str
    subject: str
    title: str
    message: str
    language: str = "en_US"

    def arguments(self) -> dict[str, Any]:
        """What the job that sends it is given."""
        return asdict(self)


def escaped(value: object) -> str:
    """A value for the HTML of a message."""
    return escape(str(value))


def link(url: str, label: str) -> str:
    """A link for the HTML of a message; both parts are escaped here."""
    return f'<a href="{escape(url)}">{escape(label)}</a>'


@dataclass(frozen=True)
class Refusal:
    """A mail that the mail server, or the rules for addresses, refused for good."""

    at: datetime  #: UTC
    to: str
    subject: str
    reason: str


#: The latest refusals that this process met, until they are written down for whoever looks after the server.
refusals: deque[Refusal] = deque(maxlen=200)


def _refused(mail: Mail, reason: str) -> None:
    log.warning("a mail was refused", to=mail.to, subject=mail.subject, reason=reason)
    refusals.append(Refusal(utc_now(), mail.to[:255], mail.subject[:300], reason[:500]))


class _Text(HTMLParser):
    """The text of HTML: links with their targets in parentheses, a line for each block."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self.parts.append("\n")
        elif tag == "a":
            self._targets.append(dict(attrs).get("href") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("p", "h1", "div", "li"):
            self.parts.append("\n\n")
        elif tag == "a" and self._targets and (target := self._targets.pop()):
            self.parts.append(f" ({target})")

    def handle_data(self, data: str) -> None:
        self.parts.append(data.replace("\n", " "))


def as_text(html: str) -> str:
    """HTML as plain text."""
    parser = _Text()
    parser.feed(html)
    parser.close()
    lines = [" ".join(line.split()) for line in "".join(parser.parts).split("\n")]
    return "\n".join(lines).strip() + "\n"


def compose(mail: Mail, organisation: str) -> EmailMessage:
    """The mail as it is sent."""
    name, sender = parseaddr(settings().mail_default_sender)
    host = settings().domain_name.partition(":")[0]
    signature = texts_of("pegbar.core.messages", mail.language)["signature"].format(organisation=escaped(organisation))
    letter = EmailMessage(policy=SMTP)
    letter["From"] = Address(name or "Kitsu Bot", addr_spec=sender)
    letter["To"] = " ".join(mail.to.split())
    # Encoded as one text: word by word, as letters do it by themselves, Python loses the blanks between long ones.
    subject = " ".join(mail.subject.split())
    charset = "ascii" if subject.isascii() else "utf-8"
    letter.set_raw("Subject", Header(subject, charset, header_name="Subject").encode())
    letter["Date"] = formatdate()
    letter["Message-ID"] = make_msgid(domain=host)
    letter.set_content(as_text(f"<h1>{escaped(mail.title)}</h1>{mail.message}<p>{signature}</p>"))
    page = _PAGE.format(lang=mail.language[:2], title=escaped(mail.title), message=mail.message, signature=signature)
    letter.add_alternative(page, subtype="html")
    return letter


class Postbox:
    """Sends mails over one connection to the mail server, opened with the first of them.

    async with Postbox("Studio") as postbox:
        await postbox.send(mail)
    """

    def __init__(self, organisation: str) -> None:
        self._organisation = organisation
        self._server: aiosmtplib.SMTP | None = None

    async def __aenter__(self) -> "Postbox":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Take leave of the mail server."""
        if self._server is not None and self._server.is_connected:
            with suppress(aiosmtplib.SMTPException, OSError):
                await self._server.quit()

    async def send(self, mail: Mail) -> None:
        """Send a mail. What the server refuses for good is logged; raises when it should be tried again."""
        try:
            message = compose(mail, self._organisation)
        except (ValueError, IndexError, HeaderParseError):  # so the email package refuses what is no address
            _refused(mail, "this is no address")
            return
        try:
            server = await self._connected()
            await server.send_message(message)
        except aiosmtplib.SMTPRecipientsRefused as error:
            if any(refusal.code not in _REFUSED_FOR_GOOD for refusal in error.recipients):
                raise
            _refused(mail, str(error))
        except aiosmtplib.SMTPResponseException as error:
            if error.code not in _REFUSED_FOR_GOOD:
                raise
            _refused(mail, str(error))

    async def _connected(self) -> aiosmtplib.SMTP:
        if self._server is not None and self._server.is_connected:
            return self._server
        configured = settings()
        server = aiosmtplib.SMTP(
            hostname=configured.mail_server,
            port=configured.mail_port,
            username=configured.mail_username or None,
            password=configured.mail_password or None,
            use_tls=configured.mail_use_ssl,
            start_tls=configured.mail_use_tls,
            local_hostname=configured.domain_name.partition(":")[0],
            timeout=30,
        )
        await server.connect()
        self._server = server
        return server


async def send(db: Database, mail: Mail) -> None:
    """Send a mail now; without a mail server, write it to the log. Raises when it should be tried again."""
    if not settings().mail_enabled:
        return
    organisation = await db.value(ORGANISATION_NAME) or "Kitsu"
    if not settings().mail_server:
        body = compose(mail, organisation).get_body(("plain",))
        assert body is not None
        log.info("a mail, as there is no MAIL_SERVER", to=mail.to, subject=mail.subject, text=body.get_content())
        return
    async with Postbox(organisation) as postbox:
        await postbox.send(mail)


@SEND_MAIL.task
async def send_mail(db: Database, **arguments: Any) -> None:
    """Send a mail that holds no secret."""
    await send(db, Mail(**arguments))


# Mails as a channel of messages


class Html:
    """The HTML of a mail's message."""

    def plain(self, value: str) -> str:
        """A value as it reads."""
        return escaped(value)

    def bold(self, value: str) -> str:
        """A value in bold."""
        return f"<strong>{escaped(value)}</strong>"

    def link(self, url: str, label: str) -> str:
        """A link; both parts are escaped here."""
        return link(url, label)

    def quoted(self, value: str) -> str:
        """Somebody's words."""
        return f"<em>{'<br>'.join(escaped(value).splitlines())}</em>"

    def joined(self, paragraphs: list[str]) -> str:
        """A text of paragraphs."""
        return "\n".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)


class ByMail(Channel):
    """The mail server of the settings."""

    name = "mail"
    style = Html()
    wanted = "notifications_enabled"
    address = "email"

    def __init__(self, organisation: str, credential: str = "") -> None:
        super().__init__(organisation, credential)
        self._postbox = Postbox(organisation)

    async def close(self) -> None:
        """Take leave of the mail server."""
        await self._postbox.close()

    async def send(self, address: str, message: Message) -> None:
        """Mail a message. Raises Undeliverable, TryAgain; what the server refuses for good is logged."""
        if not settings().mail_enabled:
            return
        if not settings().mail_server:
            log.debug("a message is not mailed, as there is no MAIL_SERVER", title=message.title)
            return
        if not address:
            raise Undeliverable("the person has no e-mail address")
        title = message.title
        mail = Mail(address, f"[Kitsu] {title}", title, message.text, message.language)
        try:
            await self._postbox.send(mail)
        except (aiosmtplib.SMTPException, OSError) as error:
            reason = f"the mail server {settings().mail_server} does not take it: {_reason(error)}"
            raise TryAgain(reason, away=_is_away(error)) from None


def _reason(error: Exception) -> str:
    """What a mail server's error is: its code, never the text it quotes."""
    code = getattr(error, "code", None)
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        code = ", ".join(str(refusal.code) for refusal in error.recipients)
    return type(error).__name__ if code is None else f"{type(error).__name__} {code}"


def _is_away(error: Exception) -> bool:
    """Whether a mail server takes nothing now, rather than not this recipient or mail."""
    refused = isinstance(error, aiosmtplib.SMTPRecipientsRefused | aiosmtplib.SMTPResponseException)
    return not refused or isinstance(error, aiosmtplib.SMTPAuthenticationError | aiosmtplib.SMTPConnectResponseError)

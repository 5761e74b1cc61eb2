"""Mails: written as title and message, sent as text and HTML, one recipient each, by a job.

    tx.defer(SEND_MAIL, **Mail(to=…, subject=…, title=…, message=…, language=…).arguments())

`message` is HTML whose values went through `escaped`. What a mail must keep secret (a link that sets a password) is
made by the job that sends it, never put into the arguments of a job: see accounts/mails.py.
Source: spec operations, "Outgoing mails".
"""

from contextlib import suppress
from dataclasses import asdict, dataclass
from email.errors import HeaderParseError
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
from pegbar.core.work import jobs

log = structlog.get_logger()

LANGUAGES = ("en_US", "fr_FR", "es_ES", "ja_JP", "de_DE", "nl_NL", "zh_CN", "pt_BR")

_SIGNATURES = {
    "en_US": "Best regards,<br>The {organisation} team",
    "fr_FR": "Bien cordialement,<br>L’équipe {organisation}",
    "es_ES": "Saludos cordiales,<br>El equipo de {organisation}",
    "ja_JP": "よろしくお願いいたします。<br>{organisation} チーム",
    "de_DE": "Mit freundlichen Grüßen<br>Das Team von {organisation}",
    "nl_NL": "Met vriendelijke groet,<br>Het team van {organisation}",
    "zh_CN": "此致<br>{organisation} 团队",
    "pt_BR": "Atenciosamente,<br>A equipe {organisation}",
}

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

SEND_MAIL = jobs.job("core.send_mail", retries=8)

#: A mail server that answers these will not take the recipient at the next attempt either.
_REFUSED_FOR_GOOD = range(550, 555)

ORGANISATION_NAME = text("SELECT name FROM organisation ORDER BY created_at LIMIT 1")


@dataclass(frozen=True)
class Mail:
    """A mail to one person, in one of `LANGUAGES`. `message` is HTML."""

    to: str
    subject: str
    title: str
    message: str
    language: str = "en_US"

    def arguments(self) -> dict[str, Any]:
        """What the job that sends it is given."""
        return asdict(self)


def language_of(locale: str | None) -> str:
    """The language of mails for a locale: the same language in another region, else English."""
    locale = (locale or settings().default_locale).replace("-", "_")
    if locale in LANGUAGES:
        return locale
    same = (each for each in LANGUAGES if each.split("_")[0] == locale.split("_")[0].lower())
    return next(same, "en_US")


def escaped(value: object) -> str:
    """A value for the HTML of a message."""
    return escape(str(value))


def link(url: str, label: str) -> str:
    """A link for the HTML of a message; both parts are escaped here."""
    return f'<a href="{escape(url)}">{escape(label)}</a>'


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
    signature = _SIGNATURES[mail.language].format(organisation=escaped(organisation))
    made = EmailMessage(policy=SMTP)
    made["From"] = Address(name or "Kitsu Bot", addr_spec=sender)
    made["To"] = " ".join(mail.to.split())
    made["Subject"] = " ".join(mail.subject.split())
    made["Date"] = formatdate()
    made["Message-ID"] = make_msgid(domain=host)
    made.set_content(as_text(f"<h1>{escaped(mail.title)}</h1>{mail.message}<p>{signature}</p>"))
    page = _PAGE.format(lang=mail.language[:2], title=escaped(mail.title), message=mail.message, signature=signature)
    made.add_alternative(page, subtype="html")
    return made


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
        if self._server is not None and self._server.is_connected:
            with suppress(aiosmtplib.SMTPException, OSError):
                await self._server.quit()

    async def send(self, mail: Mail) -> None:
        """Send a mail. What the server refuses for good is logged; raises when it should be tried again."""
        try:
            message = compose(mail, self._organisation)
        except (ValueError, IndexError, HeaderParseError):  # so the email package refuses what is no address
            log.warning("a mail was refused", to=mail.to, subject=mail.subject, reason="this is no address")
            return
        try:
            server = await self._connected()
            await server.send_message(message)
        except aiosmtplib.SMTPRecipientsRefused as error:
            if any(each.code not in _REFUSED_FOR_GOOD for each in error.recipients):
                raise
            log.warning("a mail was refused", to=mail.to, subject=mail.subject, reason=str(error))
        except aiosmtplib.SMTPResponseException as error:
            if error.code not in _REFUSED_FOR_GOOD:
                raise
            log.warning("a mail was refused", to=mail.to, subject=mail.subject, reason=str(error))

    async def _connected(self) -> aiosmtplib.SMTP:
        if self._server is not None and self._server.is_connected:
            return self._server
        wanted = settings()
        server = aiosmtplib.SMTP(
            hostname=wanted.mail_server,
            port=wanted.mail_port,
            username=wanted.mail_username or None,
            password=wanted.mail_password or None,
            use_tls=wanted.mail_use_ssl,
            start_tls=wanted.mail_use_tls,
            local_hostname=wanted.domain_name.partition(":")[0],
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

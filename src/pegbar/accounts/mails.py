"""Account mails: codes, links that set a password, and news about one's account.

The job that sends a code or a link makes it too, so that no secret lies in the job queue. A job for an identifier that
somebody typed looks the person up itself: the request takes as long for nobody.
Source: spec operations, "Outgoing mails"; spec accounts, 7.
"""

import secrets
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
from babel.dates import format_datetime, get_timezone

from pegbar.accounts import one_time, queries
from pegbar.accounts.credentials import links
from pegbar.accounts.guesses import is_known
from pegbar.config import settings
from pegbar.core.data.database import Database
from pegbar.core.messages import mail
from pegbar.core.messages.languages import language_of, texts_of
from pegbar.core.work.jobs import job

#: One-time codes by e-mail.
MAILED_CODE = "email-otp"
_CODE_LIFETIME = timedelta(minutes=5)
_MOST_CODES = 5

SEND_CODE = job("accounts.mail_code", priority=10, outward=True)
SEND_RESET_LINK = job("accounts.mail_reset_link", priority=5, outward=True)
SEND_INVITATION = job("accounts.mail_invitation", outward=True)
TELL_PASSWORD_CHANGED = job("accounts.mail_password_changed", outward=True)
TELL_2FA_DISABLED = job("accounts.mail_2fa_disabled", outward=True)
JOBS = (SEND_CODE, SEND_RESET_LINK, SEND_INVITATION, TELL_PASSWORD_CHANGED, TELL_2FA_DISABLED)


def named(identifier: str) -> str:
    """An identifier that somebody typed, as the argument of a job: no address is longer."""
    return identifier.strip()[:255]


async def _person(db: Database, person_id: str) -> asyncpg.Record | None:
    """A person who can be mailed."""
    who = await db.row(queries.person_by_id, person_id=UUID(person_id))
    return who if who is not None and who["email"] else None


async def _named_person(db: Database, identifier: str) -> asyncpg.Record | None:
    """An active human whom an e-mail address or desktop login names, and who can be mailed."""
    who = await db.row(queries.person_to_sign_in, identifier=identifier)
    usable = who is not None and who["email"] and who["active"] is not False
    return who if usable else None


def _moment(who: asyncpg.Record, language: str) -> str:
    """Now, as the person's clock and language say it."""
    try:
        zone = get_timezone(who["timezone"] or settings().default_timezone)
    except LookupError:
        zone = get_timezone("UTC")
    return format_datetime(datetime.now(UTC), tzinfo=zone, locale=language)


async def _send(
    db: Database, who: asyncpg.Record, kind: str, *, address: str | None = None, url: str | None = None, code: str = ""
) -> None:
    language = language_of(who["locale"])
    texts = texts_of("pegbar.accounts", language)
    organisation = await db.value(mail.ORGANISATION_NAME) or "Kitsu"
    plain = {"organisation": organisation, "email": who["email"], "first_name": who["first_name"], "code": code}
    safe = {name: mail.escaped(value) for name, value in plain.items()}
    parts = [texts["greeting"].format_map(safe), texts[kind]["message"].format_map(safe)]
    if url is not None:
        parts.append(mail.link(url, texts["link"]))
    if address is not None:
        cause = {"date": mail.escaped(_moment(who, language)), "address": mail.escaped(address)}
        parts.append(texts["cause"].format_map(cause))
    title = texts[kind]["title"].format_map(plain)
    subject = title if kind == "invitation" else f"{organisation} - {title}"
    body = "\n".join(f"<p>{part}</p>" for part in parts)
    await mail.send(db, mail.Mail(to=who["email"], subject=subject, title=title, message=body, language=language))


@SEND_CODE.task
async def send_code(
    db: Database, *, person_id: str | None = None, identifier: str = "", asked_from: str | None = None
) -> None:
    """Mail a one-time code: to a person setting codes by e-mail up, or to whoever named has them enabled.

    A code replaces the one before, but a stranger's asking replaces none that was asked for from an address which the
    person signed in from. After five in a row the last one is left until it is too old.
    """
    if person_id is not None:
        who = await _person(db, person_id)
    else:
        who = await _named_person(db, identifier)
        who = who if who is not None and who["email_otp_enabled"] else None
    if who is None:
        return
    code = f"{secrets.randbelow(10**6):06}"
    slot = asked_from if asked_from and await is_known(db, who["id"], asked_from) else ""
    async with db.transaction() as tx:
        kept = await one_time.keep(tx, MAILED_CODE, who["id"], code, _CODE_LIFETIME, slot=slot, most=_MOST_CODES)
    if kept:
        await _send(db, who, "code", code=code)


@SEND_RESET_LINK.task
async def send_reset_link(db: Database, *, identifier: str, address: str | None) -> None:
    """Mail a link that sets a new password, to an active human."""
    who = await _named_person(db, identifier)
    if who is None:
        return
    async with db.transaction() as tx:
        token = await links.requested_token(tx, who["id"])
    if token is not None:
        await _send(db, who, "reset", address=address or "-", url=links.url(who["email"], token))


@SEND_INVITATION.task
async def send_invitation(db: Database, *, person_id: str) -> None:
    """Mail a link that sets a first password."""
    who = await _person(db, person_id)
    if who is None:
        return
    async with db.transaction() as tx:
        token = await links.new_token(tx, who["id"], links.INVITATION)
    await _send(db, who, "invitation", url=links.url(who["email"], token, invitation=True))


@TELL_PASSWORD_CHANGED.task
async def tell_password_changed(db: Database, *, person_id: str, address: str | None, by_manager: bool) -> None:
    """Tell somebody that their password was changed."""
    if (who := await _person(db, person_id)) is not None:
        await _send(db, who, "changed_for" if by_manager else "changed", address=address or "-")


@TELL_2FA_DISABLED.task
async def tell_2fa_disabled(db: Database, *, person_id: str, address: str | None) -> None:
    """Tell somebody that a studio manager disabled their second factors."""
    if (who := await _person(db, person_id)) is not None:
        await _send(db, who, "disabled", address=address or "-")

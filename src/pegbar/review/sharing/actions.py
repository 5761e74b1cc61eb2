"""What those who share a playlist do with its links. Source: spec review, "POST /data/playlists/{playlist_id}/share"
and after; "Worth fixing" 13: who may is decided by the role on the production, and a link past its date invites nobody.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import structlog
from msgspec import UNSET, UnsetType

from pegbar.accounts.passwords import hash_password
from pegbar.accounts.people.profile import email_of
from pegbar.core.data.database import Json, Reader, Transaction
from pegbar.core.data.parameters import sql
from pegbar.core.data.schema import Boolean, String
from pegbar.core.data.values import check_text
from pegbar.core.errors import BadRequest, InvalidBody, NotFound
from pegbar.core.http.access import Caller
from pegbar.core.http.body import Strict
from pegbar.review.sharing import keys, queries
from pegbar.review.sharing.jobs import INVITE
from pegbar.review.sharing.tables import share_link
from pegbar.review.sharing.visits import refusal
from pegbar.review.tables import playlist_share_link

log = structlog.get_logger()

_LONGEST_LABEL, _LONGEST_MESSAGE, _MOST_INVITED = 200, 5000, 100


class NewLink(Strict):
    """What a new link allows: by default to look, comment, annotate and download, for ever, without a password.

    `can_annotate` follows `can_comment` unless it is given. `label` is a note for those who share.
    """

    expiration_date: str | None = None
    can_comment: bool = True
    password: str | None = None
    can_annotate: bool | None = None
    can_download: bool | None = None
    label: str | None = None


class LinkChange(Strict):
    """What changes about a link; what is left out stays. Null takes a date, a password, a label or a right away."""

    expiration_date: str | UnsetType | None = UNSET
    can_comment: bool | UnsetType = UNSET
    password: str | UnsetType | None = UNSET
    can_annotate: bool | UnsetType | None = UNSET
    can_download: bool | UnsetType | None = UNSET
    label: str | UnsetType | None = UNSET


class Invitation(Strict):
    """Who is sent a link, and with what words."""

    emails: list[str] = msgspec.field(default_factory=list)
    person_ids: list[UUID] = msgspec.field(default_factory=list)
    message: str | None = None


Settings = NewLink | LinkChange
_OWN = ("can_annotate", "can_download", "label")
_SET = sql(
    """
    INSERT INTO pegbar.share_link AS s (playlist_share_link_id, can_annotate, can_download, label)
    VALUES (:link_id, :can_annotate, :can_download, :label)
    ON CONFLICT (playlist_share_link_id) DO UPDATE
       SET can_annotate = CASE WHEN :is_annotate_set THEN excluded.can_annotate ELSE s.can_annotate END,
           can_download = CASE WHEN :is_download_set THEN excluded.can_download ELSE s.can_download END,
           label = CASE WHEN :is_label_set THEN excluded.label ELSE s.label END
    """,
    can_annotate=Boolean,
    can_download=Boolean,
    label=String,
)


def last_moment(text: str | None) -> datetime | None:
    """The last moment of a link: the end of a day, or the moment of a timestamp, in UTC; None for no end.

    Raises BadRequest for anything else.
    """
    if not text:
        return None
    try:
        if len(text) == 10:
            return datetime.combine(date.fromisoformat(text), time.max)
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        raise BadRequest(f"expiration_date: {text[:60]!r} is neither a date nor a timestamp.") from None


async def prepared(body: Settings) -> dict[str, Any]:
    """The columns that a body sets; the password hashed, which takes a moment: not in a transaction."""
    values: dict[str, Any] = {}
    if body.expiration_date is not UNSET:
        values["expiration_date"] = last_moment(body.expiration_date)
    if body.password is not UNSET:
        values["password"] = (await hash_password(body.password)).decode() if body.password else None
    for name in ("can_comment", *_OWN):
        value = getattr(body, name)
        if value is not UNSET:
            values[name] = value
    if (label := values.get("label")) is not None:
        check_text("label", label)
        if len(label) > _LONGEST_LABEL:
            raise InvalidBody([("label", f"At most {_LONGEST_LABEL} characters.")])
    return values


def told(row: asyncpg.Record) -> Json:
    """A link with its token: unsealed, or plain where another server made it; its hash, with another SECRET_KEY."""
    token = row["token"]
    if row["sealed_token"] is not None:
        token = keys.unseal(row["sealed_token"], row["id"])
        if token is None:
            log.warning("a share link is lost: SECRET_KEY is not the one it was made with", link=str(row["id"]))
            token = row["token"]
    return Json(row["row"][:-1].encode() + b',"token":' + msgspec.json.encode(token) + b"}")


async def links(db: Reader, playlist_id: UUID) -> Json:
    """The links of a playlist that were not revoked. Their tokens are unsealed one by one: there are few."""
    rows = await db.rows(queries.links_of_playlist, playlist_id=playlist_id)
    return Json(b"[" + b",".join(told(row) for row in rows) + b"]")


async def _told(tx: Transaction, link_id: UUID) -> Json:
    row = await tx.row(queries.link_by_id, link_id=link_id)
    assert row is not None
    return told(row)


async def share(tx: Transaction, caller: Caller, playlist_id: UUID, values: dict[str, Any]) -> Json:
    """Make a link; it."""
    token = keys.new_token()
    own = {name: values[name] for name in _OWN if name in values}
    shared = {name: value for name, value in values.items() if name not in _OWN}
    link_id = await tx.insert(
        playlist_share_link, token=keys.hashed(token), playlist_id=playlist_id, created_by=caller.id, **shared
    )
    assert link_id is not None
    sealed = keys.seal(token, link_id)
    await tx.insert(share_link, playlist_share_link_id=link_id, sealed_token=sealed, **own)
    return await _told(tx, link_id)


async def _named(tx: Transaction, playlist_id: UUID, token: str) -> asyncpg.Record:
    """A link of the playlist, locked. Raises NotFound."""
    check_text("token", token)
    row = await tx.row(queries.named_link, playlist_id=playlist_id, token=token, token_hash=keys.hashed(token))
    if row is None:
        raise NotFound("There is no such share link.")
    return row


async def change(tx: Transaction, playlist_id: UUID, token: str, values: dict[str, Any]) -> Json:
    """Change what a link allows, at once for all who have it; the link. Raises NotFound for a revoked one."""
    row = await _named(tx, playlist_id, token)
    if not row["is_active"]:
        raise NotFound("There is no such share link.")
    await tx.update(
        playlist_share_link, row["id"], **{name: value for name, value in values.items() if name not in _OWN}
    )
    own = {name: values.get(name) for name in _OWN}
    which = {f"is_{name.removeprefix('can_')}_set": name in values for name in _OWN}
    await tx.execute(_SET, link_id=row["id"], **own, **which)
    return await _told(tx, row["id"])


async def revoke(tx: Transaction, playlist_id: UUID, token: str) -> Json:
    """Take a link back, for good; the link. Guests are out with their next request."""
    row = await _named(tx, playlist_id, token)
    if row["is_active"]:
        await tx.update(playlist_share_link, row["id"], is_active=False)
    return await _told(tx, row["id"])


async def invite(tx: Transaction, caller: Caller, playlist_id: UUID, token: str, body: Invitation) -> list[str]:
    """Mail a link to addresses and persons, each once; the addresses. Raises 400 for what is no address: none is sent.

    Raises NotFound for a revoked link, 400 for one past its date.
    """
    row = await _named(tx, playlist_id, token)
    if not row["is_active"]:
        raise NotFound("There is no such share link.")
    if row["is_over"]:
        raise refusal(400, "The link is past its date")
    message = body.message or ""
    check_text("message", message)
    if len(message) > _LONGEST_MESSAGE:
        raise InvalidBody([("message", f"At most {_LONGEST_MESSAGE} characters.")])
    emails = [_address(email) for email in body.emails]
    persons = await tx.rows(queries.invited, person_ids=body.person_ids, emails=[address.lower() for address in emails])
    recipients = _recipients(emails, persons)
    if len(recipients) > _MOST_INVITED:
        raise refusal(400, f"At most {_MOST_INVITED} people are invited at once")
    for address, locale in recipients:
        tx.defer(INVITE, link_id=row["id"], to=address, locale=locale, inviter_id=caller.id, message=message)
    return [address for address, _ in recipients]


def _recipients(emails: Sequence[str], persons: Sequence[asyncpg.Record]) -> list[tuple[str, str | None]]:
    """Addresses with the locale of the person who has one; each once in whatever spelling, best in the person's."""
    by_address: dict[str, tuple[str, str | None]] = {}
    for email in emails:
        by_address.setdefault(email.lower(), (email, None))
    for row in persons:
        by_address[row["email"].lower()] = (row["email"], row["locale"])
    return list(by_address.values())


def _address(email: str) -> str:
    try:
        email_of(email)
    except BadRequest as wrong:
        raise refusal(400, wrong.message) from None
    return email.strip()

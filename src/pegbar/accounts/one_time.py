"""Secrets that work once: codes, challenges and links, kept as keyed hashes until they are used or too old.

A secret belongs to a subject (a person, say); without a subject it is found by itself. A subject has one secret of a
kind at a time, or one in each slot, or several beside one another. A copy of the database tells nothing about them.
"""

import hmac
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, any_, bindparam, delete, exists, func, select
from sqlalchemy.dialects.postgresql import TIMESTAMP

from pegbar.accounts.tables import one_time_secret
from pegbar.config import settings
from pegbar.core.data.database import Reader, Transaction
from pegbar.core.data.parameters import param, sql
from pegbar.core.data.schema import JSONB, utc_now

#: `times` tells how often a secret was replaced before it was too old.
_KEEP = sql(
    """
    INSERT INTO pegbar.one_time_secret AS kept (kind, subject, slot, data, expires_at)
    VALUES (:kind, :subject, :slot, :data, :until)
    ON CONFLICT (kind, subject, slot) DO UPDATE
       SET expires_at = excluded.expires_at,
           data = excluded.data || jsonb_build_object('times',
             CASE WHEN kept.expires_at > :now THEN coalesce((kept.data ->> 'times')::int, 1) + 1 ELSE 1 END)
     WHERE kept.expires_at <= :now OR coalesce((kept.data ->> 'times')::int, 1) < :most
    """,
    data=JSONB,
    until=TIMESTAMP,
)
_UNLIMITED = 2**31 - 1

_SOME = (
    one_time_secret.c.kind == any_(param("kinds", ARRAY(Text))),
    one_time_secret.c.subject == bindparam("subject"),
)
_ALIVE = one_time_secret.c.expires_at > param("now")
#: Digests are keyed: comparing them as the database does tells nobody how far a guess was right.
_THIS = (*_SOME, _ALIVE, one_time_secret.c.data["digest"].astext == any_(param("digests", ARRAY(Text))))
_IS_GOOD = select(exists().where(*_THIS))
_USE = delete(one_time_secret).where(*_THIS).returning(one_time_secret.c.data)
_FORGET = delete(one_time_secret).where(*_SOME)
_COUNT = select(func.count()).select_from(one_time_secret).where(*_SOME, _ALIVE)
_LATEST = select(one_time_secret.c.slot).where(*_SOME).order_by(one_time_secret.c.expires_at.desc())
_MAKE_ROOM = delete(one_time_secret).where(
    *_SOME, one_time_secret.c.slot.in_(_LATEST.offset(param("most")).scalar_subquery())
)

#: Takes a step only when it is later than any taken before.
_ADVANCE = sql(
    """
    INSERT INTO pegbar.one_time_secret (kind, subject, data, expires_at)
    VALUES (:kind, :subject, jsonb_build_object('step', CAST(:step AS bigint)), :until)
    ON CONFLICT (kind, subject, slot) DO UPDATE SET data = excluded.data, expires_at = excluded.expires_at
     WHERE (one_time_secret.data ->> 'step')::bigint < CAST(:step AS bigint)
    """,
    until=TIMESTAMP,
)


def _digest(kind: str, subject: str, secret: str) -> str:
    message = "\0".join((kind, subject, secret)).encode(errors="surrogatepass")
    return hmac.new(settings().secret_key.encode(), message, "sha256").hexdigest()


def _place(kind: str, subject: UUID | str | None, secret: str) -> tuple[str, str]:
    """The subject a secret is kept under, and its digest."""
    digest = _digest(kind, str(subject or ""), secret)
    return (digest if subject is None else str(subject)), digest


async def keep(
    tx: Transaction,
    kind: str,
    subject: UUID | str | None,
    secret: str,
    lifetime: timedelta,
    *,
    slot: str = "",
    most: int = _UNLIMITED,
    **data: Any,
) -> bool:
    """Remember a secret, in the place of the subject's earlier one in this slot.

    False, and nothing is changed, when `most` secrets followed one another there without one of them growing too old.
    """
    subject, digest = _place(kind, subject, secret)
    now = utc_now()
    params = {"kind": kind, "subject": subject, "slot": slot, "data": {**data, "digest": digest}}
    return bool(await tx.execute(_KEEP, **params, now=now, until=now + lifetime, most=most))


async def keep_beside(
    tx: Transaction, kind: str, subject: UUID | str, secret: str, lifetime: timedelta, *, most: int, **data: Any
) -> None:
    """Remember a secret beside the subject's earlier ones, of which the last are left so that there are `most`."""
    subject, digest = _place(kind, subject, secret)
    await tx.execute(_MAKE_ROOM, kinds=[kind], subject=subject, most=most - 1)
    await keep(tx, kind, subject, secret, lifetime, slot=digest, **data)


async def count(db: Reader, kind: str, subject: UUID | str) -> int:
    """How many secrets of a kind are good for a subject."""
    return int(await db.value(_COUNT, kinds=[kind], subject=str(subject), now=utc_now()))


def _named(kinds: Sequence[str], subject: UUID | str | None, secret: str) -> dict[str, Any]:
    places = [_place(kind, subject, secret) for kind in kinds]
    return {
        "kinds": list(kinds),
        "subject": places[0][0],
        "digests": [digest for _, digest in places],
        "now": utc_now(),
    }


async def is_good(db: Reader, kinds: Sequence[str], subject: UUID | str | None, secret: str) -> bool:
    """Whether a secret of one of these kinds would work, without using it up."""
    return bool(await db.value(_IS_GOOD, **_named(kinds, subject, secret)))


async def use(tx: Transaction, kinds: Sequence[str], subject: UUID | str | None, secret: str) -> dict[str, Any] | None:
    """Use a secret of one of these kinds up: what was kept with it, or None when it is wrong, used or too old."""
    kept: dict[str, Any] | None = await tx.value(_USE, **_named(kinds, subject, secret))
    return kept


async def forget(tx: Transaction, kinds: Sequence[str], subject: UUID | str) -> None:
    """Drop the subject's secrets of these kinds."""
    await tx.execute(_FORGET, kinds=list(kinds), subject=str(subject))


async def advance(tx: Transaction, kind: str, subject: UUID | str, secret: str, step: int, lifetime: timedelta) -> bool:
    """Take a step of a secret's clock, which only goes forward; False when it, or a later one, was taken before."""
    params = {"subject": _digest(kind, str(subject), secret), "until": utc_now() + lifetime}
    return bool(await tx.execute(_ADVANCE, kind=kind, step=step, **params))

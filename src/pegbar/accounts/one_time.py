"""Secrets that work once: codes, challenges and links, kept as keyed hashes until they are used or too old.

A secret belongs to a subject (a person, say), which has one of each kind at a time; without a subject it is found by
itself. A copy of the database tells nothing about the secrets in it.
"""

import hmac
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, any_, bindparam, delete, select, text
from sqlalchemy.dialects.postgresql import TIMESTAMP

from pegbar.accounts.tables import one_time_secret
from pegbar.config import settings
from pegbar.core.database import Reader, Transaction
from pegbar.core.schema import JSONB, utc_now

_KEEP = text(
    """
    INSERT INTO pegbar.one_time_secret (kind, subject, data, expires_at) VALUES (:kind, :subject, :data, :until)
    ON CONFLICT (kind, subject) DO UPDATE SET data = excluded.data, expires_at = excluded.expires_at
    """
).bindparams(bindparam("data", type_=JSONB), bindparam("until", type_=TIMESTAMP))

_THIS = (one_time_secret.c.kind == bindparam("kind"), one_time_secret.c.subject == bindparam("subject"))
_ALIVE = one_time_secret.c.expires_at > bindparam("now", type_=TIMESTAMP)
_READ = select(one_time_secret.c.data).where(*_THIS, _ALIVE)
_SOME = (one_time_secret.c.kind == any_(bindparam("kinds", type_=ARRAY(Text))), _THIS[1])
_READ_KINDS = select(one_time_secret.c.kind, one_time_secret.c.data).where(*_SOME, _ALIVE)
_FORGET = delete(one_time_secret).where(*_SOME)
_USE = (
    delete(one_time_secret)
    .where(*_THIS, _ALIVE, one_time_secret.c.data["digest"].astext == bindparam("digest"))
    .returning(one_time_secret.c.data)
)

#: Takes a step only when it is later than any taken before.
_ADVANCE = text(
    """
    INSERT INTO pegbar.one_time_secret (kind, subject, data, expires_at)
    VALUES (:kind, :subject, jsonb_build_object('step', CAST(:step AS bigint)), :until)
    ON CONFLICT (kind, subject) DO UPDATE SET data = excluded.data, expires_at = excluded.expires_at
     WHERE (one_time_secret.data ->> 'step')::bigint < CAST(:step AS bigint)
    """
).bindparams(bindparam("until", type_=TIMESTAMP))


def _digest(kind: str, subject: str, secret: str) -> str:
    message = "\0".join((kind, subject, secret)).encode(errors="surrogatepass")
    return hmac.new(settings().secret_key.encode(), message, "sha256").hexdigest()


def _place(kind: str, subject: UUID | str | None, secret: str) -> tuple[str, str]:
    """The subject a secret is kept under, and its digest."""
    digest = _digest(kind, str(subject or ""), secret)
    return (digest if subject is None else str(subject)), digest


async def keep(
    tx: Transaction, kind: str, subject: UUID | str | None, secret: str, lifetime: timedelta, **data: Any
) -> None:
    """Remember a secret, in the place of the subject's earlier one."""
    subject, digest = _place(kind, subject, secret)
    data = {**data, "digest": digest}
    await tx.execute(_KEEP, kind=kind, subject=subject, data=data, until=utc_now() + lifetime)


async def is_good(db: Reader, kind: str, subject: UUID | str | None, secret: str) -> bool:
    """Whether a secret would work, without using it up."""
    subject, digest = _place(kind, subject, secret)
    kept = await db.value(_READ, kind=kind, subject=subject, now=utc_now())
    return kept is not None and hmac.compare_digest(kept["digest"], digest)


async def kind_of(db: Reader, kinds: Sequence[str], subject: UUID | str, secret: str) -> str | None:
    """Which of these kinds a subject's secret is good for."""
    rows = await db.rows(_READ_KINDS, kinds=list(kinds), subject=str(subject), now=utc_now())
    matching = [
        row["kind"]
        for row in rows
        if hmac.compare_digest(row["data"]["digest"], _digest(row["kind"], str(subject), secret))
    ]
    return matching[0] if matching else None


async def use(tx: Transaction, kind: str, subject: UUID | str | None, secret: str) -> dict[str, Any] | None:
    """Use a secret up: what was kept with it, or None when it is wrong, used or too old."""
    if not await is_good(tx, kind, subject, secret):
        return None
    subject, digest = _place(kind, subject, secret)
    kept: dict[str, Any] | None = await tx.value(_USE, kind=kind, subject=subject, digest=digest, now=utc_now())
    return kept


async def forget(tx: Transaction, kinds: Sequence[str], subject: UUID | str) -> None:
    """Drop the subject's secrets of these kinds."""
    await tx.execute(_FORGET, kinds=list(kinds), subject=str(subject))


async def advance(tx: Transaction, kind: str, subject: UUID | str, step: int, lifetime: timedelta) -> bool:
    """Take a step of a clock that only goes forward; False when it, or a later one, was taken before."""
    until = utc_now() + lifetime
    return bool(await tx.execute(_ADVANCE, kind=kind, subject=str(subject), step=step, until=until))

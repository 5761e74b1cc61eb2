"""Jobs of accounts that run by the clock."""

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import TIMESTAMP

from pegbar.accounts.guesses import FORGOTTEN_AFTER, KNOWN_FOR
from pegbar.accounts.tables import (
    failed_attempt,
    failed_guess,
    known_address,
    one_time_secret,
    revoked_token,
    session_floor,
)
from pegbar.accounts.tokens import REFRESH_LIFETIME
from pegbar.core.data.database import Database
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import utc_now
from pegbar.core.work.jobs import job

FORGET_EXPIRED = job("accounts.forget_expired", cron="41 * * * *")

_BEFORE = param("before", TIMESTAMP)
_EXPIRED_TOKENS = delete(revoked_token).where(revoked_token.c.expires_at < _BEFORE)
_EXPIRED_SECRETS = delete(one_time_secret).where(one_time_secret.c.expires_at < _BEFORE)
_PAST_ATTEMPTS = delete(failed_attempt).where(failed_attempt.c.minute < _BEFORE)
_PAST_GUESSES = delete(failed_guess).where(failed_guess.c.last_failed < _BEFORE)
_PAST_ADDRESSES = delete(known_address).where(known_address.c.seen_at < _BEFORE)
_PAST_FLOORS = delete(session_floor).where(session_floor.c.not_before < _BEFORE)


@FORGET_EXPIRED.task
async def forget_expired(db: Database) -> None:
    """Forget revoked tokens, one-time secrets and limits that time has ended anyway; nothing that still counts."""
    now = utc_now()
    async with db.transaction() as tx:
        await tx.execute(_EXPIRED_TOKENS, before=now)
        await tx.execute(_EXPIRED_SECRETS, before=now)
        await tx.execute(_PAST_ATTEMPTS, before=now.replace(second=0, microsecond=0))
        await tx.execute(_PAST_GUESSES, before=now - FORGOTTEN_AFTER)
        await tx.execute(_PAST_ADDRESSES, before=now - KNOWN_FOR)
        await tx.execute(_PAST_FLOORS, before=now - REFRESH_LIFETIME)

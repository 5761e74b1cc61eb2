"""Sessions: the tokens that a sign-in gives, their renewal and their end, and who may ask for those.

Source: spec accounts, "Tokens" and "2FA setup gate".

A session is a refresh token and every access token made with it; its name is the jti of the refresh token.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import bindparam, func, select, update

from pegbar.accounts import queries, tokens
from pegbar.accounts.sign_in import needs_second_factor_setup
from pegbar.accounts.tables import login_log, person, revoked_token
from pegbar.core.data.database import Json, Reader, Transaction
from pegbar.core.data.parameters import param, sql
from pegbar.core.data.schema import utc_now
from pegbar.core.errors import TokenError
from pegbar.core.http.access import Caller, Token, authenticated, person_identity

#: Open while a second factor is still to be set up.
SIGNED_IN = replace(authenticated, during_setup=True)
A_PERSON = replace(person_identity, during_setup=True)
REFRESHING = replace(A_PERSON, text="a person, with a refresh token", opened_by="refresh")

_FORGET_API_TOKEN = (
    update(person)
    .where(person.c.id == param("person_id"), person.c.jti == bindparam("token_jti"))
    .values(jti=None, updated_at=func.timezone("utc", func.now()))
)

#: Holds off a password change, or waits for one under way.
_HOLD = select(person.c.id).where(person.c.id == param("person_id")).with_for_update(read=True)

#: A statement of its own, after the wait: it sees what was waited for.
_STILL_GOOD = sql(
    """
    SELECT NOT EXISTS (SELECT 1 FROM pegbar.revoked_token r WHERE r.jti = :token_jti)
           AND NOT EXISTS (SELECT 1 FROM pegbar.session_floor f
                            WHERE f.person_id = :person_id
                              AND f.not_before > to_timestamp(:issued) AT TIME ZONE 'UTC'
                              AND f.kept IS DISTINCT FROM :token_jti)
    """
)

_RAISE_FLOOR = sql(
    """
    INSERT INTO pegbar.session_floor (person_id, not_before, kept) VALUES (:person_id, :now, :kept)
    ON CONFLICT (person_id) DO UPDATE
       SET not_before = greatest(session_floor.not_before, excluded.not_before), kept = excluded.kept
    """
)


def session_of(token: Token) -> str:
    """The name of the session that a token belongs to."""
    return token.refresh_jti or token.jti


async def organisation_of(db: Reader, role: str) -> Json:
    """The organisation as a role sees it."""
    query = queries.organisation_for_admins if role == "admin" else queries.organisation_for_all
    row = await db.json_row(query)
    return row or Json(b"null")


async def open_session(
    tx: Transaction, person_id: UUID, role: str, *, address: str | None, origin: str, **marks: bool
) -> dict[str, Any]:
    """Record a sign-in and answer it: the person, the organisation and the tokens of a new session."""
    await tx.insert(login_log, person_id=person_id, ip_address=address, origin=origin)
    access, refresh = tokens.session(person_id, **marks)
    return {
        "user": msgspec.Raw(await tx.json_row(queries.own_record, person_id=person_id) or b"null"),
        "organisation": msgspec.Raw(await organisation_of(tx, role)),
        "login": True,
        "access_token": access,
        "refresh_token": refresh,
    }


async def is_good(tx: Transaction, person_id: UUID, session: str, issued: float) -> bool:
    """Whether a session has not ended since `issued` (seconds of the epoch), nor will before this commit."""
    await tx.row(_HOLD, person_id=person_id)
    return bool(await tx.value(_STILL_GOOD, person_id=person_id, token_jti=session, issued=issued))


async def renew(tx: Transaction, token: Token) -> str:
    """A new access token of the session that a refresh token belongs to."""
    if not await is_good(tx, token.sub, token.jti, token.iat):
        raise TokenError("Token has been revoked")
    who = await tx.row(queries.person_by_id, person_id=token.sub)
    gated = who is not None and not token.skip_2fa_setup and needs_second_factor_setup(who)
    return tokens.access(token.sub, token.jti, requires_2fa_setup=gated, skip_2fa_setup=token.skip_2fa_setup)


async def end_session(tx: Transaction, caller: Caller) -> None:
    """End the caller's session: every token of it, those made by refreshing too; or their API token."""
    token = caller.token
    if token.identity_type == "person_api":
        await forget_api_token(tx, caller.id, token.jti)
    else:
        await revoke(tx, *token.family)


async def forget_api_token(tx: Transaction, person_id: UUID, jti: str) -> bool:
    """End somebody's API token; whether it was theirs still."""
    return bool(await tx.execute(_FORGET_API_TOKEN, person_id=person_id, token_jti=jti))


async def revoke(tx: Transaction, *names: str) -> None:
    """End the tokens of these names; that of a session (`session_of`) ends all of its tokens."""
    expires = utc_now() + tokens.REFRESH_LIFETIME + timedelta(minutes=1)
    rows = [{"jti": jti, "expires_at": expires} for jti in names]
    await tx.insert_many(revoked_token, rows, skip_existing=True)


async def end_sessions(tx: Transaction, person_id: UUID, *, keep: Token | None = None) -> None:
    """End every session of a person, but the one that `keep` belongs to: after a password change, for instance.

    Call it after the change itself, which holds the person's row: a sign-in that waits for it gets its token later.
    """
    kept = session_of(keep) if keep is not None and keep.sub == person_id else None
    await tx.execute(_RAISE_FLOOR, person_id=person_id, now=utc_now(), kept=kept)

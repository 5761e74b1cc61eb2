"""Signing in and out. Source: spec accounts, "Login flow" and the operations under /auth."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from litestar import Request
from sqlalchemy import bindparam, func, text, update

from pegbar.accounts import passwords, queries, tokens
from pegbar.accounts.tables import login_log, person, revoked_token
from pegbar.core.access import Caller
from pegbar.core.database import Database, Json, Reader, Transaction
from pegbar.core.errors import ApiError
from pegbar.core.schema import Uuid, utc_now

LOCKOUT_ATTEMPTS = 5
LOCKOUT_TIME = timedelta(seconds=60)


class SignInRefused(ApiError):
    """A sign-in that fails; the flags of its body tell clients why."""

    status = 400

    def __init__(self, message: str, *, error: bool = True, status: int = 400, **flags: Any) -> None:
        super().__init__(message, status=status, login=False, **flags)
        self._error = error

    @property
    def body(self) -> dict[str, Any]:
        body = {"message": self.message, **self.extra}
        return {"error": True, **body} if self._error else body


_ADD_FAILURE = text(
    """
    UPDATE person SET login_failed_attemps = coalesce(login_failed_attemps, 0) + 1, last_login_failed = :now,
                      updated_at = :now
     WHERE id = :person_id
    """
).bindparams(bindparam("now", type_=person.c.last_login_failed.type), bindparam("person_id", type_=Uuid))

_CLEAR_FAILURES = (
    update(person)
    .where(person.c.id == bindparam("person_id", type_=Uuid))
    .where(func.coalesce(person.c.login_failed_attemps, 0) > 0)
    .values(login_failed_attemps=0)
)


def is_locked_out(who: asyncpg.Record, now: datetime) -> bool:
    """Whether too many attempts failed within the last minute."""
    last = who["last_login_failed"]
    return (who["login_failed_attemps"] or 0) >= LOCKOUT_ATTEMPTS and last is not None and now - last < LOCKOUT_TIME


async def check_password(db: Database, identifier: str, password: str) -> asyncpg.Record:
    """The active person whom an identifier and a password name. Failures are counted. Raises SignInRefused."""
    who = await db.row(queries.person_to_sign_in, identifier=identifier.strip())
    if who is None:
        await passwords.matches(password, None)
        raise SignInRefused("The e-mail or the password is wrong.", error=False)
    now = utc_now()
    if is_locked_out(who, now):
        raise SignInRefused(
            "Too many failed attempts. Wait a minute, then try again.", too_many_failed_login_attemps=True
        )
    if not await passwords.matches(password, who["password"]):
        await count_failure(db, who["id"])
        raise SignInRefused("The e-mail or the password is wrong.", error=False)
    if who["active"] is False:
        raise SignInRefused("This account is inactive.", status=401, unactive=True)
    return who


async def count_failure(db: Database, person_id: UUID) -> None:
    """Count a failed attempt, in a transaction of its own: the answer to the request is an error."""
    async with db.transaction() as tx:
        await tx.execute(_ADD_FAILURE, person_id=person_id, now=utc_now())


async def organisation_of(db: Reader, role: str) -> Json:
    """The organisation as a role sees it."""
    query = queries.organisation_for_admins if role == "admin" else queries.organisation_for_all
    found = await db.json_row(query)
    return found or Json(b"null")


async def open_session(tx: Transaction, who: asyncpg.Record, *, address: str | None, origin: str) -> dict[str, Any]:
    """Record a sign-in and answer it: the person, the organisation and the tokens of a new session."""
    await tx.execute(_CLEAR_FAILURES, person_id=who["id"])
    await tx.insert(login_log, person_id=who["id"], ip_address=address, origin=origin)
    access, refresh = tokens.session(who["id"])
    return {
        "user": msgspec.Raw(await tx.json_row(queries.own_record, person_id=who["id"]) or b"null"),
        "organisation": msgspec.Raw(await organisation_of(tx, who["role"])),
        "login": True,
        "access_token": access,
        "refresh_token": refresh,
    }


async def end_session(tx: Transaction, caller: Caller) -> None:
    """Revoke the caller's token and every token of the same session."""
    expires = utc_now() + tokens.REFRESH_LIFETIME
    rows = [{"jti": jti, "expires_at": expires} for jti in caller.token.family]
    await tx.insert_many(revoked_token, rows, skip_existing=True)


def client_address(request: Request[Any, Any, Any]) -> str | None:
    """Where a request comes from."""
    return request.client.host if request.client else None

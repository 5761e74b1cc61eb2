"""Signing in with a password. Source: spec accounts, "Login flow"."""

from datetime import timedelta
from typing import Any

import asyncpg
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import TIMESTAMP

from pegbar.accounts import passwords, queries
from pegbar.config import settings
from pegbar.core.database import Database, Transaction
from pegbar.core.errors import ApiError
from pegbar.core.schema import Uuid, utc_now

LOCKOUT_ATTEMPTS = 5
LOCKOUT_TIME = timedelta(seconds=60)
#: The password of accounts that wait for their owner to choose one.
DEFAULT_PASSWORD = "default"  # noqa: S105


class SignInRefused(ApiError):
    """A sign-in that fails; the flags of its body tell clients why."""

    status = 400

    def __init__(self, message: str, *, status: int = 400, **flags: Any) -> None:
        super().__init__(message, status=status, login=False, **flags)


def locked_out() -> SignInRefused:
    """The answer to any attempt while an account is locked, the right password included."""
    return SignInRefused("Too many failed attempts. Wait a minute, then try again.", too_many_failed_login_attemps=True)


def wrong_password() -> SignInRefused:
    """The same answer for a wrong password and for nobody."""
    return SignInRefused("The e-mail or the password is wrong.")


_LOCKED_OUT = "coalesce(login_failed_attemps, 0) >= :attempts AND coalesce(last_login_failed > :since, false)"

#: One statement, so that guesses made at the same time are all counted; none once the account is locked. The count
#: starts anew after a lockout has passed.
_ADD_FAILURE = text(
    f"""
    UPDATE person
       SET login_failed_attemps =
             CASE WHEN coalesce(login_failed_attemps, 0) >= :attempts THEN 1
                  ELSE coalesce(login_failed_attemps, 0) + 1 END,
           last_login_failed = :now
     WHERE id = :person_id AND NOT ({_LOCKED_OUT})
    """  # noqa: S608
).bindparams(bindparam("person_id", type_=Uuid), bindparam("since", type_=TIMESTAMP), bindparam("now", type_=TIMESTAMP))

#: The last check of a right password: against what happened while it was compared.
_ADMIT = text(
    f"""
    UPDATE person SET login_failed_attemps = 0
     WHERE id = :person_id AND password IS NOT DISTINCT FROM :password AND active IS NOT FALSE AND NOT ({_LOCKED_OUT})
    """  # noqa: S608
).bindparams(bindparam("person_id", type_=Uuid), bindparam("since", type_=TIMESTAMP))


def is_locked_out(who: asyncpg.Record) -> bool:
    """Whether too many attempts failed within the last minute."""
    last = who["last_login_failed"]
    return (
        (who["login_failed_attemps"] or 0) >= LOCKOUT_ATTEMPTS and last is not None and utc_now() - last < LOCKOUT_TIME
    )


async def count_failure(db: Database, who: asyncpg.Record) -> None:
    """Count a failed attempt, in a transaction of its own: the answer is an error.

    Raises when the account is locked.
    """
    now = utc_now()
    given = {"person_id": who["id"], "attempts": LOCKOUT_ATTEMPTS, "since": now - LOCKOUT_TIME, "now": now}
    async with db.transaction() as tx:
        counted = await tx.execute(_ADD_FAILURE, **given)
    if not counted:
        raise locked_out()


async def admit(tx: Transaction, who: asyncpg.Record) -> None:
    """Clear the failures of somebody who proved themselves. Raises when the account was locked or changed meanwhile."""
    given = {"person_id": who["id"], "attempts": LOCKOUT_ATTEMPTS, "since": utc_now() - LOCKOUT_TIME}
    if await tx.execute(_ADMIT, **given, password=who["password"]):
        return
    now = await tx.row(queries.person_by_id, person_id=who["id"])
    raise locked_out() if now is not None and is_locked_out(now) else wrong_password()


async def check_password(db: Database, identifier: str, password: str) -> asyncpg.Record:
    """The active person whom an identifier and a password name. Failures are counted. Raises SignInRefused."""
    who = await db.row(queries.person_to_sign_in, identifier=identifier.strip())
    if who is None:
        await passwords.matches(password, None)
        raise wrong_password()
    await check_password_of(db, who, password)
    return who


async def check_password_of(db: Database, who: asyncpg.Record, password: str) -> None:
    """Check the password of a known person, and that they may sign in. Failures are counted. Raises SignInRefused."""
    if is_locked_out(who):
        raise locked_out()
    if not await _password_matches(who, password):
        await count_failure(db, who)
        raise wrong_password()
    if who["active"] is False or not _preview_is_open(who):
        raise SignInRefused("This account is inactive.", status=401, unactive=True)


async def _password_matches(who: asyncpg.Record, password: str) -> bool:
    strategy = settings().auth_strategy
    if strategy == "auth_local_classic":
        return await passwords.matches(password, who["password"])
    if strategy == "auth_local_no_password":
        return True
    if strategy != "auth_remote_ldap":
        raise SignInRefused(f"This server knows no sign-in by {strategy} (AUTH_STRATEGY).", status=409)
    if who["is_generated_from_ldap"]:
        raise SignInRefused("This server does not sign in against LDAP directories.")
    if not settings().ldap_fallback:
        raise SignInRefused("This server signs in nobody by a password of its own (LDAP_FALLBACK).")
    return await passwords.matches(password, who["password"])


def must_choose_password(password: str) -> bool:
    """Whether the password that was right is the one nobody keeps."""
    return password == DEFAULT_PASSWORD and settings().auth_strategy != "auth_local_no_password"


def _preview_is_open(who: asyncpg.Record) -> bool:
    """A preview account signs in with its local password, while its window is open; everybody else always."""
    if who["preview_project_id"] is None:
        return True
    until = who["preview_open_until"]
    return settings().auth_strategy == "auth_local_classic" and until is not None and utc_now() < until


def second_factors(who: asyncpg.Record) -> list[str]:
    """The second factors that a person has enabled."""
    return [method for method in ("totp", "email_otp", "fido") if who[f"{method}_enabled"]]


def needs_second_factor_setup(who: asyncpg.Record) -> bool:
    """Whether the studio requires a second factor that this person has yet to set up."""
    return (
        settings().enforce_2fa
        and not second_factors(who)
        and who["email"] not in settings().exempt_from_2fa
        and who["preview_project_id"] is None
    )

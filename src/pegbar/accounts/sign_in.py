"""Signing in with a password. Source: spec accounts, "Login flow"."""

from dataclasses import replace
from typing import Any, NoReturn

import asyncpg
import structlog
from sqlalchemy import select

from pegbar.accounts import passwords
from pegbar.accounts.guesses import Guesses, Target
from pegbar.accounts.sign_on.ldap.outcomes import DirectoryAway
from pegbar.accounts.sign_on.ldap.proving import (
    Newcomer,
    Proof,
    directories,
    is_of_directory,
    local_passwords_count,
    prove,
)
from pegbar.accounts.sign_on.refusals import SignOnRefused
from pegbar.accounts.tables import person
from pegbar.config import settings
from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import utc_now
from pegbar.core.errors import ApiError

log = structlog.get_logger()

_RETRY_AFTER = 5
#: The password of accounts that wait for their owner to choose one.
DEFAULT_PASSWORD = "default"  # noqa: S105


class SignInRefused(ApiError):
    """A sign-in that fails; the flags of its body tell clients why."""

    status = 400

    def __init__(self, message: str, *, status: int = 400, **flags: Any) -> None:
        super().__init__(message, status=status, login=False, **flags)


def locked_out(seconds: int) -> SignInRefused:
    """The answer to any attempt at a name that is closed for so long, the right password included."""
    minutes = -(-seconds // 60)
    wait = "a minute" if minutes == 1 else f"{minutes} minutes"
    refused = SignInRefused(
        f"Too many failed attempts. Wait {wait}, then try again.", too_many_failed_login_attemps=True
    )
    refused.headers["retry-after"] = str(seconds)
    return refused


def wrong_password() -> SignInRefused:
    """The same answer for a wrong password and for nobody."""
    return SignInRefused("The e-mail or the password is wrong.")


def directory_away() -> SignInRefused:
    """The answer while the studio's directory cannot say whose password it is."""
    refused = SignInRefused("The directory of the studio cannot be reached. Try again in a moment.", status=503)
    refused.headers["retry-after"] = str(_RETRY_AFTER)
    return refused


#: The last check of a right password: against what happened while it was compared. Holds off a password change.
_ADMIT = (
    select(person.c.id)
    .where(
        person.c.id == param("person_id"),
        person.c.password.is_not_distinct_from(param("password", person.c.password.type)),
        person.c.active.is_not(False),
    )
    .with_for_update(read=True)
)


async def refuse_guess(guesses: Guesses, target: Target, answer: ApiError) -> NoReturn:
    """Count a wrong guess, in a transaction of its own; raise the answer to it, or that there were too many."""
    closed_for = await guesses.wrong(target)
    raise answer if closed_for is None else locked_out(closed_for)


async def admit(tx: Transaction, guesses: Guesses, target: Target) -> None:
    """Forget the failures of somebody who proved themselves. Raises when they were locked out or changed meanwhile."""
    who = target.who
    assert who is not None
    if await tx.row(_ADMIT, person_id=who["id"], password=who["password"]) is None:
        raise wrong_password()
    if (closed_for := await guesses.right(tx, target)) is not None:
        raise locked_out(closed_for)


async def check_password(guesses: Guesses, target: Target, password: str, typed: str = "") -> Target:
    """What was guessed at, with the active person whose password it is. Failures are counted. Raises SignInRefused.

    Nobody is told from somebody by the answer or by the time it takes. Whom a directory knows by the name that was
    typed, and nobody here, gets an account.
    """
    _check_strategy()
    if target.closed_for is not None:
        await guesses.failed()
        raise locked_out(target.closed_for)
    try:
        proof = await _prove(guesses, target.who, password, typed)
        if proof.right and target.who is None and proof.newcomer is not None:
            target = await _welcome(guesses, target, proof.newcomer)
    except DirectoryAway as away:
        log.warning("a directory cannot be reached", reason=str(away))
        await refuse_guess(guesses, target, directory_away())
    who = target.who
    if not proof.right or who is None:
        await refuse_guess(guesses, target, password_expired() if proof.expired else wrong_password())
    if who["active"] is False or not _preview_is_open(who):
        await guesses.failed()
        raise SignInRefused("This account is inactive.", status=401, unactive=True)
    return target


def password_expired() -> SignInRefused:
    """The answer to a password that was right, and has to be changed where it is kept."""
    return SignInRefused("Your password of the studio's directory is expired: change it there, then sign in.")


def _check_strategy() -> None:
    """Refuse everybody alike where nobody can sign in with a password."""
    strategy = settings().auth_strategy
    if strategy not in ("auth_local_classic", "auth_local_no_password", "auth_remote_ldap"):
        raise SignInRefused(f"This server knows no sign-in by {strategy} (AUTH_STRATEGY).", status=409)


async def _prove(guesses: Guesses, who: asyncpg.Record | None, password: str, typed: str) -> Proof:
    """Whether a password is right. Raises DirectoryAway."""
    if who is not None and settings().auth_strategy == "auth_local_no_password":
        return Proof(True)
    is_local = who is not None and not is_of_directory(who) and local_passwords_count()
    if await passwords.matches(password, who["password"] if who is not None and is_local else None, guesses.network):
        return Proof(True)
    if not directories():
        return Proof(False)
    return await prove(guesses.db, who, typed, password, guesses.network)


async def _welcome(guesses: Guesses, target: Target, newcomer: Newcomer) -> Target:
    """The target with the account that somebody new gets."""
    from pegbar.accounts.sign_on.ldap.people import welcome  # which stands on who may be hired, and that on sessions

    try:
        who = await guesses.db.write(None, lambda tx: welcome(tx, newcomer))
    except SignOnRefused as refused:
        await refuse_guess(guesses, target, SignInRefused(refused.message))
    return replace(target, who=who)


def must_choose_password(who: asyncpg.Record, password: str) -> bool:
    """Whether the password that was right is the one nobody keeps."""
    checked = settings().auth_strategy != "auth_local_no_password" and not is_of_directory(who)
    return checked and password == DEFAULT_PASSWORD


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

"""Signing in with a password. Source: spec accounts, "Login flow"."""

from typing import Any, NoReturn

import asyncpg
from sqlalchemy import select

from pegbar.accounts import passwords
from pegbar.accounts.guesses import Guesses, Target
from pegbar.accounts.tables import person
from pegbar.config import settings
from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import utc_now
from pegbar.core.errors import ApiError

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
    message = "The e-mail or the password is wrong."
    if settings().auth_strategy == "auth_remote_ldap":
        message += " This server does not sign in against LDAP directories."
    return SignInRefused(message)


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


async def check_password(guesses: Guesses, target: Target, password: str) -> asyncpg.Record:
    """The active person whose password it is. Failures are counted. Raises SignInRefused.

    Nobody is told from somebody by the answer or by the time it takes.
    """
    _check_strategy()
    if target.closed_for is not None:
        await guesses.failed()
        raise locked_out(target.closed_for)
    who = target.who
    if not await _is_right(who, password, guesses.network) or who is None:
        await refuse_guess(guesses, target, wrong_password())
    if who["active"] is False or not _preview_is_open(who):
        await guesses.failed()
        raise SignInRefused("This account is inactive.", status=401, unactive=True)
    return who


def _check_strategy() -> None:
    """Refuse everybody alike where nobody can sign in with a password of this server."""
    strategy = settings().auth_strategy
    if strategy not in ("auth_local_classic", "auth_local_no_password", "auth_remote_ldap"):
        raise SignInRefused(f"This server knows no sign-in by {strategy} (AUTH_STRATEGY).", status=409)
    if strategy == "auth_remote_ldap" and not settings().ldap_fallback:
        raise SignInRefused("This server does not sign in against LDAP directories.")


async def _is_right(who: asyncpg.Record | None, password: str, network: str) -> bool:
    strategy = settings().auth_strategy
    if who is not None and strategy == "auth_local_no_password":
        return True
    from_directory = who is not None and strategy == "auth_remote_ldap" and who["is_generated_from_ldap"]
    return await passwords.matches(password, None if who is None or from_directory else who["password"], network)


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

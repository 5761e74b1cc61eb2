"""Proving a second factor. Source: spec accounts, "Login flow" (5) and "Two-factor"."""

import binascii
import hmac
import time
from datetime import timedelta
from typing import Any

import asyncpg
import pyotp

from pegbar.accounts import one_time, sign_in
from pegbar.accounts.guesses import Guesses, Target
from pegbar.accounts.mails import MAILED_CODE
from pegbar.accounts.second_factors import recovery, security_keys
from pegbar.core.data.database import Database
from pegbar.core.errors import BadRequest
from pegbar.core.http.body import Strict

_STEP = 30


class Proof(Strict):
    """One proof of a second factor; the first one given of a factor that is enabled counts."""

    totp: str | None = None
    email_otp: str | None = None
    fido_authentication_response: dict[str, Any] | None = None
    recovery_code: str | None = None


class ProofMissing(sign_in.SignInRefused):
    """The password was right, a second factor is needed: no failure."""


async def totp_is_right(db: Database, who: asyncpg.Record, code: str) -> bool:
    """Whether a code of the authenticator is right, now or one step away, and was never used."""
    step = int(time.time()) // _STEP
    try:
        clock = pyotp.TOTP(who["totp_secret"] or "")
        expected = {clock.generate_otp(candidate): candidate for candidate in (step - 1, step, step + 1)}
    except (binascii.Error, ValueError):
        return False
    matching = [at for right, at in expected.items() if hmac.compare_digest(right.encode(), code.strip().encode())]
    if not who["totp_secret"] or not matching:
        return False
    async with db.transaction() as tx:
        return await one_time.advance(
            tx, "totp-step", who["id"], who["totp_secret"], matching[0], timedelta(seconds=4 * _STEP)
        )


async def mailed_code_is_right(db: Database, who: asyncpg.Record, code: str) -> bool:
    """Whether a code is the last one mailed to somebody who asked from there; it is used up, and any other with it."""
    async with db.transaction() as tx:
        if await one_time.use(tx, [MAILED_CODE], who["id"], code.strip()) is None:
            return False
        await one_time.forget(tx, [MAILED_CODE], who["id"])
        return True


async def prove(db: Database, guesses: Guesses, who: asyncpg.Record, proof: Proof) -> bool | None:
    """Whether a proof is right; None when there is none of an enabled factor."""
    if who["totp_enabled"] and proof.totp:
        return await totp_is_right(db, who, proof.totp)
    if who["email_otp_enabled"] and proof.email_otp:
        return await mailed_code_is_right(db, who, proof.email_otp)
    if who["fido_enabled"] and proof.fido_authentication_response:
        return await security_keys.assertion_is_right(db, who, proof.fido_authentication_response)
    if proof.recovery_code:
        return await recovery.code_is_right(db, who, proof.recovery_code, guesses.network)
    return None


async def at_sign_in(db: Database, guesses: Guesses, target: Target, proof: Proof) -> None:
    """Ask for a second factor of whoever has one. Failures are counted. Raises SignInRefused."""
    who = target.who
    assert who is not None
    enabled = sign_in.second_factors(who)
    if not enabled:
        return
    proven = await prove(db, guesses, who, proof)
    if proven is None:
        raise ProofMissing(
            "A second factor is needed.",
            missing_OTP=True,
            preferred_two_factor_authentication=who["preferred_two_factor_authentication"] or enabled[0],
            two_factor_authentication_enabled=["recovery_code", *enabled],
        )
    if not proven:
        await sign_in.refuse_guess(
            guesses, target, sign_in.SignInRefused("The second factor is wrong.", wrong_OTP=True)
        )


async def of_owner(db: Database, guesses: Guesses, target: Target, proof: Proof) -> None:
    """Ask a signed-in person for a second factor. Failures are counted. Raises 400 with `wrong_OTP`."""
    who = target.who
    assert who is not None
    await check_open(guesses, target)
    proven = await prove(db, guesses, who, proof)
    if proven is None:
        raise refused("A second factor is needed.")
    await settle(db, guesses, target, right=proven, wrong="The second factor is wrong.")


async def check_open(guesses: Guesses, target: Target) -> None:
    """Refuse a signed-in person whose guesses were wrong too often. Raises 400 with `wrong_OTP`."""
    if target.closed_for is not None:
        await guesses.failed()
        raise _locked(target.closed_for)


async def settle(db: Database, guesses: Guesses, target: Target, *, right: bool, wrong: str) -> None:
    """Count the wrong code of somebody signed in, or forget those before a right one. Raises 400 with `wrong_OTP`.

    A right one is refused too when guesses made at the same time used up what there was.
    """
    if right:
        async with db.transaction() as tx:
            closed_for = await guesses.right(tx, target)
    else:
        closed_for = await guesses.wrong(target)
    if closed_for is not None:
        raise _locked(closed_for)
    if not right:
        raise refused(wrong)


def _locked(seconds: int) -> BadRequest:
    locked = sign_in.locked_out(seconds)
    answer = refused(locked.message, **locked.extra)
    answer.headers = locked.headers
    return answer


def refused(message: str, **flags: Any) -> BadRequest:
    """A proof that does not prove."""
    return BadRequest(message, wrong_OTP=True, **flags)

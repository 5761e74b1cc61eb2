"""Turning second factors on and off. Source: spec accounts, "Two-factor"."""

from typing import Any, Literal
from uuid import UUID

import asyncpg
import pyotp

from pegbar.accounts import mails, one_time, queries, sessions, sign_in, tokens
from pegbar.accounts.credentials.actions import LOCKED, human
from pegbar.accounts.guesses import Guesses, Target
from pegbar.accounts.second_factors import proofs, recovery, security_keys
from pegbar.accounts.tables import person
from pegbar.core.data.database import Database, Reader, Transaction
from pegbar.core.errors import ApiError, BadRequest
from pegbar.core.http.access import Caller, Token
from pegbar.core.http.routing import found
from pegbar.core.messages.mail import ORGANISATION_NAME

Factor = Literal["totp", "email_otp", "fido"]
_NAMES = {"totp": "The authenticator", "email_otp": "The code by e-mail", "fido": "The security key"}
_WRONG_CODE = "The code is wrong."
#: Which factor is preferred once the preferred one is gone.
_NEXT: dict[str, tuple[str, ...]] = {
    "totp": ("fido", "email_otp"),
    "email_otp": ("fido", "totp"),
    "fido": ("totp", "email_otp"),
}
#: What a factor leaves behind when it is turned off.
_OFF: dict[str, dict[str, Any]] = {
    "totp": {"totp_enabled": False, "totp_secret": None},
    "email_otp": {"email_otp_enabled": False, "email_otp_secret": None},
    "fido": {"fido_enabled": False, "fido_credentials": None},
}
_NONE_LEFT: dict[str, Any] = {"otp_recovery_codes": None, "preferred_two_factor_authentication": None}


async def account(db: Reader, person_id: UUID) -> asyncpg.Record:
    """The whole row of the caller."""
    row: asyncpg.Record = found(await db.row(queries.person_by_id, person_id=person_id), "This person")
    return row


async def _subject(guesses: Guesses, caller: Caller) -> tuple[Target, asyncpg.Record]:
    """The caller, whom we ask for a secret, and the guesses there were. Raises TooManyRequests."""
    target = await guesses.of_person(caller.id)
    return target, found(target.who, "This person")


async def _locked(tx: Transaction, person_id: UUID) -> asyncpg.Record:
    row: asyncpg.Record = found(await tx.row(LOCKED, person_id=person_id), "This person")
    return row


def _check_off(who: asyncpg.Record, factor: Factor) -> None:
    if who[f"{factor}_enabled"]:
        raise BadRequest(f"{_NAMES[factor]} is enabled already.")


def _check_on(who: asyncpg.Record, factor: Factor) -> None:
    if not who[f"{factor}_enabled"]:
        raise BadRequest("FIDO not enabled." if factor == "fido" else f"{_NAMES[factor]} is not enabled.")


async def begin_totp(tx: Transaction, caller: Caller) -> dict[str, str]:
    """A new secret for an authenticator, which `enable_totp` turns on."""
    who = await _locked(tx, caller.id)
    _check_off(who, "totp")
    secret = pyotp.random_base32(32)
    await tx.update(person, caller.id, totp_secret=secret)
    name = f"Kitsu {await tx.value(ORGANISATION_NAME) or ''}".strip()
    uri = pyotp.TOTP(secret).provisioning_uri(name=who["email"] or "", issuer_name=name)
    return {"totp_provisionning_uri": uri, "otp_secret": secret}


async def enable_totp(db: Database, guesses: Guesses, caller: Caller, code: str) -> dict[str, Any]:
    """Turn the authenticator on, given a code of it."""
    target, who = await _subject(guesses, caller)
    _check_off(who, "totp")
    await proofs.check_open(guesses, target)
    await proofs.settle(db, guesses, target, right=await proofs.totp_is_right(db, who, code), wrong=_WRONG_CODE)
    return await _enable(db, caller, "totp", totp_secret=who["totp_secret"])


async def begin_email_otp(tx: Transaction, caller: Caller) -> None:
    """Mail a first code."""
    _check_off(await _locked(tx, caller.id), "email_otp")
    await tx.update(person, caller.id, email_otp_secret=pyotp.random_base32(32))
    tx.defer(mails.SEND_CODE, person_id=caller.id)


async def enable_email_otp(db: Database, guesses: Guesses, caller: Caller, code: str) -> dict[str, Any]:
    """Turn codes by e-mail on, given the one mailed."""
    target, who = await _subject(guesses, caller)
    _check_off(who, "email_otp")
    await proofs.check_open(guesses, target)
    await proofs.settle(db, guesses, target, right=await proofs.mailed_code_is_right(db, who, code), wrong=_WRONG_CODE)
    return await _enable(db, caller, "email_otp")


async def add_security_key(db: Database, caller: Caller, response: dict[str, Any], name: str) -> dict[str, Any]:
    """Add the key that a browser made."""
    return await _enable(db, caller, "fido", key=await security_keys.registered(db, caller.id, response, name))


async def _enable(
    db: Database, caller: Caller, factor: Factor, *, key: dict[str, Any] | None = None, **unchanged: Any
) -> dict[str, Any]:
    """Turn a factor on. Answers the recovery codes, if it is the first one, and the tokens of a new session."""
    codes, hashes = await recovery.new_codes()
    async with db.transaction(caller.id) as tx:
        who = await _locked(tx, caller.id)
        if key is None:
            _check_off(who, factor)
        if any(who[name] != value for name, value in unchanged.items()):
            raise proofs.refused("The code is of an earlier secret.")
        columns: dict[str, Any] = {f"{factor}_enabled": True}
        if key is not None:
            columns["fido_credentials"] = [*(who["fido_credentials"] or ()), key]
        first = not sign_in.second_factors(who)
        if first:
            columns["otp_recovery_codes"] = hashes
        if who["preferred_two_factor_authentication"] is None:
            columns["preferred_two_factor_authentication"] = factor
        await tx.update(person, caller.id, **columns)
        access, refresh = tokens.session(caller.id)
    return {"otp_recovery_codes": codes if first else None, "access_token": access, "refresh_token": refresh}


async def disable(db: Database, guesses: Guesses, caller: Caller, factor: Factor, proof: proofs.Proof) -> None:
    """Turn a factor off, given a proof of any. Other sessions end."""
    target, who = await _subject(guesses, caller)
    _check_on(who, factor)
    await proofs.of_owner(db, guesses, target, proof)
    async with db.transaction(caller.id) as tx:
        await _turn_off(tx, await _locked(tx, caller.id), factor, keep=caller.token)


async def remove_security_key(db: Database, guesses: Guesses, caller: Caller, name: str, proof: proofs.Proof) -> None:
    """Remove the first key of a name, given a proof; the last one turns the factor off. Other sessions end."""
    target, who = await _subject(guesses, caller)
    _check_on(who, "fido")
    await proofs.of_owner(db, guesses, target, proof)
    async with db.transaction(caller.id) as tx:
        who = await _locked(tx, caller.id)
        keys = list(who["fido_credentials"] or ())
        gone = next((key for key in keys if key["device_name"] == name), None)
        if gone is None:
            return
        keys.remove(gone)
        if keys:
            await tx.update(person, caller.id, fido_credentials=keys)
            await sessions.end_sessions(tx, caller.id, keep=caller.token)
        else:
            await _turn_off(tx, who, "fido", keep=caller.token)


async def _turn_off(tx: Transaction, who: asyncpg.Record, factor: Factor, *, keep: Token) -> None:
    columns = dict(_OFF[factor])
    left = [other for other in sign_in.second_factors(who) if other != factor]
    if not left:
        columns |= _NONE_LEFT
    elif who["preferred_two_factor_authentication"] == factor:
        columns["preferred_two_factor_authentication"] = next(other for other in _NEXT[factor] if other in left)
    await tx.update(person, who["id"], **columns)
    if factor == "email_otp":
        await one_time.forget(tx, [mails.MAILED_CODE], who["id"])
    await sessions.end_sessions(tx, who["id"], keep=keep)


async def renew_recovery_codes(db: Database, guesses: Guesses, caller: Caller, proof: proofs.Proof) -> list[str]:
    """Sixteen new codes in the place of the old ones, given a proof."""
    target, who = await _subject(guesses, caller)
    if not sign_in.second_factors(who):
        raise BadRequest("No second factor is enabled.")
    await proofs.of_owner(db, guesses, target, proof)
    codes, hashes = await recovery.new_codes()
    async with db.transaction(caller.id) as tx:
        if not sign_in.second_factors(await _locked(tx, caller.id)):
            raise BadRequest("No second factor is enabled.")
        await tx.update(person, caller.id, otp_recovery_codes=hashes)
    return codes


async def disable_all_of(tx: Transaction, caller: Caller, person_id: UUID, address: str | None) -> None:
    """Turn somebody's second factors off, as an administrator. Their sessions end."""
    who = await human(tx, person_id)
    if who["role"] == "admin" and person_id != caller.id:
        raise ApiError("The second factors of another studio manager are theirs to disable.", status=400)
    if not sign_in.second_factors(who):
        raise ApiError("This person has no second factor enabled.", status=400)
    await turn_all_off(tx, person_id, keep=caller.token)
    tx.defer(mails.TELL_2FA_DISABLED, person_id=person_id, address=address)


async def turn_all_off(tx: Transaction, person_id: UUID, *, keep: Token | None = None) -> None:
    """Turn every factor of a person off. Their sessions end."""
    columns = {key: value for off in _OFF.values() for key, value in off.items()}
    await tx.update(person, person_id, **columns, **_NONE_LEFT)
    await one_time.forget(tx, [mails.MAILED_CODE], person_id)
    await sessions.end_sessions(tx, person_id, keep=keep)

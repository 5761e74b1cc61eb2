"""Routes of second factors. Source: spec accounts, operations under /auth."""

from typing import Annotated, Any
from uuid import UUID

import msgspec

from pegbar.accounts import cookies, mails, queries
from pegbar.accounts.addresses import AnyRequest, client_address
from pegbar.accounts.guesses import Guesses
from pegbar.accounts.second_factors import actions, security_keys
from pegbar.accounts.second_factors.proofs import Proof
from pegbar.accounts.sessions import A_PERSON
from pegbar.core.data.database import Database, Transaction
from pegbar.core.errors import ApiError
from pegbar.core.http.access import Caller, admin, anyone
from pegbar.core.http.body import Strict
from pegbar.core.http.idempotency import SECRETS
from pegbar.core.http.routing import Reply, delete, get, post, put


class AuthenticatorCode(Strict):
    """A code of the authenticator being set up."""

    totp: str


class MailedCode(Strict):
    """The code that was mailed."""

    email_otp: str


class NewSecurityKey(Strict):
    """What the browser answered to the options, and a name for the key."""

    registration_response: dict[str, Any]
    device_name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class SecurityKeyAndProof(Proof, kw_only=True):
    """The name of a key, and one proof."""

    device_name: Annotated[str, msgspec.Meta(min_length=1)]


class Who(msgspec.Struct):
    """An e-mail address or desktop login."""

    email: str


def _enabled(request: AnyRequest, done: dict[str, Any]) -> Reply:
    session = cookies.session_cookies(request, done["access_token"], done["refresh_token"])
    return Reply(done, cookies=session if cookies.is_browser(request) else [])


@put("/auth/totp", access=A_PERSON, errors=(400,), unkeyed=SECRETS)
async def begin_totp(tx: Transaction, caller: Caller) -> Any:
    """Begin to set up an authenticator: its secret, and the address for its QR code."""
    return await actions.begin_totp(tx, caller)


@post("/auth/totp", access=A_PERSON, status=200, errors=(400, 429), unkeyed=SECRETS)
async def enable_totp(db: Database, caller: Caller, request: AnyRequest, body: AuthenticatorCode) -> Any:
    """Turn the authenticator on; the first factor comes with recovery codes."""
    return _enabled(request, await actions.enable_totp(db, Guesses(db, request), caller, body.totp))


@delete("/auth/totp", access=A_PERSON, status=200, errors=(400, 429), unkeyed=SECRETS)
async def disable_totp(db: Database, caller: Caller, request: AnyRequest, body: Proof) -> Any:
    """Turn the authenticator off, with one proof; other sessions end."""
    await actions.disable(db, Guesses(db, request), caller, "totp", body)
    return {"success": True}


@get("/auth/email-otp", access=anyone, errors=(400, 429))
async def mail_code(db: Database, request: AnyRequest, query: Who) -> Any:
    """Mail a sign-in code to whoever has codes by e-mail enabled. The answer tells nothing."""
    guesses = Guesses(db, request)
    await guesses.check()
    await guesses.failed()
    async with db.transaction() as tx:
        tx.defer(mails.SEND_CODE, identifier=mails.named(query.email), asked_from=guesses.address)
    return {"success": True}


@put("/auth/email-otp", access=A_PERSON, errors=(400,), unkeyed=SECRETS)
async def begin_email_otp(tx: Transaction, caller: Caller) -> Any:
    """Begin to set up codes by e-mail: mail the first one."""
    await actions.begin_email_otp(tx, caller)
    return {"success": True}


@post("/auth/email-otp", access=A_PERSON, status=200, errors=(400, 429), unkeyed=SECRETS)
async def enable_email_otp(db: Database, caller: Caller, request: AnyRequest, body: MailedCode) -> Any:
    """Turn codes by e-mail on; the first factor comes with recovery codes."""
    return _enabled(request, await actions.enable_email_otp(db, Guesses(db, request), caller, body.email_otp))


@delete("/auth/email-otp", access=A_PERSON, status=200, errors=(400, 429), unkeyed=SECRETS)
async def disable_email_otp(db: Database, caller: Caller, request: AnyRequest, body: Proof) -> Any:
    """Turn codes by e-mail off, with one proof; other sessions end."""
    await actions.disable(db, Guesses(db, request), caller, "email_otp", body)
    return {"success": True}


@get("/auth/fido", access=anyone, errors=(400, 429))
async def ask_for_security_key(db: Database, request: AnyRequest, query: Who) -> Any:
    """A challenge for the security keys of whoever signs in."""
    guesses = Guesses(db, request)
    await guesses.check()
    await guesses.failed()  # anybody can ask, and each time a challenge is kept
    who = await db.row(queries.person_to_sign_in, identifier=query.email.strip())
    if who is None or who["active"] is False or not who["fido_enabled"]:
        raise ApiError("FIDO not enabled.", status=400)
    async with db.transaction() as tx:
        return await security_keys.assertion_options(tx, who)


@put("/auth/fido", access=A_PERSON, unkeyed=SECRETS)
async def begin_security_key(tx: Transaction, caller: Caller) -> Any:
    """What the browser needs to make a security key."""
    return await security_keys.registration_options(tx, await actions.account(tx, caller.id))


@post("/auth/fido", access=A_PERSON, status=200, errors=(400,), unkeyed=SECRETS)
async def add_security_key(db: Database, caller: Caller, request: AnyRequest, body: NewSecurityKey) -> Any:
    """Add the security key that the browser made; the first factor comes with recovery codes."""
    done = await actions.add_security_key(db, caller, body.registration_response, body.device_name)
    return _enabled(request, done)


@delete("/auth/fido", access=A_PERSON, status=200, errors=(400, 429), unkeyed=SECRETS)
async def remove_security_key(db: Database, caller: Caller, request: AnyRequest, body: SecurityKeyAndProof) -> Any:
    """Remove a security key by its name, with one proof; other sessions end."""
    await actions.remove_security_key(db, Guesses(db, request), caller, body.device_name, body)
    return {"success": True}


@put("/auth/recovery-codes", access=A_PERSON, errors=(400, 429), unkeyed=SECRETS)
async def renew_recovery_codes(db: Database, caller: Caller, request: AnyRequest, body: Proof) -> Any:
    """New recovery codes in the place of the old ones, with one proof."""
    return {"otp_recovery_codes": await actions.renew_recovery_codes(db, Guesses(db, request), caller, body)}


@delete(
    "/actions/persons/{person_id:uuid}/disable-two-factor-authentication",
    access=admin,
    status=200,
    tag="Persons",
    errors=(400,),
)
async def disable_all_of(tx: Transaction, caller: Caller, person_id: UUID, request: AnyRequest) -> Any:
    """Turn somebody's second factors off; their sessions end, and they are told by mail."""
    await actions.disable_all_of(tx, caller, person_id, client_address(request))
    return {"success": True}

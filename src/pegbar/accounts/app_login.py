"""Sign-in of desktop applications with a code that the browser shows. Source: spec accounts, /auth/app-login."""

import hashlib
import hmac
import secrets
import time
from base64 import urlsafe_b64encode
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec

from pegbar.accounts import one_time, queries, sessions
from pegbar.accounts.addresses import AnyRequest, client_address
from pegbar.accounts.guesses import Guesses
from pegbar.accounts.sign_in import SignInRefused
from pegbar.core.data.database import Database, Transaction
from pegbar.core.http.access import Caller, anyone, person_identity
from pegbar.core.http.body import Strict
from pegbar.core.http.idempotency import SECRETS
from pegbar.core.http.routing import post

_CODE = "app-login"
_LIFETIME = timedelta(seconds=60)


class Challenge(Strict):
    """The SHA-256 of the application's secret, in base64url."""

    code_challenge: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]{43}$")]


class Exchange(Strict):
    """The code, and the application's secret."""

    code: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    code_verifier: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._~-]{43,128}$")]


@post("/auth/app-login/code", access=person_identity, unkeyed=SECRETS)
async def make_code(tx: Transaction, caller: Caller, body: Challenge) -> Any:
    """A code that signs an application in as the caller, once, within a minute."""
    code = secrets.token_urlsafe(32)
    await one_time.keep(
        tx,
        _CODE,
        None,
        code,
        _LIFETIME,
        person_id=str(caller.id),
        challenge=body.code_challenge,
        session=sessions.session_of(caller.token),
        issued=time.time(),
        skip_2fa_setup=caller.token.skip_2fa_setup,
    )
    return {"code": code}


@post("/auth/app-login/token", access=anyone, status=200, errors=(400, 429), unkeyed=SECRETS)
async def exchange_code(db: Database, request: AnyRequest, body: Exchange) -> Any:
    """Sign an application in; the first attempt uses the code up, even with a wrong secret."""
    guesses = Guesses(db, request)
    await guesses.check()
    async with db.transaction() as tx:
        kept = await one_time.use(tx, [_CODE], None, body.code)
    digest = hashlib.sha256(body.code_verifier.encode()).digest()
    if kept is None or not hmac.compare_digest(urlsafe_b64encode(digest).rstrip(b"=").decode(), kept["challenge"]):
        await guesses.failed()
        raise _refused()
    person_id = UUID(kept["person_id"])
    async with db.transaction(person_id) as tx:
        who = await tx.row(queries.person_by_id, person_id=person_id)
        good = await sessions.is_good(tx, person_id, kept["session"], kept["issued"])
        if who is None or who["active"] is False or not good:
            raise _refused()
        await guesses.remember(tx, person_id)
        return await sessions.open_session(
            tx,
            person_id,
            who["role"],
            address=client_address(request),
            origin="script",
            skip_2fa_setup=kept["skip_2fa_setup"],
        )


def _refused() -> SignInRefused:
    return SignInRefused("The code is wrong, used or too old.")

"""Routes of sessions. Source: spec accounts, operations under /auth."""

from dataclasses import replace
from typing import Annotated, Any

import msgspec

from pegbar.accounts import cookies, queries, sessions, sign_in
from pegbar.accounts.addresses import AnyRequest, Guesses, client_address
from pegbar.core.access import Caller, anyone, authenticated, person_identity
from pegbar.core.body import Strict
from pegbar.core.database import Database, Transaction
from pegbar.core.routing import Reply, get, post

#: Open while a second factor is still to be set up.
SIGNED_IN = replace(authenticated, during_setup=True)
A_PERSON = replace(person_identity, during_setup=True)
REFRESHING = replace(A_PERSON, text="a person, with a refresh token", opened_by="refresh")


class Login(Strict):
    """What a sign-in needs."""

    email: Annotated[str, msgspec.Meta(min_length=1, description="E-mail address or desktop login")]
    password: str = "default"  # noqa: S105
    totp: str | None = None
    email_otp: str | None = None
    recovery_code: str | None = None
    fido_authentication_response: dict[str, Any] | None = None


@post("/auth/login", access=anyone, status=200, errors=(400, 401, 409, 429))
async def login(request: AnyRequest, body: Login, db: Database) -> Any:
    """Sign in with an e-mail address or desktop login and a password.

    Answers the person, the organisation and the tokens; browsers get the tokens in cookies too.
    """
    guesses = Guesses(db, request)
    await guesses.check()
    try:
        who = await sign_in.check_password(db, body.email, body.password)
    except sign_in.SignInRefused:
        await guesses.failed()
        raise
    origin = "web" if cookies.is_browser(request) else "script"
    async with db.transaction(who["id"]) as tx:
        await sign_in.admit(tx, who)
        opened = await sessions.open_session(tx, who["id"], who["role"], address=client_address(request), origin=origin)
    return Reply(opened, cookies=_cookies(request, opened))


def _cookies(request: AnyRequest, opened: dict[str, Any]) -> list[str]:
    if not cookies.is_browser(request):
        return []
    return cookies.session_cookies(request, opened["access_token"], opened["refresh_token"])


@get("/auth/authenticated", access=SIGNED_IN)
async def is_authenticated(db: Database, caller: Caller) -> Any:
    """The account behind the token."""
    user = await db.json_row(queries.own_account, person_id=caller.id)
    organisation = await sessions.organisation_of(db, caller.role)
    return {"authenticated": True, "user": msgspec.Raw(user or b"null"), "organisation": msgspec.Raw(organisation)}


@get("/auth/logout", access=A_PERSON)
async def logout(tx: Transaction, caller: Caller, request: AnyRequest) -> Any:
    """End this session, or give up this API token."""
    await sessions.end_session(tx, caller)
    return Reply({"logout": True}, cookies=cookies.cleared_cookies(request) if cookies.is_browser(request) else [])


@get("/auth/refresh-token", access=REFRESHING)
async def refresh(tx: Transaction, caller: Caller, request: AnyRequest) -> Any:
    """A new access token for the session; browsers get it in a cookie."""
    access = await sessions.renew(tx, caller.token)
    if cookies.is_browser(request):
        return Reply({"refresh": True}, cookies=cookies.access_cookie(request, access))
    return {"access_token": access}

"""Routes of sessions. Source: spec accounts, operations under /auth."""

from typing import Annotated, Any

import msgspec

from pegbar.accounts import cookies, queries, sessions, sign_in
from pegbar.accounts.addresses import AnyRequest, client_address
from pegbar.accounts.credentials import links
from pegbar.accounts.guesses import Guesses, Target
from pegbar.accounts.second_factors import proofs
from pegbar.accounts.second_factors.proofs import Proof
from pegbar.accounts.sessions import A_PERSON, REFRESHING, SIGNED_IN
from pegbar.core.data.database import Database, Transaction
from pegbar.core.http.access import Caller, anyone
from pegbar.core.http.idempotency import SECRETS
from pegbar.core.http.routing import Reply, get, post


class Login(Proof, kw_only=True):
    """What a sign-in needs."""

    email: Annotated[str, msgspec.Meta(min_length=1, description="E-mail address or desktop login")]
    password: str = sign_in.DEFAULT_PASSWORD


@post("/auth/login", access=anyone, status=200, errors=(400, 401, 409, 429, 503), unkeyed=SECRETS)
async def login(request: AnyRequest, body: Login, db: Database) -> Any:
    """Sign in with an e-mail address or desktop login, a password and, when it is enabled, a second factor.

    Answers the person, the organisation and the tokens; browsers get the tokens in cookies too. Flags say what is
    missing or wrong: `missing_OTP`, `wrong_OTP`, `too_many_failed_login_attemps`, `unactive`, `default_password`.
    """
    guesses = Guesses(db, request)
    target = await guesses.at_sign_in(body.email)
    target = await sign_in.check_password(guesses, target, body.password, body.email)
    who = target.who
    assert who is not None
    await proofs.at_sign_in(db, guesses, target, body)
    if sign_in.must_choose_password(who, body.password):
        raise await _default_password(db, guesses, target)
    gated = sign_in.needs_second_factor_setup(who)
    async with db.transaction(who["id"]) as tx:
        await sign_in.admit(tx, guesses, target)
        if not target.seen_today:
            await guesses.remember(tx, who["id"])
        opened = await sessions.open_session(
            tx,
            who["id"],
            who["role"],
            address=client_address(request),
            origin="web" if cookies.is_browser(request) else "script",
            requires_2fa_setup=gated,
        )
    if gated:
        opened["two_factor_authentication_required"] = True
    return Reply(opened, cookies=_cookies(request, opened))


async def _default_password(db: Database, guesses: Guesses, target: Target) -> sign_in.SignInRefused:
    """The answer to whoever is right with the password that nobody keeps: a token to choose one."""
    assert target.who is not None
    async with db.transaction() as tx:
        await sign_in.admit(tx, guesses, target)
        token = await links.new_token(tx, target.who["id"], links.FIRST)
    return sign_in.SignInRefused("Choose a password of your own first.", default_password=True, token=token)


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

"""Routes of sessions. Source: spec accounts, operations under /auth."""

from typing import Annotated, Any

import msgspec
from litestar import Request

from pegbar.accounts import queries, sessions
from pegbar.core.access import Caller, anyone, authenticated, person_identity
from pegbar.core.body import Strict
from pegbar.core.database import Database, Transaction
from pegbar.core.routing import get, post


class Login(Strict):
    """What a sign-in needs."""

    email: Annotated[str, msgspec.Meta(min_length=1, description="E-mail address or desktop login")]
    password: str = "default"  # noqa: S105
    totp: str | None = None
    email_otp: str | None = None
    recovery_code: str | None = None
    fido_authentication_response: dict[str, Any] | None = None


@post("/auth/login", access=anyone, status=200, errors=(400, 401))
async def login(request: Request[Any, Any, Any], body: Login, db: Database) -> Any:
    """Sign in with an e-mail address or desktop login and a password."""
    who = await sessions.check_password(db, body.email, body.password)
    async with db.transaction(who["id"]) as tx:
        return await sessions.open_session(tx, who, address=sessions.client_address(request), origin="script")


@get("/auth/authenticated", access=authenticated)
async def is_authenticated(db: Database, caller: Caller) -> Any:
    """The account behind the token."""
    user = await db.json_row(queries.own_record, person_id=caller.id)
    organisation = await sessions.organisation_of(db, caller.role)
    return {"authenticated": True, "user": msgspec.Raw(user or b"null"), "organisation": msgspec.Raw(organisation)}


@get("/auth/logout", access=person_identity)
async def logout(tx: Transaction, caller: Caller) -> Any:
    """End this session."""
    await sessions.end_session(tx, caller)
    return {"logout": True}

"""The end of a sign-in at a provider: a session and the way to the web UI, or a refusal that a person can read."""

from collections.abc import Awaitable
from typing import Any

import structlog

from pegbar.accounts import cookies, sessions
from pegbar.accounts.addresses import AnyRequest, client_address
from pegbar.accounts.guesses import Guesses
from pegbar.accounts.sign_in import needs_second_factor_setup
from pegbar.accounts.sign_on.pages import PRIVATE, page
from pegbar.accounts.sign_on.persons import Identity, settle
from pegbar.accounts.sign_on.providers import Oidc, Saml
from pegbar.accounts.sign_on.refusals import ProviderAway, SignOnRefused
from pegbar.config import settings
from pegbar.core.data.database import Database, Transaction
from pegbar.core.http.routing import Reply

log = structlog.get_logger()


#: Addresses and files of the studio are nothing for everybody.
_AWAY = (
    "The provider cannot be reached, or it is not set up right. Whoever runs this server finds the reason in its log, "
    "or with pegbar sso test."
)


async def let_in(db: Database, request: AnyRequest, provider: Oidc | Saml, identity: Identity) -> Reply:
    """Open a session for whoever the identity is, and send them to the web UI; without one when they are inactive.

    Raises SignOnRefused.
    """
    guesses = Guesses(db, request)

    async def work(tx: Transaction) -> dict[str, Any] | None:
        who = (await settle(tx, provider, identity)).person
        if who["active"] is False:
            log.warning("a sign-in of somebody inactive", provider=provider.name, person_id=str(who["id"]))
            return None
        await guesses.remember(tx, who["id"])
        return await sessions.open_session(
            tx,
            who["id"],
            who["role"],
            address=client_address(request),
            origin="web",
            requires_2fa_setup=not provider.skip_2fa and needs_second_factor_setup(who),
            skip_2fa_setup=provider.skip_2fa,
        )

    opened = await db.write(None, work)
    given = [] if opened is None else cookies.session_cookies(request, opened["access_token"], opened["refresh_token"])
    return Reply(b"", status=302, headers={"location": settings().public_url, **PRIVATE}, cookies=given)


async def answered(request: AnyRequest, reply: Awaitable[Reply]) -> Reply:
    """The reply, or its refusal: as a page for whoever looks at it with a browser. Raises SignOnRefused for others."""
    try:
        return await reply
    except SignOnRefused as error:
        log.warning("a sign-in was refused", path=request.scope["path"], reason=error.message)
        refusal = SignOnRefused(_AWAY) if isinstance(error, ProviderAway) else error
        if "text/html" not in request.headers.get("accept", ""):
            raise refusal from None
        return page("You are not signed in", refusal.message, refusal.status)

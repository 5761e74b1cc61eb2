"""Routes of single sign-on, which this server does not offer. Source: spec accounts, "LDAP, SAML, OIDC"."""

from pegbar.core.errors import ApiError
from pegbar.core.http.access import anyone
from pegbar.core.http.routing import get, post


def _not_offered(protocol: str) -> ApiError:
    """The refusal of a way in that is not offered. Clients look for its text under `error`."""
    message = f"{protocol} is not enabled: this server does not offer single sign-on."
    return ApiError(message, status=400, error=message)


@get("/auth/saml/login", access=anyone, errors=(400,))
async def begin_saml() -> None:
    """Begin a SAML sign-in; always refused."""
    raise _not_offered("SAML")


@post("/auth/saml/sso", access=anyone, status=200, errors=(400,))
async def end_saml() -> None:
    """End a SAML sign-in; always refused."""
    raise _not_offered("SAML")


@get("/auth/oidc/login", access=anyone, errors=(400,))
async def begin_oidc() -> None:
    """Begin an OpenID Connect sign-in; always refused."""
    raise _not_offered("OIDC")


@get("/auth/oidc/callback", access=anyone, errors=(400,))
async def end_oidc() -> None:
    """End an OpenID Connect sign-in; always refused."""
    raise _not_offered("OIDC")

"""Routes of single sign-on, which this server does not offer. Source: spec accounts, "LDAP, SAML, OIDC"."""

from pegbar.core.access import anyone
from pegbar.core.routing import Reply, get, post


def _not_offered(protocol: str) -> Reply:
    return Reply({"error": f"{protocol} is not enabled: this server does not offer single sign-on."}, status=400)


@get("/auth/saml/login", access=anyone, errors=(400,))
async def begin_saml() -> Reply:
    """Begin a SAML sign-in; always refused."""
    return _not_offered("SAML")


@post("/auth/saml/sso", access=anyone, status=200, errors=(400,))
async def end_saml() -> Reply:
    """End a SAML sign-in; always refused."""
    return _not_offered("SAML")


@get("/auth/oidc/login", access=anyone, errors=(400,))
async def begin_oidc() -> Reply:
    """Begin an OpenID Connect sign-in; always refused."""
    return _not_offered("OIDC")


@get("/auth/oidc/callback", access=anyone, errors=(400,))
async def end_oidc() -> Reply:
    """End an OpenID Connect sign-in; always refused."""
    return _not_offered("OIDC")

"""The id token: whom an OpenID Connect provider says has signed in. Nothing of it is believed before its signature."""

import hmac
from typing import Any

import jwt

from pegbar.accounts.sign_on.oidc.discovery import ALGORITHMS, Metadata, Source
from pegbar.accounts.sign_on.providers import Oidc
from pegbar.accounts.sign_on.refusals import SignOnRefused

#: Seconds that clocks may differ.
_LEEWAY = 60
_REQUIRED = ["iss", "aud", "exp", "iat", "sub"]

Claims = dict[str, Any]


async def verified(source: Source, metadata: Metadata, token: object, nonce: str) -> Claims:
    """The claims of an id token that is the provider's, for us, of this sign-in and good now. Raises SignOnRefused."""
    provider = source.provider
    if not isinstance(token, str):
        raise _refused(provider, "it gave no id token")
    algorithm, key_id = _header(provider, metadata, token)
    key = await source.key(key_id, algorithm)
    try:
        claims: Claims = jwt.decode(
            token,
            key.key,
            algorithms=[algorithm],
            audience=provider.client_id,
            issuer=metadata.issuer,
            leeway=_LEEWAY,
            options={"require": _REQUIRED},
        )
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise _refused(provider, str(error) or type(error).__name__) from None
    _check_party(provider, claims)
    said = claims.get("nonce")
    if not isinstance(said, str) or not hmac.compare_digest(said.encode(errors="replace"), nonce.encode()):
        raise _refused(provider, "its nonce is of another sign-in")
    if not isinstance(claims["sub"], str) or not claims["sub"]:
        raise _refused(provider, "it names nobody")
    return claims


def _header(provider: Oidc, metadata: Metadata, token: str) -> tuple[str, str | None]:
    """How a token says it is signed, and with which key."""
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, TypeError):
        raise _refused(provider, "it is not a signed token") from None
    algorithm, key_id = header.get("alg"), header.get("kid")
    if algorithm not in ALGORITHMS or algorithm not in metadata.id_token_signing_alg_values_supported:
        raise _refused(provider, f"it is signed as {str(algorithm)[:20]!r}, which is not how the provider signs")
    return algorithm, key_id if isinstance(key_id, str) else None


def _check_party(provider: Oidc, claims: Claims) -> None:
    """A token for several is ours only when it was made for us."""
    party = claims.get("azp")
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if (party is not None or several) and party != provider.client_id:
        raise _refused(provider, "it was made for another application")


def _refused(provider: Oidc, reason: str) -> SignOnRefused:
    return SignOnRefused(f"The id token of {provider.title} is refused: {reason}.")

"""The authorization code flow with PKCE: where people are sent, and who comes back. Source: spec accounts, 6 (OIDC)."""

import hashlib
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
import structlog

from pegbar.accounts.sign_on import fetching
from pegbar.accounts.sign_on.attempts import Attempt
from pegbar.accounts.sign_on.oidc import tokens
from pegbar.accounts.sign_on.oidc.discovery import Metadata, source_of
from pegbar.accounts.sign_on.oidc.tokens import Claims
from pegbar.accounts.sign_on.persons import Identity
from pegbar.accounts.sign_on.providers import Oidc
from pegbar.accounts.sign_on.refusals import ProviderAway, SignOnRefused
from pegbar.config import settings

log = structlog.get_logger()

#: More groups than any person is in.
_MOST_GROUPS = 2000


def redirect_uri(provider: Oidc) -> str:
    """Where the provider sends people back to: what is registered there."""
    own = "" if provider.name == "oidc" else f"{provider.name}/"
    return f"{settings().public_url}/api/auth/oidc/{own}callback"


async def address(provider: Oidc, attempt: Attempt) -> str:
    """Where somebody signs in. Raises ProviderAway."""
    metadata = await source_of(provider).metadata.get()
    challenge = hashlib.sha256(attempt.derived("verifier").encode()).digest()
    query = provider.parameters | {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": redirect_uri(provider),
        "scope": provider.scopes,
        "state": attempt.handle,
        "nonce": attempt.derived("nonce"),
        "code_challenge": urlsafe_b64encode(challenge).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    separator = "&" if "?" in metadata.authorization_endpoint else "?"
    return f"{metadata.authorization_endpoint}{separator}{urlencode(query, quote_via=quote)}"


async def arrived(provider: Oidc, attempt: Attempt, code: str, issuer: str) -> tuple[Identity, Claims]:
    """Who came back with a code, and all that the provider says of them. Raises SignOnRefused.

    `issuer` is the one that the address names, if it does: an answer of another provider is not taken for this one's.
    """
    claims = await claims_of(provider, attempt, code, issuer)
    return identity_of(provider, claims), claims


async def claims_of(provider: Oidc, attempt: Attempt, code: str, issuer: str) -> Claims:
    """What the provider says of whoever came back. Raises SignOnRefused."""
    source = source_of(provider)
    metadata = await source.metadata.get()
    if issuer and issuer != metadata.issuer:
        raise SignOnRefused(f"The answer is of {issuer[:100]!r}, not of {provider.title}.")
    answer = await _exchange(provider, metadata, code, attempt.derived("verifier"))
    claims = await tokens.verified(source, metadata, answer.get("id_token"), attempt.derived("nonce"))
    if metadata.userinfo_endpoint and _lacks(provider, claims):
        more = await _userinfo(provider, metadata, answer.get("access_token"))
        if more.get("sub") == claims["sub"]:
            return _joined(provider, claims, more)
    return claims


async def _exchange(provider: Oidc, metadata: Metadata, code: str, verifier: str) -> dict[str, Any]:
    """What the provider gives for a code."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri(provider),
        "code_verifier": verifier,
    }
    headers = {"accept": "application/json"}
    if provider.client_secret and _goes_in_header(provider, metadata):
        name, secret = quote(provider.client_id, safe=""), quote(provider.client_secret, safe="")
        headers["authorization"] = f"Basic {b64encode(f'{name}:{secret}'.encode()).decode()}"
    else:
        form["client_id"] = provider.client_id
        if provider.client_secret:
            form["client_secret"] = provider.client_secret
    answer = await fetching.fetch(provider, metadata.token_endpoint, method="POST", data=form, headers=headers)
    document = _object(answer.body)
    if answer.status != 200:
        reason = document.get("error_description") or document.get("error") or f"it answers {answer.status}"
        raise SignOnRefused(f"{provider.title} does not take the code back: {_short(reason)}")
    return document


def _goes_in_header(provider: Oidc, metadata: Metadata) -> bool:
    """Whether the secret is shown in a header: as most providers have it, unless they take it in the form alone."""
    if provider.client_auth:
        return provider.client_auth == "client_secret_basic"
    methods = metadata.token_endpoint_auth_methods_supported
    return "client_secret_basic" in methods or "client_secret_post" not in methods


async def _userinfo(provider: Oidc, metadata: Metadata, token: object) -> Claims:
    """What the provider says besides; nothing when it does not."""
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        return {}
    headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
    try:
        answer = await fetching.fetch(provider, metadata.userinfo_endpoint, headers=headers)
    except ProviderAway as error:
        log.warning("a provider tells nothing of a person", provider=provider.name, reason=error.message)
        return {}
    return _object(answer.body) if answer.status == 200 else {}


def _object(body: bytes) -> dict[str, Any]:
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _short(reason: object) -> str:
    return " ".join(str(reason).split())[:300]


# Claims


def _lacks(provider: Oidc, claims: Claims) -> bool:
    """Whether the id token leaves out what the provider may tell besides."""
    names = (claims.get(provider.given_name_claim), claims.get(provider.family_name_claim))
    no_groups = bool(provider.mapping) and claim_at(claims, provider.groups_claim) is None
    return not any(names) or not claims.get(provider.email_claim) or no_groups


def _joined(provider: Oidc, claims: Claims, more: Claims) -> Claims:
    """The id token's claims, and what is told besides where it says nothing.

    An address and whether it is verified go together: one from here and one from there would vouch for nothing.
    """
    of_address = {provider.email_claim, "email_verified"}
    joined = {**more, **{name: value for name, value in claims.items() if value is not None}}
    said_by = claims if claims.get(provider.email_claim) else more
    return joined | {name: said_by.get(name) for name in of_address}


def claim_at(claims: Mapping[str, Any], name: str) -> Any:
    """A claim by its name, or by the way to it (`realm_access.roles`)."""
    if name in claims:
        return claims[name]
    value: Any = claims
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def identity_of(provider: Oidc, claims: Claims) -> Identity:
    """The person that claims describe."""
    email = claims.get(provider.email_claim)
    return Identity(
        protocol="oidc",
        issuer=claims["iss"],
        subject=claims["sub"],
        email=email if isinstance(email, str) else None,
        email_verified=_is_verified(provider, claims.get("email_verified")),
        first_name=_name(claims.get(provider.given_name_claim)),
        last_name=_name(claims.get(provider.family_name_claim)),
        groups=groups_of(provider, claims),
    )


def _is_verified(provider: Oidc, said: object) -> bool:
    """Some providers say it as text."""
    word = said.lower() if isinstance(said, str) else said
    return word in (True, "true") if provider.require_email_verified else word not in (False, "false")


def _name(value: object) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def groups_of(provider: Oidc, claims: Claims) -> tuple[str, ...] | None:
    """The groups of a person; None when the provider does not say."""
    value = claim_at(claims, provider.groups_claim)
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        if isinstance(names := claims.get("_claim_names"), dict) and provider.groups_claim in names:
            log.warning("a person is in more groups than the provider tells", provider=provider.name)
        return None
    return tuple(str(group) for group in value[:_MOST_GROUPS] if isinstance(group, str))

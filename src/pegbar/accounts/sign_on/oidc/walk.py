"""The steps of a trial with an OpenID Connect provider, up to where a person signs in."""

from collections import Counter
from collections.abc import AsyncIterator

from pegbar.accounts.sign_on.oidc.discovery import ALGORITHMS, Metadata, read_keys, read_metadata
from pegbar.accounts.sign_on.oidc.flow import redirect_uri
from pegbar.accounts.sign_on.providers import Oidc
from pegbar.accounts.sign_on.refusals import ProviderAway
from pegbar.accounts.sign_on.walks import Step, of_plain

_DISCOVERY = "/.well-known/openid-configuration"


async def walk(provider: Oidc) -> AsyncIterator[Step]:
    """Is its discovery document there and right, are its keys; what is to be registered."""
    try:
        metadata = await read_metadata(provider)
    except ProviderAway as away:
        yield Step(
            "Discovery document",
            failure=away.message,
            advice=f"Open {provider.discovery_url} on this machine: it must be JSON that names an issuer. A proxy, a "
            "firewall, a certificate of the studio's own (ca_file), or another realm or tenant in the address?",
        )
        return
    told, failure, advice = _judged(provider, metadata)
    yield Step("Discovery document", told, failure, advice)
    if failure:
        return
    try:
        keys = await read_keys(provider, metadata)
    except ProviderAway as away:
        yield Step(
            "Keys", failure=away.message, advice=f"{metadata.jwks_uri} must answer the keys that sign id tokens."
        )
        return
    kinds = Counter(key.key_type for key in keys.every)
    yield Step("Keys", (", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())),))
    secret = "with the client secret" if provider.client_secret else "as a public client, without a secret"
    yield Step(
        "To be registered at the provider",
        (f"redirect address: {redirect_uri(provider)}", f"client: {provider.client_id}, {secret}"),
    )


def _judged(provider: Oidc, metadata: Metadata) -> tuple[tuple[str, ...], str, str]:
    """What a discovery document tells, what is wrong with it, and what to change."""
    told = [f"issuer: {metadata.issuer}", *of_plain(provider.discovery_url)]
    if provider.discovery_url.removesuffix(_DISCOVERY).rstrip("/") != metadata.issuer.rstrip("/"):
        told.append("it is not what its address says; right where the provider is reached by another name from here")
    methods = metadata.code_challenge_methods_supported
    if methods is not None and "S256" not in methods:
        return tuple(told), "it does not take PKCE with S256", "Switch PKCE (S256) on for this client."
    if methods is None:
        told.append("it does not say whether it takes PKCE (S256): one that does not ignores it")
    usable = sorted(ALGORITHMS.intersection(metadata.id_token_signing_alg_values_supported))
    if not usable:
        signs = ", ".join(metadata.id_token_signing_alg_values_supported)
        return tuple(told), f"it signs id tokens with {signs} alone", "Let it sign with RS256 or ES256."
    told.append(f"signs with: {', '.join(usable)}")
    if provider.mapping and "groups" not in provider.scopes.split():
        told.append(f"groups come from the claim {provider.groups_claim!r}: some providers want a scope for them")
    return tuple(told), "", ""

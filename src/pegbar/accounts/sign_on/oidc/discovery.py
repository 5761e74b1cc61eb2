"""What an OpenID Connect provider says of itself: its endpoints, and the keys it signs with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
import msgspec

from pegbar.accounts.sign_on import fetching
from pegbar.accounts.sign_on.fetching import Kept
from pegbar.accounts.sign_on.providers import Oidc
from pegbar.accounts.sign_on.refusals import ProviderAway, SignOnRefused

#: How id tokens may be signed: with a key that only the provider has.
ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
_KINDS = frozenset({"RSA", "EC", "OKP"})


class Metadata(msgspec.Struct, frozen=True):
    """A discovery document, as far as it is used."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    id_token_signing_alg_values_supported: tuple[str, ...] = ("RS256",)
    code_challenge_methods_supported: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Keys:
    """The keys of a provider: all, and those that have ids by them."""

    by_id: Mapping[str, jwt.PyJWK]
    every: tuple[jwt.PyJWK, ...]

    def find(self, key_id: str | None, algorithm: str) -> jwt.PyJWK | None:
        """The key that a token names; the only one that fits when it names none."""
        if key_id is not None:
            return self.by_id.get(key_id)
        fitting = [key for key in self.every if _fits(key, algorithm)]
        return fitting[0] if len(fitting) == 1 else None


def _fits(key: jwt.PyJWK, algorithm: str) -> bool:
    kind = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}[algorithm[:2]]
    return key.key_type == kind


class Source:
    """What is read of one provider, and kept."""

    def __init__(self, provider: Oidc) -> None:
        self.provider = provider
        self.metadata = Kept(lambda: read_metadata(provider))
        self.keys = Kept(self._read_keys)

    async def _read_keys(self) -> Keys:
        metadata = await self.metadata.get()
        return await read_keys(self.provider, metadata)

    async def key(self, key_id: str | None, algorithm: str) -> jwt.PyJWK:
        """The key that signed a token; the keys are read again when it is not among them. Raises SignOnRefused."""
        key = (await self.keys.get()).find(key_id, algorithm)
        if key is None:
            key = (await self.keys.again()).find(key_id, algorithm)
        if key is None:
            raise SignOnRefused(f"{self.provider.title} signed with a key that is not among its keys.")
        return key


#: By the provider's name.
_sources: dict[str, Source] = {}


def source_of(provider: Oidc) -> Source:
    """What this process knows of a provider."""
    source = _sources.get(provider.name)
    if source is None or source.provider != provider:
        source = _sources[provider.name] = Source(provider)
    return source


async def read_metadata(provider: Oidc) -> Metadata:
    """The discovery document of a provider. Raises ProviderAway saying what is wrong with it."""
    url = provider.discovery_url
    metadata: Metadata = _decoded(provider, url, await _read(provider, url), Metadata)
    if not metadata.issuer or "{" in metadata.issuer:
        raise ProviderAway(
            f"{provider.title} names no issuer of its own ({metadata.issuer!r}): use the discovery address of your "
            "tenant."
        )
    for name in ("token_endpoint", "jwks_uri", "userinfo_endpoint"):
        if endpoint := getattr(metadata, name):
            fetching.check_address(provider, endpoint, url, provider.hosts)
    if not metadata.authorization_endpoint.startswith(("https://", "http://")):
        raise ProviderAway(f"{provider.title} names no address to sign in at.")
    return metadata


async def read_keys(provider: Oidc, metadata: Metadata) -> Keys:
    """The keys that a provider signs with. Raises ProviderAway."""
    document = _decoded(provider, metadata.jwks_uri, await _read(provider, metadata.jwks_uri), dict[str, Any])
    by_id, every = {}, []
    entries = document.get("keys")
    for entry in entries if isinstance(entries, list) else ():
        if not isinstance(entry, dict) or entry.get("kty") not in _KINDS or entry.get("use", "sig") != "sig":
            continue
        try:
            key = jwt.PyJWK(entry)
        except (jwt.PyJWTError, ValueError, TypeError, KeyError):
            continue  # of a kind that is not known here
        every.append(key)
        if isinstance(entry.get("kid"), str):
            by_id[entry["kid"]] = key
    if not every:
        raise ProviderAway(f"{provider.title} has no key to sign with at {metadata.jwks_uri}.")
    return Keys(by_id, tuple(every))


async def _read(provider: Oidc, url: str) -> bytes:
    answer = await fetching.fetch(provider, url)
    if answer.status != 200:
        raise ProviderAway(f"{provider.title}: {url} answers {answer.status}.")
    return answer.body


def _decoded(provider: Oidc, url: str, body: bytes, kind: Any) -> Any:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProviderAway(f"{provider.title}: {url} is not what is expected there: {error}.") from None

"""What is read from providers: only from the hosts that are configured, bounded in size and time, kept for a while.

A provider that is away takes no sign-in longer than one timeout, and what was read before serves meanwhile.
"""

import asyncio
import os
import ssl
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

import aiohttp

from pegbar import __version__
from pegbar.accounts.sign_on.providers import Provider
from pegbar.accounts.sign_on.refusals import ProviderAway

T = TypeVar("T")

_LONGEST = 2 * 2**20

#: Seconds that what was read is taken for true, and for how long it still serves when it cannot be read again.
_FRESH, _USABLE = 600, 24 * 3600
#: Seconds until a failed attempt is made again, and until what is fresh is read again because something is not in it.
_AFTER_FAILURE, _AFTER_SUCCESS = 5, 30

#: Hosts that belong to the one of a discovery document.
_COMPANIONS: Mapping[str, frozenset[str]] = {
    "accounts.google.com": frozenset(
        {"oauth2.googleapis.com", "www.googleapis.com", "openidconnect.googleapis.com", "accounts.google.com"}
    ),
    "login.microsoftonline.com": frozenset({"graph.microsoft.com"}),
}


@dataclass(frozen=True)
class Answer:
    """What a provider answered."""

    status: int
    body: bytes


def hosts_of(configured: str, more: Collection[str] = ()) -> frozenset[str]:
    """The hosts that are asked, given the address that is configured."""
    host = urlsplit(configured).hostname or ""
    return frozenset({host, *_COMPANIONS.get(host, ()), *(name.lower() for name in more)})


def check_address(provider: Provider, url: str, configured: str, more: Collection[str] = ()) -> None:
    """Refuse an address that a provider names and that is not of the configured hosts, or less safe. ProviderAway."""
    try:
        parts = urlsplit(url)
        host, scheme = parts.hostname or "", parts.scheme
    except ValueError:
        host = scheme = ""
    safe = {"https", urlsplit(configured).scheme}
    if scheme not in safe or not host:
        raise ProviderAway(f"{provider.title} names an address that is not used: {url[:200]!r} is not https.")
    if host not in hosts_of(configured, more):
        raise ProviderAway(
            f"{provider.title} names an address on {host}, which is not the host that is configured for it. If it is "
            f'right, whoever runs this server adds it: hosts = ["{host}"]'
        )


async def fetch(provider: Provider, url: str, *, method: str = "GET", **options: Any) -> Answer:
    """What an address answers; redirects are not followed. Raises ProviderAway saying what went wrong."""
    timeout = aiohttp.ClientTimeout(total=provider.timeout)
    headers = {"accept": "*/*", "user-agent": f"pegbar/{__version__}", **options.pop("headers", {})}
    try:
        connector = aiohttp.TCPConnector(ssl=_trust(provider), force_close=True)
        async with (
            aiohttp.ClientSession(timeout=timeout, connector=connector, headers=headers) as session,
            session.request(method, url, allow_redirects=False, **options) as answer,
        ):
            if 300 <= answer.status < 400:
                where = answer.headers.get("location", "")[:200]
                raise ProviderAway(f"{provider.title}: {url} sends on to {where!r}: configure the address itself.")
            return Answer(answer.status, await _bounded(provider, url, answer))
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise ProviderAway(f"{provider.title} cannot be reached at {_host(url)}: {_told(provider, error)}.") from None


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]


def _told(provider: Provider, error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"it did not answer in {provider.timeout:g} seconds"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"its certificate is not believed ({_words(error.certificate_error)})"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name is not known on this machine"
    if isinstance(error, aiohttp.ClientConnectorError) and error.os_error.errno:
        return os.strerror(error.os_error.errno).lower()
    return _words(error) or type(error).__name__


def _words(error: object) -> str:
    return " ".join(str(error).split())[:300]


async def _bounded(provider: Provider, url: str, answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for piece in answer.content.iter_chunked(2**16):
        body += piece
        if len(body) > _LONGEST:
            raise ProviderAway(f"{provider.title}: {url} answers more than {_LONGEST} bytes.")
    return bytes(body)


def _trust(provider: Provider) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if provider.ca_file:
        context.load_verify_locations(provider.ca_file)
    return context


class Kept(Generic[T]):
    """Something that is read once and again when it is old, by one request at a time."""

    def __init__(self, read: Callable[[], Awaitable[T]], clock: Callable[[], float] = time.monotonic) -> None:
        self._read, self._clock = read, clock
        self._value: T | None = None
        self._read_at = self._failed_at = -float("inf")
        self._failure: ProviderAway | None = None
        self._turn = asyncio.Lock()

    async def get(self) -> T:
        """What was read, at most ten minutes ago unless its source is away. Raises ProviderAway."""
        return await self._at_most(_FRESH)

    async def again(self) -> T:
        """The same, read again unless that was half a minute ago: something is not in it."""
        return await self._at_most(_AFTER_SUCCESS)

    async def _at_most(self, age: float) -> T:
        async with self._turn:
            now = self._clock()
            if self._value is not None and now - self._read_at < age:
                return self._value
            if now - self._failed_at >= _AFTER_FAILURE:
                try:
                    self._value = await self._read()
                except ProviderAway as failure:
                    # The time it took is over, too: those who waited meanwhile do not try once more each.
                    self._failed_at, self._failure = self._clock(), failure
                else:
                    self._read_at, self._failure = self._clock(), None
            if self._value is not None and self._clock() - self._read_at < _USABLE:
                return self._value
            assert self._failure is not None
            raise ProviderAway(self._failure.message)

"""Calls to addresses that people type: never into a network that only this machine should reach.

The address that a name resolves to is looked at where the socket is made, so that what was checked is what is connected
to, whatever the name resolves to a moment later. Redirects are not followed, proxies of the environment not used,
cookies not kept, and of an answer no more is read than is kept.
"""

import asyncio
import re
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

Address = IPv4Address | IPv6Address
Network = Any  # IPv4Network | IPv6Network, whose `in` takes either kind of address

#: What is read and kept of an answer, and how long an address may be.
MOST_READ = 8 * 1024
_LONGEST_URL = 2000
#: Public addresses that mean something else inside a cloud: Azure's own services.
_INSIDE = frozenset({IPv4Address("168.63.129.16")})
#: IPv6 whose last 32 bits are an IPv4 address: NAT64, and the old compatible form.
_EMBEDDING = (IPv6Network("64:ff9b::/96"), IPv6Network("::/96"))
#: Networks of one's own that not every Python knows to be such: site-local, local NAT64.
_OWN = (IPv6Network("fec0::/10"), IPv6Network("64:ff9b:1::/48"))
#: Ways to write an address that only old programs know: refused rather than guessed.
_OLD_NUMBER = re.compile(r"\d+(\.\d+){0,2}\.?")
#: Headers of an answer that may hold a secret of the receiver's.
_SECRET_HEADERS = frozenset({"set-cookie", "set-cookie2", "www-authenticate", "proxy-authenticate", "authorization"})


class BadAddress(ValueError):
    """An address that is not called; the text says why."""


class _Inside(OSError):
    """The name resolves to an address that is not public."""


def is_public(address: Address, allowed: Sequence[Network] = ()) -> bool:
    """Whether an address may be called: it is of the internet, or of a network that is allowed."""
    if any(address in network for network in allowed):
        return True
    if isinstance(address, IPv6Address):
        if (inner := _inner(address)) is not None:
            return is_public(inner, allowed)
        if address.scope_id is not None or any(address in network for network in _OWN):
            return False
    return (
        address.is_global
        and not (address.is_multicast or address.is_reserved or address.is_unspecified)
        and address not in _INSIDE
    )


def _inner(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 address leads to."""
    if (teredo := address.teredo) is not None:
        return teredo[1]
    if (inner := address.ipv4_mapped or address.sixtofour) is not None:
        return inner
    if any(address in network for network in _EMBEDDING):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def networks(setting: Sequence[str]) -> list[Network]:
    """The networks that a setting allows. Raises ValueError."""
    return [ip_network(network, strict=False) for network in setting]


def checked_url(text: str, *, plain_http: bool, allowed: Sequence[Network] = ()) -> URL:
    """An address as it will be called. Raises BadAddress: no http(s), credentials in it, an address that is inside."""
    if len(text) > _LONGEST_URL:
        raise BadAddress(f"at most {_LONGEST_URL} characters")
    if any(character.isspace() or not character.isprintable() for character in text) or "\\" in text:
        raise BadAddress("blanks, backslashes and control characters are no part of an address")
    try:
        url = URL(text)
        host, port = url.host, url.port
    except ValueError:
        raise BadAddress("this is no address") from None
    if url.scheme not in ("http", "https") or not host or not port or _OLD_NUMBER.fullmatch(host):
        raise BadAddress("this is no http or https address")
    if url.scheme == "http" and not plain_http:
        raise BadAddress("it must be https; PEGBAR_WEBHOOK_HTTP lets this server call http addresses too")
    if url.user is not None or url.password is not None:
        raise BadAddress("it holds a user or a password, which logs and lists would show")
    try:
        literal = ip_address(host)
    except ValueError:
        return url.with_fragment(None)  # a name: looked at when it is called
    if not is_public(literal, allowed):
        raise BadAddress(_REFUSAL)
    return url.with_fragment(None)


#: Without the address that a name resolves to: that would tell what is inside.
_REFUSAL = "its host is not on the internet; PEGBAR_WEBHOOK_NETWORKS allows networks of your own"


@dataclass(frozen=True)
class Answer:
    """What came of a call: a status, or why there is none."""

    duration: float  #: seconds
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    error: str = ""

    @property
    def is_success(self) -> bool:
        """Whether the receiver took it."""
        return self.status is not None and 200 <= self.status < 300


class _Resolver(AbstractResolver):
    """Names, as the system resolves them: those with an address inside are not used at all."""

    def __init__(self, allowed: Sequence[Network]) -> None:
        self._allowed = allowed

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        infos = await loop.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
        found: list[ResolveResult] = []
        for kind, _, proto, _, name in infos:
            check_socket_address(name, self._allowed)
            flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
            found.append(
                ResolveResult(hostname=host, host=str(name[0]), port=port, family=kind, proto=proto, flags=flags)
            )
        return found

    async def close(self) -> None:
        """There is nothing to close."""


def check_socket_address(name: Sequence[Any], allowed: Sequence[Network]) -> None:
    """Raise OSError unless a socket may be connected to an address."""
    if not is_public(ip_address(str(name[0])), allowed):
        raise _Inside(_REFUSAL)


class Outgoing:
    """Calls addresses, within the time and to the networks that are allowed. Close it at the end."""

    def __init__(self, *, seconds: float, allowed: Sequence[Network], at_once: int) -> None:
        def checked_socket(info: Any) -> socket.socket:
            check_socket_address(info[4], allowed)  # an address that was typed as one is not resolved
            return socket.socket(info[0], info[1], info[2])

        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=at_once, resolver=_Resolver(allowed), socket_factory=checked_socket, use_dns_cache=False
            ),
            timeout=aiohttp.ClientTimeout(total=seconds, connect=min(seconds, 10)),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
        )
        self._seconds = seconds

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def post(self, url: URL, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send a body; what came of it. Never raises for what the network or the receiver does."""
        started = time.monotonic()
        try:
            async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                content = await _beginning(answer)
                return Answer(
                    time.monotonic() - started,
                    answer.status,
                    _kept_headers(answer.headers),
                    content.decode("utf-8", "replace").replace("\0", "\ufffd"),
                    "redirects are not followed" if 300 <= answer.status < 400 else "",
                )
        except (aiohttp.ClientError, OSError, ValueError) as error:  # TimeoutError is an OSError
            return Answer(time.monotonic() - started, error=self._reason(error))

    def _reason(self, error: Exception) -> str:
        """Why there is no answer, without the address: that may be a secret."""
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, _Inside):
                return str(cause)
            cause = getattr(cause, "os_error", None) or cause.__cause__
        if isinstance(error, TimeoutError):
            return f"no answer within {self._seconds:g} seconds"
        if isinstance(error, aiohttp.ClientConnectorCertificateError):
            return "its certificate is not believed"
        if isinstance(error, aiohttp.ClientConnectorDNSError):
            return "its name is not known"
        if isinstance(error, aiohttp.ClientSSLError):
            return "it does not speak TLS as it should"
        if isinstance(error, aiohttp.ClientConnectorError):
            return "it cannot be connected to"
        return f"it broke off: {type(error).__name__}"


async def _beginning(answer: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for piece in answer.content.iter_chunked(MOST_READ):
        content += piece
        if len(content) >= MOST_READ:
            answer.close()  # the rest is not read, nor the connection used again
            break
    return bytes(content[:MOST_READ])


def _kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers of an answer, as they may be shown."""
    return {
        name.lower()[:100]: "…" if name.lower() in _SECRET_HEADERS else value[:500].replace("\0", "\ufffd")
        for name, value in list(headers.items())[:50]
    }


__all__ = ["MOST_READ", "Answer", "BadAddress", "Outgoing", "checked_url", "is_public", "networks"]

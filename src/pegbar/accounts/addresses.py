"""Where requests come from.

Only a trusted proxy is believed about whom it speaks for. Source: spec accounts, "Worth fixing".
"""

from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from litestar import Request

from pegbar.config import settings
from pegbar.environment import InvalidSetting

AnyRequest = Request[Any, Any, Any]


@cache
def trusted_networks() -> tuple[IPv4Network | IPv6Network, ...]:
    """The networks of the proxies that are believed."""
    try:
        return tuple(ip_network(network, strict=False) for network in settings().trusted_proxies)
    except ValueError as error:
        raise InvalidSetting(f"PEGBAR_TRUSTED_PROXIES: {error}") from None


def _parsed(text_: str) -> str | None:
    """An address without its zone, which says nothing here."""
    try:
        return str(ip_address(text_.strip().partition("%")[0]))
    except ValueError:
        return None


def _is_trusted(address: str | None) -> bool:
    return address is not None and any(ip_address(address) in network for network in trusted_networks())


def _peer(request: AnyRequest) -> str | None:
    return _parsed(request.client.host) if request.client else None


def client_address(request: AnyRequest) -> str | None:
    """The address of whoever calls; None when a proxy names none, or its headers name two.

    Proxies write one of the headers and pass the other on as the client sent it: where they differ, one may be made up.
    """
    peer = _peer(request)
    if peer is not None and not _is_trusted(peer):
        return peer
    real, forwarded = request.headers.get("x-real-ip"), _forwarded_for(request)
    if not real:
        return forwarded or peer
    named = _parsed(real)
    if forwarded is None or named == forwarded:
        return named
    return forwarded if _is_trusted(named) else None


def _forwarded_for(request: AnyRequest) -> str | None:
    """The last hop of `X-Forwarded-For` that is no trusted proxy: what the outermost of them saw."""
    hops = (_parsed(hop) for hop in reversed(request.headers.get("x-forwarded-for", "").split(",")))
    return next((hop for hop in hops if hop is not None and not _is_trusted(hop)), None)


def is_https(request: AnyRequest) -> bool:
    """Whether the browser speaks HTTPS, to us or to a trusted proxy."""
    forwarded = request.headers.get("x-forwarded-proto", "")
    if forwarded and _is_trusted(_peer(request)):
        return forwarded.split(",")[0].strip().lower() == "https"
    return request.scope["scheme"] == "https"


def network_of(request: AnyRequest) -> str:
    """What limits count by: an address, of IPv6 the network that one household gets."""
    address = client_address(request) or _peer(request) or "unknown"
    return str(ip_network(f"{address}/64", strict=False)) if ":" in address else address

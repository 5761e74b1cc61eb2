"""Where requests come from, and how often an address may guess.

Only a trusted proxy is believed about whom it speaks for. Source: spec accounts, "Worth fixing".
"""

from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from litestar import Request
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import TIMESTAMP

from pegbar.config import InvalidSetting, settings
from pegbar.core.database import Database
from pegbar.core.errors import TooManyRequests
from pegbar.core.schema import utc_now

AnyRequest = Request[Any, Any, Any]

_FAILURES = text("SELECT attempts FROM pegbar.failed_attempt WHERE address = :address AND minute = :minute").bindparams(
    bindparam("minute", type_=TIMESTAMP)
)

_ADD_FAILURE = text(
    """
    INSERT INTO pegbar.failed_attempt (address, minute, attempts) VALUES (:address, :minute, 1)
    ON CONFLICT (address, minute) DO UPDATE SET attempts = failed_attempt.attempts + 1
    RETURNING attempts
    """
).bindparams(bindparam("minute", type_=TIMESTAMP))


@cache
def trusted_networks() -> tuple[IPv4Network | IPv6Network, ...]:
    """The networks of the proxies that are believed."""
    try:
        return tuple(ip_network(each, strict=False) for each in settings().trusted_proxies)
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
    """The address of whoever calls; None when a proxy names one that is no address."""
    peer = _peer(request)
    if peer is not None and not _is_trusted(peer):
        return peer
    if named := request.headers.get("x-real-ip"):
        return _parsed(named)
    for hop in reversed(request.headers.get("x-forwarded-for", "").split(",")):
        address = _parsed(hop)
        if address is not None and not _is_trusted(address):
            return address
    return peer


def is_https(request: AnyRequest) -> bool:
    """Whether the browser speaks HTTPS, to us or to a trusted proxy."""
    forwarded = request.headers.get("x-forwarded-proto", "")
    if forwarded and _is_trusted(_peer(request)):
        return forwarded.split(",")[0].strip().lower() == "https"
    return request.url.scheme == "https"


def _network(request: AnyRequest) -> str:
    """What the limit counts by: an address, of IPv6 the network that one household gets."""
    address = client_address(request) or _peer(request) or "unknown"
    return str(ip_network(f"{address}/64", strict=False)) if ":" in address else address


class Guesses:
    """The failed attempts that the address of a request makes within a minute, over all processes."""

    def __init__(self, db: Database, request: AnyRequest) -> None:
        self._db, self._limit = db, settings().login_rate_limit
        self._given = {"address": _network(request), "minute": utc_now().replace(second=0, microsecond=0)}

    async def check(self) -> None:
        """Raise TooManyRequests when the address has used up its attempts."""
        if self._limit and (await self._db.value(_FAILURES, **self._given) or 0) >= self._limit:
            raise self._refusal()

    async def failed(self) -> None:
        """Count a failed attempt, in a transaction of its own. Raises TooManyRequests when it is one too many."""
        if not self._limit:
            return
        async with self._db.transaction() as tx:
            attempts = await tx.value(_ADD_FAILURE, **self._given)
        if attempts > self._limit:
            raise self._refusal()

    @staticmethod
    def _refusal() -> TooManyRequests:
        # Gazu takes a 429 for a success unless `login` is false (spec clients).
        error = TooManyRequests(
            "Too many failed attempts from this address. Wait a minute, then try again.", login=False
        )
        error.headers["retry-after"] = "60"
        return error

"""Sign-ins under way at a provider: begun by one browser, ended by the same one, once, in time.

What begins is kept in the database, so that any node may end it: as a keyed hash, under the browser that a cookie
tells. Nonces and verifiers are kept nowhere: they are made again from the secrets of browser and attempt.
"""

import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from pegbar.accounts import one_time
from pegbar.accounts.addresses import AnyRequest
from pegbar.accounts.sign_on.providers import Provider, protocol_of
from pegbar.config import settings
from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import sql
from pegbar.core.data.schema import utc_now

_KIND, _SEEN = "sign-on", "sign-on-seen"
_LIFETIME = timedelta(minutes=15)
#: Sign-ins that one browser may have under way: in so many tabs.
_MOST = 10
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")

#: Whoever begins takes away what others left: so many rows as come in a quarter of an hour are all there are.
_TIDY = sql(
    """
    DELETE FROM pegbar.one_time_secret WHERE (kind, subject, slot) IN (
      SELECT kind, subject, slot FROM pegbar.one_time_secret WHERE expires_at < :now ORDER BY expires_at LIMIT 4)
    """
)


@dataclass(frozen=True)
class Attempt:
    """A sign-in under way: what the browser holds, and what names it at the provider."""

    browser: str
    handle: str
    #: The trial that it belongs to (trials.py); empty for a sign-in of somebody.
    trial: str = ""

    @property
    def browser_key(self) -> str:
        """What the browser's attempts are kept under."""
        return Attempt(self.browser, "").derived("browser")

    def derived(self, purpose: str) -> str:
        """A secret of this attempt that nobody else can make: 43 characters."""
        message = "\0".join(("sign-on", purpose, self.browser, self.handle)).encode()
        digest = hmac.digest(settings().secret_key.encode(), message, "sha256")
        return urlsafe_b64encode(digest).rstrip(b"=").decode()


def begun(request: AnyRequest, trial: str = "") -> Attempt:
    """A new attempt of the browser that asks."""
    return Attempt(_browser(request) or secrets.token_urlsafe(32), secrets.token_urlsafe(32), trial)


async def keep(tx: Transaction, provider: Provider, attempt: Attempt) -> None:
    """Remember an attempt that begins."""
    await tx.execute(_TIDY, now=utc_now())
    name = _name(provider, attempt)
    await one_time.keep_beside(tx, _KIND, attempt.browser_key, name, _LIFETIME, most=_MOST, trial=attempt.trial)


async def end(tx: Transaction, provider: Provider, request: AnyRequest, handle: str) -> Attempt | None:
    """The attempt that this browser began at the provider, used up; None when there is none, or no more."""
    browser = _browser(request)
    if browser is None:
        return None
    attempt = Attempt(browser, handle)
    used = await one_time.use(tx, [_KIND], attempt.browser_key, _name(provider, attempt))
    return None if used is None else replace(attempt, trial=used.get("trial", ""))


async def is_first(tx: Transaction, provider: Provider, message_id: str, until: timedelta) -> bool:
    """Whether a message of a provider is seen for the first time; it counts as seen for that long."""
    return await one_time.keep(tx, _SEEN, None, f"{provider.name} {message_id}", until, most=1)


def _name(provider: Provider, attempt: Attempt) -> str:
    return f"{protocol_of(provider)} {provider.name} {attempt.handle}"


# The browser's cookie


def _is_safe() -> bool:
    """Whether people reach the server with HTTPS. Its settings say it: a provider sends people back to that address."""
    return settings().domain_protocol == "https"


def _cookie_name() -> str:
    """With HTTPS, a name that no other host and no plain page can set."""
    return "__Host-pegbar-sign-on" if _is_safe() else "pegbar-sign-on"


def _browser(request: AnyRequest) -> str | None:
    value: Any = request.cookies.get(_cookie_name())
    return value if isinstance(value, str) and _SECRET.fullmatch(value) else None


def cookie(attempt: Attempt) -> str:
    """The `Set-Cookie` value that makes a browser known again.

    A SAML answer is posted from the provider's site, with which only cookies go that say so; without HTTPS, browsers
    send those that say nothing, for a while.
    """
    rest = "; Secure; SameSite=None" if _is_safe() else ""
    age = int(_LIFETIME.total_seconds())
    return f"{_cookie_name()}={attempt.browser}; Path=/; Max-Age={age}; HttpOnly{rest}"

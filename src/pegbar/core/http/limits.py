"""How much one caller may ask of this process: so many requests at once, and so many a minute.

They are told by their token, before the database is asked anything. Who is over a limit gets 429, with the seconds
after which to come again; nobody else notices. Bots have limits of their own: a farm may share one account.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

from pegbar.config import settings
from pegbar.core.data.pools import on_behalf_of
from pegbar.core.http.access import Token
from pegbar.core.turns import Allowance, Busy, Rate


@dataclass(frozen=True)
class _Limit:
    at_once: Allowance
    rate: Rate


@cache
def _limits() -> dict[bool, _Limit]:
    """Of persons, and of bots."""
    now = settings()
    return {
        False: _Limit(Allowance(0, now.requests_at_once), Rate(now.requests_per_minute)),
        True: _Limit(Allowance(0, now.bot_requests_at_once), Rate(now.bot_requests_per_minute)),
    }


@contextmanager
def admitted(token: Token) -> Iterator[None]:
    """A request of a caller, for the block. Raises Busy for one who has too many."""
    limit = _limits()[token.identity_type != "person"]
    now = time.monotonic()
    if (seconds := limit.rate.wait(token.sub, now)) > 0:
        raise Busy(
            f"You may send {limit.rate.per_minute} requests a minute. Try again later.", seconds=int(seconds) + 1
        )
    if not limit.at_once.take(token.sub):
        most = limit.at_once.by_holder
        raise Busy(f"{most} of your requests are under way already. Wait for their answers, then try again.", seconds=1)
    limit.rate.take(token.sub, now)
    try:
        with on_behalf_of(token.sub):
            yield
    finally:
        limit.at_once.give_back(token.sub)

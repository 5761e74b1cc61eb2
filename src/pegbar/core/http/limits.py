"""How much one caller may ask of this process: so many requests at once, and so many a minute.

They are told by their token, before the database is asked anything. Who is over a limit gets 429, with the seconds
after which to come again; nobody else notices. Bots have limits of their own: a farm may share one account.
"""

import time
from dataclasses import dataclass
from functools import cache

from pegbar.config import settings
from pegbar.core.data.pools import OnBehalfOf
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


class Admitted(OnBehalfOf):
    """A request of a caller, for the block. Raises Busy for one who has too many."""

    def __init__(self, token: Token) -> None:
        super().__init__(token.sub)
        self._limit = _limits()[token.identity_type != "person"]

    def __enter__(self) -> None:
        limit, holder = self._limit, self._holder
        now = time.monotonic()
        if (seconds := limit.rate.wait(holder, now)) > 0:
            most = f"You may send {limit.rate.per_minute} requests a minute."
            raise Busy(f"{most} Try again later.", seconds=int(seconds) + 1)
        if not limit.at_once.take(holder):
            most = f"{limit.at_once.by_holder} of your requests are under way already."
            raise Busy(f"{most} Wait for their answers, then try again.", seconds=1)
        limit.rate.take(holder, now)
        super().__enter__()

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        self._limit.at_once.give_back(self._holder)

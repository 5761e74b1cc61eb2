"""When a delivery is tried again, and what an answer means. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Literal

from pegbar.core.http.outgoing import Answer

#: How long a delivery is tried.
KEPT_TRYING = timedelta(days=3)
#: A webhook is paused no sooner than after so many failures in a row, however long ago the first was.
LEAST_FAILURES = 5
_FIRST, _FACTOR, _LONGEST = timedelta(seconds=5), 4, timedelta(hours=6)

Outcome = Literal["delivered", "gone", "again"]


def outcome(answer: Answer) -> Outcome:
    """What an answer means: taken, taken never more (410), or not now."""
    if answer.is_success:
        return "delivered"
    return "gone" if answer.status == 410 else "again"


def wait(attempts: int, chance: float, headers: Mapping[str, str], now: datetime) -> timedelta:
    """How long to wait after so many attempts: 5 s, 20 s, 80 s… up to 6 h, a fifth more or less by `chance` (0 to 1).

    A receiver may ask for more by `Retry-After`, up to the longest.
    """
    growth: int = _FACTOR ** min(max(attempts - 1, 0), 12)
    waits = min(_FIRST * growth, _LONGEST) * (0.8 + 0.4 * chance)
    return max(waits, min(_asked_for(headers.get("retry-after", ""), now), _LONGEST))


def _asked_for(text: str, now: datetime) -> timedelta:
    if text.isascii() and text.isdigit() and len(text) < 9:
        return timedelta(seconds=int(text))
    try:
        return parsedate_to_datetime(text).replace(tzinfo=None) - now
    except (ValueError, TypeError, OverflowError):
        return timedelta()

"""The time zones of the IANA database, and which one somebody's days are counted in."""

from functools import cache
from zoneinfo import available_timezones

from pegbar.config import settings


@cache
def known_zones() -> frozenset[str]:
    """The names of all time zones."""
    return frozenset(available_timezones())


def zone_of(timezone: str | None) -> str:
    """The time zone of somebody's days: theirs, else the instance's, else UTC."""
    return next((name for name in (timezone, settings().default_timezone) if name in known_zones()), None) or "UTC"

"""Years, months, ISO weeks and days as ranges of dates. Source: spec accounts, operations on time spents."""

import calendar
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from zoneinfo import available_timezones

from pegbar.config import settings
from pegbar.core.errors import BadRequest


@dataclass(frozen=True)
class Period:
    """Days from the first to the last, both included."""

    first: date
    last: date


def number(name: str, text: str) -> int:
    """A whole number of a path, or 400."""
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        raise BadRequest(f"{name}: {text!r} is not a whole number.")
    return int(text)


def year(of: str) -> Period:
    """A calendar year."""
    return Period(_day(of, "1", "1"), _day(of, "12", "31"))


def year_of_weeks(of: str) -> Period:
    """The year that ISO weeks belong to: from the Monday of its week 1 to the Sunday of its week 52 or 53."""
    number_of_year = number("year", of)
    first = week(of, "1").first
    if number_of_year == date.max.year:
        return Period(first, date.max)
    return Period(first, date.fromisocalendar(number_of_year + 1, 1, 1) - timedelta(days=1))


def month(of: str, which: str) -> Period:
    """A calendar month."""
    first = _day(of, which, "1")
    return Period(first, first.replace(day=calendar.monthrange(first.year, first.month)[1]))


def week(of: str, which: str) -> Period:
    """An ISO week."""
    try:
        first = date.fromisocalendar(number("year", of), number("week", which), 1)
    except ValueError:
        raise BadRequest(f"There is no week {which} in {of}.") from None
    return Period(first, first + timedelta(days=min(6, (date.max - first).days)))


def day(of: str, which: str, number_of_day: str) -> Period:
    """A single day."""
    only = _day(of, which, number_of_day)
    return Period(only, only)


def _day(of: str, which: str, number_of_day: str) -> date:
    try:
        return date(number("year", of), number("month", which), number("day", number_of_day))
    except ValueError:
        raise BadRequest(f"{of}-{which}-{number_of_day} is not a date.") from None


def iso_day(name: str, text: str) -> date:
    """A date written YYYY-MM-DD, or 400."""
    try:
        if len(text) != 10:
            raise ValueError(text)
        return date.fromisoformat(text)
    except ValueError:
        raise BadRequest(f"{name}: {text!r} is not a date (YYYY-MM-DD).") from None


@cache
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones())


def zone_of(timezone: str | None) -> str:
    """The time zone of somebody's days: theirs, else the instance's."""
    for name in (timezone, settings().default_timezone):
        if name in _timezones():
            return str(name)
    return "UTC"

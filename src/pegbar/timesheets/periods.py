"""Years, months, ISO weeks and days of paths. Source: spec accounts, operations on time spents and day-offs."""

import calendar
from dataclasses import dataclass
from datetime import date, timedelta

from pegbar.core.errors import BadRequest


@dataclass(frozen=True)
class Period:
    """Days from the first to the last, both included."""

    first: date
    last: date


def _number(name: str, text: str) -> int:
    """A whole number of a path. Raises BadRequest."""
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        raise BadRequest(f"{name}: {text!r} is not a whole number.")
    return int(text)


def _day(year: str, month: str, day: str) -> date:
    try:
        return date(_number("year", year), _number("month", month), _number("day", day))
    except ValueError:
        raise BadRequest(f"{year}-{month}-{day} is not a date.") from None


def year(text: str) -> Period:
    """A calendar year."""
    return Period(_day(text, "1", "1"), _day(text, "12", "31"))


def year_of_weeks(text: str) -> Period:
    """The year that ISO weeks belong to: from the Monday of its week 1 to the Sunday of its week 52 or 53."""
    number = _number("year", text)
    first = week(text, "1").first
    if number == date.max.year:
        return Period(first, date.max)
    return Period(first, date.fromisocalendar(number + 1, 1, 1) - timedelta(days=1))


def month(year: str, month: str) -> Period:
    """A calendar month."""
    first = _day(year, month, "1")
    return Period(first, first.replace(day=calendar.monthrange(first.year, first.month)[1]))


def week(year: str, week: str) -> Period:
    """An ISO week, Monday to Sunday; the last one ends with the calendar."""
    try:
        first = date.fromisocalendar(_number("year", year), _number("week", week), 1)
    except ValueError:
        raise BadRequest(f"There is no week {week} in {year}.") from None
    return Period(first, first + timedelta(days=min(6, (date.max - first).days)))


def day(year: str, month: str, day: str) -> Period:
    """A single day."""
    only = _day(year, month, day)
    return Period(only, only)


def iso_day(name: str, text: str) -> date:
    """A date written YYYY-MM-DD. Raises BadRequest."""
    try:
        if len(text) != 10:
            raise ValueError(text)
        return date.fromisoformat(text)
    except ValueError:
        raise BadRequest(f"{name}: {text!r} is not a date (YYYY-MM-DD).") from None

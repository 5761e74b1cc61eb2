"""Days, weeks, months and years as paths and queries write them. Source: spec accounts, "day-offs"."""

from calendar import monthrange
from datetime import date, timedelta

from pegbar.core.errors import BadRequest

#: The first and the last day of a period.
Period = tuple[date, date]


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        raise BadRequest(f"{name}: {text!r} is not a number that a {name} can have.")
    return int(text)


def year_period(year: str) -> Period:
    """A calendar year; 400 when there is none of that number."""
    number = _number("year", year)
    if not 1 <= number <= 9999:
        raise BadRequest(f"year: {year!r} is not a year.")
    return date(number, 1, 1), date(number, 12, 31)


def month_period(year: str, month: str) -> Period:
    """A calendar month; 400 when there is none of those numbers."""
    first, _ = year_period(year)
    number = _number("month", month)
    if not 1 <= number <= 12:
        raise BadRequest(f"month: {month!r} is not a month from 1 to 12.")
    return first.replace(month=number), first.replace(month=number, day=monthrange(first.year, number)[1])


def week_period(year: str, week: str) -> Period:
    """An ISO week, Monday to Sunday; 400 when the year has none of that number."""
    first, _ = year_period(year)
    try:
        monday = date.fromisocalendar(first.year, _number("week", week), 1)
        return monday, monday + timedelta(days=6)
    except (ValueError, OverflowError):
        raise BadRequest(f"week: {year} has no week {week}.") from None

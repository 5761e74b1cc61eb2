"""Values of time: the span that a date or a moment of a filter stands for. Spans begin with their start and end before
their end: a day is whole, a moment without a fraction is a second, as the API tells moments.

Days are those of UTC, as the API tells them; which of them is today is said by the time zone of the caller.
"""

from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pegbar.open.query.grammar import Unit

_DAY, _SECOND, _INSTANT = timedelta(days=1), timedelta(seconds=1), timedelta(microseconds=1)


@dataclass(frozen=True)
class Span:
    """From a moment to before another; of dates, from midnight to midnight."""

    start: datetime
    end: datetime

    def until(self, other: "Span") -> "Span":
        """From the start of this one to the end of another."""
        return Span(self.start, other.end)


@dataclass(frozen=True)
class Clock:
    """The moment a query is asked, in UTC, and the day that it is for the caller."""

    now: datetime
    today: date


def clock_of(zone: str) -> Clock:
    """The clock of somebody in a time zone."""
    now = datetime.now(UTC)
    return Clock(now.replace(tzinfo=None), now.astimezone(ZoneInfo(zone)).date())


def _later(moment: datetime, step: timedelta) -> datetime:
    return moment + step if moment <= datetime.max - step else datetime.max


def day(value: date) -> Span:
    """A whole day."""
    start = datetime.combine(value, time())
    return Span(start, _later(start, _DAY))


def span_of(text: str) -> Span:
    """What a date or moment in ISO 8601 stands for; an offset is converted. Raises ValueError."""
    if len(text) <= 10:
        return day(date.fromisoformat(text))
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return Span(moment, _later(moment, _INSTANT if moment.microsecond else _SECOND))


def _months_later(start: datetime, months: int) -> datetime:
    """The same day some months later, or the last day of a month that is too short."""
    count = start.year * 12 + start.month - 1 + months
    year, month = divmod(count, 12)
    if not 1 <= year <= 9999:
        raise OverflowError("year is out of range")
    return start.replace(year=year, month=month + 1, day=min(start.day, monthrange(year, month + 1)[1]))


def _shifted(start: datetime, number: int, unit: Unit) -> datetime:
    if unit in ("MONTH", "YEAR"):
        return _months_later(start, number * (12 if unit == "YEAR" else 1))
    return start + number * {"HOUR": timedelta(hours=1), "DAY": _DAY, "WEEK": 7 * _DAY}[unit]


def last(clock: Clock, number: int, unit: Unit, *, of_days: bool) -> Span:
    """The time up to now; of days, up to today. Raises OverflowError."""
    if of_days:
        today = day(clock.today)
        return Span(_shifted(today.start, -number, unit), today.end)
    return Span(_shifted(clock.now, -number, unit), clock.now + _INSTANT)


def coming(clock: Clock, number: int, unit: Unit, *, of_days: bool) -> Span:
    """The time from now on; of days, from today on. Raises OverflowError."""
    if of_days:
        today = day(clock.today)
        return Span(today.start, _shifted(today.end, number, unit))
    return Span(clock.now, _shifted(clock.now, number, unit) + _INSTANT)


def _week(start: datetime, offset: int) -> Span:
    monday = start - start.weekday() * _DAY + 7 * offset * _DAY
    return Span(monday, monday + 7 * _DAY)


def _month(start: datetime, offset: int) -> Span:
    first = _months_later(start.replace(day=1), offset)
    return Span(first, _months_later(first, 1))


def _year(start: datetime, offset: int) -> Span:
    first = _months_later(start.replace(month=1, day=1), 12 * offset)
    return Span(first, _months_later(first, 12))


_CALENDAR: dict[str, Callable[[datetime, int], Span]] = {
    "day": lambda start, offset: day((start + offset * _DAY).date()),
    "week": _week,
    "month": _month,
    "year": _year,
}


def calendar(clock: Clock, unit: str, offset: int) -> Span:
    """A day, week (from Monday), month or year of the calendar: this one, or so many later. Raises OverflowError."""
    return _CALENDAR[unit](day(clock.today).start, offset)

"""Days, weeks, months and years of paths. Spec accounts, time spents and "day-offs"."""

import contextlib
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pegbar.core.errors import BadRequest
from pegbar.timesheets import periods


@given(st.dates(max_value=date(9999, 12, 26)))
def test_a_day_is_in_the_year_of_weeks_that_its_week_belongs_to_and_in_no_other(day: date) -> None:
    year, week, _ = day.isocalendar()
    of_week, of_year = periods.week(str(year), str(week)), periods.year_of_weeks(str(year))
    assert of_year.first <= of_week.first <= day <= of_week.last <= of_year.last
    assert of_year.first.isocalendar()[:2] == (year, 1)
    if year < date.max.year:  # the last one is cut short by the end of all dates
        assert (of_year.last - of_year.first).days + 1 in (52 * 7, 53 * 7)
        assert periods.year_of_weeks(str(year + 1)).first == of_year.last + timedelta(days=1)


def test_years_of_weeks_end_where_dates_do() -> None:
    assert periods.year_of_weeks("9999").last == date.max
    for wrong in ("0", "x", "10000", "-1"):
        with pytest.raises(BadRequest):
            periods.year_of_weeks(wrong)


@given(st.dates())
def test_a_period_holds_its_days_and_no_others(day: date) -> None:
    year, month = str(day.year), str(day.month)
    of_iso, week, _ = day.isocalendar()
    held = [periods.year(year), periods.month(year, month), periods.day(year, month, str(day.day))]
    if 1 <= of_iso <= 9999:
        held.append(periods.week(str(of_iso), str(week)))
    for row in held:
        assert row.first <= day <= row.last
    assert (held[1].first.day, held[1].last.month) == (1, day.month)
    if held[1].last < date.max:
        assert (held[1].last + timedelta(days=1)).day == 1


@given(st.text(max_size=6), st.text(max_size=4), st.text(max_size=4))
def test_what_is_no_period_is_refused(year: str, month: str, day: str) -> None:
    for make in (lambda: periods.day(year, month, day), lambda: periods.week(year, month), lambda: periods.year(year)):
        with contextlib.suppress(BadRequest):
            period = make()
            assert period.first <= period.last
    with pytest.raises(BadRequest):
        periods.iso_day("date", year)


@given(st.dates(min_value=date(1, 1, 8), max_value=date(9999, 12, 20)))
def test_a_week_has_seven_days_from_monday_on(day: date) -> None:
    year, number, _ = day.isocalendar()
    week = periods.week(str(year), f"{number:02}")
    assert (week.first.isoweekday(), week.last) == (1, week.first + timedelta(days=6))


@pytest.mark.parametrize(("year", "week"), [("2025", "53"), ("2025", "0"), ("9999", "53"), ("0", "1"), ("२०२५", "1")])
def test_weeks_that_a_year_has_not(year: str, week: str) -> None:
    with pytest.raises(BadRequest):
        periods.week(year, week)

"""Days, weeks, months and years of paths. Spec accounts, "day-offs"."""

from contextlib import suppress
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pegbar.core.errors import BadRequest
from pegbar.planning.periods import month_period, week_period, year_period


@given(st.dates(min_value=date(1, 1, 8), max_value=date(9999, 12, 20)))
def test_every_day_is_in_its_week_month_and_year(at: date) -> None:
    year, week, _ = at.isocalendar()
    monday, sunday = week_period(str(year), str(week))
    assert monday <= at <= sunday == monday + timedelta(days=6)
    first, last = month_period(str(at.year), f"{at.month:02}")
    assert first <= at <= last
    assert first.day == 1
    assert (last + timedelta(days=1)).day == 1
    assert year_period(str(at.year)) == (date(at.year, 1, 1), date(at.year, 12, 31))


@given(st.text(max_size=8), st.text(max_size=8))
def test_anything_else_is_refused_and_never_breaks(year: str, number: str) -> None:
    for read in (lambda: year_period(year), lambda: month_period(year, number), lambda: week_period(year, number)):
        with suppress(BadRequest):
            first, last = read()
            assert first <= last


@pytest.mark.parametrize(("year", "week"), [("2025", "53"), ("2025", "0"), ("9999", "53"), ("0", "1"), ("२०२५", "1")])
def test_weeks_that_a_year_has_not(year: str, week: str) -> None:
    with pytest.raises(BadRequest):
        week_period(year, week)

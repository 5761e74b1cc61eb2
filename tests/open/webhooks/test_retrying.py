"""When a delivery is tried again."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pegbar.core.http.outgoing import Answer
from pegbar.open.webhooks.retrying import KEPT_TRYING, outcome, wait

NOW = datetime(2026, 5, 4, 12)


@given(st.integers(0, 200), st.floats(0, 1), st.text(max_size=30))
def test_waits_grow_to_some_hours_whatever_a_receiver_asks_for(attempts: int, chance: float, asked: str) -> None:
    waits = wait(attempts, chance, {"retry-after": asked}, NOW)
    assert timedelta(seconds=4) <= waits <= timedelta(hours=7.2)
    assert wait(attempts + 1, chance, {}, NOW) >= wait(attempts, chance, {}, NOW)


def test_three_days_are_some_twenty_attempts() -> None:
    passed, attempts = timedelta(), 0
    while passed < KEPT_TRYING:
        attempts += 1
        passed += wait(attempts, 0.5, {}, NOW)
    assert 15 <= attempts <= 25


@pytest.mark.parametrize(
    ("asked", "waits"),
    [
        ("120", timedelta(minutes=2)),
        ("Mon, 04 May 2026 12:10:00 GMT", timedelta(minutes=10)),
        ("9999999", timedelta(hours=6)),
        ("soon", timedelta(seconds=5)),
        ("-1", timedelta(seconds=5)),
    ],
)
def test_a_receiver_may_ask_for_more_time(asked: str, waits: timedelta) -> None:
    assert wait(1, 0.5, {"retry-after": asked}, NOW) == waits


@pytest.mark.parametrize(
    ("status", "means"),
    [(200, "delivered"), (299, "delivered"), (410, "gone"), (301, "again"), (404, "again"), (None, "again")],
)
def test_only_410_says_that_a_receiver_is_gone(status: int | None, means: str) -> None:
    assert outcome(Answer(0.1, status)) == means

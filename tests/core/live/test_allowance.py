"""How much a socket may say."""

from hypothesis import given
from hypothesis import strategies as st

from pegbar.core.live.conversations import Allowance

_TAKEN = st.lists(st.tuples(st.floats(0, 50), st.floats(0, 20)), min_size=1, max_size=30)


@given(_TAKEN)
def test_no_more_is_taken_than_was_allowed(taken: list[tuple[float, float]]) -> None:
    """Whoever waits as told has taken no more than was there at first and what has come since."""
    allowance, now, total = Allowance(rate=5, most=20), 100.0, 0.0
    for pause, amount in taken:
        now += pause
        seconds = allowance.take(amount, now)
        assert seconds >= 0
        now += seconds
        total += amount
        assert total <= 20 + 5 * (now - 100.0) + 1e-6


@given(_TAKEN)
def test_who_takes_less_never_waits(taken: list[tuple[float, float]]) -> None:
    allowance, now = Allowance(rate=5, most=20), 100.0
    for _, amount in taken:
        assert allowance.take(amount, now) == 0
        now += amount / 5 + 1e-6

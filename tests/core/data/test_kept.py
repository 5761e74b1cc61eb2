"""What a process keeps as long as the database says that it is as it was."""

from hypothesis import given
from hypothesis import strategies as st

from pegbar.core.data.kept import Kept


def test_a_value_is_given_for_its_state_alone() -> None:
    kept: Kept[bytes] = Kept(100)
    assert kept.get("one", "1") is None
    kept.put("one", "1", b"x", 10)
    assert (kept.get("one", "1"), kept.get("one", "2"), kept.get("other", "1")) == (b"x", None, None)
    kept.put("one", "2", b"y", 10)
    assert (kept.get("one", "1"), kept.get("one", "2")) == (None, b"y")


def test_what_nobody_wanted_for_longest_goes_first() -> None:
    kept: Kept[bytes] = Kept(100)
    for key in "abc":
        kept.put(key, "1", key.encode(), 30)
    assert kept.get("a", "1") == b"a"
    kept.put("d", "1", b"d", 30)
    assert [kept.get(key, "1") for key in "abcd"] == [b"a", None, b"c", b"d"]
    kept.put("large", "1", b"large", 101)
    assert [kept.get(key, "1") for key in ("a", "c", "d", "large")] == [None] * 4


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 60)), max_size=40))
def test_no_more_is_kept_than_may_be(puts: list[tuple[int, int, int]]) -> None:
    kept: Kept[int] = Kept(100)
    last: dict[int, tuple[str, int]] = {}
    for key, state, size in puts:
        kept.put(key, str(state), size, size)
        last[key] = (str(state), size)
        sizes = [kept.get(key, state) for key, (state, _) in last.items()]
        assert sum(size or 0 for size in sizes) <= 100
        assert kept.get(key, str(state)) == size

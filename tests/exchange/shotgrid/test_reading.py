"""Reading records needs no database: whatever comes is read, passed over or refused."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pegbar.core.errors import ApiError
from pegbar.exchange.shotgrid.kinds import KINDS
from pegbar.exchange.shotgrid.records import colour, read, sg_fields

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30)
LINKS = st.dictionaries(st.sampled_from(["id", "name", "type", "url"]), SCALARS)
VALUES = st.recursive(SCALARS | LINKS, lambda inner: st.lists(inner, max_size=3), max_leaves=5)


@st.composite
def records(draw: st.DrawFn) -> tuple[str, Any]:
    """A record of a kind, of anything."""
    kind = draw(st.sampled_from(sorted(KINDS)))
    names = {key.name for key in KINDS[kind].keys}
    record = draw(st.dictionaries(st.sampled_from(sorted(names | {"sg_more"})), VALUES) | VALUES)
    return kind, record


@given(records())
def test_whatever_comes_is_read_passed_over_or_refused(case: tuple[str, Any]) -> None:
    name, record = case
    kind = KINDS[name]
    entry = read(kind.keys, 3, record)
    assert entry.index == 3
    if entry.refused:
        assert entry.refused_key in {"", *(key.name for key in kind.keys)}
        assert entry.refused_key or not isinstance(record, dict)
        return
    assert isinstance(kind.skips(entry) if not entry.skipped else "", str)
    if not entry.skipped:
        required = {key.name for key in kind.keys if key.absent in ("skip", "refuse")}
        assert required <= record.keys()
        assert isinstance(entry.number, int)
        assert abs(entry.number) <= 2**31


@given(st.lists(st.integers(0, 255), min_size=3, max_size=3), st.sampled_from(["", " "]))
def test_colours_are_three_numbers(numbers: list[int], space: str) -> None:
    written = colour(f",{space}".join(map(str, numbers)))
    assert [int(written[at : at + 2], 16) for at in (1, 3, 5)] == numbers


@pytest.mark.parametrize("value", ["", "1,2", "1,2,3,4", "1,2,x", "256,0,0", "-1,0,0", "٣,0,0", 7, [1, 2, 3]])
def test_what_is_no_colour_is_refused(value: Any) -> None:
    with pytest.raises(ApiError):
        colour(value)


@given(st.dictionaries(st.sampled_from(["sg_a", "sg_b", "code", "sg"]), SCALARS))
def test_fields_of_the_studio_are_those_that_are_not_null(record: dict[str, Any]) -> None:
    fields = sg_fields(record, "sg_b")
    assert fields == {name: record[name] for name in ("sg_a",) if record.get(name) is not None}
    assert not any(isinstance(value, float) and math.isnan(value) for value in fields.values())

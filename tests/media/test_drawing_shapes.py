"""Shapes that annotations become: paths, curves, colours, moments; whatever they are read from."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pegbar.media.drawings.colours import colour
from pegbar.media.drawings.geometry import Matrix, Outline, Point, box_of, extremes, moved, rotated, scaled, skewed
from pegbar.media.drawings.moments import objects_at, objects_by_frame
from pegbar.media.drawings.paths import outline_of
from pegbar.media.drawings.reading import Undrawable

_COORDINATES = st.floats(-1000, 1000)
_POINTS = st.tuples(_COORDINATES, _COORDINATES)


def _on_curve(points: list[Point], t: float) -> Point:
    if len(points) == 1:
        return points[0]
    (ax, ay), (bx, by) = _on_curve(points[:-1], t), _on_curve(points[1:], t)
    return ax + t * (bx - ax), ay + t * (by - ay)


@given(st.lists(_POINTS, min_size=3, max_size=4))
def test_the_box_of_a_curve_is_around_it_and_no_larger(points: list[Point]) -> None:
    outline: Outline = (("M", (points[0],)), ("Q" if len(points) == 3 else "C", tuple(points[1:])))
    box = box_of(extremes(outline))
    curve = box_of(_on_curve(points, i / 200) for i in range(201))
    assert box.left <= curve.left + 1e-6
    assert box.top <= curve.top + 1e-6
    assert (box.width, box.height) == pytest.approx((curve.width, curve.height), rel=1e-2, abs=0.5)


@given(_POINTS, st.floats(-360, 360), st.floats(-60, 60), _POINTS)
def test_maps_that_follow_each_other_are_one(point: Point, angle: float, skew: float, by: Point) -> None:
    outer, inner = moved(*by) @ rotated(angle), scaled(2, -0.5) @ skewed(skew, 0)
    assert (outer @ inner).at(point) == pytest.approx(outer.at(inner.at(point)), abs=1e-6)
    assert (outer @ inner).scale == pytest.approx(1)
    assert (Matrix() @ inner).at(point) == inner.at(point)


_COMMANDS = st.sampled_from([("M", 2), ("L", 2), ("Q", 4), ("C", 6), ("T", 2), ("S", 4), ("H", 1), ("V", 1), ("Z", 0)])


@st.composite
def _paths(draw: st.DrawFn) -> list[list[Any]]:
    path: list[list[Any]] = [["M", 1, 2]]
    for letter, takes in draw(st.lists(_COMMANDS, max_size=6)):
        written = letter.lower() if draw(st.booleans()) else letter
        path.append([written, *(draw(st.integers(-99, 99)) for _ in range(takes))])
    return path


@given(_paths())
def test_a_path_is_the_same_as_a_list_and_as_text(path: list[list[Any]]) -> None:
    text = "".join(f"{letter}{' '.join(map(str, numbers))}" for letter, *numbers in path)
    outline = outline_of(path)
    assert outline_of(text) == outline
    assert {letter for letter, _ in outline} <= set("MLQCZ")
    assert len(outline) == len(path)


@given(
    st.text("MLQCZmlqcz0123456789.,-+eE \nA\u00e9", max_size=30)
    | st.lists(st.lists(st.integers() | st.text()), max_size=3)
)
def test_what_is_no_path_is_refused(path: Any) -> None:
    try:
        outline = outline_of(path)
    except Undrawable:
        return
    assert outline[0][0] == "M"


@pytest.mark.parametrize(
    "path", ["", " ", "Z", "zM1 2", "1 2", "M1", "L1 2", "A1 2", "M1 2M&", [], [[]], [["M", "a", 1]], 5]
)
def test_the_reason_names_the_path(path: Any) -> None:
    with pytest.raises(Undrawable, match="path: "):
        outline_of(path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#f00", (255, 0, 0, 1.0)),
        ("#FF3860", (255, 56, 96, 1.0)),
        ("#00ff0080", (0, 255, 0, 128 / 255)),
        (" Red ", (255, 0, 0, 1.0)),
        ("rgb(1, 2,3)", (1, 2, 3, 1.0)),
        ("rgba(1,2,3,0.25)", (1, 2, 3, 0.25)),
        ("rgb(100% 0% 50% / 50%)", (255, 0, 128, 0.5)),
        ("rgba(900,-5,nan,9)", (255, 0, 0, 1.0)),
        ("transparent", None),
        ("rgba(1,2,3,0)", None),
        ("", None),
        (None, None),
        ({"type": "linear"}, None),
        ("no colour", None),
        ("rgb(1,2)", None),
    ],
)
def test_colours(text: Any, expected: Any) -> None:
    assert colour(text) == expected


@given(st.text(max_size=70) | st.from_regex(r"(rgba?|hsl)\([0-9.,%e -]*\)", fullmatch=True))
def test_any_text_is_a_colour_or_none(text: str) -> None:
    parsed = colour(text)
    assert parsed is None or (all(0 <= part <= 255 for part in parsed[:3]) and 0 < parsed[3] <= 1)


@given(st.integers(1, 10_000), st.sampled_from([Fraction(24), Fraction(25), Fraction(24000, 1001), Fraction(60)]))
def test_what_a_player_draws_on_a_frame_is_found_there(frame: int, rate: Fraction) -> None:
    """Players write (frame - 1) / rate, rounded to four digits."""
    entry = {"time": round((frame - 1) / float(rate), 4), "drawing": {"objects": ["drawn"]}}
    assert objects_at([entry], frame, rate) == ["drawn"]
    assert objects_by_frame([entry], rate) == {frame: ["drawn"]}
    assert objects_at([entry], frame + 1, rate) is None

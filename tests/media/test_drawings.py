"""Annotations as they are drawn: pixels at known points, whatever the JSON holds."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pegbar.media.drawings.program import draw

Rgb = tuple[int, int, int]
BLACK, RED, GREEN, BLUE, WHITE = (0, 0, 0), (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
CANVAS = {"canvasWidth": 200, "canvasHeight": 100}


class Drawing:
    """A black picture with objects drawn over it, and what was said of those that could not be."""

    def __init__(self, *objects: Any, size: tuple[int, int] = (200, 100), ground: Rgb = BLACK) -> None:
        self.failures: list[tuple[int, str]] = []
        placed = [CANVAS | drawn if isinstance(drawn, dict) else drawn for drawn in objects]
        self.picture = draw(Image.new("RGB", size, ground), placed, lambda i, reason: self.failures.append((i, reason)))

    def __getitem__(self, point: tuple[int, int]) -> Any:
        return self.picture.getpixel(point)

    @property
    def is_empty(self) -> bool:
        return self.picture.getbbox() is None


def rect(**more: Any) -> dict[str, Any]:
    red = {"stroke": "#ff0000", "strokeWidth": 4, "fill": "transparent"}
    return {"type": "rect", "left": 20, "top": 10, "width": 60, "height": 40, **red, **more}


def test_a_rectangle_is_red_at_its_edge_and_untouched_inside() -> None:
    drawing = Drawing(rect())
    assert drawing.picture.mode == "RGB"
    for edge in ((22, 30), (50, 12), (82, 30), (50, 52)):
        assert drawing[edge] == RED, edge
    for other in ((50, 30), (27, 17), (18, 30), (86, 30), (50, 58)):
        assert drawing[other] == BLACK, other


def test_coordinates_and_widths_scale_with_the_canvas() -> None:
    drawing = Drawing(rect(), size=(400, 200))
    assert [drawing[41, 60], drawing[46, 60], drawing[100, 60]] == [RED, RED, BLACK]
    assert [drawing[38, 60], drawing[50, 60]] == [BLACK, BLACK]


def test_axes_scale_apart_and_widths_with_the_horizontal_one() -> None:
    line = {"type": "line", "x1": 0, "y1": 50, "x2": 200, "y2": 50, "left": 0, "top": 47, "strokeWidth": 6}
    drawing = Drawing(line | {"stroke": "red"}, size=(400, 100))
    assert [y for y in range(100) if drawing[200, y] == RED] == list(range(44, 56))


def test_lines_are_at_least_a_pixel_wide() -> None:
    thin = {"type": "line", "x1": 0, "y1": 0, "x2": 200, "y2": 0, "left": 0, "top": 50, "strokeWidth": 0.01}
    drawing = Drawing(thin | {"stroke": "#fff"}, size=(100, 50))
    assert sum(drawing[50, y][0] for y in range(50)) == pytest.approx(255, abs=3)


def test_objects_turn_around_their_corner() -> None:
    drawing = Drawing(rect(left=100, top=20, width=40, height=10, angle=90, fill="lime", strokeWidth=0))
    assert [drawing[95, 40], drawing[92, 22], drawing[92, 58]] == [GREEN] * 3
    assert [drawing[105, 40], drawing[120, 25], drawing[95, 64]] == [BLACK] * 3


def test_objects_scale_and_flip() -> None:
    triangle = {"type": "polygon", "points": [{"x": 0, "y": 0}, {"x": 20, "y": 0}, {"x": 0, "y": 20}], "fill": "#00f"}
    plain = {"left": 100, "top": 10, "strokeWidth": 0, "scaleX": 2, "scaleY": 2}
    assert [Drawing(triangle | plain)[at] for at in ((103, 13), (137, 47))] == [BLUE, BLACK]
    assert [Drawing(triangle | plain | {"flipX": True})[at] for at in ((103, 30), (137, 13))] == [BLACK, BLUE]


def test_objects_stand_where_their_origin_says() -> None:
    drawing = Drawing(rect(left=100, top=50, originX="center", originY="center", fill="#00f", strokeWidth=0))
    assert [drawing[at] for at in ((72, 32), (128, 68), (100, 50), (66, 50))] == [BLUE, BLUE, BLUE, BLACK]


@pytest.mark.parametrize(
    "path",
    [
        [["M", 20, 20], ["L", 100, 20], ["Q", 140, 20, 140, 60]],
        "M 20 20 L 100 20 Q 140 20 140 60",
        "M20,20h80q40,0,40,40",
        "m20 20 80 0c40 0 40 0 40 40",
    ],
)
def test_paths_are_stroked_and_never_filled(path: Any) -> None:
    drawing = Drawing({"type": "path", "path": path, "stroke": "red", "strokeWidth": 6, "fill": "lime"})
    assert [drawing[60, 20], drawing[140, 57], drawing[90, 40]] == [RED, RED, BLACK]


def test_a_path_stands_where_it_was_moved_to() -> None:
    path = {"type": "path", "path": "M 0 0 L 50 0", "stroke": "red", "strokeWidth": 6, "pathOffset": {"x": 25, "y": 0}}
    drawing = Drawing(path | {"left": 100, "top": 47, "width": 50, "height": 0})
    assert [drawing[at] for at in ((110, 50), (150, 50), (25, 3), (95, 50))] == [RED, RED, BLACK, BLACK]


def test_a_stroke_of_a_pen_is_as_wide_as_its_pressure() -> None:
    points = [
        {"x": 20, "y": 50, "pressure": 0.2},
        {"x": 100, "y": 50, "pressure": 1},
        {"x": 180, "y": 50, "pressure": 1},
    ]
    stroke = {"type": "PSStroke", "strokePoints": points, "stroke": "#ff0000", "strokeWidth": 20}
    drawing = Drawing(stroke)
    assert [y for y in range(100) if drawing[60, y] == RED] == [48, 49, 50, 51]
    assert [y for y in range(100) if drawing[140, y] == RED] == list(range(40, 60))
    assert drawing[186, 50] == RED, "its ends are round"


def test_a_see_through_stroke_is_so_as_a_whole() -> None:
    points = [{"x": x, "y": 50, "pressure": 0.5 + x / 1000} for x in range(20, 180, 4)]
    drawing = Drawing({"type": "psstroke", "strokePoints": points, "stroke": "rgba(255, 0, 0, 0.5)", "strokeWidth": 20})
    assert {drawing[x, 50] for x in range(40, 160)} <= {(127, 0, 0), (128, 0, 0)}


def test_a_tap_of_the_pen_is_a_dot() -> None:
    drawing = Drawing({"type": "psstroke", "strokePoints": [{"x": 50, "y": 50}], "stroke": "red", "strokeWidth": 20})
    assert [drawing[50, 50], drawing[57, 50], drawing[64, 50]] == [RED, RED, BLACK]


def test_circles_and_ellipses() -> None:
    circle = {"type": "circle", "left": 20, "top": 10, "radius": 30, "stroke": "red", "strokeWidth": 4}
    drawing = Drawing(
        circle, {"type": "ellipse", "left": 100, "top": 20, "rx": 40, "ry": 20, "fill": "lime", "strokeWidth": 0}
    )
    assert [drawing[at] for at in ((22, 42), (52, 12), (52, 42), (24, 14))] == [RED, RED, BLACK, BLACK]
    assert [drawing[at] for at in ((104, 40), (140, 22), (140, 40), (104, 24))] == [GREEN, GREEN, GREEN, BLACK]


def test_an_arrow_has_a_head_and_a_shaft() -> None:
    drawing = Drawing({"type": "arrow", "x1": 20, "y1": 50, "x2": 100, "y2": 50, "stroke": "red", "strokeWidth": 2})
    assert [drawing[at] for at in ((30, 50), (88, 54), (88, 46), (88, 60), (80, 54))] == [RED, RED, RED, BLACK, BLACK]
    large = Drawing({"type": "arrow", "x1": 20, "y1": 50, "x2": 100, "y2": 50, "stroke": "red", "arrowHeadSize": 40})
    assert large[70, 60] == RED


def test_polylines_are_open_and_polygons_are_not() -> None:
    points = [{"x": 20, "y": 20}, {"x": 100, "y": 20}, {"x": 20, "y": 80}]
    line = Drawing({"type": "polyline", "points": points, "stroke": "red", "strokeWidth": 4, "fill": "lime"})
    assert [line[at] for at in ((60, 20), (20, 50), (40, 40))] == [RED, BLACK, BLACK]
    closed = Drawing({"type": "polygon", "points": points, "stroke": "red", "strokeWidth": 4, "fill": "lime"})
    assert [closed[at] for at in ((60, 20), (20, 50), (40, 40))] == [RED, RED, GREEN]


@pytest.mark.parametrize(
    ("colours", "ink"),
    [
        ({"fill": "#00ff00"}, GREEN),
        ({}, BLACK),
        ({"stroke": "rgb(0,0,255)", "fill": "red"}, BLUE),
        ({"stroke": "#f00"}, RED),
    ],
)
def test_lines_have_the_colour_of_their_stroke_or_fill_or_are_black(colours: dict[str, str], ink: Rgb) -> None:
    line = {"type": "line", "x1": 0, "y1": 50, "x2": 200, "y2": 50, "strokeWidth": 10, **colours}
    assert Drawing(line, ground=WHITE)[100, 50] == ink


@pytest.mark.parametrize("text", ["text", "i-text", "textbox", "IText"])
def test_text_has_its_colour_on_its_ground(text: str) -> None:
    words = {"type": text, "text": "MMMM", "left": 20, "top": 20, "fontSize": 40, "fill": "#0000ff"}
    drawing = Drawing(words | {"backgroundColor": "red"})
    colours = {drawing[x, y] for x in range(25, 100) for y in range(22, 60)}
    assert {RED, BLUE} <= colours
    assert [drawing[15, 40], drawing[50, 70]] == [BLACK, BLACK]


def test_a_text_box_breaks_its_lines() -> None:
    box = {"type": "textbox", "text": "MM MM MM", "left": 0, "top": 0, "width": 60, "fontSize": 20, "fill": "white"}
    assert Drawing(box).picture.getbbox()[3] > 55  # type: ignore[index]
    assert Drawing(box | {"width": 190}).picture.getbbox()[3] < 25  # type: ignore[index]


def test_a_group_places_its_children_from_its_middle() -> None:
    children = [rect(left=-50, top=-20, width=20, height=40, fill="red", strokeWidth=0)]
    group = {"type": "group", "left": 50, "top": 20, "width": 100, "height": 40, "objects": children}
    assert [Drawing(group)[at] for at in ((52, 22), (68, 58), (75, 40))] == [RED, RED, BLACK]
    turned = Drawing(group | {"angle": 90, "left": 100, "top": 0})
    assert [turned[at] for at in ((62, 2), (98, 18), (80, 30))] == [RED, RED, BLACK]


def test_an_eraser_punches_out_of_its_object_only() -> None:
    rubbed = {"type": "path", "path": "M -30 0 L 30 0", "strokeWidth": 10, "originX": "center", "originY": "center"}
    eraser = {"type": "eraser", "objects": [rubbed | {"left": 0, "top": 0}]}
    below = rect(fill="#00f", strokeWidth=0)
    drawing = Drawing(below, rect(fill="red", strokeWidth=0, eraser=eraser))
    assert [drawing[at] for at in ((50, 30), (25, 27), (50, 20), (50, 40))] == [BLUE, BLUE, RED, RED]


def test_objects_fade() -> None:
    assert Drawing(rect(fill="#ffffff", strokeWidth=0, opacity=0.5))[50, 30] in {(127,) * 3, (128,) * 3}
    assert Drawing(rect(fill="rgba(255, 255, 255, 50%)", strokeWidth=0))[50, 30] in {(127,) * 3, (128,) * 3}


def test_what_is_behind_see_through_pictures_is_paper() -> None:
    picture = draw(Image.new("RGBA", (10, 10), (0, 0, 0, 0)), [], lambda *_: None)
    assert picture.getpixel((5, 5)) == WHITE


def test_a_picture_without_objects_is_untouched() -> None:
    assert Drawing(ground=(1, 2, 3)).picture.getcolors() == [(200 * 100, (1, 2, 3))]


def test_unknown_types_are_left_out_without_a_word() -> None:
    drawing = Drawing({"type": "image", "src": "http://localhost/"}, {"type": 5}, {}, rect(visible=False))
    assert drawing.is_empty
    assert drawing.failures == []


_DEEP: dict[str, Any] = {"type": "rect", "width": 10, "height": 10, "fill": "red"}
for _ in range(20):
    _DEEP = {"type": "group", "objects": [_DEEP]}


@pytest.mark.parametrize(
    "broken",
    [
        5,
        rect(left="here"),
        rect(left=1e300),
        rect(width=float("nan")),
        rect(scaleX=1e6, scaleY=1e6),
        {"type": "path", "path": None},
        {"type": "path", "path": "M 1"},
        {"type": "path", "path": "L 1 2"},
        {"type": "path", "path": "M 1 2 & 3 4"},
        {"type": "path", "path": [["M", 1, [2]]]},
        {"type": "path", "path": [["M", *range(200_000)]]},
        {"type": "psstroke", "strokePoints": [{"x": 1}]},
        {"type": "psstroke", "strokePoints": []},
        {"type": "text", "text": "M" * 100_000},
        {"type": "text", "text": "M", "fontSize": -1},
        {"type": "polygon", "points": [[1, 2]]},
        {"type": "group", "objects": "none"},
        _DEEP,
    ],
    ids=lambda drawn: str(drawn)[:50],
)
def test_what_cannot_be_drawn_says_why_and_spares_the_others(broken: Any) -> None:
    drawing = Drawing(broken, rect())
    assert [i for i, _ in drawing.failures] == [0]
    assert drawing[22, 30] == RED


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda values: st.lists(values, max_size=4) | st.dictionaries(st.text(max_size=5), values, max_size=4),
    max_leaves=8,
)
_NUMBERS = st.one_of(st.integers(-500, 500), st.floats(), _JSON)
_KEYS = [
    *("left", "top", "width", "height", "angle", "scaleX", "scaleY", "opacity", "strokeWidth", "radius", "rx", "ry"),
    *("x1", "y1", "x2", "y2", "fontSize", "path", "points", "text", "strokePoints", "objects", "stroke", "fill"),
    *("originX", "pathOffset", "strokeDashArray", "eraser", "skewX", "canvasWidth", "canvasHeight"),
]
_TYPES = [
    *("path", "psstroke", "rect", "circle", "ellipse", "line", "arrow", "polyline", "polygon", "text", "textbox"),
    "group",
]


@settings(max_examples=150)
@given(st.sampled_from(_TYPES), st.dictionaries(st.sampled_from(_KEYS), _NUMBERS, max_size=12))
def test_whatever_an_object_holds_the_picture_is_made(kind: str, values: dict[str, Any]) -> None:
    failures: list[str] = []
    picture = draw(Image.new("RGB", (40, 20)), [{"type": kind, **values}], lambda _, reason: failures.append(reason))
    assert picture.size == (40, 20)
    assert len(failures) <= 1

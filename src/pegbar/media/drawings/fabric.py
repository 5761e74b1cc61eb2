"""Fabric.js objects as shapes. Pure: whatever the JSON holds, it makes shapes or says why not.

An object is placed as Fabric places it: its points minus their pivot are scaled and rotated around the middle of its
bounding box, outlines included, whose corner (or middle, by `originX` and `originY`) stands at `left` and `top`.
Coordinates are those of the canvas it was drawn on, `canvasWidth` x `canvasHeight`. Source: spec media, "Rendering".
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from pegbar.media.drawings.colours import BLACK, colour
from pegbar.media.drawings.geometry import (
    Box,
    Colour,
    Figure,
    Layer,
    Matrix,
    Outline,
    Point,
    Stroke,
    arrow,
    box_of,
    box_of_layer,
    ellipse,
    extremes,
    moved,
    placed,
    polyline,
    rectangle,
    rotated,
    scaled,
    skewed,
)
from pegbar.media.drawings.lettering import Measure, lettering
from pegbar.media.drawings.paths import outline_of
from pegbar.media.drawings.reading import Undrawable, number, points_of, sized, to_number, to_point

Object = dict[str, Any]

#: What one picture may show. The largest notes of a review have some hundred objects of some hundred points.
MOST_OBJECTS, MOST_POINTS, DEEPEST = 5_000, 500_000, 8
_ORIGINS = {"left": 0.0, "top": 0.0, "center": 0.5, "right": 1.0, "bottom": 1.0}
_HEAD = 15


@dataclass(frozen=True)
class Shown:
    """What an object shows, and the box around it before it is placed, in its own coordinates.

    What is not around the origin is moved there by the pivot.
    """

    items: tuple[Any, ...]
    box: Box
    pivot: Point = (0.0, 0.0)
    opacity: float = 1


def drawn(
    objects: Sequence[Any],
    size: tuple[int, int],
    measure: Measure,
    on_failure: Callable[[int, str], None],
) -> list[Layer]:
    """What to draw over a picture of `size` pixels, from the lowest to the highest.

    Objects of unknown types are left out. For one that cannot be drawn `on_failure` is told its index and why.
    """
    reader, layers = Reader(measure), []
    for i, item in enumerate(objects):
        try:
            if not isinstance(item, dict):
                raise Undrawable("it is no object")
            layer = reader.layer(item)
            if layer is not None:
                layers.append(Layer((layer,), _canvas(item, size)))
        except Undrawable as error:
            on_failure(i, str(error))
        except (ArithmeticError, ValueError) as error:  # of numbers that are each in bounds
            on_failure(i, f"its numbers do not fit together: {error}")
    return layers


def _canvas(item: Object, size: tuple[int, int]) -> Matrix:
    """From the canvas to the picture."""
    width, height = number(item, "canvasWidth", 0), number(item, "canvasHeight", 0)
    return scaled(size[0] / width if width > 0 else 1, size[1] / height if height > 0 else 1)


class Reader:
    """Reads the objects of one picture."""

    def __init__(self, measure: Measure) -> None:
        self._measure = measure
        self._objects, self._points = MOST_OBJECTS, MOST_POINTS
        self._kinds: dict[str, Callable[[Object, int], Shown]] = {
            "path": lambda item, _: _path(item),
            "psstroke": lambda item, _: _pressed_stroke(item),
            "rect": lambda item, _: _rect(item),
            "circle": lambda item, _: _circle(item),
            "ellipse": lambda item, _: _ellipse(item),
            "line": lambda item, _: _line(item),
            "arrow": lambda item, _: _arrow(item),
            "polyline": lambda item, _: _polyline(item),
            "polygon": lambda item, _: _polygon(item),
            "text": lambda item, _: self._text(item),
            "itext": lambda item, _: self._text(item),
            "textbox": lambda item, _: self._text(item),
            "group": self._group,
        }

    def layer(self, item: Object, depth: int = 0) -> Layer | None:
        """An object in the coordinates of what it is in; None for one that shows nothing, or of an unknown type."""
        show = self._kinds.get(_type(item))
        if show is None or item.get("visible") is False:
            return None
        self._objects -= 1
        if self._objects < 0:
            raise Undrawable(f"the picture has more than {MOST_OBJECTS} objects")
        if depth > DEEPEST:
            raise Undrawable(f"groups are nested more than {DEEPEST} deep")
        shown = show(item, depth)
        around = moved(-shown.pivot[0], -shown.pivot[1])
        items = tuple(
            replace(part, outline=placed(part.outline, around)) if isinstance(part, Figure) else part
            for part in shown.items
        )
        self._count(items)
        opacity = min(max(number(item, "opacity", 1), 0), 1) * shown.opacity
        return Layer(items, _placement(item, shown), opacity, self._erased(item, depth))

    def _count(self, items: Sequence[Any]) -> None:
        self._points -= sum(len(part.outline) if isinstance(part, Figure) else 1 for part in items)
        if self._points < 0:
            raise Undrawable(f"the picture has more than {MOST_POINTS} points")

    def _group(self, item: Object, depth: int) -> Shown:
        """What is in a group is placed from its middle."""
        children = [child for child in sized(item.get("objects"), "objects") if isinstance(child, dict)]
        layers = tuple(layer for child in children if (layer := self.layer(child, depth + 1)) is not None)
        box = box_of_layer(Layer(layers))
        return Shown(layers, Box(-box.width / 2, -box.height / 2, box.width, box.height))

    def _erased(self, item: Object, depth: int) -> Layer | None:
        """The paths that were rubbed out of an object, from its middle; one that was put back is white."""
        eraser = item.get("eraser")
        if not isinstance(eraser, dict):
            return None
        traces = []
        for path in sized(eraser.get("objects", []), "eraser.objects"):
            if not isinstance(path, dict) or _type(path) != "path":
                continue
            back = path.get("globalCompositeOperation") == "source-over"
            ink = {"stroke": "#ffffff" if back else "#000000", "opacity": 1, "eraser": None}
            layer = self.layer({**path, **ink}, depth + 1)
            if layer is not None:
                traces.append(layer)
        if not traces:
            return None
        middle = {"originX": "center", "originY": "center", "left": 0, "top": 0, "strokeWidth": 0}
        return Layer(tuple(traces), _placement({**middle, **eraser}, Shown((), Box(0, 0, 0, 0))))

    def _text(self, item: Object) -> Shown:
        wraps = number(item, "width", 0) if _type(item) == "textbox" else 0
        set_text = lettering(item, wraps, self._measure)
        return Shown(set_text.items, set_text.box)


def _type(item: Object) -> str:
    """The type of an object, of any release of Fabric: `i-text` and `IText` are one."""
    return str(item.get("type", "")).lower().replace("-", "")


def _origin(item: Object, name: str) -> float:
    """Which part of an object stands at its `left` or `top`: 0 its start, 1 its end."""
    value = item.get(name)
    return _ORIGINS.get(value, 0.0) if isinstance(value, str) else number(item, name, 0)


def _placement(item: Object, shown: Shown) -> Matrix:
    """From the middle of an object to where it stands."""
    width = number(item, "width", shown.box.width)
    height = number(item, "height", shown.box.height)
    line = number(item, "strokeWidth", 0 if _type(item) == "group" else 1)
    scale_x = number(item, "scaleX", 1) * (-1 if item.get("flipX") is True else 1)
    scale_y = number(item, "scaleY", 1) * (-1 if item.get("flipY") is True else 1)
    shape = scaled(scale_x, scale_y) @ skewed(number(item, "skewX", 0), number(item, "skewY", 0))
    uniform = item.get("strokeUniform") is True
    x, y = (width + (0 if uniform else line)) / 2, (height + (0 if uniform else line)) / 2
    around = box_of(map(shape.at, [(-x, -y), (x, -y), (x, y), (-x, y)]))
    extent_x, extent_y = around.width + (line if uniform else 0), around.height + (line if uniform else 0)
    corner = number(item, "left", shown.box.left - line / 2), number(item, "top", shown.box.top - line / 2)
    turn = rotated(number(item, "angle", 0))
    to_middle = turn.at(((0.5 - _origin(item, "originX")) * extent_x, (0.5 - _origin(item, "originY")) * extent_y))
    return moved(corner[0] + to_middle[0], corner[1] + to_middle[1]) @ turn @ shape


# Paint


def _stroke(item: Object, ink: Colour) -> Stroke:
    cap, join = item.get("strokeLineCap"), item.get("strokeLineJoin")
    dashes = item.get("strokeDashArray")
    return Stroke(
        ink,
        max(number(item, "strokeWidth", 1), 0),
        cap if cap in ("round", "square") else "butt",
        join if join in ("round", "bevel") else "miter",
        tuple(max(to_number(dash, "strokeDashArray"), 0) for dash in dashes[:20]) if isinstance(dashes, list) else (),
        item.get("strokeUniform") is True,
    )


def _line_ink(item: Object) -> Colour:
    """Lines have the colour of their stroke, else of their fill, else black."""
    return colour(item.get("stroke")) or colour(item.get("fill")) or BLACK


def _lines(item: Object, outline: Outline) -> Figure:
    return Figure(outline, None, _stroke(item, _line_ink(item)))


def _closed(item: Object, outline: Outline) -> Figure:
    """A closed shape is filled and outlined, each only where it has a colour for it."""
    ink = colour(item.get("stroke"))
    return Figure(outline, colour(item.get("fill")), _stroke(item, ink) if ink else None)


# Types


def _pivoted(item: Object, name: str, figures: Sequence[Figure], points: Sequence[Point], opacity: float = 1) -> Shown:
    """Shapes whose points are anywhere: their pivot is named, or the middle of them."""
    box = box_of(points)
    pivot = item.get(name)
    return Shown(tuple(figures), box, to_point(pivot, name) if isinstance(pivot, dict) else box.centre, opacity)


def _path(item: Object) -> Shown:
    outline = outline_of(item.get("path"))
    return _pivoted(item, "pathOffset", [_lines(item, outline)], list(extremes(outline)))


def _pressed_stroke(item: Object) -> Shown:
    """A stroke of a pen: each stretch as wide as the pressure where it starts.

    Stretches overlap, so the opacity of the colour is that of the whole.
    """
    points = points_of(item, "strokePoints")
    if not points:
        raise Undrawable("strokePoints: there are none")
    pressures = [min(max(number(point, "pressure", 1), 0), 100) for point in item["strokePoints"]]
    red, green, blue, opacity = _line_ink(item)
    stroke = replace(_stroke(item, (red, green, blue, 1.0)), cap="round", join="round", dashes=())
    runs: list[tuple[float, list[Point]]] = [(pressures[0], [points[0]])]
    for (start, end), pressure in zip(pairwise(points), pressures, strict=False):
        if pressure != runs[-1][0]:
            runs.append((pressure, [start]))
        runs[-1][1].append(end)
    figures = [Figure(polyline(run), None, replace(stroke, width=stroke.width * pressure)) for pressure, run in runs]
    return _pivoted(item, "strokeOffset", figures, points, opacity)


def _rect(item: Object) -> Shown:
    width, height = (max(number(item, name, 0), 0) for name in ("width", "height"))
    rx = number(item, "rx", number(item, "ry", 0))
    outline = rectangle(Box(-width / 2, -height / 2, width, height), rx, number(item, "ry", rx))
    return Shown((_closed(item, outline),), _size(width, height))


def _size(width: float, height: float) -> Box:
    """The box of a shape that has no points to say where it is: from the corner of the canvas."""
    return Box(0, 0, width, height)


def _circle(item: Object) -> Shown:
    radius = max(number(item, "radius", number(item, "width", 0) / 2), 0)
    return Shown((_closed(item, ellipse(radius, radius)),), _size(2 * radius, 2 * radius))


def _ellipse(item: Object) -> Shown:
    rx = max(number(item, "rx", number(item, "width", 0) / 2), 0)
    ry = max(number(item, "ry", number(item, "height", 0) / 2), 0)
    return Shown((_closed(item, ellipse(rx, ry)),), _size(2 * rx, 2 * ry))


def _ends(item: Object) -> tuple[Point, Point]:
    x1, y1, x2, y2 = (number(item, name, 0) for name in ("x1", "y1", "x2", "y2"))
    return (x1, y1), (x2, y2)


def _line(item: Object) -> Shown:
    ends = _ends(item)
    return _pivoted(item, "pathOffset", [_lines(item, polyline(ends))], ends)


def _arrow(item: Object) -> Shown:
    ends = _ends(item)
    shaft, head = arrow(*ends, max(number(item, "arrowHeadSize", _HEAD), 0))
    figures = [Figure(head, _line_ink(item)), *([_lines(item, shaft)] if shaft else [])]
    return _pivoted(item, "pathOffset", figures, ends)


def _polyline(item: Object) -> Shown:
    points = points_of(item, "points")
    return _pivoted(item, "pathOffset", [_lines(item, polyline(points))], points)


def _polygon(item: Object) -> Shown:
    points = points_of(item, "points")
    return _pivoted(item, "pathOffset", [_closed(item, polyline(points, closed=True))], points)


__all__ = ["MOST_OBJECTS", "MOST_POINTS", "Reader", "drawn"]

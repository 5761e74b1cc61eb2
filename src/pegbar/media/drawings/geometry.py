"""Shapes as they are drawn: outlines, words and groups of them, in coordinates that matrices place. Pure.

Angles are degrees, clockwise, since y grows downwards. Colours are red, green and blue from 0 to 255 with an opacity
from 0 to 1.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

Point = tuple[float, float]
#: M and L have one point, Q two, C three, Z none. All absolute.
Command = tuple[Literal["M", "L", "Q", "C", "Z"], tuple[Point, ...]]
Outline = tuple[Command, ...]
Colour = tuple[int, int, int, float]

#: How far the handles of the four curves that make a circle of radius 1 reach.
_QUARTER = 4 / 3 * (math.sqrt(2) - 1)


@dataclass(frozen=True)
class Matrix:
    """An affine map: x' = ax + cy + e, y' = bx + dy + f."""

    a: float = 1
    b: float = 0
    c: float = 0
    d: float = 1
    e: float = 0
    f: float = 0

    def __matmul__(self, inner: "Matrix") -> "Matrix":
        return Matrix(
            self.a * inner.a + self.c * inner.b,
            self.b * inner.a + self.d * inner.b,
            self.a * inner.c + self.c * inner.d,
            self.b * inner.c + self.d * inner.d,
            self.a * inner.e + self.c * inner.f + self.e,
            self.b * inner.e + self.d * inner.f + self.f,
        )

    def at(self, point: Point) -> Point:
        """Where a point goes."""
        x, y = point
        return self.a * x + self.c * y + self.e, self.b * x + self.d * y + self.f

    @property
    def scale(self) -> float:
        """How much lengths grow, in the mean of all directions."""
        return math.sqrt(abs(self.a * self.d - self.b * self.c))


def moved(x: float, y: float) -> Matrix:
    """A map that moves."""
    return Matrix(e=x, f=y)


def scaled(x: float, y: float) -> Matrix:
    """A map that scales."""
    return Matrix(a=x, d=y)


def rotated(angle: float) -> Matrix:
    """A map that rotates around the origin."""
    sine, cosine = math.sin(math.radians(angle)), math.cos(math.radians(angle))
    return Matrix(cosine, sine, -sine, cosine)


def skewed(x: float, y: float) -> Matrix:
    """A map that skews by angles."""
    return Matrix(c=math.tan(math.radians(x))) @ Matrix(b=math.tan(math.radians(y)))


@dataclass(frozen=True)
class Box:
    """A rectangle along the axes."""

    left: float
    top: float
    width: float
    height: float

    @property
    def centre(self) -> Point:
        """Its middle."""
        return self.left + self.width / 2, self.top + self.height / 2


def box_of(points: Iterable[Point]) -> Box:
    """The smallest box around points; an empty one at the origin around none."""
    xs, ys = zip(*points, strict=True) if (points := list(points)) else ((0.0,), (0.0,))
    return Box(min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))


@dataclass(frozen=True)
class Stroke:
    """How a line is drawn. Its width grows with what it is on unless it is uniform."""

    colour: Colour
    width: float
    cap: Literal["butt", "round", "square"] = "butt"
    join: Literal["miter", "round", "bevel"] = "miter"
    dashes: tuple[float, ...] = ()
    uniform: bool = False


@dataclass(frozen=True)
class Figure:
    """An outline that is filled, stroked or both."""

    outline: Outline
    fill: Colour | None = None
    stroke: Stroke | None = None


@dataclass(frozen=True)
class Words:
    """A line of text from a point of its baseline on."""

    text: str
    start: Point
    size: float
    colour: Colour


@dataclass(frozen=True)
class Layer:
    """Things that are placed, faded and erased together. What is erased is in the coordinates of its items."""

    items: tuple["Figure | Words | Layer", ...]
    matrix: Matrix = field(default_factory=Matrix)
    opacity: float = 1
    erased: "Layer | None" = None


def polyline(points: Sequence[Point], *, closed: bool = False) -> Outline:
    """Straight lines from point to point; a single point is a line to itself, which round ends make a dot."""
    if not points:
        return ()
    start: Command = ("M", (points[0],))
    lines: list[Command] = [("L", (point,)) for point in points[1:] or points]
    return (start, *lines, *((("Z", ()),) if closed else ()))


def rectangle(box: Box, rx: float = 0, ry: float = 0) -> Outline:
    """A rectangle, whose corners may be round."""
    rx, ry = min(max(rx, 0), box.width / 2), min(max(ry, 0), box.height / 2)
    left, top, right, bottom = box.left, box.top, box.left + box.width, box.top + box.height
    if not rx or not ry:
        return polyline([(left, top), (right, top), (right, bottom), (left, bottom)], closed=True)
    kx, ky = rx * (1 - _QUARTER), ry * (1 - _QUARTER)
    return (
        ("M", ((left + rx, top),)),
        ("L", ((right - rx, top),)),
        ("C", ((right - kx, top), (right, top + ky), (right, top + ry))),
        ("L", ((right, bottom - ry),)),
        ("C", ((right, bottom - ky), (right - kx, bottom), (right - rx, bottom))),
        ("L", ((left + rx, bottom),)),
        ("C", ((left + kx, bottom), (left, bottom - ky), (left, bottom - ry))),
        ("L", ((left, top + ry),)),
        ("C", ((left, top + ky), (left + kx, top), (left + rx, top))),
        ("Z", ()),
    )


def ellipse(rx: float, ry: float) -> Outline:
    """An ellipse around the origin."""
    return rectangle(Box(-rx, -ry, 2 * rx, 2 * ry), rx, ry)


def arrow(start: Point, tip: Point, head: float) -> tuple[Outline, Outline]:
    """The shaft of an arrow and its head, a triangle whose sides stand off by 30 degrees."""
    length = math.dist(start, tip)
    direction = math.atan2(tip[1] - start[1], tip[0] - start[0])

    def behind(distance: float, turn: float) -> Point:
        return tip[0] - distance * math.cos(direction + turn), tip[1] - distance * math.sin(direction + turn)

    shaft = polyline([start, behind(0.7 * head, 0)]) if length > 0.7 * head else ()
    return shaft, polyline([tip, behind(head, math.pi / 6), behind(head, -math.pi / 6)], closed=True)


def placed(outline: Outline, matrix: Matrix) -> Outline:
    """An outline where a matrix puts it."""
    return tuple((letter, tuple(map(matrix.at, points))) for letter, points in outline)


def extremes(outline: Outline) -> Iterator[Point]:
    """Points whose box is that of an outline: ends, and where curves turn around."""
    here: Point = (0.0, 0.0)
    for letter, points in outline:
        if not points:
            continue
        yield points[-1]
        if letter in ("Q", "C"):
            curve = (here, *points)
            yield from (_on_curve(curve, t) for axis in (0, 1) for t in _turns([point[axis] for point in curve]))
        here = points[-1]


def _turns(values: Sequence[float]) -> list[float]:
    """Where the derivative of a Bézier curve of degree 2 or 3 in one coordinate is zero, between 0 and 1."""
    if len(values) == 3:
        p, q, r = values
        a, b, c = 0.0, p - 2 * q + r, q - p
    else:
        p, q, r, s = values
        a, b, c = s - 3 * r + 3 * q - p, 2 * (r - 2 * q + p), q - p
        # a t² + b t + c
    if abs(a) < 1e-12:
        roots = [-c / b] if abs(b) > 1e-12 else []
        return [t for t in roots if 0 < t < 1]
    discriminant = b * b - 4 * a * c
    if discriminant < 0:
        return []
    root = math.sqrt(discriminant)
    return [t for t in ((-b + root) / (2 * a), (-b - root) / (2 * a)) if 0 < t < 1]


def _on_curve(points: Sequence[Point], t: float) -> Point:
    while len(points) > 1:
        points = [(p[0] + t * (q[0] - p[0]), p[1] + t * (q[1] - p[1])) for p, q in pairwise(points)]
    return points[0]


def box_of_layer(layer: Layer, outer: Matrix | None = None) -> Box:
    """The box around the figures of a layer; words count with their start."""
    return box_of(_corners(layer, outer or Matrix()))


def _corners(layer: Layer, outer: Matrix) -> Iterator[Point]:
    matrix = outer @ layer.matrix
    for item in layer.items:
        if isinstance(item, Layer):
            yield from _corners(item, matrix)
        elif isinstance(item, Figure):
            yield from extremes(placed(item.outline, matrix))
        else:
            yield matrix.at(item.start)

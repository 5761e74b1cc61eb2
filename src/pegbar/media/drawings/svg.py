"""Shapes as SVG, in the pixels of a picture. Pure."""

import math
from collections.abc import Sequence
from html import escape

from pegbar.media.drawings.geometry import Colour, Figure, Layer, Matrix, Outline, Stroke, Words, placed
from pegbar.media.drawings.reading import Undrawable

FONT = "DejaVu Sans"
#: Pixels from the corner of a picture; what is further off is not drawn, and would cost.
_FURTHEST = 1e6
_MOST_DASHES = 10_000


def svg(layers: Sequence[Layer], size: tuple[int, int]) -> str:
    """A transparent picture of `size` pixels with these layers on it, the first one lowest.

    Raises Undrawable for shapes that are beyond all bounds.
    """
    writer = _Writer(size)
    for layer in layers:
        writer.layer(layer, Matrix(), layer.matrix)
    width, height = size
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">{"".join(writer.parts)}</svg>'
    )


class _Writer:
    def __init__(self, size: tuple[int, int]) -> None:
        self.parts: list[str] = []
        self._size = size
        self._masks = 0

    def layer(self, layer: Layer, outer: Matrix, canvas: Matrix) -> None:
        """A layer; `canvas` is from the canvas it was drawn on to the picture."""
        matrix = outer @ layer.matrix
        attributes = ""
        if layer.erased is not None:
            attributes += f' mask="url(#{self._mask(layer.erased, matrix, canvas)})"'
        if layer.opacity < 1:
            attributes += f' opacity="{layer.opacity:.4f}"'
        self.parts.append(f"<g{attributes}>")
        for item in layer.items:
            if isinstance(item, Layer):
                self.layer(item, matrix, canvas)
            elif isinstance(item, Figure):
                self._figure(item, matrix, canvas)
            else:
                self._words(item, matrix)
        self.parts.append("</g>")

    def _mask(self, erased: Layer, matrix: Matrix, canvas: Matrix) -> str:
        """Black is taken out, white is left."""
        self._masks += 1
        name = f"m{self._masks}"
        width, height = self._size
        area = f'x="0" y="0" width="{width}" height="{height}"'
        self.parts.append(f'<mask id="{name}" maskUnits="userSpaceOnUse" {area}><rect {area} fill="#fff"/>')
        self.layer(erased, matrix, canvas)
        self.parts.append("</mask>")
        return name

    def _figure(self, figure: Figure, matrix: Matrix, canvas: Matrix) -> None:
        if not figure.outline:
            return
        outline = placed(figure.outline, matrix)
        paint = 'fill="none"' if figure.fill is None else _paint("fill", figure.fill)
        if figure.stroke is not None:
            growth = _growth(figure.stroke, matrix, canvas)
            paint += f" {_stroke(figure.stroke, growth)}{_dashes(figure.stroke, growth, outline)}"
        self.parts.append(f'<path d="{_path(outline)}" {paint}/>')

    def _words(self, words: Words, matrix: Matrix) -> None:
        _check(matrix.at(words.start))
        numbers = (matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f)
        place = " ".join(f"{value:.6g}" for value in numbers)
        x, y = words.start
        self.parts.append(
            f'<text transform="matrix({place})" x="{x:.3f}" y="{y:.3f}" font-family="{FONT}" '
            f'font-size="{words.size:.3f}" xml:space="preserve" '
            f"{_paint('fill', words.colour)}>{escape(words.text)}</text>"
        )


def _check(point: tuple[float, float]) -> None:
    if not max(map(abs, point)) <= _FURTHEST:
        raise Undrawable("it is further off the picture than can be drawn")


def _path(outline: Outline) -> str:
    return "".join(f"{letter}{_points(points)}" for letter, points in outline)


def _points(points: Sequence[tuple[float, float]]) -> str:
    for point in points:
        _check(point)
    return " ".join(f"{x:.3f} {y:.3f}" for x, y in points)


def _paint(name: str, colour: Colour) -> str:
    red, green, blue, opacity = colour
    faded = f' {name}-opacity="{opacity:.4f}"' if opacity < 1 else ""
    return f'{name}="#{red:02x}{green:02x}{blue:02x}"{faded}'


def _growth(stroke: Stroke, matrix: Matrix, canvas: Matrix) -> float:
    """By how much a line grows: with the width of the canvas and, unless it is uniform, with what it is on."""
    return canvas.a if stroke.uniform else canvas.a * matrix.scale / canvas.scale


def _stroke(stroke: Stroke, growth: float) -> str:
    """No line is thinner than a pixel."""
    width = min(max(stroke.width * growth, 1), _FURTHEST)
    return (
        f'{_paint("stroke", stroke.colour)} stroke-width="{width:.3f}" '
        f'stroke-linecap="{stroke.cap}" stroke-linejoin="{stroke.join}"'
    )


def _dashes(stroke: Stroke, growth: float, outline: Outline) -> str:
    """Dashes; a line that would have too many of them is a whole one."""
    dashes = [dash * growth for dash in stroke.dashes]
    points = [point for _, ends in outline for point in ends]
    if sum(map(math.dist, points, points[1:])) > _MOST_DASHES * sum(dashes):
        return ""
    return f' stroke-dasharray="{" ".join(f"{dash:.2f}" for dash in dashes)}"' if any(dashes) else ""


__all__ = ["FONT", "svg"]

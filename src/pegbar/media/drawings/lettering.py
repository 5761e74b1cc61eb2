"""Text as Fabric.js sets it, in DejaVu Sans: lines, their places, and the ground behind them. Pure.

Source: spec media, "Rendering".
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pegbar.media.drawings.colours import BLACK, colour
from pegbar.media.drawings.geometry import Box, Figure, Words, rectangle
from pegbar.media.drawings.reading import Undrawable, number

#: The width of a text in a size.
Measure = Callable[[str, float], float]

_MOST_TEXT, _MOST_LINES, _LARGEST = 10_000, 500, 2_000
#: A line by the size of its letters, lines by it (unless `lineHeight` says otherwise), and where in it letters stand.
_LINE, _SPACING, _BELOW = 1.13, 1.16, 0.222
_ALIGNED = {"center": 0.5, "right": 1.0}


@dataclass(frozen=True)
class Lettering:
    """Lines of text around the middle of their box."""

    items: tuple[Figure | Words, ...]
    box: Box


def lettering(item: dict[str, Any], wraps: float, measure: Measure) -> Lettering:
    """The lines of a text object; `wraps` is the width at which a text box breaks them, 0 for never."""
    text = item.get("text")
    if not isinstance(text, str) or len(text) > _MOST_TEXT:
        raise Undrawable(f"text: it is no text of up to {_MOST_TEXT} characters")
    size = number(item, "fontSize", 16)
    if not 0 < size <= _LARGEST:
        raise Undrawable(f"fontSize: it is not between 0 and {_LARGEST}")
    lines = [line for part in printable(text).split("\n") for line in _wrapped(part, size, wraps, measure)]
    if len(lines) > _MOST_LINES:
        raise Undrawable(f"text: it has more than {_MOST_LINES} lines")
    step = size * _LINE * number(item, "lineHeight", _SPACING)
    widths = [measure(line, size) for line in lines]
    width = max(number(item, "width", 0), 0) or max(widths)
    height = number(item, "height", 0) or step * (len(lines) - 1) + size * _LINE
    box = Box(-width / 2, -height / 2, width, height)
    align = _ALIGNED.get(str(item.get("textAlign")), 0.0)
    first = box.top + size * _LINE * (1 - _BELOW)
    ink = colour(item.get("fill")) or BLACK
    words = [
        Words(line, (box.left + align * (width - taken), first + i * step), size, ink)
        for i, (line, taken) in enumerate(zip(lines, widths, strict=True))
        if line.strip()
    ]
    ground = colour(item.get("backgroundColor"))
    behind = [Figure(rectangle(box), ground)] if ground else []
    return Lettering((*behind, *words), Box(0, 0, width, height))


def printable(text: str) -> str:
    """Text without what is no character of a text: control characters and halves of characters."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ")
    return "".join(
        c for c in text if c == "\n" or (c >= " " and not "\ud800" <= c <= "\udfff" and c not in "\x7f\ufffe\uffff")
    )


def _wrapped(line: str, size: float, width: float, measure: Measure) -> list[str]:
    """A line broken between words so that each part is as wide as a text box, at the most."""
    if width <= 0 or measure(line, size) <= width:
        return [line]
    parts, current = [], ""
    for word in line.split(" "):
        longer = f"{current} {word}" if current else word
        if current and measure(longer, size) > width:
            parts.append(current)
            current = word
        else:
            current = longer
    return [*parts, current]

"""Values of annotations, which may hold anything: within bounds, or refused with a reason. Pure."""

import math
from collections.abc import Mapping
from typing import Any

from pegbar.media.drawings.geometry import Point

#: Canvases are some thousand pixels wide; a tenth of this still draws.
_LARGEST = 1e6
_MOST_NUMBERS = 100_000


class Undrawable(Exception):
    """An object that cannot be drawn; the text says why."""


def to_number(value: Any, name: str) -> float:
    """A finite number of a drawing's size; text is parsed."""
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not abs(number) <= _LARGEST:
        raise Undrawable(f"{name}: {str(value)[:40]!r} is no number up to {_LARGEST:.0f}")
    return number


def number(item: Mapping[str, Any], name: str, default: float) -> float:
    """The number under a name; the default where there is none."""
    value = item.get(name)
    return default if value is None else to_number(value, name)


def sized(values: Any, name: str) -> list[Any]:
    """A list that is not too long."""
    if not isinstance(values, list):
        raise Undrawable(f"{name}: it is no list")
    if len(values) > _MOST_NUMBERS:
        raise Undrawable(f"{name}: it has more than {_MOST_NUMBERS} parts")
    return values


def to_point(value: Any, name: str) -> Point:
    """The point of an object with `x` and `y`."""
    if not isinstance(value, dict):
        raise Undrawable(f"{name}: it has no x and y")
    return to_number(value.get("x"), f"{name}.x"), to_number(value.get("y"), f"{name}.y")


def points_of(item: Mapping[str, Any], name: str) -> list[Point]:
    """The points under a name."""
    return [to_point(value, name) for value in sized(item.get(name), name)]

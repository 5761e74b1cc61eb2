"""Colours as Fabric.js writes them: `#f00`, `#ff0000`, names, `rgb()`, `rgba()`. Pure."""

import re
from functools import lru_cache

from PIL import ImageColor

from pegbar.media.drawings.geometry import Colour

BLACK: Colour = (0, 0, 0, 1.0)
_FUNCTION = re.compile(r"rgba?\(([^)]*)\)")
_LONGEST = 60


@lru_cache(1024)
def _parsed(text: str) -> Colour | None:
    match = _FUNCTION.fullmatch(text)
    if match is None:
        try:
            red, green, blue, *alpha = ImageColor.getrgb(text)
        except ValueError:
            return None
        return red, green, blue, alpha[0] / 255 if alpha else 1.0
    values = [value for value in re.split(r"[\s,/]+", match[1]) if value]
    if len(values) not in (3, 4):
        return None
    try:
        shares = [_amount(value, 255) for value in values[:3]]
        opacity = _amount(values[3], 1) if len(values) == 4 else 1.0
    except ValueError:
        return None
    return round(shares[0]), round(shares[1]), round(shares[2]), opacity


def _amount(text: str, most: float) -> float:
    """A number from 0 to `most`, which may be a share of it in percent."""
    amount = float(text[:-1]) / 100 * most if text.endswith("%") else float(text)
    return min(amount, most) if amount > 0 else 0.0


def colour(value: object) -> Colour | None:
    """The colour; None for none at all: `transparent`, what is missing, and what is no plain colour."""
    if not isinstance(value, str) or len(value) > _LONGEST:
        return None
    parsed = _parsed(value.strip().lower())
    return None if parsed is None or parsed[3] == 0 else parsed

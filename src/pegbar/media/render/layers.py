"""Which channels of a file are its picture. Renders hold many: depth, normals, light by light."""

from collections.abc import Sequence

#: Layers that are what a renderer shows, best first; what is no colour comes last.
_BEAUTY = ("", "rgba", "rgb", "beauty", "combined", "composite", "color", "colour", "c", "main", "final", "left")
_DATA = ("crypto", "depth", "normal", "position", "motion", "vector", "velocity", "uv", "id", "mist", "data")
_COLOURS = {"r": 0, "red": 0, "g": 1, "green": 1, "b": 2, "blue": 2}
_ALPHAS, _GREYS = ("a", "alpha"), ("y", "l", "i", "gray", "grey", "luminance")


def _parts(name: str) -> tuple[str, str]:
    layer, _, channel = name.lower().rpartition(".")
    return layer, channel


def _rank(layer: str) -> int:
    """How far a layer is from what is to be shown; the last words of its name count."""
    words = layer.split(".")
    for word in (layer, words[-1], words[0]):
        if word in _BEAUTY:
            return _BEAUTY.index(word)
    return len(_BEAUTY) + any(word in layer for word in _DATA)


def chosen(names: Sequence[str], alpha: int = -1) -> tuple[int, list[int]]:
    """How far what these channels hold is from a picture (0 is one), and the channels of it: one to four, in order.

    `alpha` is the place of the alpha channel, where the file tells. Red, green and blue come first, of the layer that
    most looks like the picture; then a grey; then the first channel there is.
    """
    colours: dict[str, dict[int, int]] = {}
    alphas: dict[str, int] = {}
    greys: dict[str, int] = {}
    for place, name in enumerate(names):
        layer, channel = _parts(name)
        if channel in _COLOURS:
            colours.setdefault(layer, {}).setdefault(_COLOURS[channel], place)
        elif channel in _ALPHAS:
            alphas.setdefault(layer, place)
        elif channel in _GREYS:
            greys.setdefault(layer, place)
    if 0 <= alpha < len(names):
        alphas[_parts(names[alpha])[0]] = alpha
    whole = [layer for layer, of in colours.items() if len(of) == 3]
    if whole:
        best = min(whole, key=_rank)
        picked = [colours[best][colour] for colour in range(3)]
        return _rank(best), picked + _alpha(alphas, best, picked)
    vectors = {layer for layer, channel in map(_parts, names) if channel in ("x", "z")} - {""}
    grey = min(greys.keys() - vectors, key=lambda layer: (_rank(layer), layer), default=None)
    if grey is not None:
        return 50 + _rank(grey), [greys[grey], *_alpha(alphas, grey, [greys[grey]])]
    first = next((place for place in range(len(names)) if place not in alphas.values()), 0)
    return 100, [first, *_alpha(alphas, _parts(names[first])[0], [first])]


def _alpha(alphas: dict[str, int], layer: str, picked: list[int]) -> list[int]:
    return [alphas[layer]] if alphas.get(layer, picked[0]) not in picked else []


__all__ = ["chosen"]

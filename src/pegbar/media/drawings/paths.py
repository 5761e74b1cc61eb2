"""Paths as Fabric.js writes them, `[["M", 1, 2], ["Q", …]]`, or as SVG does, `"M1 2Q…"`. Pure."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from pegbar.media.drawings.geometry import Command, Outline, Point
from pegbar.media.drawings.reading import Undrawable, sized, to_number

_LONGEST_TEXT = 2_000_000
_LETTER = re.compile(r"[A-Za-z]")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
#: How many numbers a command takes; a path may leave out the letters of repeated ones.
_TAKES = {"M": 2, "L": 2, "H": 1, "V": 1, "Q": 4, "T": 2, "C": 6, "S": 4, "Z": 0}


def outline_of(path: Any) -> Outline:
    """The outline of a path. Raises Undrawable for what is none, and for commands that are not known."""
    pen = _Pen()
    for letter, values in _commands_of_text(path) if isinstance(path, str) else _commands_of_list(path):
        takes = _TAKES.get(letter.upper())
        if takes is None:
            raise Undrawable(f"path: the command {letter[:10]!r} is not known")
        if len(values) % takes if takes else values:
            raise Undrawable(f"path: {letter} takes {takes} numbers")
        if not takes:
            pen.close()
        for i in range(0, len(values), takes or 1):
            # Further points of a move are lines.
            repeated = {"M": "L", "m": "l"}.get(letter, letter) if i else letter
            pen.follow(repeated, values[i : i + takes])
    if not pen.commands:
        raise Undrawable("path: it is empty")
    return tuple(pen.commands)


def _commands_of_list(path: Any) -> Iterator[tuple[str, list[float]]]:
    for command in sized(path, "path"):
        if not isinstance(command, list) or not command or not isinstance(command[0], str):
            raise Undrawable("path: a command is a list of a letter and numbers")
        yield command[0], [to_number(value, "path") for value in sized(command[1:], "path")]


def _commands_of_text(path: str) -> Iterator[tuple[str, list[float]]]:
    if len(path) > _LONGEST_TEXT:
        raise Undrawable(f"path: it has more than {_LONGEST_TEXT} characters")
    starts = [match.start() for match in _LETTER.finditer(path) if path[match.start()] not in "eE"]
    if path[: starts[0] if starts else None].strip(" ,\t\r\n"):
        raise Undrawable("path: it does not start with a command")
    for start, end in pairwise([*starts, len(path)]):
        text = path[start + 1 : end]
        if _NUMBER.sub("", text).strip(" ,\t\r\n"):
            raise Undrawable(f"path: {text[:40]!r} are no numbers")
        yield path[start], sized([to_number(value, "path") for value in _NUMBER.findall(text)], "path")


class _Pen:
    """Follows commands and writes them with absolute points, as lines and curves."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self._here: Point = (0.0, 0.0)
        self._start: Point = (0.0, 0.0)
        #: The last handle of the curve before, and the letter of it: T and S go on from there.
        self._handle: tuple[str, Point] | None = None

    def close(self) -> None:
        self._check_begun()
        self.commands.append(("Z", ()))
        self._here, self._handle = self._start, None

    def follow(self, letter: str, values: list[float]) -> None:
        """Do one command with exactly the numbers it takes."""
        x, y = self._here if letter.islower() else (0.0, 0.0)
        letter = letter.upper()
        if letter == "H":
            letter, values = "L", [values[0], self._here[1] - y]
        elif letter == "V":
            letter, values = "L", [self._here[0] - x, values[0]]
        points = [(x + values[i], y + values[i + 1]) for i in range(0, len(values), 2)]
        if letter in ("T", "S"):
            letter = "Q" if letter == "T" else "C"
            points.insert(0, self._mirrored(letter))
        if letter != "M":
            self._check_begun()
        self._draw(letter, points)

    def _check_begun(self) -> None:
        if not self.commands:
            raise Undrawable("path: it does not start with M")

    def _mirrored(self, letter: str) -> Point:
        """The handle that goes on smoothly from the curve before."""
        if self._handle is None or self._handle[0] != letter:
            return self._here
        return 2 * self._here[0] - self._handle[1][0], 2 * self._here[1] - self._handle[1][1]

    def _draw(self, letter: str, points: list[Point]) -> None:
        match letter:
            case "M":
                self._start = points[0]
                self.commands.append(("M", tuple(points)))
            case "L":
                self.commands.append(("L", tuple(points)))
            case "Q":
                self.commands.append(("Q", tuple(points)))
            case _:
                self.commands.append(("C", tuple(points)))
        self._here = points[-1]
        self._handle = (letter, points[-2]) if letter in ("Q", "C") else None

"""Which operation a method and a path mean.

A tree of the segments of all paths: one that is written out comes before a parameter in its place. Paths that differ
inside a segment, such as `/pictures/thumbnails/persons/{instance_id:uuid}.png`, share a leaf: the most literal one that
fits is meant, whether it takes the method or not.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from pegbar.core.errors import MethodNotAllowed, NotFound
from pegbar.core.http.routing import Operation

A = TypeVar("A")
_PARAMETER = re.compile(r"\{(\w+)(?::(\w+))?\}")


class _Path(Generic[A]):
    """A path, with what answers its methods."""

    def __init__(self, path: str) -> None:
        parts = _segments(path)
        self.literal = len(_PARAMETER.sub("", path))
        self._places = [place for place, part in enumerate(parts) if "{" in part]
        #: How its segments look, where one of them holds text besides a parameter.
        self._pattern: re.Pattern[str] | None = None
        if any(_PARAMETER.fullmatch(parts[place]) is None for place in self._places):
            self._pattern = re.compile("/".join(map(_pattern, parts)))
        self.by_method: dict[str, tuple[A, tuple[str, ...], tuple[str, ...]]] = {}

    def add(self, operation: Operation, answer: A) -> None:
        parameters = list(_PARAMETER.finditer(operation.path))
        numbers = tuple(match[1] for match in parameters if match[2] == "int")
        self.by_method[operation.method] = answer, tuple(match[1] for match in parameters), numbers

    def values(self, parts: Sequence[str]) -> Sequence[str] | None:
        """The parameters in the segments of a path; None when it does not fit."""
        if self._pattern is None:
            return [parts[place] for place in self._places]
        match = self._pattern.fullmatch("/".join(parts))
        return None if match is None else match.groups()


class _Node(Generic[A]):
    """A place in the tree."""

    __slots__ = ("literal", "parameter", "paths")

    def __init__(self) -> None:
        self.literal: dict[str, _Node[A]] = {}
        self.parameter: _Node[A] | None = None
        #: Those that end here, by what they look like without the names of parameters: the most literal one first.
        self.paths: dict[str, _Path[A]] = {}

    def child(self, part: str) -> "_Node[A]":
        """The place of the next segment, made where there is none."""
        if "{" not in part:
            return self.literal.setdefault(part, _Node())
        if self.parameter is None:
            self.parameter = _Node()
        return self.parameter

    def meant(self, parts: Sequence[str]) -> tuple[_Path[A], Sequence[str]] | None:
        """The path that is meant of those that end here, and its parameters; None when none fits."""
        for path in self.paths.values():
            if (values := path.values(parts)) is not None:
                return path, values
        return None

    def first_end(self, parts: Sequence[str]) -> "_Node[A] | None":
        """The first of `ends`, as nearly always; or none, which says nothing of the others."""
        node = self
        for part in parts:
            child = node.literal.get(part) or node.parameter
            if child is None:
                return None
            node = child
        return node

    def ends(self, parts: Sequence[str], place: int = 0) -> Iterator["_Node[A]"]:
        """Where a path that goes on from here may end, the most literal place first."""
        if place == len(parts):
            if self.paths:
                yield self
            return
        for child in (self.literal.get(parts[place]), self.parameter):
            if child is not None:
                yield from child.ends(parts, place + 1)


class Router(Generic[A]):
    """Finds what answers an operation. Parameters are text (ids are read by the Endpoint) but for whole numbers."""

    def __init__(self, operations: Iterable[tuple[Operation, A]]) -> None:
        self._root: _Node[A] = _Node()
        for operation, answer in operations:
            node = self._root
            for part in _segments(operation.path):
                node = node.child(part)
            looks = _PARAMETER.sub("{}", operation.path)
            if looks not in node.paths:
                node.paths[looks] = _Path(operation.path)
                node.paths = dict(sorted(node.paths.items(), key=lambda item: -item[1].literal))
            node.paths[looks].add(operation, answer)

    def find(self, method: str, path: str) -> tuple[A, dict[str, Any]]:
        """What answers, and the parameters of the path. Raises NotFound, MethodNotAllowed."""
        parts = _segments(path)
        first = self._root.first_end(parts)
        meant = None if first is None else first.meant(parts)
        if meant is None:
            meant = next(filter(None, (node.meant(parts) for node in self._root.ends(parts))), None)
        if meant is None:
            raise NotFound("there is no such route.")
        return _chosen(meant[0], method, meant[1])


def _chosen(path: _Path[A], method: str, values: Sequence[str]) -> tuple[A, dict[str, Any]]:
    if method not in path.by_method:
        refusal = MethodNotAllowed("405 Method Not Allowed: this route does not take that method.")
        refusal.headers["allow"] = ", ".join([*path.by_method, "OPTIONS"])
        raise refusal
    answer, names, numbers = path.by_method[method]
    params: dict[str, Any] = dict(zip(names, values, strict=True))
    for name in numbers:
        try:
            params[name] = int(params[name])
        except ValueError:
            raise NotFound("there is no such route.") from None
    return answer, params


def _segments(path: str) -> list[str]:
    return [part for part in path.split("/") if part]


def _pattern(part: str) -> str:
    """What a segment looks like."""
    pieces, at = [], 0
    for match in _PARAMETER.finditer(part):
        pieces += [re.escape(part[at : match.start()]), "([^/]+?)"]
        at = match.end()
    return "".join([*pieces, re.escape(part[at:])])

"""Paths with text around a parameter, such as `/pictures/thumbnails/persons/{instance_id:uuid}.png`.

The router knows whole segments only. Operations that differ only inside a segment share one of its routes, and the
most literal path that fits is chosen here.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from pegbar.core.http.routing import Operation

_PARAMETER = re.compile(r"\{(\w+)(?::(\w+))?\}")


def shape(path: str) -> str:
    """The path as the router sees it when every segment that holds a parameter is one."""
    parts = path.split("/")
    return "/".join(f"{{segment_{i}:str}}" if "{" in part else part for i, part in enumerate(parts))


def is_mixed(path: str) -> bool:
    """Whether a segment holds text besides a parameter."""
    return any("{" in part and not _PARAMETER.fullmatch(part) for part in path.split("/"))


class Candidate:
    """An operation, and the parameters that a path gives it."""

    def __init__(self, operation: Operation, answer: Any) -> None:
        self.operation, self.answer = operation, answer
        self.literal = len(_PARAMETER.sub("", operation.path))
        pieces, at = [], 0
        for match in _PARAMETER.finditer(operation.path):
            pieces += [re.escape(operation.path[at : match.start()]), f"(?P<{match[1]}>[^/]+?)"]
            at = match.end()
        self._pattern = re.compile("".join(pieces) + re.escape(operation.path[at:]))

    def parameters(self, path: str) -> dict[str, Any] | None:
        """The parameters of a path that fits, as text; else None."""
        match = self._pattern.fullmatch(path)
        return None if match is None else match.groupdict()


def choose(candidates: Sequence[Candidate], method: str, path: str) -> tuple[Candidate, dict[str, Any]] | int:
    """The operation for a path and its parameters; 404 when no path fits, 405 when the one meant takes no such method.

    The most literal path that fits is meant: `x.png` is no id of a less literal one. `candidates` are `ranked`.
    """
    meant: int | None = None
    for candidate in candidates:
        if meant is not None and candidate.literal < meant:
            break
        if (params := candidate.parameters(path)) is not None:
            if candidate.operation.method == method:
                return candidate, params
            meant = candidate.literal
    return 404 if meant is None else 405


def ranked(candidates: Iterable[Candidate]) -> list[Candidate]:
    """The candidates, the most literal first."""
    return sorted(candidates, key=lambda candidate: -candidate.literal)


def shared_shapes(operations: Iterable[Operation]) -> frozenset[str]:
    """The shapes that hold a mixed path."""
    return frozenset(shape(operation.path) for operation in operations if is_mixed(operation.path))

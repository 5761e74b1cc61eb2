"""What a copy tells while it runs and in the end. The command draws it; tests read it."""

from dataclasses import dataclass, field
from typing import Protocol

#: Messages kept of a kind.
_MOST = 20


class Watcher(Protocol):
    """Whoever looks on."""

    def begin(self, what: str, total: int | None) -> None:
        """Something starts, of so many pieces if that is known."""
        ...

    def advance(self, what: str, pieces: int, total: int | None = None) -> None:
        """So many pieces more are done."""
        ...

    def end(self, what: str) -> None:
        """It is done."""
        ...

    def say(self, text: str) -> None:
        """Something worth a line."""
        ...


class Nobody:
    """Nobody looks on."""

    def begin(self, what: str, total: int | None) -> None: ...

    def advance(self, what: str, pieces: int, total: int | None = None) -> None: ...

    def end(self, what: str) -> None: ...

    def say(self, text: str) -> None: ...


@dataclass
class Counts:
    """What became of the rows of a part."""

    there: int = 0
    created: int = 0
    changed: int = 0
    deleted: int = 0
    left_out: int = 0

    @property
    def touched(self) -> int:
        """How many were written."""
        return self.created + self.changed + self.deleted


@dataclass
class Report:
    """What a copy did, or would do."""

    rows: dict[str, Counts] = field(default_factory=dict)
    files: int = 0
    bytes: int = 0
    files_known: int = 0
    files_missing: int = 0
    problems: list[str] = field(default_factory=list)
    problem_count: int = 0

    def of(self, name: str) -> Counts:
        """The counts of a table."""
        return self.rows.setdefault(name, Counts())

    def problem(self, text: str) -> None:
        """Something that was left out, and why."""
        self.problem_count += 1
        if len(self.problems) < _MOST:
            self.problems.append(text)

    @property
    def touched(self) -> int:
        """How many rows were written."""
        return sum(counts.touched for counts in self.rows.values())

"""What came over from a ShotGrid site, kind by kind, with why some of it did not."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

#: What becomes of a row, in the order of the report.
WHAT = ("created", "changed", "unchanged", "skipped")
#: Ids of rows that are told with a reason.
_EXAMPLES = 20


@dataclass
class Tally:
    """What became of the rows of a kind."""

    label: str
    counts: Counter[str] = field(default_factory=Counter)
    #: The ids of rows that did not come over, by the reason.
    reasons: dict[str, list[int]] = field(default_factory=dict)

    def add(self, what: str, id_: int | None = None, reason: str = "") -> None:
        """Count a row."""
        self.counts[what] += 1
        if what == "skipped":
            self.reasons.setdefault(reason or "no reason is known", []).append(id_ or 0)

    @property
    def total(self) -> int:
        """How many rows were looked at."""
        return self.counts.total()


class SiteReport:
    """The report of a run."""

    def __init__(self, url: str, *, dry_run: bool) -> None:
        self.url, self.dry_run = url, dry_run
        self.tallies: dict[str, Tally] = {}
        self.remarks: list[str] = []
        self.requests = 0
        self.finished = False

    def of(self, label: str) -> Tally:
        """The counts of a kind."""
        return self.tallies.setdefault(label, Tally(label))

    def remark(self, text: str) -> None:
        """Tell something once."""
        if text not in self.remarks:
            self.remarks.append(text)

    def total(self, *what: str) -> int:
        """How many rows of all kinds became this."""
        return sum(tally.counts[name] for tally in self.tallies.values() for name in what)

    def skipped(self) -> Iterator[tuple[str, str, list[int]]]:
        """Of rows that did not come over, the kind, the reason and the ids; the most frequent reasons first."""
        for tally in self.tallies.values():
            for reason, ids in sorted(tally.reasons.items(), key=lambda item: -len(item[1])):
                yield tally.label, reason, ids

    def document(self) -> dict[str, Any]:
        """The report as JSON has it."""
        return {
            "site": self.url,
            "dry_run": self.dry_run,
            "finished": self.finished,
            "requests": self.requests,
            "kinds": [
                {
                    "kind": tally.label,
                    **{what: tally.counts[what] for what in WHAT},
                    "reasons": [
                        {"reason": reason, "count": len(ids), "ids": ids} for reason, ids in tally.reasons.items()
                    ],
                }
                for tally in self.tallies.values()
            ],
            "remarks": self.remarks,
        }


def examples(ids: Iterable[int]) -> str:
    """Some ids in a line."""
    known = [str(id_) for id_ in ids if id_]
    more = f" and {len(known) - _EXAMPLES} more" if len(known) > _EXAMPLES else ""
    return ", ".join(known[:_EXAMPLES]) + more

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
    #: By the id of the row, what became of it and, when it did not come over, why.
    outcomes: dict[int, tuple[str, str]] = field(default_factory=dict)
    #: Rows that are only counted.
    more: Counter[str] = field(default_factory=Counter)

    def add(self, what: str, id_: int, reason: str = "") -> None:
        """Note what became of a row; of one that is taken twice in a run, whether it was ever created or changed."""
        before = self.outcomes.get(id_, ("", ""))[0]
        if what != "unchanged" or before not in ("created", "changed"):
            self.outcomes[id_] = (what, reason)

    @property
    def counts(self) -> Counter[str]:
        """How many rows became what."""
        return Counter(what for what, _ in self.outcomes.values()) + self.more

    @property
    def reasons(self) -> dict[str, list[int]]:
        """The ids of rows that did not come over, by the reason."""
        ids: dict[str, list[int]] = {}
        for id_, (what, reason) in self.outcomes.items():
            if what == "skipped":
                ids.setdefault(reason or "no reason is known", []).append(id_)
        return ids


class SiteReport:
    """The report of a run."""

    def __init__(self, *, dry_run: bool) -> None:
        self.url, self.dry_run = "", dry_run
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

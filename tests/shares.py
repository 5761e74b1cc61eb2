"""Which worker runs which files of tests: the same in every run, so that a run tells what the next one will do.

Tests share a server with those of the same worker, and see what those before them left. Were the files handed out as
workers come free, the order would be another in every run, and with it what a test can trip over. So each worker gets
a fixed share, by what files take (`seconds.txt`, in seconds of one run; a file that is not there takes what its number
of tests lets expect). Write that file anew after a run with `--junitxml report.xml`:

    python -m tests.shares report.xml

PEGBAR_TEST_ORDER=N shares them out in another way, the Nth, and runs them in another order: it looks for tests that
depend on what others left.
"""

import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from random import Random
from xml.etree import ElementTree

import pytest
from xdist.scheduler import LoadFileScheduling

_SECONDS = Path(__file__).with_name("seconds.txt")
_ORDER = os.environ.get("PEGBAR_TEST_ORDER")
#: Folders whose files share servers besides the one that all share: one worker has them all, and stops those servers.
_TOGETHER = ("tests/accounts", "tests/whole")
#: Files that take less are not worth a line; seconds of a test of theirs.
_LITTLE, _A_TEST = 3, 0.3


def file_of(nodeid: str) -> str:
    """The file of a test."""
    return nodeid.partition("::")[0]


def part_of(name: str) -> str:
    """What stays together with a file: its folder, or nothing else."""
    return next((folder for folder in _TOGETHER if name.startswith(f"{folder}/")), name)


def shares(nodeids: Iterable[str], workers: int) -> dict[str, str]:
    """The share that each part belongs to: the longest one first, to whoever has the least."""
    lines = (line.split() for line in _SECONDS.read_text().splitlines())
    seconds = {f"tests/{name}": float(text) for text, name in lines}
    expected: Counter[str] = Counter()
    for name, number in Counter(map(file_of, nodeids)).items():
        expected[part_of(name)] += seconds.get(name, number * _A_TEST)
    if _ORDER is not None:
        chance = Random(_ORDER)
        expected = Counter({part: took * chance.uniform(0.9, 1.1) for part, took in expected.items()})
    loads = [0.0] * workers
    places: dict[str, str] = {}
    for part in sorted(expected, key=lambda part: (-expected[part], part)):
        least = loads.index(min(loads))
        loads[least] += expected[part]
        places[part] = str(least)
    return places


def put_in_order(items: list[pytest.Item]) -> None:
    """The parts in the order that is asked for; the tests of each stay as they are."""
    if _ORDER is not None:
        parts = sorted({part_of(file_of(item.nodeid)) for item in items})
        Random(_ORDER).shuffle(parts)
        places = {part: place for place, part in enumerate(parts)}
        items.sort(key=lambda item: places[part_of(file_of(item.nodeid))])


class FixedShares(LoadFileScheduling):  # type: ignore[misc]
    """Hands each worker its share as a whole."""

    def schedule(self) -> None:
        """Begin, once all workers have collected."""
        if self.collection is None:
            self._shares = shares(next(iter(self.registered_collections.values())), len(self.nodes))
        super().schedule()

    def _split_scope(self, nodeid: str) -> str:
        return self._shares[part_of(file_of(nodeid))]


def main() -> None:
    """Write `seconds.txt` from a report of pytest."""
    taken: defaultdict[str, float] = defaultdict(float)
    for case in ElementTree.parse(sys.argv[1]).iter("testcase"):
        words = case.attrib.get("classname", "").split(".")  # none: the run was broken off there
        taken["/".join(words[1:]) + ".py"] += float(case.attrib["time"])
    rows = sorted(((round(seconds), name) for name, seconds in taken.items()), key=lambda row: (-row[0], row[1]))
    _SECONDS.write_text("".join(f"{seconds} {name}\n" for seconds, name in rows if seconds >= _LITTLE))


if __name__ == "__main__":
    main()

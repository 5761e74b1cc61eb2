"""Which worker runs which files of tests: the same in every run, so that a run tells what the next one will do.

Tests share a server with those of the same worker, and see what those before them left. Were the files handed out as
workers come free, the order would be another in every run, and with it what a test can trip over. So each worker has a
fixed share, by what files take (`seconds.txt`, in seconds of one run; a file that is not there takes what its number
of tests lets expect), and reads no other file. Write that list anew after a run with `--junitxml report.xml`:

    python -m tests.shares report.xml

PEGBAR_TEST_ORDER=N shares them out in another way, the Nth, and runs them in another order: it looks for tests that
depend on what others left.
"""

import os
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from random import Random
from xml.etree import ElementTree

import pytest
from xdist.scheduler import EachScheduling
from xdist.workermanage import WorkerController

_SECONDS = Path(__file__).with_name("seconds.txt")
_ORDER = os.environ.get("PEGBAR_TEST_ORDER")
#: Folders whose files share servers besides the one that all share: one worker has them all, and stops those servers.
_TOGETHER = ("tests/accounts", "tests/whole")
#: Files that take less are not worth a line; seconds of a test of theirs.
_LITTLE, _A_TEST = 3, 0.3
#: The share of each worker, by its specification.
_PLACES: pytest.StashKey[dict[int, int]] = pytest.StashKey()


def file_of(nodeid: str) -> str:
    """The file of a test."""
    return nodeid.partition("::")[0]


def part_of(name: str) -> str:
    """What stays together with a file: its folder, or nothing else."""
    return next((folder for folder in _TOGETHER if name.startswith(f"{folder}/")), name)


def shares(files: Iterable[Path], root: Path, workers: int) -> dict[str, int]:
    """The worker of each part, from 0 on: the longest part first, to whoever has the least."""
    lines = (line.split() for line in _SECONDS.read_text().splitlines())
    seconds = {f"tests/{name}": float(text) for text, name in lines}
    expected: defaultdict[str, float] = defaultdict(float)
    for file in files:
        name = file.relative_to(root).as_posix()
        known = seconds.get(name)
        expected[part_of(name)] += _A_TEST * file.read_text().count("\ndef test_") if known is None else known
    if _ORDER is not None:
        chance = Random(_ORDER)
        for part in sorted(expected):
            expected[part] *= chance.uniform(0.9, 1.1)
    loads = [0.0] * workers
    places: dict[str, int] = {}
    for part in sorted(expected, key=lambda part: (-expected[part], part)):
        least = loads.index(min(loads))
        loads[least] += expected[part]
        places[part] = least
    return places


def put_in_order(items: list[pytest.Item]) -> None:
    """The parts in the order that is asked for; the tests of each stay as they are."""
    if _ORDER is not None:
        parts = sorted({part_of(file_of(item.nodeid)) for item in items})
        Random(_ORDER).shuffle(parts)
        places = {part: place for place, part in enumerate(parts)}
        items.sort(key=lambda item: places[part_of(file_of(item.nodeid))])


def _chosen_files(config: pytest.Config) -> Iterator[Path]:
    """The files of tests that the command line names."""
    for argument in config.args:
        path = Path(os.path.normpath(config.invocation_params.dir / file_of(argument)))
        files = path.rglob("test_*.py") if path.is_dir() else [path]
        yield from (file for file in files if file.is_file() and file.is_relative_to(config.rootpath))


class Share:
    """A worker's plugin: it passes over the files of the others."""

    def __init__(self, config: pytest.Config, place: int, workers: int) -> None:
        self._root, self._place = config.rootpath, place
        self._places = shares(sorted(set(_chosen_files(config))), self._root, workers)

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Whether a path is another's."""
        if not collection_path.is_relative_to(self._root):
            return None
        place = self._places.get(part_of(collection_path.relative_to(self._root).as_posix()), self._place)
        return True if place != self._place else None

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Pass over what is another's of the files that the command line names, which pytest always reads.

        What has no share is the first worker's.
        """
        items[:] = [item for item in items if self._places.get(part_of(file_of(item.nodeid)), 0) == self._place]


class Sharing(EachScheduling):  # type: ignore[misc]
    """The controller's side: each worker runs all that it reads, which is its share."""

    def add_node_collection(self, node: WorkerController, collection: Sequence[str]) -> None:
        """A worker has read its share; one that takes the place of another ends when that had nothing left to do."""
        super().add_node_collection(node, collection)
        if node not in self.node2collection:
            self.node2collection[node] = list(collection)
            if not self.node2pending[node]:
                self._started.append(node)
                node.shutdown()

    def schedule(self) -> None:
        """Begin, once all workers have collected; or let a worker go on where one that crashed was."""
        session = self.config.pluginmanager.get_plugin("session")
        if not self._started:
            session.testscollected = sum(map(len, self.node2collection.values()))
        super().schedule()


def give_share(node: WorkerController) -> None:
    """Tell a worker its share: the next, or that of the worker whose place it takes, for it has its specification."""
    places = node.config.stash.setdefault(_PLACES, {})
    node.workerinput["share"] = places.setdefault(id(node.gateway.spec), len(places))


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

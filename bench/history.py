"""What the history costs: changes with its triggers and without, in turns. `python -m bench.history`.

    python -m bench.history [ROUNDS] [SHOTS]

Comments with a status and updates of tasks, one after the other; and a sheet of so many shots, imported twice. What is
compared is the processor time of the whole process tree, PostgreSQL's included: others may use the machine meanwhile.
"""

import os
import sys
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from statistics import median

import psycopg

from bench.sheets import TASKS, sheet
from tests import factories
from tests.client import Client, sign_in, unique
from tests.server import ADMIN, Server

_AT_ONCE = 150
_TICK = os.sysconf("SC_CLK_TCK")


def processor_seconds(root: int) -> float:
    """The processor time of a process and all below it, so far; those that ended count with who waited for them."""
    parents, seconds = {}, {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(") ")[2].split()
            except OSError:
                continue
            parents[int(folder.name)] = int(fields[1])
            seconds[int(folder.name)] = sum(map(int, fields[11:15])) / _TICK
    family = {root}
    while more := {process for process, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(seconds.get(process, 0.0) for process in family)


class Switch:
    """Switches the triggers of the history on and off."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        rows = self._connection.execute(
            "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE tgname LIKE 'pegbar\\_history\\_%'"
        )
        self._triggers = rows.fetchall()

    def turn(self, on: bool) -> None:
        verb = "ENABLE ALWAYS" if on else "DISABLE"
        for table, name in self._triggers:
            self._connection.execute(f"ALTER TABLE {table} {verb} TRIGGER {name}")  # type: ignore[arg-type]


def compare(what: str, server: Server, switch: Switch, rounds: int, run: Callable[[], int]) -> None:
    """Print the processor time of a run of changes with the history and without."""
    assert server.process is not None
    spent: dict[bool, list[float]] = {True: [], False: []}
    for turn in range(-1, rounds):
        for on in (True, False) if turn % 2 else (False, True):
            switch.turn(on)
            begun = processor_seconds(server.process.pid)
            changes = run()
            milliseconds = (processor_seconds(server.process.pid) - begun) / changes * 1000
            if turn >= 0:
                spent[on].append(milliseconds)
    switch.turn(True)
    with_it, without = median(spent[True]), median(spent[False])
    print(
        f"{what}: {with_it:.2f} ms of processor time with, {without:.2f} without: {with_it / without - 1:+.1%}",
        flush=True,
    )


def _changes(admin: Client) -> tuple[Callable[[], int], Callable[[], int]]:
    show = factories.production(admin)
    tasks = [factories.task(admin, factories.entity(admin, show["id"], "Shot"), "Animation") for _ in range(20)]
    states = cycle([factories.named(admin, "task-status", name)["id"] for name in ("Work In Progress", "Retake")])
    numbers = cycle(range(1000))

    def comments() -> int:
        for number in range(_AT_ONCE):
            body = {"comment": "Better, but the hand slides.", "task_status_id": next(states)}
            admin.ok_post(f"/actions/tasks/{tasks[number % 20]['id']}/comment", body)
        return _AT_ONCE

    def updates() -> int:
        for number in range(_AT_ONCE):
            admin.ok_put(
                f"/data/tasks/{tasks[number % 20]['id']}", {"estimation": next(numbers), "priority": number % 3}
            )
        return _AT_ONCE

    return comments, updates


def _sheets(admin: Client, shots: int) -> Callable[[], int]:
    people = [factories.hire(admin, first_name="Ada", last_name=unique("Sheet")).person["full_name"] for _ in range(5)]
    turns = cycle(range(4))

    def imported() -> int:
        show = factories.production(admin)
        names = [unique(name) for name in TASKS[:3]]
        for name in names:
            kind = admin.ok_post("/data/task-types", {"name": name, "color": "#112233", "for_entity": "Shot"})
            admin.ok_post(f"/data/projects/{show['id']}/settings/task-types", {"task_type_id": kind["id"]})
        for _ in range(2):
            file = {"file": ("shots.csv", sheet(shots, names, people, next(turns)), "text/csv")}
            path = f"/import/csv/projects/{show['id']}/shots"
            answer = admin.post(path, files=file, params={"update": "true"}, timeout=900)
            assert answer.status_code == 201, answer.text[:2000]
        return 2 * shots

    return imported


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 6
    shots = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    begun = time.perf_counter()
    with Server() as server:
        admin, switch = sign_in(server.api, *ADMIN), Switch(server.database_url)
        comments, updates = _changes(admin)
        if rounds:
            compare("a comment with a status", server, switch, rounds, comments)
            compare("an update of a task", server, switch, rounds, updates)
        if shots:
            compare(f"a row of a sheet of {shots} shots", server, switch, max(rounds // 3, 1), _sheets(admin, shots))
    print(f"measured in {time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main()

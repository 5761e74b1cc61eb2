"""A sheet of shots with their tasks, and how long somebody who comments meanwhile waits: `python -m bench.sheets`.

    python -m bench.sheets [SHOTS] [API]

Shots are imported into a production of eight task types: statuses of all tasks, an assignee of most, some comments.
Then they are imported again with other statuses, while somebody comments on tasks of the sheet itself. Beside the
times it tells the processor time of the API and of PostgreSQL: on a busy machine that is what can be compared.
"""

import csv
import io
import random
import sys
import threading
import time
from contextlib import nullcontext

from bench.search import processor_times
from tests import factories
from tests.client import Client, sign_in, unique
from tests.server import ADMIN, Server

TASKS = ("Storyboard", "Layout", "Animation", "Lighting", "FX", "Compositing", "Rendering", "Recording")
STATUSES = ("wip", "wfa", "done", "todo")
#: Shots of a sequence.
IN_SEQUENCE = 40


def sheet(shots: int, task_types: list[str], people: list[str], turn: int) -> bytes:
    """The file; of each turn with other statuses."""
    chance = random.Random(turn)
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";")
    tasks = [column for name in task_types for column in (name, f"{name} assignations")]
    writer.writerow(["Sequence", "Name", "Description", "Frame In", "Frame Out", *tasks, f"{task_types[2]} comment"])
    for number in range(shots):
        sequence, place = divmod(number, IN_SEQUENCE)
        cells = [
            cell
            for name in range(len(task_types))
            for cell in (STATUSES[(number + name + turn) % len(STATUSES)], chance.choice([*people, ""]))
        ]
        said = f"Take {turn} of this one" if number % 10 == 0 else ""
        writer.writerow([f"SQ{sequence:03}", f"SH{place:03}", f"What happens in {number}", 1001, 1100, *cells, said])
    return text.getvalue().encode()


class Commenter(threading.Thread):
    """Comments on one task after the other until it is told to stop, and knows the longest wait."""

    def __init__(self, who: Client, task_ids: list[str], status_id: str) -> None:
        super().__init__(daemon=True)
        self.who, self.task_ids, self.status_id = who, task_ids, status_id
        self.waits: list[float] = []
        self.done = threading.Event()

    def run(self) -> None:
        for task_id in random.Random(1).sample(self.task_ids, len(self.task_ids)) * 1000:
            if self.done.wait(0.05):
                return
            begun = time.perf_counter()
            self.who.ok_post(
                f"/actions/tasks/{task_id}/comment", {"task_status_id": self.status_id, "comment": "Meanwhile"}
            )
            self.waits.append(time.perf_counter() - begun)


def measure(api: str, shots: int, server: Server | None) -> None:
    """Print the seconds of both imports and the longest waits; with a server of ours, its processor times."""
    admin = sign_in(api, *ADMIN)
    people = [factories.hire(admin, first_name="Ada", last_name=unique("Sheet")).person["full_name"] for _ in range(20)]
    show = factories.production(admin)
    task_types = [unique(name) for name in TASKS]
    for name in task_types:
        kind = admin.ok_post("/data/task-types", {"name": name, "color": "#112233", "for_entity": "Shot"})
        admin.ok_post(f"/data/projects/{show['id']}/settings/task-types", {"task_type_id": kind["id"]})
    status_id = factories.named(admin, "task-status", "Work In Progress")["id"]
    other = factories.task(admin, factories.entity(admin, show["id"], "Shot"), "Animation")
    task_ids = [other["id"]]
    for turn, query in enumerate(({}, {"update": "true"})):
        commenter = Commenter(sign_in(api, *ADMIN), task_ids, status_id)
        commenter.start()
        file = {"file": ("shots.csv", sheet(shots, task_types, people, turn), "text/csv")}
        before = {} if server is None else processor_times(server)
        begun = time.perf_counter()
        answer = admin.post(f"/import/csv/projects/{show['id']}/shots", files=file, params=query, timeout=900)
        seconds = time.perf_counter() - begun
        assert answer.status_code == 201, answer.text[:2000]
        used = {} if server is None else processor_times(server)
        commenter.done.set()
        commenter.join()
        waits = sorted(commenter.waits)
        what = "again, with other statuses" if turn else f"{shots} shots, {len(TASKS)} tasks each"
        print(f"{what}: {seconds:.1f} s, {shots / seconds:.0f} rows/s;", end=" ")
        print(f"who comments meanwhile waits {waits[len(waits) // 2]:.2f} s, {waits[-1]:.2f} s at the longest")
        for part, seconds in used.items():
            print(f"  processor time of the {part}: {seconds - before[part]:.1f} s")
        rows = admin.ok_get("/data/shots/with-tasks", params={"project_id": show["id"]})
        task_ids = [task["id"] for row in rows for task in row["tasks"]]


def main() -> None:
    shots = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    running = nullcontext(None) if len(sys.argv) > 2 else Server()
    with running as server:
        measure(sys.argv[2] if server is None else server.api, shots, server)


if __name__ == "__main__":
    main()

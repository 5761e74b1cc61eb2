"""A thousand operations in a batch beside the same one by one: `python -m bench.batch`.

    python -m bench.batch [OPERATIONS] [API]

Creates tasks, updates them and comments each, in one batch and then each with a request of its own, as one script on
one connection does. The machines are noisy: compare the two of a line.
"""

import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any

from tests import factories
from tests.client import Client, sign_in
from tests.server import ADMIN, Server

Step = dict[str, Any]


def step(method: str, path: str, body: Any) -> Step:
    return {"method": method, "path": path, "body": body}


def together(who: Client, steps: list[Step]) -> list[Any]:
    """The answers of a batch."""
    results: list[Any] = []
    for first in range(0, len(steps), 1000):
        answer = who.ok_post("/open/v1/batch", {"operations": steps[first : first + 1000]}, timeout=600)
        results += [result["body"] for result in answer["results"]]
    return results


def one_by_one(who: Client, steps: list[Step]) -> list[Any]:
    """The answers of a request for each."""
    answers = [who.call(one["method"], one["path"], json=one["body"]) for one in steps]
    assert all(answer.status_code < 300 for answer in answers)
    return [answer.json() for answer in answers]


def timed(do: Callable[[], list[Any]]) -> tuple[float, list[Any]]:
    begun = time.perf_counter()
    answers = do()
    return time.perf_counter() - begun, answers


def measure(who: Client, number: int) -> None:
    """Print the table."""
    project = factories.production(who)
    kind = factories.named(who, "entity-types", "Character")["id"]
    types = [factories.named(who, "task-types", name)["id"] for name in ("Modeling", "Shading")]
    todo, wip = (factories.named(who, "task-status", name)["id"] for name in ("Todo", "Work In Progress"))
    assets = together(
        who,
        [
            step("POST", "/data/entities", {"name": f"A{n}", "project_id": project["id"], "entity_type_id": kind})
            for n in range(number)
        ],
    )

    def creates(task_type: str) -> list[Step]:
        more = {"name": "main", "task_type_id": task_type, "task_status_id": todo}
        return [step("POST", "/data/tasks", {**more, "entity_id": row["id"]}) for row in assets]

    print(f"{number} operations on tasks, in seconds\n\n| | batch | one by one |\n| --- | --- | --- |")
    batch, tasks = timed(lambda: together(who, creates(types[0])))
    singly, others = timed(lambda: one_by_one(who, creates(types[1])))
    print(f"| create | {batch:.2f} | {singly:.2f} |")

    def updates(rows: list[Any]) -> list[Step]:
        return [step("PUT", f"/data/tasks/{row['id']}", {"priority": 2, "estimation": 480}) for row in rows]

    def comments(rows: list[Any]) -> list[Step]:
        body = {"task_status_id": wip, "comment": "Begun."}
        return [step("POST", f"/actions/tasks/{row['id']}/comment", body) for row in rows]

    for word, steps in (("update", updates), ("comment", comments)):
        batch, _ = timed(partial(together, who, steps(tasks)))
        singly, _ = timed(partial(one_by_one, who, steps(others)))
        print(f"| {word} | {batch:.2f} | {singly:.2f} |", flush=True)


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with Server() if len(sys.argv) < 3 else nullcontext(None) as own:
        measure(sign_in(own.api if own else sys.argv[2], *ADMIN), number)


if __name__ == "__main__":
    main()

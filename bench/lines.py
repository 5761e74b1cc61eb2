"""What is measured: a request, and what its floor runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Ids = Mapping[str, str]


@dataclass(frozen=True)
class Line:
    """One line of the table. The floor of a read runs the statements that Pegbar runs for it, but the caller's own."""

    name: str
    path: str
    method: str = "GET"
    body: Callable[[Ids], Any] | None = None
    #: Asked again with the validator of the answer: 304.
    conditional: bool = False
    #: Whether it has a floor.
    floor: bool = True
    #: Requests at a time when the throughput is measured.
    clients: int = 4
    #: At most so many requests a measure.
    requests: int = 400
    #: Milliseconds that it is to take (`python -m bench.cost`).
    goal: float | None = None
    #: Times its floor that it is to take.
    goal_of_floor: float | None = None


_BOARD = "/data/shots/with-tasks?project_id={project}"
_ASSETS = "/data/assets/with-tasks?project_id={project}"

LINES = [
    Line("shot board", _BOARD, requests=12, clients=2),
    Line("shot board, compact", _BOARD + "&compact=true", requests=12, clients=2),
    Line("shot board, NDJSON", _BOARD + "&stream=true", requests=12, clients=2),
    Line("shot board, NDJSON compact", _BOARD + "&stream=true&compact=true", requests=12, clients=2, goal_of_floor=1.1),
    Line("shot board, 304", _BOARD, conditional=True, floor=False),
    Line("asset board", _ASSETS, requests=30, clients=2, goal=14),
    Line("asset board, 304", _ASSETS, conditional=True, floor=False),
    Line("tasks?project_id=", "/data/tasks?project_id={project}", requests=12, clients=2),
    Line("projects/{id}/tasks", "/data/projects/{project}/tasks", requests=12, clients=2),
    Line("entities?project_id=", "/data/entities?project_id={project}", requests=30, clients=2),
    Line("persons", "/data/persons", requests=200),
    Line("user context", "/data/user/context", requests=100, goal=2.0),
    Line("user context, 304", "/data/user/context", conditional=True, floor=False, requests=100, goal=0.5),
    Line("to-do of the caller", "/data/user/tasks", requests=100, goal=1.0),
    Line("to-do of an artist", "/data/persons/{artist}/tasks", requests=100, goal=1.5),
    Line("notifications of the caller", "/data/user/notifications", requests=400, goal=0.7),
    Line("open productions", "/data/projects/open", requests=400, goal=0.35),
    Line("a task", "/data/tasks/{task}", clients=16, requests=3000, goal=0.38),
    Line("a shot", "/data/shots/{shot}", clients=16, requests=3000, goal=0.45),
    Line("a task, full", "/data/tasks/{task}/full", clients=8, requests=1000, goal=0.6),
    Line("comments of a task", "/data/tasks/{task}/comments", clients=8, requests=1000, goal=0.5),
    Line("news of a production, page 1", "/data/projects/{project}/news?page=1", requests=200, goal=3),
    Line("news of a production, page 20", "/data/projects/{project}/news?page=20", requests=200),
    Line("news of all productions, page 1", "/data/projects/news?page=1", requests=200),
    Line("entity links of a production", "/data/projects/{project}/entity-links?limit=1000", requests=100, goal=5),
    Line("entity links, page 10", "/data/projects/{project}/entity-links?limit=1000&page=10", requests=100),
    Line("casting of a sequence", "/data/projects/{project}/sequences/{sequence}/casting", requests=200),
    Line("month table of a year", "/data/persons/time-spents/month-table/2026", requests=50, goal=8),
    Line("year table", "/data/persons/time-spents/year-table", requests=50),
    Line("week table of a year", "/data/persons/time-spents/week-table/2026", requests=50),
    Line("open tasks", "/data/tasks/open-tasks?project_id={project}&limit=100", requests=50, goal=6),
    Line("open tasks, page 10", "/data/tasks/open-tasks?project_id={project}&limit=100&page=10", requests=50),
    Line("open tasks, statistics", "/data/tasks/open-tasks/stats?project_id={project}", requests=50, goal=5),
    Line("open tasks, burndown", "/data/tasks/open-tasks/burndown?project_id={project}", requests=50, goal=5),
    Line("shots.csv", "/export/csv/projects/{project}/shots.csv", requests=12, clients=2),
    Line("tasks.csv", "/export/csv/tasks.csv", requests=12, clients=2),
    Line(
        "sign-in",
        "/auth/login",
        method="POST",
        body=lambda _: {"email": "admin@example.com", "password": "mysecretpassword"},
        floor=False,
        requests=12,
    ),
    Line(
        "a comment with a status",
        "/actions/tasks/{commented}/comment",
        method="POST",
        body=lambda ids: {"task_status_id": ids["status"], "comment": "Bench"},
        floor=False,
        requests=100,
        goal=3,
    ),
]

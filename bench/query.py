"""What the first page of a query takes in a large studio: `python -m bench.query`.

    python -m bench.query [TASKS …]

Productions of 100,000 tasks are filled until there are so many (100,000 and 1,000,000 unless given), with a comment for
every fifth. A studio manager, who asks about all productions, and a manager, an artist and a vendor of one of them ask
alike. A line tells the time of an answer and of the first one, in which the form of the query is compiled; the
milliseconds of processor that PostgreSQL plans the statement and runs it (planning included), and that the API and
PostgreSQL take for a request, less what they take when idle: on a busy machine these can be compared. The cost is
PostgreSQL's estimate: what exceeds PEGBAR_QUERY_COST is refused.
"""

import asyncio
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import psutil
import psycopg

from bench.search import processor_times
from pegbar.app import load_domains
from pegbar.core.data.compiled import compiled
from pegbar.core.data.database import Database
from pegbar.core.data.parameters import about_caller
from pegbar.core.http.access import Caller, Token
from tests import factories
from tests.client import Client, sign_in
from tests.server import ADMIN, Server

load_domains()

from pegbar.open.query import asking, periods  # noqa: E402
from pegbar.open.query.grammar import parse_query  # noqa: E402
from pegbar.open.query.judging import Judge  # noqa: E402
from pegbar.open.query.queries import made  # noqa: E402

_ROUNDS = 20
_IDLE_SECONDS = 5
_OF_SHOW = 100_000
_PER_SHOT = 5
_FILL = """
WITH show AS (
  INSERT INTO project (id, name, project_status_id, production_style, revision_padding, created_at, updated_at)
  SELECT gen_random_uuid(), 'Bench ' || %(number)s, id, '2d3d', 0, now(), now() FROM project_status WHERE name = 'Open'
  RETURNING id
), sequence AS (
  INSERT INTO entity (id, name, project_id, entity_type_id, status, is_shared, created_at, updated_at)
  SELECT gen_random_uuid(), 'SQ' || n, show.id, t.id, 'running', false, now(), now()
    FROM show, generate_series(1, 200) n, entity_type t WHERE t.name = 'Sequence' RETURNING id, project_id
), shot AS (
  INSERT INTO entity (id, name, project_id, parent_id, entity_type_id, status, is_shared, data, created_at, updated_at)
  SELECT gen_random_uuid(), 'SH' || n, s.project_id, s.id, t.id, 'running', false,
         jsonb_build_object('frame_in', 1001, 'effort', n %% 9), now(), now()
    FROM sequence s, generate_series(1, %(shots)s) n, entity_type t WHERE t.name = 'Shot' RETURNING id, project_id
), types AS (
  SELECT array_agg(id) AS ids FROM (SELECT id FROM task_type WHERE for_entity = 'Shot' ORDER BY name LIMIT 5) t
), statuses AS (
  SELECT array_agg(id ORDER BY priority, name) AS ids FROM task_status
), made AS (
  INSERT INTO task (id, name, project_id, entity_id, task_type_id, task_status_id, difficulty, priority, duration,
                    estimation, due_date, created_at, updated_at)
  SELECT gen_random_uuid(), 'main', shot.project_id, shot.id, types.ids[n],
         statuses.ids[1 + floor(random() * array_length(statuses.ids, 1))::int], 3, floor(random() * 4)::int,
         60 * floor(random() * 9), 480, date '2026-01-01' + floor(random() * 365)::int, now(), now()
    FROM shot, generate_series(1, array_length((SELECT ids FROM types), 1)) n, types, statuses RETURNING id, project_id
), assigned AS (
  INSERT INTO task_person_link (task_id, person_id)
  SELECT made.id, person.id FROM made, unnest(%(people)s::uuid[]) person (id) WHERE random() < 0.001
), said AS (
  INSERT INTO comment (id, object_id, object_type, text, person_id, replies, checklist, for_client, created_at,
                       updated_at)
  SELECT gen_random_uuid(), id, 'Task', 'as drawn', (%(people)s::uuid[])[1], '[]', '[]', false,
         now() - random() * interval '1 year', now()
    FROM made WHERE random() < 0.2
)
SELECT min(id::text) FROM show
"""


def queries(project_id: str, person_id: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """First pages by indexes, by title. The aim is 20 ms of processor at a million tasks."""
    here = ["project_id", "is", project_id]
    fields = [
        "name",
        "shot.name",
        "shot.sequence.name",
        "task_type.name",
        "task_status.short_name",
        "assignees.full_name",
    ]
    return {
        "a page of a production": ("tasks", {"filters": [here], "fields": fields}),
        "by status, wherever": (
            "tasks",
            {"filters": [["task_status.short_name", "in", ["wfa", "retake"]]], "fields": fields},
        ),
        "of a person": ("tasks", {"filters": [["assignees", "is", person_id]], "fields": fields, "sort": "due_date"}),
        "of a shot by name": ("tasks", {"filters": [here, ["shot.name", "is", "SH7"]], "fields": fields}),
        "of a sequence, by date": (
            "tasks",
            {"filters": [here, ["shot.sequence.name", "is", "SQ17"]], "fields": fields, "sort": "-due_date,shot.name"},
        ),
        "shots with a retake": (
            "shots",
            {"filters": [here, ["tasks.task_status.short_name", "is", "retake"]], "fields": "name,tasks.name"},
        ),
    }


def larger(project_id: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """What leads further, is sorted or summed up, by title."""
    here = ["project_id", "is", project_id]
    count = [{"type": "count"}, {"type": "sum", "field": "duration"}]
    month = {"field": "due_date", "type": "month"}
    in_sequence = ["shot.sequence.name", "is", "SQ17"]
    path = "task.shot.sequence.project"
    return {
        "comments, 4 steps": (
            "comments",
            {
                "filters": [[f"{path}.id", "is", project_id], ["task.shot.name", "is", "SH7"]],
                "fields": f"text,{path}.name",
            },
        ),
        "tasks of a sequence with others, 4 steps": (
            "tasks",
            {
                "filters": [here, in_sequence, ["shot.sequence.shots.tasks.priority", "greater_than", 2]],
                "fields": "name",
            },
        ),
        "due in the last two weeks": (
            "tasks",
            {"filters": [here, ["due_date", "in_last", [2, "WEEK"]]], "fields": "name,shot.name,due_date"},
        ),
        "shots by a number of the metadata": (
            "shots",
            {"filters": [here, ["data.effort", "greater_than", 6]], "fields": "name,data.effort"},
        ),
        "the same, sorted by it": (
            "shots",
            {"filters": [here, ["data.effort", "greater_than", 6]], "fields": "name", "sort": "-data.effort"},
        ),
        "a production by date (sorted whole)": ("tasks", {"filters": [here], "fields": "name", "sort": "-due_date"}),
        "a report of a sequence, by status": (
            "tasks",
            {"filters": [here, in_sequence], "summaries": count, "grouping": ["task_status.short_name"]},
        ),
        "a report of a production, by month": (
            "tasks",
            {"filters": [here], "summaries": count, "grouping": ["task_status.short_name", month]},
        ),
        "a report of all productions, by month": ("tasks", {"summaries": count, "grouping": ["project.name", month]}),
    }


def fill(url: str, tasks: int, people: list[str]) -> str:
    """Fill productions, each person with a task of a thousand; the id of the last one."""
    project_id = ""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        (there,) = connection.execute("SELECT count(*) FROM task").fetchone() or (0,)
        while there < tasks:
            wanted = min(_OF_SHOW, tasks - there)
            about = {"number": there, "shots": max(1, wanted // _PER_SHOT // 200), "people": people}
            (project_id,) = connection.execute(_FILL, about).fetchone() or ("",)
            (there,) = connection.execute("SELECT count(*) FROM task").fetchone() or (0,)
        connection.execute("VACUUM ANALYZE")
    return str(project_id)


@dataclass
class Planned:
    """Milliseconds of processor, and PostgreSQL's estimate."""

    plan: float
    run: float
    cost: float


def processor_time(pid: int) -> float:
    """Milliseconds that a process of one thread took."""
    exact = Path(f"/proc/{pid}/schedstat")  # of Linux; elsewhere in ticks of ten milliseconds
    if exact.exists():
        return int(exact.read_text().split()[0]) / 1e6
    used = psutil.Process(pid).cpu_times()
    return 1000 * (used.user + used.system)


async def planned(url: str, caller: Caller, thing: str, body: dict[str, Any]) -> Planned:
    """What PostgreSQL takes for a query."""
    database = Database(url, size=1, streams=1)
    await database.open()
    try:
        about_caller.set({"caller_id": caller.id, "caller_role": caller.role, "caller_departments": []})
        query = parse_query(body)
        columns = await asking.columns_of(database, caller, query.condition, paths=asking._paths_of(query))
        judge = Judge(asking.seen_by(caller, thing), columns, periods.clock_of("UTC"))
        asked = (asking._groups if query.summaries else asking._rows)(judge, query, body, "json")
        ready = compiled(made(asked.form))
        arguments = ready.arguments({"looked_at": asked.limit + 1, **asked.params})
        connection: asyncpg.Connection
        async with database._executor().acquire() as connection:
            pid = connection.get_server_pid()
            plans = await connection.prepare(f"EXPLAIN (FORMAT JSON) {ready.sql}")
            cost = (await plans.fetchval(*arguments))[0]["Plan"]["Total Cost"]
            rows = await connection.prepare(ready.sql)
            taken = []
            for statement in (plans, rows):
                await statement.fetch(*arguments)
                before = processor_time(pid)
                for _ in range(_ROUNDS):
                    await statement.fetch(*arguments)
                taken.append((processor_time(pid) - before) / _ROUNDS)
    finally:
        await database.close()
    return Planned(*taken, cost)


def taken(server: Server, seconds: float, before: dict[str, float]) -> dict[str, float]:
    """Milliseconds of processor since, in all."""
    used = processor_times(server)
    return {part: 1000 * (used[part] - before[part] - seconds * _idle[part]) for part in used}


#: Seconds of processor that each part takes in a second when nobody asks.
_idle = {"api": 0.0, "database": 0.0}


def measure_idle(server: Server) -> None:
    """Learn what is taken without requests."""
    before, started = processor_times(server), time.perf_counter()
    time.sleep(_IDLE_SECONDS)
    after = processor_times(server)
    for part in _idle:
        _idle[part] = (after[part] - before[part]) / (time.perf_counter() - started)


def measure(server: Server, who: Client, title: str, asked: dict[str, tuple[str, dict[str, Any]]]) -> None:
    """Print a line for each query."""
    caller = Caller(
        id=UUID(who.id),
        role=who.person["role"],
        token=Token(UUID(who.id), "x", "access", "person", 0.0),
        roles=frozenset() if who.person["role"] == "admin" else frozenset({who.person["role"]}),
    )
    print(f"\n{title:<42}{'ms':>8}{'first':>8}{'plan':>8}{'run':>8}{'cost':>12}{'api':>8}{'database':>10}{'both':>8}")
    for name, (thing, body) in asked.items():
        of_server = asyncio.run(planned(server.database_url, caller, thing, body))
        times = []
        for number in range(_ROUNDS + 10):  # each connection has to know the tables
            if number == 10:
                before, started = processor_times(server), time.perf_counter()
            asked_at = time.perf_counter()
            answer = who.post(f"/open/v1/query/{thing}", body)
            times.append(1000 * (time.perf_counter() - asked_at))
        used = taken(server, time.perf_counter() - started, before)
        api, database = (used[part] / _ROUNDS for part in ("api", "database"))
        print(
            f"{name:<42}{statistics.median(times[10:]):>8.1f}{times[0]:>8.1f}{of_server.plan:>8.1f}{of_server.run:>8.1f}"
            f"{of_server.cost:>12,.0f}{api:>8.1f}{database:>10.1f}{api + database:>8.1f}"
            f"{'' if answer.ok else '  refused'}",
            flush=True,
        )


def main() -> None:
    """Measure each size."""
    with Server(None, PEGBAR_POSTGRES_OPTIONS="", DEBUG="false") as server:
        admin = sign_in(server.api, *ADMIN)
        team = {role: factories.hire(admin, role) for role in ("manager", "user", "vendor")}
        measure_idle(server)
        for size in [int(argument) for argument in sys.argv[1:]] or [100_000, 1_000_000]:
            project_id = fill(server.database_url, size, [team["user"].id, team["vendor"].id])
            for member in team.values():
                factories.join(admin, project_id, member)
            for role, who in {"admin": admin, **team}.items():
                asked = {**queries(project_id, team["user"].id), **larger(project_id)}
                measure(server, who, f"{size:,} tasks, {role}", asked)


if __name__ == "__main__":
    main()

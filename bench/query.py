"""What the first page of a query takes in a large studio: `python -m bench.query`.

    python -m bench.query [TASKS …]

Productions of 100,000 tasks are filled until there are so many (100,000 and 1,000,000 unless given). A studio manager,
who asks about all productions, and an artist of one of them ask alike. Beside the times it tells the processor time of
the API and of PostgreSQL, and the time that PostgreSQL measures itself: on a busy machine these can be compared.
"""

import asyncio
import statistics
import sys
import time
from typing import Any

import asyncpg
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

_ROUNDS = 20
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
  SELECT made.id, %(person)s FROM made WHERE random() < 0.001
)
SELECT min(id::text) FROM show
"""


def queries(project_id: str, person_id: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """What is asked, by title."""
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
        "a production by date (sorted whole)": ("tasks", {"filters": [here], "fields": fields, "sort": "-due_date"}),
        "a report of a production": (
            "tasks",
            {
                "filters": [here],
                "summaries": [{"type": "count"}, {"type": "sum", "field": "duration"}],
                "grouping": ["task_status.short_name", {"field": "due_date", "type": "month"}],
            },
        ),
    }


def fill(url: str, tasks: int, person_id: str) -> str:
    """Fill productions; the id of the last one."""
    project_id = ""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        (there,) = connection.execute("SELECT count(*) FROM task").fetchone() or (0,)
        while there < tasks:
            wanted = min(_OF_SHOW, tasks - there)
            about = {"number": there, "shots": max(1, wanted // _PER_SHOT // 200), "person": person_id}
            (project_id,) = connection.execute(_FILL, about).fetchone() or ("",)
            (there,) = connection.execute("SELECT count(*) FROM task").fetchone() or (0,)
        connection.execute("VACUUM ANALYZE")
    return str(project_id)


async def planned(url: str, caller: Caller, thing: str, body: dict[str, Any]) -> tuple[float, float]:
    """The milliseconds that PostgreSQL says planning and running take."""
    database = Database(url, size=1, streams=1)
    await database.open()
    try:
        query = parse_query(body)
        columns = await asking.columns_of(database, caller, query.condition)
        judge = Judge(asking.seen_by(caller, thing), columns, periods.clock_of("UTC"))
        asked = (asking._groups if query.summaries else asking._rows)(judge, query, body, "json")
        about_caller.set({"caller_id": caller.id, "caller_role": caller.role, "caller_departments": []})
        ready = compiled(asked.statement)
        arguments = ready.arguments({"looked_at": asked.limit + 1, **asked.params})
        connection: asyncpg.Connection
        async with database._executor().acquire() as connection:
            runs = [
                (await connection.fetchval(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {ready.sql}", *arguments))[0]
                for _ in range(7)
            ]
    finally:
        await database.close()
    times = [[run[key] for run in runs] for key in ("Planning Time", "Execution Time")]
    return statistics.median(times[0]), statistics.median(times[1])


def measure(server: Server, who: Client, title: str, asked: dict[str, tuple[str, dict[str, Any]]]) -> None:
    """Print a line for each query."""
    caller = Caller(
        id=who.id,  # type: ignore[arg-type]
        role=who.person["role"],
        token=Token(who.id, "x", "access", "person", 0.0),  # type: ignore[arg-type]
        roles=frozenset() if who.person["role"] == "admin" else frozenset({who.person["role"]}),
    )
    print(f"\n{title:<38}{'ms':>8}{'plan':>8}{'run':>8}{'api':>8}{'database':>10}   the last two: processor ms a query")
    for name, (thing, body) in asked.items():
        plan, run = asyncio.run(planned(server.database_url, caller, thing, body))
        times = []
        for number in range(_ROUNDS + 5):
            if number == 5:
                before = processor_times(server)
            started = time.perf_counter()
            who.ok_post(f"/open/v1/query/{thing}", body)
            times.append(1000 * (time.perf_counter() - started))
        used = {part: 1000 * (value - before[part]) / _ROUNDS for part, value in processor_times(server).items()}
        median = statistics.median(times[5:])
        print(
            f"{name:<38}{median:>8.1f}{plan:>8.1f}{run:>8.1f}{used['api']:>8.1f}{used['database']:>10.1f}", flush=True
        )


def main() -> None:
    """Measure each size."""
    with Server(None, PEGBAR_POSTGRES_OPTIONS="", DEBUG="false") as server:
        admin = sign_in(server.api, *ADMIN)
        artist = factories.hire(admin)
        for size in [int(argument) for argument in sys.argv[1:]] or [100_000, 1_000_000]:
            project_id = fill(server.database_url, size, artist.id)
            factories.join(admin, project_id, artist)
            asked = queries(project_id, artist.id)
            measure(server, admin, f"{size:,} tasks, a studio manager", asked)
            measure(server, artist, f"{size:,} tasks, an artist", asked)


if __name__ == "__main__":
    main()

"""What a search takes, in a small studio and in a large one: `python -m bench.search`.

    python -m bench.search [ENTITIES]

Productions of 40 sequences are filled until there are so many entities (500,000 unless given), once with a fiftieth of
them. A studio manager, who searches all productions, and an artist of one of them search as the web UI does. Beside the
times it tells the processor time of the API and of PostgreSQL: on a busy machine that is what can be compared.
"""

import asyncio
import sys

import msgspec
import psutil
import psycopg

from bench.load import run
from tests import factories
from tests.client import Client, sign_in
from tests.server import ADMIN, Server

QUERIES = {
    "a shot by its place": "SQ010 SH0120",
    "the same, in one word": "sq10sh120",
    "a shot's number": "sh120",
    "a number being typed": "sh0",
    "an asset": "lantern",
    "a word being typed": "lan",
    "a typing error": "lnatern",
    "part of a word": "antern",
    "words of descriptions": "storm harbor",
    "a value of a third of all": "hard",
    "nothing": "xylophone",
}
_WORDS = (  # noqa: SIM905 - thirty words
    "lantern harbor storm meadow cobalt raven thistle copper willow ember glacier canyon velvet marble orchid falcon "
    "juniper saffron cedar quartz bramble heather pebble anchor compass beacon cradle timber valley garnet"
).split()
_FILL = """
WITH show AS (
  INSERT INTO project (id, name, project_status_id, production_style, revision_padding, created_at, updated_at)
  SELECT gen_random_uuid(), 'Bench ' || %(number)s, id, '2d3d', 0, now(), now() FROM project_status WHERE name = 'Open'
  RETURNING id
), sequence AS (
  INSERT INTO entity (id, name, project_id, entity_type_id, status, is_shared, created_at, updated_at)
  SELECT gen_random_uuid(), 'SQ' || lpad((n * 10)::text, 3, '0'), show.id, t.id, 'running', false, now(), now()
    FROM show, generate_series(1, 40) n, entity_type t WHERE t.name = 'Sequence' RETURNING id, project_id
), asset AS (
  INSERT INTO entity (id, name, project_id, entity_type_id, status, is_shared, created_at, updated_at)
  SELECT gen_random_uuid(), initcap(w[1 + n %% 30]) || ' ' || initcap(w[1 + (n * 7) %% 29]) || ' ' || n, show.id, t.id,
         'running', false, now(), now()
    FROM show, generate_series(1, 500) n, (SELECT %(words)s::text[] AS w) w, entity_type t WHERE t.name = 'Character'
)
SELECT array_agg(id), min(project_id::text) FROM sequence
"""
_SHOTS = """
INSERT INTO entity (id, name, project_id, parent_id, entity_type_id, status, is_shared, description, data, created_at,
                    updated_at)
SELECT gen_random_uuid(), 'SH' || lpad((n * 10)::text, 4, '0'), s.project_id, s.id, t.id, 'running', false,
       concat_ws(' ', w[1 + n %% 30], w[1 + (n * 11) %% 29], w[1 + (n * 3) %% 28], 'in the', w[1 + (n * 5) %% 27]),
       jsonb_build_object('frame_in', 1001, 'effort', (ARRAY['easy', 'hard', 'hero'])[1 + n %% 3]), now(), now()
  FROM entity s, generate_series(1, 200) n, (SELECT %(words)s::text[] AS w) w, entity_type t
 WHERE s.id = ANY(%(sequences)s) AND t.name = 'Shot'
"""


def fill(connection: psycopg.Connection, entities: int) -> str:
    """Fill productions; the id of the last one."""
    project_id, filled = "", 0
    (number,) = connection.execute("SELECT count(*) FROM project").fetchone() or (0,)
    while filled < entities:
        number += 1
        about = {"number": number, "words": _WORDS}
        sequences, project_id = connection.execute(_FILL, about).fetchone() or ([], "")
        wanted = sequences[: max(1, min(40, (entities - filled) // 200))]
        connection.execute(_SHOTS, {"sequences": wanted, "words": _WORDS})
        filled += 540 + 200 * len(wanted)
    connection.execute("VACUUM ANALYZE")
    return project_id


def processor_times(server: Server) -> dict[str, float]:
    """Seconds of the API's processes and of PostgreSQL's."""
    assert server.process is not None
    taken = {"api": 0.0, "database": 0.0}
    postmaster = int((server.folder / "postgresql" / "postmaster.pid").read_text().split()[0])
    children = set(psutil.Process(postmaster).children())
    backends = {child.pid for child in children}
    # The postmaster is a child of the server's: what it started is counted once.
    for process in children | set(psutil.Process(server.process.pid).children(recursive=True)):
        try:
            used = sum(process.cpu_times()[:2])
        except psutil.Error:
            continue
        taken["database" if process.pid in backends | {postmaster} else "api"] += used
    return taken


def measure(server: Server, who: Client, title: str) -> None:
    """Print a line for each query."""
    print(f"\n{title:<28}{'ms':>8}{'req/s':>8}{'api':>8}{'database':>10}   processor ms a search")
    for name, query in QUERIES.items():
        body = msgspec.json.encode({"query": query})
        headers = {"Authorization": f"Bearer {who.token}"}
        times = {}
        # The first warm it up: a connection plans a statement anew for its first five runs.
        for clients, requests in ((4, 80), (1, 20), (4, 200)):
            before = processor_times(server)
            url = f"{server.api}/data/search"
            done = asyncio.run(run(url, "POST", body, headers, clients=clients, requests=requests, seconds=8))
            assert not done.failures
            used = {part: value - before[part] for part, value in processor_times(server).items()}
            times[clients] = done, {part: 1000 * value / len(done.times) for part, value in used.items()}
        (alone, _), (many, used) = times[1], times[4]
        print(
            f"{name:<28}{alone.median:>8.1f}{many.rate:>8.0f}{used['api']:>8.1f}{used['database']:>10.1f}", flush=True
        )


def main() -> None:
    """Measure both sizes."""
    entities = int(sys.argv[1]) if len(sys.argv) > 1 else 500_000
    with Server(None, PEGBAR_POSTGRES_OPTIONS="", DEBUG="false") as server:
        admin = sign_in(server.api, *ADMIN)
        artist = factories.hire(admin)
        with psycopg.connect(server.database_url, autocommit=True) as connection:
            for size in (entities // 50, entities - entities // 50):
                show = fill(connection, size)
                factories.join(admin, show, artist)
                (there,) = connection.execute("SELECT count(*) FROM entity").fetchone() or (0,)
                measure(server, admin, f"{there:,} entities, all")
                measure(server, artist, f"{there:,}, own production")


if __name__ == "__main__":
    main()

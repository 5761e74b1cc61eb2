"""A production too large for a request is hidden by it and emptied by a job. docs/architecture.md, "Deleting …"."""

import json
import os
import signal
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
from psycopg import sql

from tests.client import Client, sign_in, unique
from tests.command import pegbar
from tests.factories import entity, hire, named, production, task
from tests.media.publishing import published
from tests.productions.test_projects import close
from tests.server import ADMIN, Server
from tests.trash import purge
from tests.workers import wait_for, worker_of

#: Rows that refer to the production's without a foreign key.
UNTOLD = [("comment", "object_id", "task", "id"), ("chat", "object_id", "entity", "id")]
_KEYS = """
SELECT c.conrelid::regclass::text, a.attname, c.confrelid::regclass::text, b.attname
  FROM pg_constraint c
  JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY(c.conkey)
  JOIN pg_attribute b ON b.attrelid = c.confrelid AND b.attnum = ANY(c.confkey)
 WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace
"""
#: As many shots, each with a task, a comment with news, a preview, hours, a working file and a line in the log.
_FILL = """
WITH shot AS (
  INSERT INTO entity (id, name, status, project_id, entity_type_id, parent_id)
  SELECT gen_random_uuid(), %(prefix)s::text || n, 'running', %(show)s, %(type)s, %(parent)s
    FROM generate_series(1, %(many)s) n RETURNING id
), job AS (
  INSERT INTO task (id, name, project_id, entity_id, task_type_id)
  SELECT gen_random_uuid(), 'main', %(show)s, shot.id, %(task_type)s FROM shot RETURNING id, entity_id
), seen AS (
  INSERT INTO preview_file (id, name, task_id, status, validation_status)
  SELECT gen_random_uuid(), 'p', id, 'ready', 'neutral' FROM job RETURNING id, task_id
), said AS (
  INSERT INTO comment (id, object_id, object_type, person_id, preview_file_id)
  SELECT gen_random_uuid(), task_id, 'Task', %(person)s, id FROM seen RETURNING id, object_id
), told AS (
  INSERT INTO news (id, change, author_id, task_id, comment_id)
  SELECT gen_random_uuid(), false, %(person)s, object_id, id FROM said
), spent AS (
  INSERT INTO time_spent (id, duration, date, task_id, person_id)
  SELECT gen_random_uuid(), 60, '2025-01-01', id, %(person)s FROM job
), worked AS (
  INSERT INTO working_file (id, task_id, entity_id, validation_status)
  SELECT gen_random_uuid(), id, entity_id, 'neutral' FROM job
)
INSERT INTO api_event (id, name, project_id, created_at) SELECT gen_random_uuid(), 'x', %(show)s, now() FROM job
"""


def everything_of(database: psycopg.Connection, show: str) -> dict[tuple[str, str], set[Any]]:
    """The values, by table and column, by which rows refer to the production or to each other, down from it."""
    keys = [*database.execute(_KEYS).fetchall(), *UNTOLD]
    values: dict[tuple[str, str], set[Any]] = {}
    open_: list[tuple[str, set[Any]]] = [("project", {show})]
    known: dict[str, set[Any]] = {"project": {show}}
    while open_:
        parent, ids = open_.pop()
        for table, column, to, _ in keys:
            if to != parent:
                continue
            has_id = any(key[2] == table for key in keys)
            what = sql.SQL("SELECT {}, {} FROM {} WHERE {} = ANY(%s::uuid[])").format(
                *(sql.Identifier(name) for name in (column, "id" if has_id else column, table, column))
            )
            rows = database.execute(what, (list(map(str, ids)),)).fetchall()
            values.setdefault((table, column), set()).update(str(row[0]) for row in rows)
            new = {str(row[1]) for row in rows} - known.setdefault(table, set()) if has_id else set()
            if new:
                known[table] |= new
                open_.append((table, new))
    return {where: ids for where, ids in values.items() if ids}


def left_of(database: psycopg.Connection, referred: dict[tuple[str, str], set[Any]]) -> Iterable[tuple[str, str]]:
    """Where rows still refer to what is gone."""
    for (table, column), values in referred.items():
        what = sql.SQL("SELECT EXISTS (SELECT 1 FROM {} WHERE {} = ANY(%s::uuid[]))").format(
            sql.Identifier(table), sql.Identifier(column)
        )
        if database.execute(what, (list(values),)).fetchone() == (True,):
            yield table, column


def test_a_large_production_goes_although_its_worker_is_killed(mortal: Server) -> None:
    """A production too large for a request is hidden at once; a killed worker's work is finished by the next."""
    admin = sign_in(mortal.api, *ADMIN)
    artist, name = hire(admin), unique("Big")
    show = production(admin, artist, name=name)["id"]
    sequence = entity(admin, show, "Sequence")
    job = task(admin, entity(admin, show, "Shot", parent_id=sequence["id"]), "Animation", assignees=[artist.id])
    preview = published(admin, admin, job["id"])
    thread = f"/actions/tasks/{job['id']}/comments/{preview['comment_id']}/add-attachment"
    (attached,) = admin.ok_post(thread, files={"file": ("notes.txt", b"secret", "text/plain")})
    files = [preview["id"], attached["id"]]
    with psycopg.connect(mortal.database_url, autocommit=True) as database:
        shot = named(admin, "entity-types", "Shot")["id"]
        ids = {"show": show, "type": shot, "parent": sequence["id"], "task_type": job["task_type_id"]}
        database.execute(_FILL, {**ids, "person": artist.id, "many": 2000, "prefix": "SH"})
        referred = everything_of(database, show)
        assert len(referred) > 20, "the walk along foreign keys finds little"
        stored = [path for path in (mortal.folder / "previews").rglob("*") if path.is_file() and path.name in files]
        assert len(stored) > 3
        close(admin, show)
        with psycopg.connect(mortal.database_url) as holder:
            # The job gets stuck on one shot, so that its worker is killed in the middle.
            holder.execute("SELECT 1 FROM entity WHERE project_id = %s AND name = 'SH1000' FOR UPDATE", (show,))
            with ThreadPoolExecutor(2) as pool:
                path = f"/data/projects/{show}?force=true"
                answers = pool.map(lambda _: Client(admin.api, admin.token).delete(path).status_code, range(2))
            assert sorted(answers) == [204, 404]
            check_hidden(admin, artist, show, job["id"], name)
            stuck = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%FROM entity WHERE%'"
            wait_for(database, stuck)
            worker = worker_of(mortal)
            os.kill(worker.pid, signal.SIGKILL)
            worker.wait(10)
            # What a request adds whose check had passed before goes too, though the tasks are done with.
            late = {**ids, "person": artist.id, "many": 1, "prefix": "LATE"}
            database.execute(_FILL, late)
            for where, values in everything_of(database, show).items():
                referred.setdefault(where, set()).update(values)
            (progress,) = admin.ok_get("/data/projects/removals")
            assert (progress["project_name"], progress["requested_by"]) == (name, admin.id)
            assert 0 < progress["removed"] < progress["total"]
        wait_for(database, "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM project WHERE id = %s)", show)
        assert list(left_of(database, referred)) == []
        assert admin.ok_get("/data/projects/removals") == []
        assert all(path.exists() for path in stored)
        purge(admin, show)
        purged = "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM stored_file WHERE file_id = ANY(%s) AND purged_at IS NULL)"
        wait_for(database, purged, files)
        assert not any(path.exists() for path in stored)


def check_hidden(admin: Client, artist: Client, show: str, task_id: str, name: str) -> None:
    """Nobody finds the production any more, and its name is free."""
    rows = {"project_id": show, "name": "x", "entity_type_id": named(admin, "entity-types", "Shot")["id"]}
    for path in ("/data/entities", "/data/milestones", "/data/playlists", f"/data/projects/{show}/sequences"):
        assert admin.post(path, rows).status_code == 404, path
    for caller in (admin, artist):
        for path in (f"/data/projects/{show}", f"/data/projects/{show}/team", f"/data/tasks/{task_id}"):
            assert caller.get(path).status_code == 404, path
        for path in ("/data/projects", "/data/projects/all", "/data/projects/open"):
            assert show not in {row["id"] for row in caller.ok_get(path)}
    assert admin.delete(f"/data/projects/{show}", params={"force": "true"}).status_code == 404
    production(admin, name=name)


_DEFER = """
SELECT pegbar.procrastinate_defer_jobs_v1(ARRAY[
  ROW('default', %s, 0, NULL, NULL, %s, NULL)::pegbar.procrastinate_job_to_defer_v1])
"""
_REQUEST = """
INSERT INTO pegbar.project_removal
       (project_id, project_name, requested_by, requested_at, updated_at, total, removed, doing)
VALUES (%s, %s, %s, now(), now(), 2, 0, 'tasks')
"""


def test_a_removal_that_fails_says_why_and_goes_on_when_it_can(
    server: Server, admin: Client, database: psycopg.Connection
) -> None:
    """A table of somebody else that refers to the production holds up its row; the clock starts the job again."""
    show = production(admin)
    entity(admin, show["id"])
    database.execute("CREATE TABLE keepsake (project_id uuid REFERENCES project (id))")
    try:
        database.execute("INSERT INTO keepsake VALUES (%s)", (show["id"],))
        database.execute(_REQUEST, (show["id"], show["name"], admin.id))
        database.execute(_DEFER, ("productions.empty", json.dumps({"project_id": show["id"]})))
        failed = "SELECT 1 FROM pegbar.project_removal WHERE project_id = %s AND last_error IS NOT NULL"
        wait_for(database, failed, show["id"])
        (seen,) = admin.ok_get("/data/projects/removals")
        assert "keepsake" in seen["last_error"]
        assert hire(admin, "manager").get("/data/projects/removals").status_code == 403
        listing = pegbar("jobs", "removals", "--json", "--data", str(server.folder))
        (removal,) = json.loads(listing.stdout)
        # All that was in it is gone: the asset and what the log told of it.
        assert removal["project_name"] == show["name"]
        assert removal["removed"] == removal["total"] >= 2
    finally:
        database.execute("DROP TABLE keepsake")
    database.execute("UPDATE pegbar.project_removal SET updated_at = now() - interval '1 day'")
    database.execute(_DEFER, ("productions.resume_removals", "{}"))
    wait_for(database, "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM project WHERE id = %s)", show["id"])
    progress = "SELECT person_id::text, payload::jsonb FROM pegbar.outbox WHERE name = 'project-removal:update'"
    whom, last = database.execute(f"{progress} ORDER BY position DESC LIMIT 1").fetchone() or ()
    assert whom == admin.id
    assert last == {"project_id": show["id"], "removed": removal["removed"], "total": removal["total"], "done": True}

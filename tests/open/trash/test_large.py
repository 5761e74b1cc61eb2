"""A production that is deleted and restored by jobs, whose worker is killed in the middle."""

import os
import signal

import psycopg

from tests.client import sign_in, unique
from tests.factories import entity, hire, named, production, task
from tests.media.publishing import published
from tests.open.trash.images import differences, files_of, rows_of
from tests.productions.test_projects import close
from tests.server import ADMIN, Server
from tests.workers import wait_for, worker_of

#: Shots with a task and a subscription each, so that request and job share the work.
_FILL = """
WITH shots AS (
  INSERT INTO entity (id, name, project_id, entity_type_id, parent_id, status, is_shared, created_at, updated_at)
  SELECT gen_random_uuid(), 'SH' || n, %(show)s, %(type)s, %(parent)s, 'running', false, now(), now()
    FROM generate_series(1, 2000) n RETURNING id
), tasks AS (
  INSERT INTO task (id, name, project_id, entity_id, task_type_id, task_status_id, created_at, updated_at)
  SELECT gen_random_uuid(), 'main', %(show)s, id, %(task_type)s, %(status)s, now(), now() FROM shots RETURNING id
)
INSERT INTO subscription (id, person_id, task_id) SELECT gen_random_uuid(), %(person)s, id FROM tasks
"""


def test_a_large_production_comes_back_though_its_worker_is_killed(mortal: Server) -> None:
    admin = sign_in(mortal.api, *ADMIN)
    name = unique("Feature")
    artist = hire(admin)
    show = production(admin, artist, name=name)["id"]
    sequence = entity(admin, show, "Sequence")
    job = task(admin, entity(admin, show, "Shot", parent_id=sequence["id"]), "Compositing", assignees=[artist.id])
    published(admin, admin, job["id"])
    ids = {"show": show, "type": named(admin, "entity-types", "Shot")["id"], "parent": sequence["id"]}
    ids |= {"task_type": job["task_type_id"], "status": job["task_status_id"], "person": artist.id}
    with psycopg.connect(mortal.database_url, autocommit=True) as database:
        database.execute(_FILL, ids)
        close(admin, show)
        before, files = rows_of(database), files_of(mortal)
        admin.ok_delete(f"/data/projects/{show}", params={"force": "true"})
        wait_for(database, "SELECT 1 FROM pegbar.trash WHERE production_id = %s AND state = 'whole'", show)
        (entry,) = admin.ok_get("/open/v1/trash", params={"project_id": show})["entries"]
        assert (entry["kind"], entry["name"], entry["rows"]["task"]) == ("Project", name, 2001)
        refused = admin.post(f"/open/v1/trash/{entry['id']}/restore", {"dry_run": True})
        assert refused.status_code == 400
        with psycopg.connect(mortal.database_url) as holder:
            # Somebody who may take its name keeps the job waiting, so that its worker is killed in the middle.
            taking = "INSERT INTO project (id, name, production_style) VALUES (gen_random_uuid(), %s, '2d')"
            holder.execute(taking, (name,))
            answer = admin.post(f"/open/v1/trash/{entry['id']}/restore", {})
            assert (answer.status_code, answer.json()["state"]) == (202, "restoring")
            assert admin.post(f"/open/v1/trash/{entry['id']}/restore", {}).status_code == 409
            assert admin.delete(f"/open/v1/trash/{entry['id']}").status_code == 409
            wait_for(
                database, "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%judged%'"
            )
            told = admin.ok_get(f"/open/v1/trash/{entry['id']}")
            assert (told["state"], told["doing"]) == ("restoring", "putting back")
            worker = worker_of(mortal)
            os.kill(worker.pid, signal.SIGKILL)
            worker.wait(10)
            assert admin.get(f"/data/projects/{show}").status_code == 404, "nothing is half restored"
            holder.rollback()
        wait_for(database, "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM pegbar.trash WHERE id = %s)", entry["id"])
        assert differences(before, rows_of(database)) == []
        assert files_of(mortal) == files
    assert artist.ok_get(f"/data/tasks/{job['id']}")["assignees"] == [artist.id]

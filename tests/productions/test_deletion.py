"""Deleting productions. Spec crud, "projects", DELETE; spec projects, Worth fixing 9."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import psycopg
import pytest

from tests.client import Client, unique
from tests.factories import entity, hire, named, production, task
from tests.productions.test_projects import close
from tests.server import Server
from tests.workers import wait_for


def test_an_open_production_stays(admin: Client) -> None:
    show = production(admin)
    for force in ("false", "true"):
        answer = admin.delete(f"/data/projects/{show['id']}", params={"force": force})
        assert answer.status_code == 400
        assert answer.json()["error"] is True
    assert admin.get(f"/data/projects/{show['id']}").status_code == 200


def test_permission_comes_before_the_state(admin: Client) -> None:
    """Spec crud, Worth fixing: project DELETE reveals state before checking the permission."""
    boss = hire(admin, "manager")
    assert boss.delete(f"/data/projects/{production(admin, boss)['id']}").status_code == 403


def test_an_empty_production_goes_with_its_events(admin: Client) -> None:
    """Spec projects, Worth fixing 9: non-force deletion fails 500 for any project that has events."""
    show = production(admin, hire(admin), task_types=[named(admin, "task-types", "Modeling")["id"]])
    close(admin, show["id"])
    admin.ok_delete(f"/data/projects/{show['id']}")
    assert admin.get(f"/data/projects/{show['id']}").status_code == 404


def test_without_force_a_production_keeps_what_was_made_in_it(admin: Client) -> None:
    show = production(admin)
    hero = entity(admin, show["id"])
    close(admin, show["id"])
    answer = admin.delete(f"/data/projects/{show['id']}")
    assert answer.status_code == 400
    assert "entity" in answer.json()["message"]
    assert admin.get(f"/data/entities/{hero['id']}").status_code == 200
    assert admin.get(f"/data/projects/{show['id']}").status_code == 200


def _fill(database: psycopg.Connection, ids: dict[str, str]) -> None:
    """One row of everything that may refer to a production, also from another one."""
    statements = """
    INSERT INTO preview_file (id, name, task_id, status, validation_status)
      VALUES (%(preview)s, 'p', %(task)s, 'ready', 'neutral');
    INSERT INTO stored_file (id, bucket, key, prefix, file_id, size, purge_forced, purge_attempts, journal)
      VALUES (%(stored)s, 'pictures', 'thumbnails-' || %(preview)s, 'thumbnails', %(preview)s, 9, false, 0, '[]');
    UPDATE entity SET preview_file_id = %(preview)s WHERE id IN (%(hero)s, %(guest)s);
    UPDATE entity SET parent_id = %(scene)s, source_id = %(scene)s WHERE id = %(guest)s;
    INSERT INTO comment (id, object_id, object_type, person_id, preview_file_id)
      VALUES (%(comment)s, %(task)s, 'Task', %(admin)s, %(preview)s);
    INSERT INTO comment_preview_link VALUES (%(comment)s, %(preview)s);
    INSERT INTO comment_mentions VALUES (%(comment)s, %(admin)s);
    INSERT INTO comment_acknoledgments VALUES (%(comment)s, %(admin)s);
    INSERT INTO attachment_file (id, comment_id) VALUES (gen_random_uuid(), %(comment)s);
    INSERT INTO news (id, change, author_id, task_id, comment_id, preview_file_id)
      VALUES (gen_random_uuid(), false, %(admin)s, %(task)s, %(comment)s, %(preview)s);
    INSERT INTO notification (id, read, change, type, person_id, author_id, task_id, comment_id)
      VALUES (gen_random_uuid(), false, false, 'comment', %(admin)s, %(admin)s, %(task)s, %(comment)s);
    INSERT INTO subscription (id, person_id, task_id) VALUES (gen_random_uuid(), %(admin)s, %(task)s);
    INSERT INTO subscription (id, person_id, entity_id) VALUES (gen_random_uuid(), %(admin)s, %(scene)s);
    INSERT INTO time_spent (id, duration, date, task_id, person_id)
      VALUES (gen_random_uuid(), 60, '2025-01-01', %(task)s, %(admin)s);
    INSERT INTO working_file (id, task_id, entity_id, validation_status)
      VALUES (%(working)s, %(task)s, %(hero)s, 'neutral');
    INSERT INTO working_file (id, entity_id, validation_status) VALUES (gen_random_uuid(), %(scene)s, 'neutral');
    INSERT INTO asset_instance (id, asset_id, scene_id, number) VALUES (%(instance)s, %(hero)s, %(scene)s, 1);
    INSERT INTO asset_instance (id, asset_id, scene_id, number) VALUES (gen_random_uuid(), %(hero)s, %(guest)s, 1);
    INSERT INTO asset_instance_link VALUES (%(guest)s, %(instance)s);
    INSERT INTO file_status (id, name, color) VALUES (%(status)s, %(name)s, '#000000');
    INSERT INTO output_file (id, name, revision, canceled, file_status_id, entity_id, source_file_id, asset_instance_id)
      VALUES (%(output)s, 'o', 1, false, %(status)s, %(hero)s, %(working)s, %(instance)s);
    UPDATE preview_file SET source_file_id = %(output)s WHERE id = %(preview)s;
    INSERT INTO entity_link (id, entity_in_id, entity_out_id) VALUES (gen_random_uuid(), %(guest)s, %(hero)s);
    INSERT INTO entity_concept_link (id, entity_in_id, entity_out_id) VALUES (gen_random_uuid(), %(scene)s, %(hero)s);
    INSERT INTO entity_version (id, name, entity_id) VALUES (gen_random_uuid(), 'v', %(hero)s);
    INSERT INTO playlist (id, name, project_id, episode_id) VALUES (%(playlist)s, 'Dailies', %(show)s, %(scene)s);
    INSERT INTO build_job (id, status, job_type, playlist_id)
      VALUES (gen_random_uuid(), 'running', 'movie', %(playlist)s);
    INSERT INTO playlist_share_link (id, token, playlist_id, created_by, is_active, can_comment)
      VALUES (gen_random_uuid(), %(name)s, %(playlist)s, %(admin)s, true, true);
    INSERT INTO notification (id, read, change, type, person_id, author_id, playlist_id)
      VALUES (gen_random_uuid(), false, false, 'playlist-ready', %(admin)s, %(admin)s, %(playlist)s);
    INSERT INTO budget (id, project_id, revision, name) VALUES (%(budget)s, %(show)s, 1, 'Quote');
    INSERT INTO budget_entry (id, budget_id, department_id, start_date, months_duration, daily_salary)
      VALUES (gen_random_uuid(), %(budget)s, %(department)s, '2025-01-01', 1, 1);
    INSERT INTO metadata_descriptor (id, project_id, entity_type, name, field_name)
      VALUES (%(descriptor)s, %(show)s, 'Asset', 'Fur', 'fur');
    INSERT INTO department_metadata_descriptor_link VALUES (%(descriptor)s, %(department)s);
    INSERT INTO milestone (id, name, project_id) VALUES (gen_random_uuid(), 'm', %(show)s);
    INSERT INTO schedule_item (id, project_id) VALUES (gen_random_uuid(), %(show)s);
    INSERT INTO production_schedule_version (id, name, project_id) VALUES (%(version)s, 'Plan', %(show)s);
    INSERT INTO production_schedule_version_task_link (id, production_schedule_version_id, task_id)
      VALUES (gen_random_uuid(), %(version)s, %(task)s);
    UPDATE project SET from_schedule_version_id = %(version)s WHERE id = %(show)s;
    INSERT INTO search_filter_group (id, list_type, name, color, project_id)
      VALUES (%(group)s, 'asset', '', '', %(show)s);
    INSERT INTO search_filter (id, list_type, name, search_query, search_filter_group_id)
      VALUES (gen_random_uuid(), 'asset', '', '', %(group)s);
    INSERT INTO chat (id, object_id, object_type) VALUES (%(chat)s, %(hero)s, 'entity');
    INSERT INTO chat_message (id, chat_id, person_id) VALUES (%(message)s, %(chat)s, %(admin)s);
    INSERT INTO chat_participant VALUES (%(chat)s, %(admin)s);
    INSERT INTO attachment_file (id, chat_message_id) VALUES (gen_random_uuid(), %(message)s);
    INSERT INTO person (id, first_name, last_name, role, contract_type, is_bot, is_guest, preview_project_id)
      VALUES (%(account)s, 'Preview', 'Show', 'client', 'open-ended', false, false, %(show)s);
    INSERT INTO login_log (id, person_id) VALUES (gen_random_uuid(), %(account)s);
    INSERT INTO project_person_link (project_id, person_id) VALUES (%(show)s, %(account)s)
    """
    for statement in statements.split(";"):
        database.execute(statement, ids)


def test_force_is_complete_and_leaves_other_productions_alone(admin: Client, database: psycopg.Connection) -> None:
    """Spec projects, Worth fixing 9: force deletion is neither atomic nor complete."""
    show, other = production(admin), production(admin)
    hero, scene, guest = entity(admin, show["id"]), entity(admin, show["id"]), entity(admin, other["id"])
    ids = {"show": show["id"], "hero": hero["id"], "scene": scene["id"], "guest": guest["id"], "admin": admin.id}
    ids |= {"task": task(admin, hero, assignees=[admin.id])["id"], "name": unique("status")}
    ids["department"] = named(admin, "departments", "Modeling")["id"]
    words = "preview comment working output instance status playlist budget descriptor version group chat message"
    ids |= {word: str(uuid4()) for word in (*words.split(), "account", "stored")}
    _fill(database, ids)
    close(admin, show["id"])
    admin.ok_delete(f"/data/projects/{show['id']}", params={"force": "true"})
    gone = {"entity": "hero", "task": "task", "preview_file": "preview", "comment": "comment", "person": "account"}
    gone |= {"output_file": "output", "working_file": "working", "chat": "chat", "playlist": "playlist"}
    for table, name in gone.items():
        left = database.execute(f"SELECT count(*) FROM {table} WHERE id = %s", (ids[name],)).fetchone()  # type: ignore[arg-type]
        assert left == (0,), table
    assert admin.ok_get(f"/data/entities/{guest['id']}")["preview_file_id"] is None
    marked = database.execute("SELECT purge_forced FROM stored_file WHERE id = %s", (ids["stored"],))
    assert marked.fetchone() == (True,)
    events = database.execute("SELECT name FROM api_event WHERE data ->> 'project_id' = %s", (show["id"],)).fetchall()
    assert ("project:delete",) in events
    find = "SELECT count(*) FROM api_event WHERE name = 'task:delete' AND data ->> 'task_id' = %s"
    assert database.execute(find, (ids["task"],)).fetchone() == (1,)


def test_a_deletion_that_fails_deletes_nothing(admin: Client, database: psycopg.Connection) -> None:
    show = production(admin)
    hero = entity(admin, show["id"])
    close(admin, show["id"])
    link = "INSERT INTO entity_link (id, entity_in_id, entity_out_id) VALUES (gen_random_uuid(), %s, %s)"
    database.execute(link, (hero["id"], hero["id"]))
    database.execute("CREATE TABLE IF NOT EXISTS souvenir (project_id uuid REFERENCES project (id))")
    database.execute("INSERT INTO souvenir VALUES (%s)", (show["id"],))
    try:
        assert admin.delete(f"/data/projects/{show['id']}", params={"force": "true"}).status_code == 400
        assert admin.get(f"/data/entities/{hero['id']}").status_code == 200
        left = database.execute("SELECT count(*) FROM entity_link WHERE entity_in_id = %s", (hero["id"],)).fetchone()
        assert left == (1,)
    finally:
        database.execute("DROP TABLE souvenir")


@pytest.mark.parametrize("path", ["nothing", "00000000-0000-4000-8000-000000000000"])
def test_unknown_productions_are_not_deleted(admin: Client, path: str) -> None:
    assert admin.delete(f"/data/projects/{path}").status_code == (400 if path == "nothing" else 404)


def test_without_force_nothing_is_lost_that_is_made_at_the_same_time(server: Server, admin: Client) -> None:
    show = production(admin)
    entity_type = named(admin, "entity-types", "Shot")["id"]
    close(admin, show["id"])
    with psycopg.connect(server.database_url) as maker, ThreadPoolExecutor(1) as pool:
        maker.execute(
            "INSERT INTO entity (id, name, project_id, entity_type_id, status, is_shared)"
            " VALUES (gen_random_uuid(), 'Late', %s, %s, 'running', false)",
            [show["id"], entity_type],
        )
        deletion = pool.submit(admin.delete, f"/data/projects/{show['id']}")
        with psycopg.connect(server.database_url, autocommit=True) as watcher:
            wait_for(
                watcher, "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%project%'"
            )
        maker.commit()
        answer = deletion.result()
    assert (answer.status_code, "entity" in answer.json()["message"]) == (400, True), answer.text
    assert [row["name"] for row in admin.ok_get("/data/entities", params={"project_id": show["id"]})] == ["Late"]

"""A forced deletion of an entity to which a row of every table refers."""

import psycopg
import pytest

from tests.client import Client
from tests.entities.shows import Show
from tests.entities.test_removal import gone
from tests.factories import entity, task
from tests.server import Server
from tests.whole.rows import Rows


@pytest.mark.parametrize("kind", ["Shot", "Episode", "Edit", "Character"])
def test_a_forced_deletion_leaves_nothing_behind(server: Server, admin: Client, kind: str) -> None:
    show = Show(admin)
    row = show.episode() if kind == "Episode" else entity(admin, show.id, kind)
    task_type = {"Shot": "Layout", "Character": "Modeling"}.get(kind)
    given = {"project": show.id, "entity": row["id"]}
    if task_type is not None:
        given["task"] = task(admin, row, task_type)["id"]
    holders = """
        SELECT format('SELECT count(*) FROM %%I WHERE %%I = %%L', c.conrelid::regclass::text, a.attname, %s::text)
          FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
         WHERE c.contype = 'f' AND c.confrelid = 'entity'::regclass
    """
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        Rows(connection, given)
        statements = [each for (each,) in connection.execute(holders, [row["id"]])]
        statements.append(f"SELECT count(*) FROM schedule_item WHERE object_id = '{row['id']}'")
        assert sum(connection.execute(each).fetchone()[0] for each in statements) > 10
        path = {"Episode": "episodes", "Edit": "edits", "Shot": "shots"}.get(kind, "assets")
        admin.ok_delete(f"/data/{path}/{row['id']}?force=true")
        assert {each: connection.execute(each).fetchone()[0] for each in statements} == dict.fromkeys(statements, 0)
    assert gone(show, row)

"""A studio comes with the database of another server, looks at it first, works, and goes back again."""

from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import Integer, cast, select

from pegbar.config import settings
from pegbar.core.data.migrations import verification
from pegbar.core.data.wire import JsonText
from pegbar.planning.tables import milestone
from pegbar.review.sharing import keys
from tests import factories
from tests.client import sign_in
from tests.command import Done, pegbar
from tests.core.data import databases
from tests.core.data.databases import digest, filled, new_database, reference_script
from tests.server import Server

BOSS = ("boss@example.com", "mysecretpassword")
_CATALOG = {
    "schemas": "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_(temp|toast)'",
    "relations": "SELECT oid::regclass::text, relkind::text, reloptions::text, obj_description(oid) FROM pg_class"
    " WHERE relnamespace = 'public'::regnamespace",
    "columns": "SELECT attrelid::regclass::text, attnum, attname, format_type(atttypid, atttypmod), attnotnull,"
    " pg_get_expr(adbin, adrelid) FROM pg_attribute JOIN pg_class c ON c.oid = attrelid"
    " LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum"
    " WHERE relnamespace = 'public'::regnamespace AND attnum > 0",
    "constraints": "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), convalidated"
    " FROM pg_constraint WHERE connamespace = 'public'::regnamespace",
    "indexes": "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid), indisvalid FROM pg_index"
    " JOIN pg_class c ON c.oid = indexrelid WHERE relnamespace = 'public'::regnamespace",
    "triggers": "SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    "functions": "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    "types": "SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace",
    "extensions": "SELECT extname, extversion FROM pg_extension",
}


def catalog(url: str) -> dict[str, Any]:
    """What PostgreSQL knows of a database's schema."""
    with psycopg.connect(url) as connection:
        return {name: sorted(connection.execute(sql).fetchall(), key=str) for name, sql in _CATALOG.items()}


def run(url: str, *arguments: str, stdin: str = "") -> Done:
    return pegbar("db", *arguments, "--database-url", url, stdin=stdin)


def execute(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def theirs(server: Server) -> str:
    """A database as another server made and filled it, which lacks an index that such a database has."""
    url = filled(new_database(server, "theirs"))
    with psycopg.connect(url) as connection:
        names = connection.execute(
            "SELECT indexname FROM pg_indexes WHERE tablename = 'task' AND indexdef LIKE '%(project_id)'"
        ).fetchall()
        for (name,) in names:
            connection.execute(f'DROP INDEX "{name}"')
    return url


@pytest.fixture
def adopted(server: Server) -> str:
    """An adopted database without rows."""
    return databases.adopted(server, "adopted")


def test_a_database_goes_there_and_back_and_there_again(theirs: str) -> None:
    before, rows = catalog(theirs), digest(theirs)
    assert run(theirs, "adopt").returncode == 0
    assert "ix_task_project_id" in str(catalog(theirs)["indexes"])
    account = ("--role", "admin", "--password", BOSS[1], "--database-url", theirs)
    assert pegbar("user", "create", BOSS[0], *account).returncode == 0
    with Server(None, "--database-url", theirs) as here:
        boss = sign_in(here.api, *BOSS)
        show = factories.production(boss)
        task = factories.task(boss, factories.entity(boss, show["id"]))
        boss.ok_post(
            f"/actions/tasks/{task['id']}/comment", {"task_status_id": task["task_status_id"], "comment": "Hi"}
        )
        for arguments in (["--yes"], ["--dry-run"], []):
            refused = run(theirs, "hand-back", *arguments, stdin="y\n")
            assert (refused.returncode, "Pegbar runs on this database: pegbar" in refused.stderr) == (1, True)
    used = digest(theirs)
    assert used != rows
    looked_at = catalog(theirs)
    dry = run(theirs, "hand-back", "--dry-run")
    assert dry.returncode == 0, dry.stderr
    for word in (
        "The schema `pegbar` goes",
        "triggers",
        "ix_task_project_id",
        "department_link_uc",
        "Nothing was changed",
    ):
        assert word in dry.stdout
    assert catalog(theirs) == looked_at
    done = run(theirs, "hand-back", "--yes")
    assert done.returncode == 0, done.stderr
    assert catalog(theirs) == before
    assert digest(theirs) == used
    again = run(theirs, "hand-back", "--yes")
    assert (again.returncode, "nothing of Pegbar" in again.stderr) == (1, True)
    assert run(theirs, "adopt").returncode == 0
    with Server(None, "--database-url", theirs) as here:
        boss = sign_in(here.api, *BOSS)
        assert boss.ok_get(f"/data/tasks/{task['id']}")["name"] == "main"
        boss.ok_put(f"/data/tasks/{task['id']}", {"priority": 2})
    assert run(theirs, "hand-back", "--yes").returncode == 0
    assert catalog(theirs) == before


def test_handing_back_asks(adopted: str) -> None:
    for answer in ("", "n\n", "what\n"):
        done = run(adopted, "hand-back", stdin=answer)
        assert (done.returncode, "Nothing was changed" in done.stderr) == (1, True)
        assert "[y/N]" in done.stdout
        assert "revision" in run(adopted, "status").stdout
    assert run(adopted, "hand-back", stdin="Yes\n").returncode == 0
    assert "has not adopted" in run(adopted, "status").stdout


def shared_by_link(url: str, **environment: str) -> tuple[str, str]:
    """A share link as a server with this SECRET_KEY makes it: its id and its token."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        settings.cache_clear()
        link_id, token = uuid4(), keys.new_token()
        stored, sealed = keys.hashed(token), keys.seal(token, link_id)
    settings.cache_clear()
    project_id, playlist_id, person_id = uuid4(), uuid4(), uuid4()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO project (id, name, production_style) VALUES (%s, %s, '2d3d')", [project_id, str(project_id)]
        )
        connection.execute(
            "INSERT INTO person (id, first_name, last_name, role, contract_type) VALUES (%s, 'A', 'B', 'manager', '')",
            [person_id],
        )
        playlist = "INSERT INTO playlist (id, name, project_id) VALUES (%s, 'x', %s)"
        connection.execute(playlist, [playlist_id, project_id])
        connection.execute(
            "INSERT INTO playlist_share_link (id, token, playlist_id, created_by, is_active, can_comment)"
            " VALUES (%s, %s, %s, %s, true, true)",
            [link_id, stored, playlist_id, person_id],
        )
        connection.execute(
            "INSERT INTO pegbar.share_link (playlist_share_link_id, sealed_token) VALUES (%s, %s)", [link_id, sealed]
        )
    return str(link_id), token


def links_of(url: str) -> dict[str, tuple[str, bool]]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT id::text, token, is_active FROM playlist_share_link").fetchall()
    return {row[0]: (row[1], row[2]) for row in rows}


def test_share_links_go_back_as_the_other_server_reads_them(adopted: str) -> None:
    link_id, token = shared_by_link(adopted, SECRET_KEY="the server's key")
    lost_id, _ = shared_by_link(adopted, SECRET_KEY="a key that is lost")
    before = links_of(adopted)
    assert before[link_id][0] != token
    command = ("db", "hand-back", "--yes", "--database-url", adopted)
    refused = pegbar(*command, SECRET_KEY="the server's key")
    assert (refused.returncode, "1 share links were made with another SECRET_KEY" in refused.stderr) == (1, True)
    dry = pegbar(*command, "--lose-links", "--dry-run", SECRET_KEY="the server's key")
    assert (dry.returncode, "1 share links, whose tokens are plain again" in dry.stdout) == (0, True)
    assert links_of(adopted) == before
    done = pegbar(*command, "--lose-links", SECRET_KEY="the server's key")
    assert (done.returncode, "No other row was touched" in done.stdout) == (0, True), done.stderr
    after = links_of(adopted)
    assert after[link_id] == (token, True)
    assert after[lost_id][1] is False
    assert after[lost_id][0] != before[lost_id][0], "what stood in the database opens nothing"


def test_a_production_that_is_being_deleted_keeps_the_database(adopted: str) -> None:
    execute(
        adopted,
        "INSERT INTO pegbar.project_removal (project_id, project_name, requested_at, updated_at, total, removed, doing)"
        " VALUES (gen_random_uuid(), 'Old Film', now(), now(), 9, 1, 'tasks')",
    )
    done = run(adopted, "hand-back", "--yes")
    assert (done.returncode, "Old Film" in done.stderr, "pegbar jobs removals" in done.stderr) == (1, True, True)
    execute(adopted, "DELETE FROM pegbar.project_removal")
    assert run(adopted, "hand-back", "--yes").returncode == 0


def test_jobs_that_nobody_will_do_are_told(adopted: str) -> None:
    execute(
        adopted,
        "INSERT INTO pegbar.procrastinate_jobs (queue_name, task_name, args) VALUES ('default', 'mail.send', '{}')",
    )
    done = run(adopted, "hand-back", "--dry-run")
    assert (done.returncode, "1 of mail.send" in done.stdout) == (0, True)


def test_tables_that_the_other_server_would_not_know_again_stay_with_us(adopted: str) -> None:
    execute(adopted, "ALTER TABLE task DROP COLUMN difficulty")
    done = run(adopted, "hand-back", "--yes")
    assert (done.returncode, "task.difficulty (integer) is missing" in done.stdout) == (1, True)
    assert "revision" in run(adopted, "status").stdout
    execute(
        adopted,
        "ALTER TABLE task ADD COLUMN difficulty integer NOT NULL DEFAULT 3",
        "UPDATE alembic_version SET version_num = 'older'",
        "ALTER TABLE person ADD COLUMN nickname text",
    )
    told = run(adopted, "hand-back", "--yes")
    assert told.returncode == 0, told.stderr
    assert "alembic_version is older" in told.stdout
    assert "person.nickname is not one of Kitsu's" in told.stdout


def test_nobody_is_waited_for_forever(adopted: str) -> None:
    with psycopg.connect(adopted) as somebody:
        somebody.execute("SELECT count(*) FROM task")
        done = run(adopted, "hand-back", "--yes")
        assert (done.returncode, "in use" in done.stderr) == (1, True)
    assert "revision" in run(adopted, "status").stdout


def test_looking_changes_nothing_and_counts_every_row(theirs: str) -> None:
    before, rows = catalog(theirs), digest(theirs)
    done = run(theirs, "adopt", "--verify")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (catalog(theirs), digest(theirs)) == (before, rows)
    for name in ("task", "entity", "person", "task_person_link"):
        assert any(line.split()[:2] == [name, f"{rows[name][0]:,}"] for line in done.stdout.splitlines()), name
    assert f"{sum(count for count, _ in rows.values()):,} rows in {len(rows)} tables" in done.stdout


def test_what_cannot_be_read_is_told(server: Server) -> None:
    url = new_database(server, "broken")
    execute(url, reference_script())
    person, show, status = uuid4(), uuid4(), uuid4()
    execute(
        url,
        "ALTER TABLE milestone ALTER COLUMN name DROP NOT NULL",
        "SET session_replication_role = replica",
        f"INSERT INTO project_status (id, name, color) VALUES ('{status}', 'Open', '#000000')",
        f"INSERT INTO project (id, name, production_style, project_status_id)"
        f" VALUES ('{show}', 'Film', 'opera', '{status}')",
        f"INSERT INTO milestone (id, name, project_id) VALUES (gen_random_uuid(), NULL, '{show}')",
        "INSERT INTO milestone (id, name, project_id) VALUES (gen_random_uuid(), 'Alpha', gen_random_uuid())",
        "INSERT INTO project_task_status_link (id, project_id, task_status_id, roles_for_board)"
        f" VALUES (gen_random_uuid(), '{show}', gen_random_uuid(), ARRAY['user', 'king'])",
        "INSERT INTO comment (id, object_id, object_type, person_id, for_client)"
        f" VALUES (gen_random_uuid(), gen_random_uuid(), 'Task', '{person}', false)",
    )
    done = run(url, "adopt", "--verify")
    assert done.returncode == 1
    for told in (
        "project: 1 rows have the production_style 'opera', which is none of 2d,",
        "milestone: 1 rows have no name",
        "milestone: 1 rows name a project that is not there in project_id",
        "project_task_status_link: 1 rows have the roles_for_board 'king'",
        "project_task_status_link: 1 rows name a task_status that is not there in task_status_id",
        "comment: 1 rows name a person that is not there in person_id",
        "comment: 1 rows name a task that is not there in object_id",
    ):
        assert told in done.stdout, (told, done.stdout)
    assert done.stdout.index("Odd, which does no harm") < done.stdout.index("Wrong:")
    assert "things are wrong" in done.stderr
    execute(url, "DROP TABLE playlist CASCADE")
    lacking = run(url, "adopt", "--verify")
    assert (lacking.returncode, "the table playlist is missing" in lacking.stdout) == (1, True)
    assert "No Kitsu tables" in run(new_database(server, "blank_too"), "adopt", "--verify").stderr.replace("no", "No")


def test_the_rows_that_cannot_be_read_are_named(adopted: str) -> None:
    good, bad = [uuid4() for _ in range(5)], uuid4()
    execute(
        adopted,
        f"INSERT INTO project_status (id, name, color) VALUES ('{bad}', 'Open', '#000000')",
        f"INSERT INTO project (id, name, production_style) VALUES ('{bad}', 'Film', '2d')",
        *[f"INSERT INTO milestone (id, name, project_id) VALUES ('{row}', '7', '{bad}')" for row in good],
        f"INSERT INTO milestone (id, name, project_id) VALUES ('{bad}', 'seven', '{bad}')",
    )
    as_number = select(cast(cast(milestone.c.name, Integer), JsonText()).label("row"))
    (seen,) = [
        item for item in verification.verify(adopted, {"milestone": as_number}).tables if item.table == "milestone"
    ]
    assert seen.rows == 6
    (fault,) = seen.faults
    assert f"the row {bad} cannot be read" in fault
    assert 'integer: "seven"' in fault

"""A fresh database equals the contract; one made by another server is adopted as it is."""

import json
from pathlib import Path

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from pegbar.core.data import migrations
from pegbar.core.data.migrations import schemas
from pegbar.core.data.migrations.schemas import ColumnShape, Schema, TableShape, plain
from tests import shared
from tests.client import sign_in
from tests.command import pegbar
from tests.core.data.databases import digest, filled, initialised, new_database, reference_script
from tests.server import Server, free_port

PERSON = "manager@example.com"


def contract_schema() -> Schema:
    """The contract's tables in the form that databases are compared in."""
    schema: Schema = {}
    for name, table in shared.contract_tables()["tables"].items():
        shape = schema[name] = TableShape()
        for column in table["columns"]:
            shape.columns[column["name"]] = ColumnShape(column["type"], column["nullable"], plain(column["default"]))
        shape.primary_key = tuple(table["primary_key"]["columns"])
        shape.uniques = {(frozenset(unique["columns"]), "") for unique in table["unique"]}
        shape.references = {
            (foreign_key["columns"][0], foreign_key["references"]["table"], foreign_key["on_delete"])
            for foreign_key in table["foreign_keys"]
        }
        shape.checks = {(plain(check["definition"]) or "").removeprefix("check ") for check in table["checks"]}
        for index in table["indexes"]:
            condition = plain(index.get("where")) or ""
            if index["unique"]:
                shape.uniques.add((frozenset(index["columns"]), condition))
            else:
                shape.indexes.add((tuple(index["columns"]), condition))
    return schema


@pytest.fixture(scope="module")
def reference(server: Server) -> str:
    """A database as another server made it, with a small production."""
    return filled(new_database(server, "reference"))


def shapes(url: str) -> Schema:
    with migrations.connect(url) as connection:
        return schemas.existing(connection)


def own_indexes(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT indexname FROM pg_indexes WHERE indexname LIKE 'pegbar%'").fetchall()
    return {row[0] for row in rows}


def test_a_fresh_database_and_the_declared_tables_equal_the_contract(server: Server) -> None:
    contract, fresh, declared = contract_schema(), shapes(server.database_url), schemas.declared()
    assert set(contract) == set(fresh) == {*declared, "alembic_version"}
    declared["alembic_version"] = contract["alembic_version"]  # another server's bookkeeping, kept for it
    for name, table in contract.items():
        assert fresh[name].columns == table.columns == declared[name].columns, name
        assert set(fresh[name].primary_key) == set(table.primary_key) == set(declared[name].primary_key), name
        assert fresh[name].uniques == table.uniques == declared[name].uniques, name
        assert fresh[name].references == table.references == declared[name].references, name
        assert fresh[name].checks == table.checks == declared[name].checks, name
        assert fresh[name].indexes >= table.indexes == declared[name].indexes, name


def test_every_foreign_key_has_an_index(server: Server) -> None:
    for name, table in shapes(server.database_url).items():
        for column, _, _ in table.references:
            assert table.covers((column,)), f"{name}.{column}"


def test_adopting_touches_no_row_and_twice_is_harmless(reference: str, server: Server) -> None:
    refused = pegbar("serve", "--database-url", reference, "--port", "1")
    assert (refused.returncode, "Run: pegbar db adopt" in refused.stderr) == (1, True)
    before = digest(reference)
    assert before["task"][0] > 100
    with psycopg.connect(reference) as connection:
        connection.execute("ALTER TABLE person ADD COLUMN nickname text")
        connection.execute("CREATE TABLE plugin_own_thing (id int)")
        connection.execute("ALTER TABLE department ALTER COLUMN name TYPE varchar(60)")
        connection.execute("DROP INDEX public." + _index_on(reference, "task", "project_id"))  # type: ignore[arg-type]
    before["person"] = digest(reference)["person"]
    first = pegbar("db", "adopt", "--database-url", reference)
    assert first.returncode == 0, first.stderr
    for difference in (
        "person.nickname is not one of Kitsu's",
        "plugin_own_thing is not one of Kitsu's",
        "department.name is character varying(60), not character varying(80)",
        "ix_task_project_id",
        "No row was touched",
    ):
        assert difference in first.stdout
    again = pegbar("db", "adopt", "--database-url", reference)
    assert (again.returncode, "adopted already" in again.stdout) == (0, True)
    assert digest(reference) == before
    assert own_indexes(reference) == own_indexes(server.database_url)
    assert "up to date" in pegbar("db", "status", "--database-url", reference).stdout


def _index_on(url: str, table: str, column: str) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT indexname FROM pg_indexes WHERE tablename = %s AND indexdef LIKE %s", (table, f"%({column})")
        ).fetchone()
    assert row is not None
    return str(row[0])


def test_an_adopted_database_is_served(reference: str) -> None:
    assert pegbar("db", "adopt", "--database-url", reference).returncode == 0
    account = ("--role", "admin", "--password", "mysecretpassword")
    created = pegbar("user", "create", PERSON, *account, "--database-url", reference)
    assert created.returncode == 0, created.stderr
    with Server(None, "--database-url", reference) as adopted:
        admin = sign_in(adopted.api, PERSON, "mysecretpassword")
        assert len(admin.ok_get("/data/persons")) >= 31
        (project,) = admin.ok_get("/data/projects", params={"name": "Feature"})
        assert len(admin.ok_get("/data/tasks", params={"project_id": project["id"]})) > 100
        admin.ok_put(f"/data/projects/{project['id']}", {"description": "Adopted"})


def test_a_database_is_handed_back_without_our_schema(reference: str) -> None:
    assert pegbar("db", "adopt", "--database-url", reference).returncode == 0
    ours = "SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'pegbar%'"
    with psycopg.connect(reference) as connection:
        assert connection.execute(ours).fetchone() != (0,)
        connection.execute("UPDATE task SET priority = 1")
        marks = "SELECT count(*) FROM pegbar.mark WHERE xid = pg_current_xact_id()::text::bigint"
        assert connection.execute(marks).fetchone() == (1,)
        connection.execute("DROP SCHEMA pegbar CASCADE")
        assert connection.execute(ours).fetchone() == (0,)
        connection.execute("UPDATE task SET priority = 2")
        connection.rollback()


def test_adoption_is_refused_and_changes_nothing_when_something_is_missing(server: Server) -> None:
    url = new_database(server, "incomplete")
    with psycopg.connect(url) as connection:
        connection.execute(reference_script())  # type: ignore[arg-type]
        connection.execute("ALTER TABLE task DROP COLUMN difficulty")
        connection.execute("DROP TABLE milestone CASCADE")
        connection.execute("ALTER TABLE person ALTER COLUMN data TYPE text")
        connection.execute("UPDATE alembic_version SET version_num = 'older'")
    before = shapes(url)
    done = pegbar("db", "adopt", "--database-url", url)
    assert done.returncode == 1
    for missing in (
        "the column task.difficulty (integer) is missing",
        "the table milestone is missing",
        "person.data is text, not jsonb",
    ):
        assert missing in done.stdout
    assert "Bring it to a recent version with the server that made it first" in done.stderr
    assert shapes(url) == before
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT to_regnamespace('pegbar')").fetchone() == (None,)


def test_an_empty_database_needs_init(server: Server) -> None:
    url = new_database(server, "blank")
    for command in (["db", "upgrade"], ["db", "adopt"], ["serve", "--port", "1"], ["user", "list"]):
        done = pegbar(*command, "--database-url", url)
        assert (done.returncode, "pegbar db init" in done.stderr, "Traceback" in done.stderr) == (1, True, False)
    assert pegbar("db", "init", "--database-url", url).returncode == 0
    assert "No user" in pegbar("user", "list", "--database-url", url).stdout


def pretend(url: str, revision: str, runs_from: str = "9998") -> None:
    """Have a schema say that another Pegbar made it."""
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE pegbar.alembic_version SET version_num = %s", (revision,))
        words = f"Pegbar runs on this schema from revision {runs_from} on."
        connection.execute(f"COMMENT ON TABLE pegbar.alembic_version IS '{words}'")


def test_a_newer_schema_that_says_so_is_run_on(server: Server) -> None:
    """Nodes of two versions run side by side while they are upgraded, and the older one may be started again."""
    url = initialised(server, "next_version")
    pretend(url, "9999", migrations.head())
    assert "on which this one runs too" in pegbar("db", "status", "--database-url", url).stdout
    for command in ("user list", "db upgrade"):
        done = pegbar(*command.split(), "--database-url", url)
        assert done.returncode == 0, done.stderr
    checks = json.loads(pegbar("doctor", "--json", "--database-url", url).stdout)["checks"]
    (told,) = [line for check in checks for line in [json.dumps(check)] if "9999" in line]
    assert "Upgrade this node, too" in told
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT version_num FROM pegbar.alembic_version").fetchone() == ("9999",)


def test_an_old_or_newer_schema_is_refused_with_what_to_do(server: Server) -> None:
    url = initialised(server, "other_version")
    for revision, command, message in (
        ("9999", ["db", "upgrade"], "made by a newer one"),
        ("9999", ["serve", "--port", str(free_port())], "made by a newer one"),
        ("0002", ["user", "list"], "Run: pegbar db upgrade"),
        ("0002", ["serve", "--port", str(free_port())], "Run: pegbar db upgrade"),
    ):
        pretend(url, revision)
        done = pegbar(*command, "--database-url", url)
        assert (done.returncode, message in done.stderr) == (1, True), done.stderr


@pytest.mark.parametrize(
    ("revision", "advice", "not_advised"),
    [("9999", "made by a newer Pegbar", "db upgrade"), ("0002", "pegbar db upgrade", "newer")],
)
def test_the_status_of_another_schema_says_what_helps(
    server: Server, revision: str, advice: str, not_advised: str
) -> None:
    url = initialised(server, f"status_{revision}")
    pretend(url, revision)
    output = pegbar("db", "status", "--database-url", url).stdout
    assert (f"revision {revision}" in output, advice in output, not_advised in output) == (True, True, False), output


def test_revisions_are_told_by_the_names_of_their_files() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    scripts = ScriptDirectory.from_config(config).walk_revisions()
    assert migrations.revisions() == [script.revision for script in scripts][::-1]

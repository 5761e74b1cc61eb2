"""`pegbar db dump` of a running server, restored into another folder."""

from pathlib import Path

import psycopg
import pytest

from tests.client import Client, unique
from tests.command import pegbar
from tests.core.data.test_schema import new_database
from tests.server import Server

_CONTENT = """
SELECT (SELECT count(*) FROM person), (SELECT count(*) FROM department), EXISTS (SELECT FROM pegbar.mark),
       (SELECT version_num FROM pegbar.alembic_version)
"""


def _content(url: str) -> tuple[object, ...]:
    with psycopg.connect(url) as connection:
        content = connection.execute(_CONTENT).fetchone()
    assert content is not None
    return content


def test_a_dump_of_a_running_server_is_restored_whole(server: Server, admin: Client, tmp_path: Path) -> None:
    admin.ok_post("/data/departments", {"name": unique("Kept"), "color": "#000000"})
    file = tmp_path / "pegbar.dump"
    done = pegbar("db", "dump", str(file), "--data", str(server.folder))
    assert done.returncode == 0, done.stderr
    assert "secret.key" in done.stdout
    assert file.stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.iterdir()] == ["pegbar.dump"]
    target = new_database(server, "restored")
    done = pegbar("db", "restore", str(file), "--database-url", target)
    assert done.returncode == 0, done.stderr
    assert _content(target) == _content(server.database_url)
    assert "up to date" in pegbar("db", "status", "--database-url", target).stdout
    again = pegbar("db", "restore", str(file), "--database-url", target)
    assert (again.returncode, "holds something already" in again.stderr) == (1, True)


@pytest.mark.parametrize(
    ("content", "message"), [(None, "There is no file"), (b"no dump", "pg_restore failed: pg_restore: error: input")]
)
def test_what_is_no_dump_is_refused_in_one_line(
    server: Server, tmp_path: Path, content: bytes | None, message: str
) -> None:
    file = tmp_path / "file"
    if content is not None:
        file.write_bytes(content)
    target = new_database(server, "not_restored")
    done = pegbar("db", "restore", str(file), "--database-url", target)
    assert (done.returncode, message in done.stderr, "Traceback" in done.stderr) == (1, True, False), done.stderr

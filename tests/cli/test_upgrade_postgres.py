"""`pegbar db upgrade-postgres`: a database of an older PostgreSQL, as the system's package makes it, comes to ours."""

import shutil
import subprocess
from collections import namedtuple
from pathlib import Path

import psycopg
import pytest

from pegbar.core.data import major
from pegbar.core.data.embedded import EmbeddedPostgres, major_of
from pegbar.core.data.migrations import connect, head, revision
from tests import factories
from tests.client import Client, sign_in
from tests.command import Done, pegbar
from tests.core.data.databases import digest
from tests.server import ADMIN, FAST, Server

OPTIONS = FAST["PEGBAR_POSTGRES_OPTIONS"]


def _older() -> Path | None:
    found = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "postgres").exists()]
    older = [path for path in found if int(major_of(path)) < int(EmbeddedPostgres.major())]
    return max(older, key=lambda path: int(major_of(path)), default=None)


OLD = _older()
pytestmark = [
    pytest.mark.skipif(OLD is None, reason="no older PostgreSQL in /usr/lib/postgresql: apt install postgresql"),
    pytest.mark.timeout(900),  # on a busy machine pg_upgrade alone takes minutes
]


class Made:
    """A data folder of the older version, that people have worked with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        old = EmbeddedPostgres(folder, OPTIONS, binaries=OLD)
        url = old.start()
        try:
            assert pegbar("db", "init", "--data", str(folder), "--database-url", url).returncode == 0
            with Server(folder, DATABASE_URL=url) as running:
                admin = sign_in(running.api, *ADMIN)
                show = factories.production(admin)
                task = factories.task(admin, factories.entity(admin, show["id"]))
                self.task_id = task["id"]
                self.comment(admin, "before")
            self.digest = digest(url)
            with psycopg.connect(url) as connection:
                options = "SELECT FROM pg_attribute WHERE attoptions::text ~ 'pg_attver'"
                #: The older one is of a later release, whose mark the newer one does not know.
                self.is_marked = (
                    connection.execute(options).fetchone() is not None
                    and b"pg_attver" not in EmbeddedPostgres(folder)._binaries.joinpath("postgres").read_bytes()
                )
            self.sequences = _sequences(url)
        finally:
            old.stop()

    def comment(self, who: Client, text: str) -> str:
        status = factories.named(who, "task-status", "Todo")["id"]
        body = {"task_status_id": status, "comment": text}
        row: str = who.ok_post(f"/actions/tasks/{self.task_id}/comment", body)["id"]
        return row


def _sequences(url: str) -> dict[str, int]:
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT schemaname || '.' || sequencename, coalesce(last_value, 0) FROM pg_sequences"
        ).fetchall()
    return dict(rows)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(tmp_path_factory.mktemp("older") / "data")


@pytest.fixture
def folder(made: Made, tmp_path: Path) -> Path:
    """A copy of it: its files belong to whom PostgreSQL runs as."""
    subprocess.run(["cp", "-a", made.folder, tmp_path / "data"], check=True)
    return tmp_path / "data"


def run(folder: Path, *options: str) -> Done:
    return pegbar("db", "upgrade-postgres", "--data", str(folder), *options)


def refused(folder: Path, *options: str) -> str:
    done = run(folder, *options)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False), done
    return done.stderr


def contents(folder: Path) -> dict[str, str]:
    """The version of each database in a data folder."""
    return {
        path.parent.relative_to(folder).as_posix(): path.read_text().strip()
        for path in folder.glob("**/PG_VERSION")
        if path.parent.parent.name != "base"
    }


def test_what_a_later_release_marked_is_told_of(made: Made, folder: Path) -> None:
    if not made.is_marked:
        pytest.skip("both know the same")
    for way in ("pg_upgrade", "dump"):
        assert "pg_attver" in refused(folder, "--by", way)
    assert contents(folder) == {"postgresql": major_of(OLD or Path())}


def test_all_rows_come_over_and_the_server_goes_on(made: Made, folder: Path) -> None:
    assert OLD is not None
    if made.is_marked:
        pytest.skip("the older PostgreSQL is of a later release than ours")
    old, new = major_of(OLD), EmbeddedPostgres.major()
    done = pegbar("serve", "--data", str(folder), "--port", "1")
    assert done.returncode == 1
    assert f"pegbar db upgrade-postgres --data {folder}" in done.stderr
    seen = pegbar("doctor", "--only", "version of postgresql", "--data", str(folder))
    assert f"made by PostgreSQL {old}; this Pegbar brings {new}" in seen.stdout
    planned = run(folder, "--plan")
    assert f"PostgreSQL {old} to {new}: pg_upgrade copies its files" in planned.stdout
    assert "Nothing was changed." in planned.stdout
    assert contents(folder) == {"postgresql": old}
    done = run(folder)
    assert done.returncode == 0, done.stderr
    assert contents(folder) == {"postgresql": new, f"postgresql.{old}": old}
    assert not (folder / "upgrading").exists()
    assert "already. Nothing to do." in run(folder).stdout
    with Server(folder) as again:
        who = sign_in(again.api, *ADMIN)
        url = EmbeddedPostgres(folder).url()
        now = digest(url)
        # Who signs in leaves a line.
        changed = {name for name in now if now[name] != made.digest[name]}
        assert changed <= {"login_log", "person"}
        assert len([rows for rows, _ in made.digest.values() if rows]) > 10
        after = _sequences(url)
        assert {name for name, value in made.sequences.items() if after[name] < value} == set()
        made.comment(who, "after")
        assert sum(_sequences(url).values()) > sum(made.sequences.values())
        texts = [row["text"] for row in who.ok_get(f"/data/tasks/{made.task_id}/comments")]
        assert sorted(texts) == ["after", "before"]
        with connect(url) as connection:
            assert revision(connection) == head()
    assert f"Removed {folder}/postgresql.{old}" in run(folder, "--remove-old").stdout
    assert contents(folder) == {"postgresql": new}
    assert "There is no old database." in run(folder, "--remove-old").stdout


def test_by_dump_and_an_interruption_at_any_moment(made: Made, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert OLD is not None
    if made.is_marked:
        pytest.skip("the older PostgreSQL is of a later release than ours")
    old, new = major_of(OLD), EmbeddedPostgres.major()

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    # While it is made: the old one is as it was.
    with monkeypatch.context() as patched:
        patched.setattr(major, "_analyse", killed)
        assert run(folder, "--by", "dump").returncode == 130
    assert contents(folder) == {"postgresql": old}
    # A killed one tidies nothing up.
    (folder / "upgrading" / "postgresql").mkdir(parents=True)
    (folder / "upgrading" / "postgresql" / "PG_VERSION").write_text(new)
    # While they change places.
    with monkeypatch.context() as patched:
        patched.setattr(major, "_take_place", killed)
        assert run(folder, "--by", "dump").returncode == 130
    assert contents(folder) == {f"postgresql.{old}": old, "upgrading/postgresql": new}
    done = pegbar("serve", "--data", str(folder), "--port", "1")
    assert f"Finish it: pegbar db upgrade-postgres --data {folder}" in done.stderr
    done = run(folder)
    assert done.returncode == 0, done.stderr
    assert "The upgrade that was interrupted is finished" in done.stdout
    assert contents(folder) == {"postgresql": new, f"postgresql.{old}": old}
    embedded = EmbeddedPostgres(folder, OPTIONS)
    try:
        assert digest(embedded.start()) == made.digest
        after = _sequences(embedded.url())
        assert {name: after[name] for name in made.sequences} == made.sequences
    finally:
        embedded.stop()


def test_what_cannot_be_upgraded_says_why(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert OLD is not None
    old = major_of(OLD)
    assert f"the database is {old}'s" in refused(folder, "--from-binaries", str(EmbeddedPostgres(folder)._binaries))
    assert "holds no programs" in refused(folder, "--from-binaries", str(tmp_path))
    with monkeypatch.context() as patched:
        patched.setattr(major, "_PLACES", ())
        assert f"Debian: postgresql-{old}" in refused(folder)
    with monkeypatch.context() as patched:
        usage = namedtuple("usage", "total used free")
        patched.setattr(shutil, "disk_usage", lambda _: usage(1, 1, 1))
        assert "Make room; nothing was changed" in refused(folder)
    (folder / f"postgresql.{old}").mkdir()
    assert "is there already" in refused(folder)
    (folder / f"postgresql.{old}").rmdir()
    with monkeypatch.context() as patched:
        patched.setattr(major, "_by_pg_upgrade", lambda *_: (folder / "nothing").read_text())
        assert refused(folder)
    assert contents(folder) == {"postgresql": old}
    (folder / "postgresql" / "PG_VERSION").write_text("99\n")
    assert "install the newer Pegbar" in refused(folder)
    done = pegbar("db", "upgrade-postgres", "--database-url", "postgresql://nobody@localhost/none")
    assert "upgraded by its own tools" in done.stderr

"""`pegbar backup` of a server that people work on, and `pegbar restore` into a new place."""

import asyncio
import json
import os
import shutil
import threading
from pathlib import Path

import psycopg
import pytest

from pegbar.config import settings
from pegbar.core.backup import jobs, rows
from pegbar.core.data.embedded import EmbeddedPostgres
from pegbar.core.storage import Address, LocalStore
from tests import factories
from tests.client import Client
from tests.command import pegbar
from tests.core.data.databases import initialised, new_database
from tests.core.test_storage import client_of, s3  # noqa: F401 - a fixture
from tests.media.publishing import published
from tests.server import Server
from tests.trash import purge


def ok(*arguments: str, **environment: str) -> str:
    done = pegbar(*arguments, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(*arguments: str, **environment: str) -> str:
    done = pegbar(*arguments, **environment)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False), done
    return done.stderr


class Writers:
    """Thirty people who post comments with a file each, a few a second; what they were answered."""

    def __init__(self, admin: Client, task_ids: list[str]) -> None:
        self._admin, self._task_ids = admin, task_ids
        self._status = factories.named(admin, "task-status", "Todo")["id"]
        self.answered: list[tuple[str, bytes]] = []
        self._stop = threading.Event()
        self._enough = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=(number,)) for number in range(30)]

    def _write(self, number: int) -> None:
        who = Client(self._admin.api, self._admin.token)
        path = f"/actions/tasks/{self._task_ids[number % len(self._task_ids)]}/comment"
        while not self._stop.wait(0.1):
            content = os.urandom(2000)
            data = {"task_status_id": self._status, "comment": "Look"}
            answer = who.post(path, data=data, files={"file": ("a.bin", content)})
            if answer.status_code == 201:
                self.answered.append((answer.json()["id"], content))
            if len(self.answered) >= 60:
                self._enough.set()

    def __enter__(self) -> "Writers":
        for thread in self._threads:
            thread.start()
        assert self._enough.wait(120)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def test_a_backup_under_writers_is_restored_with_all_that_was_answered_before(
    server: Server, admin: Client, tmp_path: Path
) -> None:
    show = factories.production(admin)
    task_ids = [factories.task(admin, factories.entity(admin, show["id"]))["id"] for _ in range(6)]
    key, vault = str(tmp_path / "key"), str(tmp_path / "vault")
    ok("backups", "key", key)
    place = ("--data", str(server.folder))
    with Writers(admin, task_ids) as writers:
        before = list(writers.answered)
        told = ok("backup", vault, *place, "--key-file", key)
        assert "read back and right" in told
        assert len(writers.answered) > len(before)
    ok("backups", "verify", vault, *place, "--key-file", key)
    restored = tmp_path / "restored"
    ok("restore", vault, "--data", str(restored), "--key-file", key)
    assert "The database is not empty" in refused("restore", vault, "--data", str(restored), "--key-file", key)
    with Server(restored) as again:
        # The key that signs tokens came along: nobody signs in again.
        who = Client(again.api, admin.token)
        for comment_id, content in before:
            (held,) = who.ok_get(f"/data/comments/{comment_id}")["attachment_files"]
            held_id = held["id"] if isinstance(held, dict) else held
            name = who.ok_get(f"/data/attachment-files/{held_id}")["name"]
            assert who.get(f"/data/attachment-files/{held_id}/file/{name}").content == content
        source, store = LocalStore(server.folder / "previews"), LocalStore(restored / "previews")
        # Its socket may lie elsewhere: the paths of sockets are short.
        with psycopg.connect(EmbeddedPostgres(restored).url()) as connection:
            registered = connection.execute(
                "SELECT bucket, prefix, file_id, size FROM stored_file WHERE deleted_at IS NULL"
            ).fetchall()
        # Other tests of this server register files that never were.
        kept = [(Address(*place), size) for *place, size in registered if source.path(Address(*place)).exists()]
        assert len(kept) >= len(before)
        for address, size in kept:
            assert store.path(address).stat().st_size == size, address


async def due() -> None:
    """The clock came by."""
    await jobs.back_up(None)


@pytest.fixture
def quiet(server: Server, admin: Client, tmp_path: Path) -> tuple[str, ...]:
    """A database of its own with a few files: what commands about it need."""
    folder = tmp_path / "data"
    url = initialised(server, "backed_up")
    place(folder, "a", b"first")
    place(folder, "b", b"second")
    return "--data", str(folder), "--database-url", url


def place(folder: Path, name: str, content: bytes) -> Path:
    path = LocalStore(folder / "previews").path(Address("files", "attachments", name))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def named(told: str) -> str:
    return told.split()[1].rstrip(":")


def test_later_backups_take_what_is_new_and_old_ones_go(quiet: tuple[str, ...], tmp_path: Path) -> None:
    vault, folder = tmp_path / "vault", tmp_path / "data"
    names = [named(ok("backup", str(vault), *quiet))]
    assert [f.read_bytes() for f in sorted(vault.glob("files/*/*"), key=lambda f: f.stat().st_size)] == [
        b"first",
        b"second",
    ]
    kept = {path: path.stat().st_mtime_ns for path in vault.glob("files/*/*")}
    place(folder, "c", b"the third")
    place(folder, "b", b"second").unlink()
    while len(names) < 2:  # names are seconds
        done = pegbar("backup", str(vault), *quiet, "--keep", "1")
        if done.returncode == 0:
            names.append(named(done.stdout))
        else:
            assert "of this second already" in done.stderr
    now = {path: path.stat().st_mtime_ns for path in vault.glob("files/*/*")}
    assert sorted(path.read_bytes() for path in now) == [b"first", b"the third"]
    assert [kept[path] == at for path, at in now.items() if path in kept] == [True]
    listed = ok("backups", "list", str(vault), "--json")
    assert (names[0] in listed, names[1] in listed, '"files": 2' in listed) == (False, True, True)
    # A content that was spoilt is found by verify, and written anew by a backup that reads all.
    spoilt = next(path for path in now if path.read_bytes() == b"first")
    spoilt.write_bytes(b"worst")
    assert "files/attachments-a: files/" in refused("backups", "verify", str(vault))
    while (done := pegbar("backup", str(vault), *quiet, "--files", "whole")).returncode:
        assert "of this second already" in done.stderr
    assert "2 backups are whole" in ok("backups", "verify", str(vault))
    assert "no backup 'x'" in refused("backups", "remove", "x", "--from", str(vault))
    assert "Removed 2" in ok("backups", "remove", names[1], named(done.stdout), "--from", str(vault))
    assert [path.name for path in vault.rglob("*") if path.is_file()] == ["archive.json"]


def test_a_restore_names_what_is_there_and_goes_on_where_it_broke_off(
    quiet: tuple[str, ...], server: Server, tmp_path: Path
) -> None:
    vault, target = str(tmp_path / "vault"), tmp_path / "target"
    (tmp_path / "data" / "secret.key").write_text("the key of before")
    ok("backup", vault, *quiet)
    url = new_database(server, "restored_from_backup")
    where = ("--data", str(target), "--database-url", url)
    other = place(target, "z", b"of somebody")
    assert "files/attachments-z" in refused("restore", vault, *where)
    other.unlink()
    place(target, "a", b"wrong")  # as long as the right one: a copy that broke off
    (target / "secret.key").write_text("another")
    assert "secret.key is there already" in refused("restore", vault, *where)
    (target / "secret.key").unlink()
    ok("restore", vault, *where)
    assert place_of(target, "a").read_bytes() == b"first"
    assert (target / "secret.key").read_text() == "the key of before"
    assert (target / "secret.key").stat().st_mode & 0o077 == 0
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) > 0 FROM task_status").fetchone() == (True,)
    files_only = tmp_path / "files_only"
    ok("restore", vault, "--data", str(files_only), "--only", "files")
    assert [place_of(files_only, "b").read_bytes(), (files_only / "postgresql").exists()] == [b"second", False]
    assert "no backup 'x'" in refused("restore", vault, *where, "--backup", "x")


def place_of(folder: Path, name: str) -> Path:
    return LocalStore(folder / "previews").path(Address("files", "attachments", name))


def test_a_backup_that_ends_half_is_not_listed(
    quiet: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = str(tmp_path / "vault")
    with monkeypatch.context() as patched:
        patched.setattr(rows.Snapshot, "dump", lambda _: rows.output(["/bin/sh", "-c", "echo half; kill -9 $$"], _URL))
        assert "sh failed" in refused("backup", vault, *quiet)
    assert "There are no backups there" in refused("restore", vault, "--data", str(tmp_path / "none"))
    assert list((tmp_path / "vault" / "backups").iterdir()) == []
    inside = refused("backup", str(tmp_path / "data" / "previews" / "b"), *quiet)
    assert "which is backed up" in inside
    monkeypatch.setattr(rows, "binary", lambda name: tmp_path / name)
    (tmp_path / "pg_dump").write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 12.1'\n")
    (tmp_path / "pg_dump").chmod(0o700)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert "newer than the pg_dump here (12)" in refused("backup", vault, *quiet)


_URL = "postgresql://nobody@localhost/none"


def test_nothing_is_purged_while_a_backup_copies(server: Server, admin: Client) -> None:
    show = factories.production(admin)
    task = factories.task(admin, factories.entity(admin, show["id"]))
    preview = published(admin, admin, task["id"])
    path = LocalStore(server.folder / "previews").path(Address("pictures", "original", preview["id"]))
    assert path.exists()
    purges = "SELECT count(*) FROM pegbar.procrastinate_jobs WHERE task_name = 'storage.purge' AND status = 'succeeded'"
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        with rows.snapshot_of(server.database_url):
            (done,) = connection.execute(purges).fetchone() or (0,)
            admin.ok_delete(f"/data/preview-files/{preview['id']}?force=true")
            purge(admin, preview["id"])
            while (connection.execute(purges).fetchone() or (0,))[0] < done + 2:
                pass
            assert path.exists()
        while path.exists():
            pass


_SPEAKING = """
INSERT INTO pegbar.webhook (id, name, url, events, patterns, sealed_secret, state)
VALUES (gen_random_uuid(), 'on', 'https://example.com', '{}', '{}', '', 'active'),
       (gen_random_uuid(), 'off', 'https://example.com', '{}', '{}', '', 'disabled');
INSERT INTO pegbar.webhook_delivery (id, webhook_id, position, name, thing, body, expires_at)
SELECT gen_random_uuid(), id, event.position, event.name, 'a', '{}', now() + interval '1 hour' FROM pegbar.webhook,
       (VALUES (NULL, 'ping'), (1, 'task:new')) AS event (position, name) WHERE webhook.name = 'on';
INSERT INTO pegbar.procrastinate_jobs (queue_name, task_name, status)
VALUES ('default', 'core.send_mail', 'todo'), ('default', 'tasks.tell', 'doing'), ('long', 'media.make_movie', 'todo'),
       ('default', 'core.send_mail', 'succeeded');
"""
_SAID = """
SELECT array(SELECT name || ' ' || state FROM pegbar.webhook ORDER BY name),
       array(SELECT name || ' ' || status FROM pegbar.webhook_delivery ORDER BY name),
       array(SELECT task_name || ' ' || status FROM pegbar.procrastinate_jobs ORDER BY id),
       (SELECT reason FROM pegbar.webhook WHERE name = 'on')
"""


def test_a_restored_server_says_nothing_twice(quiet: tuple[str, ...], server: Server, tmp_path: Path) -> None:
    vault = str(tmp_path / "vault")
    with psycopg.connect(quiet[3]) as connection:
        connection.execute("DELETE FROM pegbar.procrastinate_jobs")
        connection.execute(_SPEAKING)
        before = connection.execute(_SAID).fetchone()
    assert before is not None
    name = named(ok("backup", vault, *quiet))
    url = new_database(server, "silent")
    told = ok("restore", vault, "--data", str(tmp_path / "silent"), "--database-url", url)
    assert "2 waiting messages cancelled, 1 webhooks paused, 1 tests of webhooks skipped" in told
    with psycopg.connect(url) as connection:
        assert connection.execute(_SAID).fetchone() == (
            ["off disabled", "on paused"],
            ["ping skipped", "task:new waiting"],
            ["core.send_mail cancelled", "tasks.tell aborted", "media.make_movie todo", "core.send_mail succeeded"],
            f"restored from the backup {name}: resume it if this server takes the place of the former one",
        )
    url = new_database(server, "speaking")
    told = ok("restore", vault, "--data", str(tmp_path / "speaking"), "--database-url", url, "--resume-sending")
    assert "hears twice" not in told
    with psycopg.connect(url) as connection:
        assert connection.execute(_SAID).fetchone() == before


def test_backups_in_a_bucket(quiet: tuple[str, ...], s3: dict[str, str], server: Server, tmp_path: Path) -> None:  # noqa: F811
    client = client_of(s3)
    client.create_bucket(Bucket="saved")
    keys = {
        "PEGBAR_BACKUP_S3_ENDPOINT": s3["FS_S3_ENDPOINT"],
        "PEGBAR_BACKUP_S3_ACCESS_KEY": "key",
        "PEGBAR_BACKUP_S3_SECRET_KEY": "secret",
    }
    ok("backup", "s3://saved/studio", *quiet, **keys)
    ok("backups", "verify", "s3://saved/studio", **keys)
    where = ("--data", str(tmp_path / "new"), "--database-url", new_database(server, "from_a_bucket"))
    ok("restore", "s3://saved/studio", *where, **keys)
    assert place_of(tmp_path / "new", "a").read_bytes() == b"first"
    left = [item["Key"] for item in client.list_objects_v2(Bucket="saved")["Contents"]]
    assert "studio/writer/hold.json" not in left
    hold = {"host": "elsewhere", "process": 1, "began_at": "then", "purpose": "backup"}
    client.put_object(Bucket="saved", Key="studio/writer/hold.json", Body=json.dumps(hold))
    assert "(process 1 on elsewhere)" in refused("backup", "s3://saved/studio", *quiet, **keys)
    # The store itself may be one; what was there comes back into a folder as well.
    client.put_object(Bucket="show-files", Key="attachments-c", Body=b"from a bucket")
    ok("backup", "s3://saved/other", *quiet, **s3)
    ok("restore", "s3://saved/other", "--data", str(tmp_path / "files"), "--only", "files", **keys)
    assert place_of(tmp_path / "files", "c").read_bytes() == b"from a bucket"
    assert "does not take or give backups" in refused("backup", "s3://none/x", *quiet, **keys)


def test_the_server_makes_one_when_it_is_due(
    quiet: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = tmp_path / "vault"
    environment = {"PEGBAR_DATA": quiet[1], "DATABASE_URL": quiet[3], "PEGBAR_BACKUP_TO": str(vault)}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    try:
        asyncio.run(due())
        names = [path.name for path in vault.glob("backups/*.json")]
        assert len(names) == 1
        asyncio.run(due())  # not due
        assert [path.name for path in vault.glob("backups/*.json")] == names
        (vault / "backups" / names[0]).rename(vault / "backups" / "20200101T000000Z.json")
        (vault / "archive.json").write_text("{}")
        with pytest.raises(Exception, match=r"No backup was made: .*archive.json of the archive is damaged"):
            asyncio.run(due())
    finally:
        monkeypatch.undo()
        settings.cache_clear()

"""A server whose log is copied, and `pegbar restore --at` to a moment between two backups."""

import asyncio
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pegbar.config import settings
from pegbar.core.backup import jobs
from pegbar.core.backup.log import shipping
from pegbar.core.data.embedded import EmbeddedPostgres
from pegbar.core.errors import CannotRun
from pegbar.core.storage import Address, LocalStore
from tests import factories
from tests.cli.test_backups import Writers, ok, place, refused
from tests.cli.test_serve import children
from tests.client import Client, sign_in
from tests.command import pegbar
from tests.core.test_storage import client_of, s3  # noqa: F401 - a fixture
from tests.server import ADMIN, Server
from tests.trash import purge

pytestmark = pytest.mark.timeout(900)  # on a busy machine a backup takes minutes


def until(condition: Callable[[], object], seconds: float = 600) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.2)


class Kept:
    """A server whose log is copied."""

    def __init__(self, folder: Path, to: str, **environment: str) -> None:
        self.to, self.environment = to, environment
        self.key = folder / "key"
        ok("backups", "key", str(self.key))
        self.server = Server(
            None,
            PEGBAR_BACKUP_TO=to,
            PEGBAR_BACKUP_KEY_FILE=str(self.key),
            PEGBAR_BACKUP_LOG_EVERY="1",
            **environment,
        )

    def listed(self, where: str = "") -> list[dict[str, Any]]:
        words = ("backups", "list", where or self.to, "--key-file", str(self.key), "--json")
        done = pegbar(*words, **self.environment)
        rows: list[dict[str, Any]] = json.loads(done.stdout) if done.returncode == 0 else []
        return rows

    def has_moment(self, moment: datetime) -> bool:
        """Whether a moment can be restored; the segment under way is sent."""
        with psycopg.connect(self.server.database_url, autocommit=True) as connection:
            connection.execute("SELECT pg_current_xact_id()")
            connection.execute("SELECT pg_switch_wal()")
        last = max((row["moments_to"] or "" for row in self.listed()), default="")
        return last > moment.strftime("%Y-%m-%dT%H:%M:%SZ")

    def doctor(self) -> str:
        environment = {**self.server.environment, **self.environment}
        words = ("doctor", "--json", "--only", "way to any moment", "--data", str(self.server.folder))
        (check,) = json.loads(pegbar(*words, **environment).stdout)["checks"]
        return " ".join([check["severity"], *(found["message"] for found in check["findings"])])

    def restore(self, moment: datetime | str, target: Path, *options: str, key: Path | None = None) -> tuple[str, ...]:
        at = moment if isinstance(moment, str) else moment.isoformat()
        return ("restore", self.to, "--at", at, "--data", str(target), "--key-file", str(key or self.key), *options)


async def scheduled(kept: Kept) -> None:
    """The clock comes by for a backup."""
    before = dict(os.environ)
    os.environ.update({**kept.server.environment, "PEGBAR_DATA": str(kept.server.folder)})
    settings.cache_clear()
    try:
        await jobs.back_up(None)
    finally:
        os.environ.clear()
        os.environ.update(before)
        settings.cache_clear()


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    folder = tmp_path_factory.mktemp("kept")
    made = Kept(folder, str(folder / "vault"))
    with made.server:
        until(made.listed)  # it makes the backup itself, with which its log begins
        yield made


@pytest.fixture(scope="module")
def boss(kept: Kept) -> Client:
    return sign_in(kept.server.api, *ADMIN)


class Moment:
    """A moment between writers: what was answered before it, and what was made after."""

    def __init__(self, kept: Kept, admin: Client) -> None:
        show = factories.production(admin)
        task_ids = [factories.task(admin, factories.entity(admin, show["id"]))["id"] for _ in range(3)]
        with Writers(admin, task_ids) as writers:
            self.before = list(writers.answered)
            self.at = datetime.now(UTC)
            time.sleep(0.01)
            late = admin.ok_post(
                f"/actions/tasks/{task_ids[0]}/comment",
                {"task_status_id": factories.named(admin, "task-status", "Todo")["id"], "comment": "late"},
            )
        self.late_id = late["id"]
        # The files of a comment go for good: only the backups have them.
        self.gone_id = self.before[0][0]
        (attachment,) = admin.ok_get(f"/data/comments/{self.gone_id}")["attachment_files"]
        self.gone_file = attachment["id"] if isinstance(attachment, dict) else attachment
        until(lambda: kept.has_moment(self.at + timedelta(seconds=2)))
        admin.ok_delete(f"/data/comments/{self.gone_id}")
        purge(admin, self.gone_id)


@pytest.fixture(scope="module")
def moment(kept: Kept, boss: Client) -> Moment:
    return Moment(kept, boss)


def test_a_moment_between_writers_comes_back(kept: Kept, boss: Client, moment: Moment, tmp_path: Path) -> None:
    source = LocalStore(kept.server.folder / "previews")
    until(lambda: not source.path(Address("files", "attachments", moment.gone_file)).exists())
    target = tmp_path / "restored"
    told = ok(*kept.restore(moment.at, target))
    assert "Restored the moment" in told
    assert sorted(path.name for path in target.iterdir() if path.is_dir()) == ["postgresql", "previews", "tmp"]
    assert "There is a database already" in refused(*kept.restore(moment.at, target))
    with Server(target) as again:
        # The key that signs tokens came along.
        who = Client(again.api, boss.token)
        for comment_id, content in moment.before:
            (held,) = who.ok_get(f"/data/comments/{comment_id}")["attachment_files"]
            held_id = held["id"] if isinstance(held, dict) else held
            name = who.ok_get(f"/data/attachment-files/{held_id}")["name"]
            assert who.get(f"/data/attachment-files/{held_id}/file/{name}").content == content
        assert who.get(f"/data/comments/{moment.late_id}").status_code == 404
        with psycopg.connect(EmbeddedPostgres(target).url()) as connection:
            # Its log is another than that of the server it was copied from.
            assert connection.execute("SELECT timeline_id FROM pg_control_checkpoint()").fetchone() == (2,)


def test_moments_that_cannot_be_reached_are_refused_with_those_that_can(
    kept: Kept, moment: Moment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "restored"
    (row,) = [row for row in kept.listed() if row["moments_from"]]
    possible = f"Possible: {row['moments_from']} to "
    early = refused(*kept.restore("2020-01-01T00:00:00Z", target))
    assert ("is before the first backup" in early, possible in early) == (True, True)
    late = refused(*kept.restore(moment.at + timedelta(days=1), target))
    assert ("is after all that has arrived" in late, possible in late) == (True, True)
    assert "with its time zone" in refused(*kept.restore("2020-01-01T00:00:00", target))
    assert "with its time zone" in refused(*kept.restore("yesterday", target))
    assert "for the embedded database" in refused(
        *kept.restore(moment.at, target), "--database-url", "postgresql://nobody@localhost/none"
    )
    assert "goes by the rows" in refused(*kept.restore(moment.at, target, "--only", "files"))
    other = tmp_path / "other"
    ok("backups", "key", str(other))
    assert "not the one" in refused(*kept.restore(moment.at, target, key=other))
    with monkeypatch.context() as patched:
        patched.setattr(EmbeddedPostgres, "major", staticmethod(lambda: "99"))
        assert "this Pegbar brings 99" in refused(*kept.restore(moment.at, target))
    place(target, "z", b"of somebody")
    assert "There are files already" in refused(*kept.restore(moment.at, target))
    assert not (target / "postgresql").exists()


def test_a_gap_in_the_log_is_refused(kept: Kept, moment: Moment, tmp_path: Path) -> None:
    vault = tmp_path / "vault"
    shutil.copytree(kept.to, vault)
    segments = sorted(vault.glob("log/*/" + "[0-9A-F]" * 24))
    assert len(segments) > 3
    segments[-2].unlink()
    words = ("restore", str(vault), "--data", str(tmp_path / "target"), "--key-file", str(kept.key), "--at")
    behind = refused(*words, (datetime.now(UTC) + timedelta(days=1)).isoformat())
    assert ("is behind a gap in the log" in behind, segments[-3].name in behind) == (True, True)
    # One that was changed is found when it is read.
    verify = ("backups", "verify", str(vault), "--key-file", str(kept.key))
    assert "backup is whole" in ok(*verify)
    whole = segments[2].read_bytes()
    segments[2].write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert segments[2].name in refused(*verify)
    for later in segments[3:-2]:
        later.unlink()
    assert "damaged" in refused(*words, moment.at.isoformat())
    assert not (tmp_path / "target" / "postgresql").exists()
    assert not (tmp_path / "target" / "recovering").exists()


def test_a_killed_copying_resumes(kept: Kept) -> None:
    for _ in range(3):
        (process,) = children(kept.server, "copy-log")
        process.kill()
        process.wait(20)
        until(lambda: children(kept.server, "copy-log"))
    now = datetime.now(UTC)
    until(lambda: kept.has_moment(now))
    assert kept.doctor().startswith("ok ")


def test_what_cannot_be_brought_waits_takes_little_room_and_is_told(kept: Kept) -> None:
    spool, away = kept.server.folder / "postgresql.archive", Path(f"{kept.to}.away")
    until(lambda: not shipping.waiting(spool))  # nothing is on its way at that moment
    Path(kept.to).rename(away)
    try:
        with psycopg.connect(kept.server.database_url, autocommit=True) as connection:
            for _ in range(3):
                connection.execute("SELECT pg_current_xact_id()")
                connection.execute("SELECT pg_switch_wal()")
        until(lambda: "Nothing arrives since" in kept.doctor())
        until(lambda: len(list(spool.glob("*.packed"))) >= 3)
        assert all(path.stat().st_size < 4 * 1024**2 for path in spool.glob("*.packed"))
        assert "There are no backups there" in kept.doctor()
        assert "the copy of the database's log is held up" in kept.server.text()
        with pytest.raises(CannotRun, match="are not there"):
            asyncio.run(scheduled(kept))
        assert not Path(kept.to).exists()  # nothing is written where a disk is not mounted
    finally:
        away.rename(kept.to)
    now = datetime.now(UTC)
    until(lambda: kept.has_moment(now))
    until(lambda: not shipping.waiting(spool))
    until(lambda: kept.doctor().startswith("ok "))


def test_the_log_goes_with_the_backups_that_need_it(kept: Kept, moment: Moment) -> None:
    place = ("--data", str(kept.server.folder), "--key-file", str(kept.key))
    environment = kept.server.environment
    log = Path(kept.to) / "log"
    before = {path.name for path in log.glob("*/" + "[0-9A-F]" * 24)}
    while (done := pegbar("backup", kept.to, *place, "--keep", "1", **environment)).returncode:
        assert "of this second already" in done.stderr
    (row,) = kept.listed()
    after = {path.name for path in log.glob("*/" + "[0-9A-F]" * 24)}
    assert len(before - after) > 3
    assert "is before the first backup" in refused(*kept.restore(moment.at, Path("/nowhere")))
    now = datetime.now(UTC)
    until(lambda: kept.has_moment(now))
    assert kept.listed()[0]["name"] == row["name"]


def test_a_stop_brings_what_was_written(kept: Kept, boss: Client, tmp_path: Path) -> None:
    show = factories.production(boss)
    # Moments are told in whole seconds: something of a later one ends the log.
    told_at = datetime.now(UTC) + timedelta(seconds=2)
    until(lambda: datetime.now(UTC) > told_at)
    factories.production(boss)
    kept.server.stop()
    try:
        # PostgreSQL hands out one more as it stops, of what its processes write at their end.
        assert len(shipping.waiting(kept.server.folder / "postgresql.archive")) <= 1
        (row,) = kept.listed()
        target = tmp_path / "target"
        # A second server that was copied from it may not write its log over the other's.
        ok(*kept.restore(row["moments_to"], target, "--only", "database"))
        embedded = EmbeddedPostgres(target, kept.server.environment["PEGBAR_POSTGRES_OPTIONS"])
        try:
            with psycopg.connect(embedded.start()) as connection:
                names = connection.execute("SELECT count(*) FROM project WHERE id = %s", (show["id"],)).fetchone()
                assert names == (1,)
        finally:
            embedded.stop()
    finally:
        kept.server.start()


def test_a_log_in_a_bucket(tmp_path: Path, s3: dict[str, str]) -> None:  # noqa: F811
    client = client_of(s3)
    client.create_bucket(Bucket="moments")
    keys = {
        "PEGBAR_BACKUP_S3_ENDPOINT": s3["FS_S3_ENDPOINT"],
        "PEGBAR_BACKUP_S3_ACCESS_KEY": "key",
        "PEGBAR_BACKUP_S3_SECRET_KEY": "secret",
    }
    kept = Kept(tmp_path, "s3://moments/studio", **keys)
    with kept.server:
        until(kept.listed)
        who = sign_in(kept.server.api, *ADMIN)
        first = factories.production(who)
        at = datetime.now(UTC)
        second = factories.production(who)
        until(lambda: kept.has_moment(at + timedelta(seconds=1)))
    target = tmp_path / "target"
    ok(*kept.restore(at, target), **keys)
    embedded = EmbeddedPostgres(target, kept.server.environment["PEGBAR_POSTGRES_OPTIONS"])
    try:
        with psycopg.connect(embedded.start()) as connection:
            rows = connection.execute(
                "SELECT id::text FROM project WHERE id::text = ANY(%s)", ([first["id"], second["id"]],)
            ).fetchall()
            assert rows == [(first["id"],)]
    finally:
        embedded.stop()


def test_it_needs_a_place_and_a_database_of_ours(tmp_path: Path) -> None:
    done = pegbar("serve", "--data", str(tmp_path), PEGBAR_BACKUP_LOG_EVERY="5")
    assert (done.returncode, "set PEGBAR_BACKUP_TO" in done.stderr) == (1, True)
    assert subprocess.run(["ls", tmp_path], capture_output=True, check=True).stdout in (b"", b"secret.key\n")

"""`pegbar doctor`: what it says of a server that is well, of one that is not, and of none."""

import json
import os
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from pegbar.cli.doctor.checks import Visit, check, declared, fault, made
from tests.accounts.mailbox import Mailbox
from tests.client import Client
from tests.command import Done, pegbar
from tests.core.data.databases import initialised
from tests.server import ADMIN, Server, free_port

#: What the settings of test servers have that no studio should.
_FOR_TESTS = {
    "PEGBAR_POSTGRES_OPTIONS": "",
    "BCRYPT_LOG_ROUNDS": "12",
    "DEBUG": "false",
    "PEGBAR_LOGIN_RATE_LIMIT": "60",
    "PEGBAR_ADMIN_PASSWORD": "",
}


def _checks(done: Done) -> dict[str, Any]:
    assert not done.stderr, done.stderr
    return {one["name"]: one for one in json.loads(done.stdout)["checks"]}


def _wrong(one: Any) -> str:
    return " ".join(f"{found['message']} {found['mend']}" for found in one["findings"] if found["mend"])


def test_it_sees_what_is_wrong_with_a_server_for_tests(server: Server, admin: Client) -> None:
    done = pegbar("doctor", "--json", "--data", str(server.folder))
    document, checks = json.loads(done.stdout), _checks(done)
    assert (done.returncode, document["worst"], document["format"]) == (2, "fault", 1)
    assert len(checks) > 45
    assert not [one for one in checks.values() if "could not be made" in _wrong(one)]
    assert "fsync is off" in _wrong(checks["Safety of what is stored"])
    assert f"pegbar user reset-password {ADMIN[0]}" in _wrong(checks["Administrators"])
    assert {"DEBUG", "BCRYPT_LOG_ROUNDS", "PEGBAR_LOGIN_RATE_LIMIT"} <= set(
        _wrong(checks["Sign-in limits"]).replace(".", " ").split()
    )
    well = (
        "Connection",
        "Version of PostgreSQL",
        "Schema",
        "Indexes",
        "Encoding",
        "Clock",
        "Data folder",
        "Secret key",
    )
    assert {checks[name]["severity"] for name in well} == {"ok"}
    # Those of other tests may have told of themselves, too.
    assert re.search(r"\d+ api, \d+ worker", checks["Nodes"]["findings"][-1]["message"])


def test_people_read_what_is_wrong_and_what_mends_it(server: Server) -> None:
    done = pegbar("doctor", "--only", "sign-in limits", "--data", str(server.folder))
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "Accounts",
        "  ! Sign-in limits",
        "      Addresses may guess as often as they like.",
        "      → Unset PEGBAR_LOGIN_RATE_LIMIT",
        "      Passwords are hashed with 4 rounds: a stolen database is guessed.",
        "      → Unset BCRYPT_LOG_ROUNDS (12)",
        "      DEBUG is on: errors show their stack to whoever causes them.",
        "      → Unset DEBUG",
        "1 checks: 1 to look after.",
    ]
    good = pegbar("doctor", "--only", "sign-in limits", "--quiet", "--data", str(server.folder), **_FOR_TESTS)
    assert (good.returncode, good.stdout) == (0, "All is well: 1 checks.\n")


def test_it_works_when_the_database_is_away_and_makes_nothing(tmp_path: Path) -> None:
    nowhere = f"postgresql://pegbar:s3cret@127.0.0.1:{free_port()}/pegbar"
    for options, message in (((), "There is no database in"), (("--database-url", nowhere), "Cannot connect to")):
        done = pegbar("doctor", "--json", "--data", str(tmp_path / "data"), *options)
        checks = _checks(done)
        assert done.returncode == 2
        assert message in _wrong(checks["Connection"])
        assert checks["Dead rows"]["findings"][0]["message"] == checks["Nodes"]["findings"][0]["message"]
        assert checks["ffmpeg"]["severity"] == "ok"
        assert "s3cret" not in done.stdout
    assert list(tmp_path.iterdir()) == []


_AILING = """
DROP INDEX ix_comment_object_id_created_at, ix_login_log_created_at;
INSERT INTO pegbar.procrastinate_jobs (queue_name, task_name, scheduled_at, status)
VALUES ('default', 'media.late', now() - interval '2 hours', 'todo'), ('default', 'core.send_mail', NULL, 'failed'),
       ('default', 'media.lost', NULL, 'doing');
INSERT INTO pegbar.procrastinate_events (job_id, type, at) SELECT id, 'failed', now() - interval '1 hour'
  FROM pegbar.procrastinate_jobs WHERE status = 'failed';
UPDATE pegbar.procrastinate_events e SET at = now() - interval '2 hours' FROM pegbar.procrastinate_jobs j
 WHERE j.id = e.job_id AND j.status = 'todo';
INSERT INTO pegbar.node (host, process, kind, version, settings)
VALUES ('one', 1, 'api', '0.0.9', '{"SECRET_KEY": "a", "FS_BACKEND": "x"}'),
       ('two', 1, 'api', '0.0.9', '{"SECRET_KEY": "a", "FS_BACKEND": "y"}');
INSERT INTO pegbar.project_removal
       (project_id, project_name, requested_at, updated_at, total, removed, doing, last_error)
VALUES (gen_random_uuid(), 'Old show', now(), now(), 3, 1, 'task', 'disk on fire');
INSERT INTO stored_file (id, bucket, key, prefix, file_id, size, purge_forced)
SELECT id, 'pictures', 'original-' || id, 'original', id::text, 1, false FROM (SELECT gen_random_uuid() AS id) AS one;
INSERT INTO stored_file (id, bucket, key, prefix, file_id, deleted_at, purge_attempts, last_error, purge_forced)
VALUES (gen_random_uuid(), 'files', 'a-b', 'a', 'b', now(), 9, 'not allowed', true);
INSERT INTO pegbar.trash (id, deleted_at, kind, state, row_count, rows, error)
VALUES (gen_random_uuid(), now(), 'shot', 'whole', 1200, '{}', NULL),
       (gen_random_uuid(), now(), 'shot', 'whole', 34, '{}', 'its sequence is gone');
"""


def test_it_sees_what_ails_a_database(server: Server, tmp_path: Path) -> None:
    url = initialised(server, "ailing")
    with psycopg.connect(url, autocommit=True) as connection:
        names = [
            row[0]
            for row in connection.execute(
                "SELECT indexname FROM pg_indexes WHERE tablename IN ('comment', 'login_log') AND schemaname = 'public'"
                " AND indexdef LIKE '%created_at)'"
            )
        ]
        assert names
        ailing = _AILING.replace("ix_comment_object_id_created_at, ix_login_log_created_at", ", ".join(names))
        connection.execute(ailing)
        connection.execute("CREATE TABLE public.twice (a int)")
        connection.execute("INSERT INTO public.twice VALUES (1), (1)")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("CREATE UNIQUE INDEX CONCURRENTLY twice_once ON public.twice (a)")
    orphans = tmp_path / "previews" / "pictures" / "original" / "abc" / "def"
    orphans.mkdir(parents=True)
    for _ in range(3):
        (orphans / str(uuid4())).touch()
    done = pegbar("doctor", "--json", "--database-url", url, "--data", str(tmp_path), **_FOR_TESTS)
    checks = _checks(done)
    for name, words in {
        "Indexes": ("indexes are missing", "pegbar db adopt", "REINDEX INDEX CONCURRENTLY twice_once"),
        "Administrators": ("pegbar user create",),
        "Job workers": ("pegbar worker",),
        "Waiting jobs": ("media.late", "120 minutes"),
        "Stuck jobs": ("media.lost",),
        "Failed jobs": ("core.send_mail", "--send-to"),
        "Removals of productions": ("Old show", "disk on fire"),
        "Nodes": ("0.0.9 on one, two", "differ in FS_BACKEND"),
        "Missing files": ("1 of 1 are missing",),
        "Files of nobody": ("3 of 3 belong to no row",),
        "Removals of files": ("not allowed",),
        "Live events": ("pegbar serve",),
        "Trash": ("2 entries of 1,234 rows and 0 files", "1 could not be restored", "GET /open/v1/trash"),
    }.items():
        assert all(word in _wrong(checks[name]) for word in words), checks[name]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE pegbar.trash SET deleted_at = now() - interval '400 days' WHERE error IS NULL")
    options = ("--json", "--only", "trash", "--database-url", url, "--data", str(tmp_path))
    (left,) = _checks(pegbar("doctor", *options)).values()
    assert (left["severity"], "it should be gone" in _wrong(left)) == ("warning", True)
    (off,) = _checks(pegbar("doctor", *options, PEGBAR_TRASH_DAYS="0")).values()
    assert (off["severity"], "PEGBAR_TRASH_DAYS=0" in off["findings"][0]["message"]) == ("ok", True)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE pegbar.alembic_version SET version_num = '0010'")
    checks = _checks(pegbar("doctor", "--json", "--only", "schema", "--database-url", url, "--data", str(tmp_path)))
    assert "pegbar db upgrade --plan" in _wrong(checks["Schema"])


@pytest.mark.parametrize(
    ("key", "severity"),
    [("mysecretkey", "fault"), ("short", "fault"), ("a" * 64, "fault"), (os.urandom(32).hex(), "ok")],
    ids=["of the specification", "short", "of one letter", "good"],
)
def test_keys_that_can_be_guessed(tmp_path: Path, key: str, severity: str) -> None:
    done = pegbar("doctor", "--json", "--only", "secret key", "--data", str(tmp_path), SECRET_KEY=key)
    assert _checks(done)["Secret key"]["severity"] == severity
    assert key not in done.stdout


def test_files_that_others_may_read(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    secret = tmp_path / "secret.key"
    secret.write_text(os.urandom(32).hex())
    secret.chmod(0o644)
    (one,) = _checks(pegbar("doctor", "--json", "--only", "data folder", "--data", str(tmp_path))).values()
    assert f"chmod o-rwx {secret}" in _wrong(one)
    assert secret.stat().st_mode & 0o777 == 0o644, "it only looks"
    secret.chmod(0o600)
    (one,) = _checks(pegbar("doctor", "--json", "--only", "data folder", "--data", str(tmp_path))).values()
    assert one["severity"] == "ok"


def test_backups_are_missed(server: Server, tmp_path: Path) -> None:
    to = tmp_path / "backups"
    to.mkdir()

    def seen(**environment: str) -> Any:
        done = pegbar("doctor", "--json", "--only", "Backups", "--data", str(server.folder), **environment)
        return _checks(done)["Backups"]

    assert "PEGBAR_BACKUP_TO" in seen()["findings"][0]["message"]
    assert f"There is no backup in {to}" in _wrong(seen(PEGBAR_BACKUP_TO=str(to)))
    made = pegbar("backup", str(to), "--quiet", "--data", str(server.folder))
    assert made.returncode == 0, made.stderr
    assert seen(PEGBAR_BACKUP_TO=str(to))["severity"] == "ok"
    assert seen(PEGBAR_BACKUP_TO=str(tmp_path / "file" / "below"))["severity"] != "ok"


def test_it_sends_a_mail_when_asked(tmp_path: Path) -> None:
    settings = {"MAIL_SERVER": "127.0.0.1", "MAIL_DEFAULT_SENDER": "pegbar@studio.example"}
    arguments = ("doctor", "--json", "--only", "mail", "--data", str(tmp_path))
    with Mailbox() as mailbox:
        port = str(mailbox.port)
        assert pegbar(*arguments, MAIL_PORT=port, **settings).returncode == 0
        assert mailbox.is_empty()
        assert pegbar(*arguments, "--send-to", "it@studio.example", MAIL_PORT=port, **settings).returncode == 0
        assert "It arrived" in str(mailbox.next("it@studio.example"))
        refused = pegbar(*arguments, "--send-to", "refused@studio.example", MAIL_PORT=port, **settings)
        assert (refused.returncode, "SMTPRecipientsRefused" in refused.stdout) == (2, True)
    assert pegbar(*arguments, MAIL_PORT=port, MAIL_PASSWORD="s3cret", **settings).returncode == 2


def test_a_check_that_fails_says_so_and_the_others_go_on() -> None:
    before = list(declared)
    try:

        @check("Broken", about="a fault of ours", area="Test")
        def broken(visit: Visit) -> Any:
            yield fault("First.", mend="That.")
            raise RuntimeError("out of order")

        result = made(declared[-1], Visit())
        assert [found.severity for found in result.findings] == ["fault", "warning"]
        assert "RuntimeError: out of order" in result.findings[1].message
        assert result.severity == "fault"
    finally:
        declared[:] = before


def test_the_plan_of_an_upgrade_changes_nothing(server: Server) -> None:
    url = initialised(server, "planned")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP INDEX pegbar_notification_unread")
        connection.execute("UPDATE pegbar.alembic_version SET version_num = '0008'")
        connection.execute("UPDATE pg_class SET reltuples = 4e7 WHERE relname = 'notification'")
        done = pegbar("db", "upgrade", "--plan", "--database-url", url)
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        at = next(place for place, line in enumerate(lines) if line.startswith("0009  The unread"))
        assert lines[at + 1].strip() == "about 3 minutes, 1 statements"
        assert lines[at + 2].strip() == "Who writes waits about 3 minutes at the most: notification"
        assert "Who reads or writes waits a moment at the most: pegbar.one_time_secret" in done.stdout
        assert lines[-1].endswith("Nothing was changed.")
        assert "CREATE TABLE IF NOT EXISTS pegbar.team_addition" in (
            pegbar("db", "upgrade", "--plan", "--statements", "--database-url", url).stdout
        )
        state = connection.execute(
            "SELECT version_num, to_regclass('pegbar_notification_unread') FROM pegbar.alembic_version"
        ).fetchone()
        assert state == ("0008", None)

"""The API of the console: jobs, sessions, storage, what went wrong, the settings and the log."""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import jwt
import psycopg
import pytest

from tests import factories
from tests.accounts.people import FIREFOX, artist, is_in, signed_in
from tests.client import Client, unique
from tests.media.publishing import published
from tests.server import Server

API = "/console/api"
_FUTURE = "2131-01-05"


@pytest.fixture(scope="module")
def rows(server: Server) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        yield connection


def add_job(rows: psycopg.Connection, status: str, task: str = "console.sweep", args: str = "{}", **more: Any) -> int:
    """A job that no worker takes yet."""
    names = ["queue_name", "task_name", "status", "args", "scheduled_at", *more]
    values = ["default", task, status, args, _FUTURE, *more.values()]
    kinds = {"status": "::pegbar.procrastinate_job_status", "args": "::jsonb"}
    marks = ", ".join(f"%s{kinds.get(name, '')}" for name in names)
    statement = f"INSERT INTO pegbar.procrastinate_jobs ({', '.join(names)}) VALUES ({marks}) RETURNING id"
    return int((rows.execute(statement, values).fetchone() or (0,))[0])


def until(read: Callable[[], Any]) -> Any:
    """What is read, once there is something."""
    deadline = time.monotonic() + 90
    while not (seen := read()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return seen


def job_of(admin: Client, job_id: int, **query: str) -> Any:
    listed = admin.ok_get(f"{API}/jobs", params={"limit": "500", **query})["jobs"]
    return next((job for job in listed if job["id"] == job_id), None)


def test_the_overview_tells_what_runs(admin: Client) -> None:
    # The worker tells of itself in its own time.
    seen = until(
        lambda: (
            (told := admin.ok_get(f"{API}/overview"))
            and {"api", "worker"} <= {node["kind"] for node in told["nodes"]}
            and told["workers"]
            and told
        )
    )
    assert all(node["version"] == seen["version"] for node in seen["nodes"])
    assert all("settings" not in node for node in seen["nodes"])
    assert seen["database"]["bytes"] > 0
    assert {"data", "uploads", "storage"} <= {disk["of"] for disk in seen["storage"]["disks"]}
    # Other tests run commands with settings of their own on this database: names are told, never values.
    assert all(name.isupper() for name in seen["differing"])


def test_a_job_is_cancelled_and_tried_again(admin: Client, rows: psycopg.Connection) -> None:
    job_id = add_job(rows, "todo", args='{"message": "a long text", "preview_id": "x"}')
    job = job_of(admin, job_id, status="todo")
    assert (job["status"], job["scheduled_at"], job["args"]) == ("todo", "2131-01-05T00:00:00", '{"preview_id": "x"}')
    assert admin.ok_post(f"{API}/jobs/{job_id}/cancel") == {"id": job_id, "status": "cancelled"}
    again = admin.post(f"{API}/jobs/{job_id}/cancel")
    assert (again.status_code, again.json()["message"]) == (400, "The job cannot be cancelled: it is cancelled.")
    assert job_of(admin, job_id, status="open")["status"] == "cancelled"
    rows.execute("UPDATE pegbar.procrastinate_jobs SET args = '{}' WHERE id = %s", [job_id])
    assert admin.ok_post(f"{API}/jobs/{job_id}/retry") == {"id": job_id, "status": "todo"}
    until(lambda: job_of(admin, job_id)["status"] == "succeeded")
    assert job_of(admin, job_id, status="open") is None
    refused = admin.post(f"{API}/jobs/{job_id}/retry")
    assert (refused.status_code, refused.json()["message"]) == (400, "The job cannot be tried again: it is done.")


def test_a_movie_that_was_given_up_is_taken_up_again(admin: Client, rows: psycopg.Connection) -> None:
    show = factories.production(admin)
    task = factories.task(admin, factories.entity(admin, show["id"]))
    preview = published(admin, admin, task["id"])["id"]
    rows.execute(
        "UPDATE preview_file SET status = 'broken', extension = 'mp4',"
        """ data = '{"attempts": 10, "error": "It was given up", "original_size": 1}' WHERE id = %s""",
        [preview],
    )
    job_id = add_job(rows, "failed", "media.make_movie", f'{{"preview_id": "{preview}"}}')
    assert job_of(admin, job_id)["cause"] == "It was given up"
    admin.ok_post(f"{API}/jobs/{job_id}/retry")
    until(lambda: job_of(admin, job_id)["status"] == "succeeded")
    # Its source is not there; with its attempts used up it would have been given up once more.
    assert admin.ok_get(f"/data/preview-files/{preview}")["status"] == "missing"


def test_a_running_job_is_told_to_stop(admin: Client, rows: psycopg.Connection) -> None:
    # Of a worker that gives signs of life, so that nobody gives it back to the queue.
    job_id = add_job(rows, "todo")
    rows.execute(
        "UPDATE pegbar.procrastinate_jobs SET status = 'doing', worker_id ="
        " (SELECT id FROM pegbar.procrastinate_workers ORDER BY last_heartbeat DESC LIMIT 1) WHERE id = %s",
        [job_id],
    )
    try:
        assert admin.ok_post(f"{API}/jobs/{job_id}/cancel") == {"id": job_id, "status": "stopping"}
        assert job_of(admin, job_id, status="doing")["is_stopping"] is True
        assert admin.post(f"{API}/jobs/{job_id}/retry").status_code == 400
    finally:
        rows.execute("DELETE FROM pegbar.procrastinate_jobs WHERE id = %s", [job_id])


def test_why_a_job_failed_is_told(admin: Client, rows: psycopg.Connection) -> None:
    secret = f"password={unique('hunter').replace(' ', '')}"
    job_id = add_job(rows, "todo", "accounts.mail_invitation", f'{{"person_id": "{secret}"}}')
    # One that is due in a hundred years is tried at once.
    assert admin.ok_post(f"{API}/jobs/{job_id}/retry")["status"] == "todo"
    job = until(lambda: (job := job_of(admin, job_id)) and job["cause"] and job)
    assert "ValueError" in job["cause"] or "DataError" in job["cause"]
    assert secret not in job["cause"]
    admin.post(f"{API}/jobs/{job_id}/cancel")
    rows.execute("UPDATE pegbar.procrastinate_jobs SET status = 'failed' WHERE id = %s AND status <> 'doing'", [job_id])
    assert job_id in [job["id"] for job in admin.ok_get(f"{API}/mails")["jobs"]]
    rows.execute("DELETE FROM pegbar.procrastinate_jobs WHERE id = %s", [job_id])


def test_the_same_job_does_not_wait_twice(admin: Client, rows: psycopg.Connection) -> None:
    lock = unique("lock")
    failed, _ = add_job(rows, "failed", queueing_lock=lock), add_job(rows, "todo", queueing_lock=lock)
    refused = admin.post(f"{API}/jobs/{failed}/retry")
    assert (refused.status_code, refused.json()["message"]) == (400, "The same job waits in the queue already.")


@pytest.mark.parametrize("job_id", ["-1", "0", str(2**62), "9" * 40])
@pytest.mark.parametrize("action", ["retry", "cancel"])
def test_a_job_that_is_not_there_is_not_found(admin: Client, job_id: str, action: str) -> None:
    assert admin.post(f"{API}/jobs/{job_id}/{action}").status_code == 404


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("jobs?status=lost", "status"),
        ("jobs?limit=0", "limit"),
        ("jobs?job=a%00b", "job"),
        ("sessions?words=%00", "words"),
        ("slow-requests?hours=1000", "hours"),
        ("log?level=loud", "level"),
        ("log?after=-1", "after"),
    ],
)
def test_a_malformed_question_names_its_field(admin: Client, path: str, field: str) -> None:
    answer = admin.get(f"{API}/{path}")
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(field)


def test_a_session_is_seen_and_ended(admin: Client) -> None:
    person_id, email = artist(admin)
    one, other = signed_in(admin, email), signed_in(admin, email)
    for client, agent in ((one, FIREFOX), (other, "a script/1.0")):
        client.http.headers["User-Agent"] = agent
        assert is_in(client)
        assert is_in(client)
    seen = admin.ok_get(f"{API}/sessions", params={"words": email.upper()})
    assert {(row["kind"], row["person_id"], row["agent"], row["address"]) for row in seen} == {
        ("person", person_id, FIREFOX, "127.0.0.1"),
        ("person", person_id, "a script/1.0", "127.0.0.1"),
    }
    assert all(row["requests"] == 2 and row["seen_at"] and not row["is_yours"] for row in seen)
    named = jwt.decode(str(one.token), options={"verify_signature": False})
    assert not {str(one.token), named["jti"], named["refresh_jti"]} & set(re.findall(r"[\w.-]+", str(seen)))
    ended = next(row["id"] for row in seen if row["agent"] == FIREFOX)
    admin.ok_delete(f"{API}/sessions/{ended}")
    assert not is_in(one)
    assert is_in(other)
    left = admin.ok_get(f"{API}/sessions", params={"words": email})
    assert [row["agent"] for row in left] == ["a script/1.0"]
    assert admin.delete(f"{API}/sessions/{ended}").status_code == 404, "it is over already"
    other.ok_get("/auth/logout")
    assert admin.ok_get(f"{API}/sessions", params={"words": email}) == []


def test_ones_own_session_is_told(admin: Client) -> None:
    boss = signed_in(admin, artist(admin, "admin")[1])
    assert is_in(boss)
    assert [row["person_id"] for row in boss.ok_get(f"{API}/sessions?limit=1000") if row["is_yours"]] == [boss.id]


def test_an_api_token_is_seen_before_its_use_and_ended(admin: Client) -> None:
    bot = factories.hire(admin)
    name = bot.person["last_name"]
    (row,) = admin.ok_get(f"{API}/sessions", params={"words": name})
    assert (row["kind"], row["seen_at"], row["requests"], row["expires_at"]) == ("bot", None, 0, None)
    assert is_in(bot)
    (row,) = admin.ok_get(f"{API}/sessions", params={"words": name})
    assert (row["requests"], row["address"]) == (1, "127.0.0.1")
    admin.ok_delete(f"{API}/sessions/{row['id']}")
    assert not is_in(bot)
    assert admin.ok_get(f"{API}/sessions", params={"words": name}) == []


def test_what_is_stored_is_counted(admin: Client, rows: psycopg.Connection) -> None:
    show = factories.production(admin)
    task = factories.task(admin, factories.entity(admin, show["id"]))
    published(admin, admin, task["id"])
    size = 12_345_678
    rows.execute(
        "INSERT INTO stored_file (id, bucket, key, prefix, file_id, size, purge_forced, purge_attempts, journal,"
        " created_at) SELECT gen_random_uuid(), 'files', 'previews-' || id, 'previews', id, %s, false, 0, '[]',"
        " timezone('utc', now()) FROM (SELECT gen_random_uuid()::text AS id) AS lost",
        [size],
    )
    before = admin.ok_get(f"{API}/storage")["counted_at"]
    rows.execute("UPDATE pegbar.storage_census SET counted_at = '2020-01-01'")
    assert admin.ok_post(f"{API}/storage/count") == {"is_being_counted": True}
    seen = until(
        lambda: (
            (told := admin.ok_get(f"{API}/storage"))
            and told["report"]
            and not told["counted_at"].startswith("2020")
            and told
        )
    )
    assert before is None or seen["counted_at"] >= before
    of_show = next(row for row in seen["report"]["projects"] if row["project_id"] == show["id"])
    assert of_show["name"] == show["name"]
    assert of_show["files"] >= 2
    assert of_show["bytes"] > 0
    assert seen["report"]["orphans"]["bytes"] >= size
    assert seen["report"]["total"]["bytes"] >= seen["report"]["orphans"]["bytes"] + of_show["bytes"]
    assert seen["report"]["added"][-1]["bytes"] >= size
    assert seen["history"][-1]["bytes"] == seen["report"]["total"]["bytes"]


def test_refused_mails_and_slow_requests_are_listed(admin: Client, rows: psycopg.Connection) -> None:
    recipient, route = f"{unique('nobody').replace(' ', '')}@example.com", f"/data/{unique('slow').replace(' ', '')}"
    rows.execute(
        "INSERT INTO pegbar.mail_refusal (at, recipient, subject, reason)"
        " VALUES (timezone('utc', now()), %s, 'Hello', '550 unknown')",
        [recipient],
    )
    seen = admin.ok_get(f"{API}/mails")
    assert (seen["enabled"], seen["server"]) == (True, "")
    assert (recipient, "Hello", "550 unknown") in [
        (mail["recipient"], mail["subject"], mail["reason"]) for mail in seen["refused"]
    ]
    for seconds, hours in ((1.5, 0), (3.5, 0), (99, 30)):
        rows.execute(
            "INSERT INTO pegbar.slow_request (at, method, route, status, seconds, person_id, host)"
            " VALUES (timezone('utc', now()) - make_interval(hours => %s), 'GET', %s, 200, %s, %s, 'here')",
            [hours, route, seconds, admin.id],
        )
    day, week = (admin.ok_get(f"{API}/slow-requests?hours={hours}") for hours in (24, 168))
    (of_day,) = [row for row in day["routes"] if row["route"] == route]
    assert (of_day["requests"], of_day["slowest"], of_day["median"]) == (2, 3.5, 2.5)
    assert next(row["slowest"] for row in week["routes"] if row["route"] == route) == 99
    assert day["threshold"] == 1.0
    assert next(row["person"] for row in day["requests"] if row["route"] == route) == "Super Admin"


def test_settings_tell_where_they_come_from_and_no_secrets(admin: Client, server: Server) -> None:
    sections = admin.ok_get(f"{API}/settings")
    known = {row["variable"]: row for section in sections for row in section["settings"]}
    assert (known["PEGBAR_PORT"]["value"], known["PEGBAR_PORT"]["origin"]) == (
        str(server.port),
        "option of the command",
    )
    assert known["BCRYPT_LOG_ROUNDS"]["origin"] == "environment: BCRYPT_LOG_ROUNDS"
    assert (known["MAIL_PORT"]["value"], known["MAIL_PORT"]["origin"]) == ("25", "default")
    assert (known["SECRET_KEY"]["value"], known["SECRET_KEY"]["origin"]) == ("••••", "secret.key of the data folder")
    assert known["DATABASE_URL"]["value"] == "••••"
    text = str(sections)
    assert (server.folder / "secret.key").read_text().strip() not in text
    assert server.environment["PEGBAR_ADMIN_PASSWORD"] not in text


def test_the_log_holds_no_secrets(admin: Client) -> None:
    """Without a mail server the worker logs mails; what a mail says may set a password."""
    _, email = artist(admin)
    admin.ok_post("/auth/reset-password", {"email": email})
    (line,) = until(lambda: admin.ok_get(f"{API}/log", params={"words": email}))
    assert (line["kind"], line["level"]) == ("worker", "info")
    assert line["details"]["to"] == email
    assert "text" not in line["details"]
    assert "token" not in str(line)
    assert admin.ok_get(f"{API}/log", params={"words": email, "after": line["number"]}) == []
    assert admin.ok_get(f"{API}/log", params={"words": email, "level": "warning"}) == []

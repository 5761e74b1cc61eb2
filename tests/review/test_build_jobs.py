"""Movies of playlists that job workers make after the answer."""

from collections.abc import Iterator
from threading import Barrier, Thread
from typing import Any

import psutil
import psycopg
import pytest

from tests import factories
from tests.accounts.mailbox import Mailbox, text_of
from tests.client import Client, sign_in
from tests.media.clips import contents, moving
from tests.media.publishing import comment_on, place, upload
from tests.review.playlists import build, entry, movie_of, place_of, playlist_of, shot
from tests.server import ADMIN, Server
from tests.workers import wait_for, worker_of

_ENDED = "SELECT status, message FROM build_job WHERE id = %s AND status <> 'running'"


@pytest.fixture(scope="module")
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as running:
        yield running


@pytest.fixture(scope="module")
def queued(mailbox: Mailbox) -> Iterator[Server]:
    """A server that leaves movies to its job worker, which may be killed."""
    environment = {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(mailbox.port), "DOMAIN_NAME": "kitsu.studio.example"}
    with Server(None, ENABLE_JOB_QUEUE="true", PEGBAR_JOB_STALLED_AFTER="1.5", **environment) as running:
        yield running


@pytest.fixture(scope="module")
def boss(queued: Server) -> Client:
    return sign_in(queued.api, *ADMIN)


@pytest.fixture(scope="module")
def database(queued: Server) -> Iterator[psycopg.Connection]:
    with psycopg.connect(queued.database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def show(boss: Client) -> dict[str, Any]:
    return factories.production(boss, fps="24", resolution="640x360")


@pytest.fixture(scope="module")
def take(boss: Client, show: dict[str, Any]) -> dict[str, str]:
    """A shot with a movie that takes a while to encode, stored as it is."""
    task = shot(boss, show)
    row = place(boss, task["id"], comment_on(boss, boss, task["id"])["id"])
    movie = moving("slow.mp4", "-pix_fmt", "yuv420p", length=20, picture="testsrc2=s=640x360:r={rate}:d={length}")
    answer = upload(boss, row["id"], movie, "a.mp4", normalize="false", no_job="true")
    assert answer.json()["status"] == "ready", answer.text
    return entry(task, row)


def ended(database: psycopg.Connection, job: dict[str, Any]) -> tuple[object, object]:
    """What became of a build."""
    status, message = wait_for(database, _ENDED, job["id"])
    return status, message


def encoder_of(worker: psutil.Process) -> psutil.Process:
    """The ffmpeg that a worker runs."""
    while True:
        for child in worker.children(recursive=True):
            try:
                if "-progress" in child.cmdline():
                    return child
            except psutil.NoSuchProcess:
                continue


def test_a_job_builds_tells_and_mails(
    boss: Client, show: dict[str, Any], take: dict[str, str], database: psycopg.Connection, mailbox: Mailbox
) -> None:
    made = playlist_of(boss, show, take, take, name="Lundi <soir>")
    database.execute("UPDATE person SET locale = 'fr_CA' WHERE email = %s", [ADMIN[0]])
    job = build(boss, made, full="true")
    assert (job["status"], job["progress"], job["ended_at"]) == ("running", 0, None)
    assert boss.get(f"{place_of(made, job)}/build/mp4").status_code == 400
    wait_for(database, "SELECT 1 FROM pegbar.playlist_build WHERE build_job_id = %s AND progress > 0", job["id"])
    assert ended(database, job) == ("succeeded", None)
    assert contents(movie_of(boss, made, job)).frames == 960
    told = "SELECT (payload::json ->> 'progress')::int FROM pegbar.outbox WHERE name = %s ORDER BY position"
    percents = [row[0] for row in database.execute(told, ["build-job:progress"]).fetchall()]
    assert percents == sorted(set(percents))
    assert all(1 <= percent <= 99 for percent in percents)
    assert database.execute("SELECT 1 FROM api_event WHERE name = 'build-job:progress'").fetchone() is None
    letter = mailbox.next(ADMIN[0])
    assert letter["subject"].endswith("Le film de Lundi <soir> est prêt")
    assert f"kitsu.studio.example/api{place_of(made, job)}/build/mp4" in text_of(letter)
    # There at once the second time, without a job or a mail.
    again = build(boss, made, full="true")
    assert (again["status"], again["progress"]) == ("succeeded", 100)
    mails = "SELECT count(*) FROM pegbar.procrastinate_jobs WHERE task_name = 'review.tell_build'"
    assert database.execute(mails).fetchone() == (1,)


def test_of_two_who_ask_at_once_one_is_refused(
    queued: Server, boss: Client, show: dict[str, Any], take: dict[str, str], database: psycopg.Connection
) -> None:
    made, together, answers = playlist_of(boss, show, take), Barrier(4), []
    worker = worker_of(queued)
    worker.suspend()
    try:

        def ask() -> None:
            together.wait()
            answers.append(Client(boss.api, boss.token).get(f"/data/playlists/{made['id']}/build/mp4"))

        threads = [Thread(target=ask) for _ in range(together.parties)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    finally:
        worker.resume()
    (job,) = [answer.json() for answer in answers if answer.status_code == 200]
    assert ended(database, job) == ("succeeded", None)
    assert boss.ok_get(f"/data/playlists/{made['id']}")["build_jobs"] == [job["id"]]


def test_a_build_that_is_deleted_stops_and_leaves_nothing(
    queued: Server, boss: Client, show: dict[str, Any], take: dict[str, str], database: psycopg.Connection
) -> None:
    made = playlist_of(boss, show, take)
    job = build(boss, made, full="true")
    encoder = encoder_of(worker_of(queued))
    encoder.suspend()  # it would take for ever
    boss.ok_delete(place_of(made, job))
    done = "SELECT 1 FROM pegbar.procrastinate_jobs WHERE args ->> 'build_job_id' = %s AND status = 'succeeded'"
    wait_for(database, done, job["id"])
    assert not encoder.is_running()
    left = "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM stored_file WHERE file_id = %s AND purged_at IS NULL)"
    wait_for(database, left, job["id"])
    assert not [path for path in (queued.folder / "previews/movies/playlists").rglob(job["id"]) if path.is_file()]
    assert not list((queued.folder / "tmp").glob("work-*/stretch*"))


def test_a_build_starts_again_when_its_worker_is_killed(
    queued: Server, boss: Client, show: dict[str, Any], take: dict[str, str], database: psycopg.Connection
) -> None:
    made = playlist_of(boss, show, take)
    job = build(boss, made, titles="true")
    worker = worker_of(queued)
    encoder = encoder_of(worker)
    worker.kill()
    assert ended(database, job) == ("succeeded", None)
    assert not encoder.is_running()
    assert contents(movie_of(boss, made, job)).frames == 480


def test_a_build_that_kills_its_workers_is_given_up(
    queued: Server, boss: Client, show: dict[str, Any], take: dict[str, str], database: psycopg.Connection
) -> None:
    made, worker = playlist_of(boss, show, take), worker_of(queued)
    worker.suspend()
    try:
        job = build(boss, made)
        database.execute("UPDATE pegbar.playlist_build SET attempts = 4 WHERE build_job_id = %s", [job["id"]])
    finally:
        worker.resume()
    status, message = ended(database, job)
    assert (status, message) == ("failed", "It was given up after 4 attempts: its workers died over it.")
    # What failed is no movie that was built of the same.
    assert build(boss, made)["status"] == "running"


def test_a_build_whose_encoder_is_killed_says_so(
    queued: Server, boss: Client, show: dict[str, Any], take: dict[str, str], database: psycopg.Connection
) -> None:
    made = playlist_of(boss, show, take)
    job = build(boss, made, full="true")
    encoder_of(worker_of(queued)).kill()
    status, message = ended(database, job)
    assert (status, "SIGKILL" in str(message)) == ("failed", True)

"""Movies that job workers make after the upload was answered."""

import json
import os
from collections.abc import Iterator
from typing import Any

import psutil
import psycopg
import pytest

from tests import command, factories
from tests.client import Client, sign_in
from tests.media.clips import clip, contents, moving
from tests.media.publishing import comment_on, events_of, place, published, size_of, upload
from tests.server import ADMIN, Server
from tests.trash import purge
from tests.workers import wait_for, worker_of

_STATUS = "SELECT status, data FROM preview_file WHERE id = %s AND status <> 'processing'"
_JOB = "SELECT status::text FROM pegbar.procrastinate_jobs WHERE args ->> 'preview_id' = %s AND status = %s"


@pytest.fixture(scope="module")
def queued() -> Iterator[Server]:
    """A server that leaves movies to its job worker, which may be killed; sources are kept where a test needs them."""
    with Server(None, ENABLE_JOB_QUEUE="true", PEGBAR_JOB_STALLED_AFTER="1.5", PEGBAR_MOVIE_PROCESSES="2") as running:
        yield running


@pytest.fixture(scope="module")
def boss(queued: Server) -> Client:
    return sign_in(queued.api, *ADMIN)


@pytest.fixture(scope="module")
def task(boss: Client) -> dict[str, Any]:
    show = factories.production(boss, fps="24", resolution="320x180")
    return factories.task(boss, factories.entity(boss, show["id"], "Shot"), "Animation")


@pytest.fixture(scope="module")
def database(queued: Server) -> Iterator[psycopg.Connection]:
    with psycopg.connect(queued.database_url, autocommit=True) as connection:
        yield connection


def settled(database: psycopg.Connection, preview_id: str) -> tuple[str, dict[str, Any]]:
    """What became of a movie."""
    status, data = wait_for(database, _STATUS, preview_id)
    assert isinstance(data, dict)
    return str(status), data


def slow(length: float = 10) -> bytes:
    """A movie that takes a while."""
    return moving("slow.mp4", length=length, picture="testsrc2=s=640x360:r={rate}:d={length}")


def stored(server: Server, preview_id: str) -> set[str]:
    files = (server.folder / "previews").rglob(f"*{preview_id[:8]}*")
    return {f"{path.parts[-5]}/{path.parts[-4]}" for path in files if path.is_file()}


def test_a_movie_is_ready_once_its_job_is_done(
    queued: Server, boss: Client, task: dict[str, Any], database: psycopg.Connection
) -> None:
    data = moving(sound=True)
    row = published(boss, boss, task["id"], data, "a.mp4")
    assert (row["status"], row["data"], row["file_size"]) == ("processing", {"movie_prefixes": ["source"]}, len(data))
    assert boss.get(f"/movies/source/preview-files/{row['id']}.mp4").content == data
    assert upload(boss, row["id"], data, "b.mp4").status_code == 400
    status, kept = settled(database, row["id"])
    assert (status, kept["movie_prefixes"]) == ("ready", ["previews", "lowdef"])
    assert kept.keys() == {
        *("movie_prefixes", "original_width", "original_height", "original_duration", "original_file_size"),
    }
    movie = contents(boss.get(f"/movies/originals/preview-files/{row['id']}.mp4").content)
    assert (movie.frames, movie.size) == (24, (320, 180))
    assert size_of(boss.get(f"/pictures/thumbnails/preview-files/{row['id']}.png").content) == (150, 100)
    assert boss.ok_get(f"/data/tasks/{task['id']}")["last_preview_file_id"] == row["id"]
    # The source goes once the others are there.
    gone = "SELECT 1 FROM stored_file WHERE key = %s AND purged_at IS NOT NULL"
    wait_for(database, gone, f"source-{row['id']}")
    assert boss.get(f"/movies/source/preview-files/{row['id']}.mp4").status_code == 404
    mine = [event for event in events_of(boss, task["project_id"]) if event["data"].get("preview_file_id") == row["id"]]
    assert [(event["name"], event["data"].get("status")) for event in mine] == [
        ("preview-file:new", None),
        ("preview-file:update", "processing"),
        ("preview-file:add-file", "processing"),
        ("preview-file:update", "ready"),
    ]


def test_a_request_may_ask_for_no_job(boss: Client, task: dict[str, Any]) -> None:
    preview = place(boss, task["id"], comment_on(boss, boss, task["id"])["id"])
    assert upload(boss, preview["id"], moving(), "a.mp4", no_job="TRUE").json()["status"] == "ready"
    raw = place(boss, task["id"], comment_on(boss, boss, task["id"])["id"])
    assert upload(boss, raw["id"], moving(), "a.mp4", normalize="false").json()["status"] == "ready"


def test_a_broken_movie_says_why_to_people_and_to_the_command(
    queued: Server, boss: Client, task: dict[str, Any], database: psycopg.Connection
) -> None:
    row = published(boss, boss, task["id"], clip("s.mp4", "-f", "lavfi", "-i", "sine=d=0.2"), "a.mp4")
    status, data = settled(database, row["id"])
    assert (status, "sound but no pictures" in data["error"]) == ("broken", True)
    listed = command.pegbar("jobs", "list", "--json", "--database-url", queued.database_url)
    (job,) = [job for job in json.loads(listed.stdout) if row["id"] in job["args"]]
    assert "sound but no pictures" in job["cause"]
    again = upload(boss, row["id"], moving(), "a.mp4").json()
    assert (again["status"], again["data"]) == ("processing", {"movie_prefixes": ["source"]})
    assert settled(database, row["id"])[0] == "ready"


def test_progress_is_told_live_and_noted_in_the_row(
    boss: Client, task: dict[str, Any], database: psycopg.Connection
) -> None:
    # Long enough for a quick machine: ffmpeg says how far it is twice a second.
    row = published(boss, boss, task["id"], slow(40), "a.mp4")
    wait_for(database, "SELECT 1 FROM preview_file WHERE id = %s AND (data ->> 'progress')::int > 0", row["id"])
    assert settled(database, row["id"])[0] == "ready"
    told = (
        "SELECT payload::json ->> 'progress', project_id::text FROM pegbar.outbox WHERE name = %s AND payload LIKE %s"
    )
    rows = database.execute(told, ["preview-file:progress", f"%{row['id']}%"]).fetchall()
    percents = [int(percent) for percent, _ in rows]
    assert percents == sorted(set(percents))
    assert all(1 <= percent <= 99 for percent in percents)
    assert {project_id for _, project_id in rows} == {task["project_id"]}
    assert database.execute("SELECT 1 FROM api_event WHERE name = 'preview-file:progress'").fetchone() is None


def encoder_of(worker: psutil.Process) -> psutil.Process:
    """The ffmpeg that a worker runs."""
    while True:
        for child in worker.children(recursive=True):
            try:
                if "-progress" in child.cmdline():
                    return child
            except psutil.NoSuchProcess:
                continue


def test_a_movie_starts_again_when_its_worker_is_killed(
    queued: Server, boss: Client, task: dict[str, Any], database: psycopg.Connection
) -> None:
    row = published(boss, boss, task["id"], slow(), "a.mp4")
    worker = worker_of(queued)
    encoder = encoder_of(worker)
    worker.kill()
    assert settled(database, row["id"])[0] == "ready"
    assert not encoder.is_running()
    assert contents(boss.get(f"/movies/originals/preview-files/{row['id']}.mp4").content).frames == 240


def test_a_movie_whose_encoder_is_killed_is_broken(
    queued: Server, boss: Client, task: dict[str, Any], database: psycopg.Connection
) -> None:
    for folder in (queued.folder / "tmp").glob("work-*"):  # of a worker that was killed a while ago
        os.utime(folder, (0, 0))
    row = published(boss, boss, task["id"], slow(), "a.mp4")
    encoder_of(worker_of(queued)).kill()
    status, data = settled(database, row["id"])
    assert (status, "SIGKILL" in data["error"]) == ("broken", True)
    wait_for(database, _JOB, row["id"], "succeeded")
    assert not list((queued.folder / "tmp").glob("work-*"))


def test_a_movie_that_is_deleted_meanwhile_leaves_nothing(
    queued: Server, boss: Client, task: dict[str, Any], database: psycopg.Connection
) -> None:
    row = published(boss, boss, task["id"], slow(10), "a.mp4")
    encoder_of(worker_of(queued))
    boss.ok_delete(f"/data/preview-files/{row['id']}?force=true")
    wait_for(database, _JOB, row["id"], "succeeded")
    purge(boss, row["id"])
    left = "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM stored_file WHERE file_id = %s AND purged_at IS NULL)"
    wait_for(database, left, row["id"])
    assert not stored(queued, row["id"])


def test_a_missing_sheet_is_made_for_the_next_time(
    queued: Server, boss: Client, task: dict[str, Any], database: psycopg.Connection
) -> None:
    row = published(boss, boss, task["id"], moving(), "a.mp4")
    assert settled(database, row["id"])[0] == "ready"
    (sheet,) = [path for path in (queued.folder / "previews/pictures/tiles").rglob(row["id"]) if path.is_file()]
    sheet.unlink()
    path = f"/movies/tiles/preview-files/{row['id']}.png"
    assert boss.get(path).status_code == 404
    wait_for(
        database, "SELECT 1 FROM preview_file_storage_state WHERE preview_file_id = %s AND state = 'ok'", row["id"]
    )
    assert size_of(boss.get(path).content) == (1424, 300)
    # Once an hour is enough.
    sheet.unlink()
    assert (boss.get(path).status_code, boss.get(path).status_code) == (404, 404)
    jobs = "SELECT count(*) FROM pegbar.procrastinate_jobs WHERE task_name = %s AND args ->> 'preview_id' = %s"
    assert database.execute(jobs, ["media.make_tile", row["id"]]).fetchone() == (1,)


def test_a_chosen_frame_is_shown_by_a_job(boss: Client, task: dict[str, Any], database: psycopg.Connection) -> None:
    row = published(boss, boss, task["id"], moving(), "a.mp4")
    assert settled(database, row["id"])[0] == "ready"
    path = f"/pictures/thumbnails/preview-files/{row['id']}.png"
    before = boss.get(path).content
    boss.ok_put(f"/actions/preview-files/{row['id']}/set-main-preview", {"frame_number": 20})
    wait_for(database, f"{_JOB} AND task_name = %s", row["id"], "succeeded", "media.show_frame")
    assert boss.get(path).content != before


def test_the_command_tells_and_mends_movies(queued: Server, boss: Client, database: psycopg.Connection) -> None:
    show = factories.production(boss, fps="24", resolution="320x180")
    task = factories.task(boss, factories.entity(boss, show["id"], "Shot"), "Animation")
    fine, fake, lost = (
        published(boss, boss, task["id"], data, "a.mp4") for data in (moving(), b"no movie", b"nothing either")
    )
    assert [settled(database, row["id"])[0] for row in (fine, fake, lost)] == ["ready", "broken", "broken"]
    place_of = ("--database-url", queued.database_url, "--project", show["name"])
    told = json.loads(command.pegbar("media", "status", "--json", *place_of).stdout)
    assert told["counts"] == {"ready": 1, "broken": 2}
    assert {row["id"] for row in told["movies"]} == {fake["id"], lost["id"]}
    assert all("not a movie" in row["error"] for row in told["movies"])
    # Whoever mends the files, and one of them is gone.
    (source,) = [path for path in (queued.folder / "previews/movies/source").rglob(fake["id"]) if path.is_file()]
    source.write_bytes(moving())
    (gone,) = [path for path in (queued.folder / "previews/movies/source").rglob(lost["id"]) if path.is_file()]
    gone.unlink()
    retried = command.pegbar("media", "retry", *place_of)
    assert retried.returncode == 0, retried.stderr
    assert "1 ready, 1 missing" in retried.stdout
    assert settled(database, lost["id"])[0] == "missing"
    assert "gone" in settled(database, lost["id"])[1]["error"]
    # Ready movies without their source are left as they are.
    again = command.pegbar("media", "renormalise", *place_of)
    assert "2 ready, 1 missing" in again.stdout, again.stdout + again.stderr
    kept = boss.ok_get(f"/data/preview-files/{fine['id']}")
    assert (kept["status"], kept["data"]["movie_prefixes"]) == ("ready", ["previews", "lowdef"])
    unknown = command.pegbar("media", "status", "--database-url", queued.database_url, "--project", "Nowhere")
    assert (unknown.returncode, "Nowhere" in unknown.stderr) == (1, True)

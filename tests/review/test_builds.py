"""Movies of playlists, made in the request."""

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests import factories
from tests.client import Client, unique
from tests.media.clips import colour_of, contents, moving
from tests.media.publishing import comment_on, place, png, published, upload
from tests.review.playlists import build, entry, movie_of, place_of, playlist_of, shot
from tests.server import Server
from tests.workers import wait_for

GREY = "color=c=gray:s=320x180:r={rate}:d={length}"


@pytest.fixture(scope="module")
def people(admin: Client) -> dict[str, Client]:
    return {role: factories.hire(admin, role) for role in ("manager", "supervisor", "user", "client", "vendor")}


@pytest.fixture(scope="module")
def show(admin: Client, people: dict[str, Client]) -> dict[str, Any]:
    return factories.production(admin, *people.values(), fps="24", resolution="320x180")


@pytest.fixture(scope="module")
def database(server: Server) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        yield connection


def movie(admin: Client, show: dict[str, Any], data: bytes) -> dict[str, str]:
    """A shot with a movie."""
    task = shot(admin, show)
    return entry(task, published(admin, admin, task["id"], data, "a.mp4"))


@pytest.fixture(scope="module")
def shots(admin: Client, show: dict[str, Any]) -> list[dict[str, str]]:
    """Two shots with movies, of 24 and 36 frames."""
    return [movie(admin, show, moving(length=1, sound=True)), movie(admin, show, moving(length=1.5))]


def stored(server: Server, prefix: str, file_id: str) -> Path:
    (path,) = [path for path in (server.folder / "previews/movies" / prefix).rglob(file_id) if path.is_file()]
    return path


def test_movies_are_joined_as_they_are(
    admin: Client, show: dict[str, Any], shots: list[dict[str, str]], database: psycopg.Connection
) -> None:
    picture = shot(admin, show)
    still = entry(picture, published(admin, admin, picture["id"], png()))
    made = playlist_of(admin, show, *shots, still, {"entity_id": shots[1]["entity_id"]}, shots[0])
    job = build(admin, made)
    assert (job["status"], job["message"], job["progress"], job["type"]) == ("succeeded", None, 100, "BuildJob"), job
    shown = contents(movie_of(admin, made, job))
    assert (shown.kinds, shown.frames, shown.size) == (["audio", "video"], 84, (320, 180))
    assert shown.rate == 24
    assert abs(shown.sound - 3.5) < 0.05
    told = "SELECT name, data FROM api_event WHERE data ->> 'build_job_id' = %s ORDER BY created_at"
    about = {"build_job_id": job["id"], "playlist_id": made["id"], "project_id": show["id"]}
    assert database.execute(told, [job["id"]]).fetchall() == [
        ("build-job:new", {**about, "created_at": job["created_at"]}),
        ("build-job:update", {**about, "status": "succeeded", "message": None}),
    ]
    assert admin.ok_get(place_of(made, job)) == job
    assert admin.ok_get(f"/data/projects/{show['id']}/build-jobs")[0] == job
    listed = admin.ok_get(f"/data/projects/{show['id']}/playlists/{made['id']}")["build_jobs"]
    assert listed == [{key: job[key] for key in ("id", "status", "created_at", "message")}]
    admin.ok_delete(place_of(made, job))
    assert admin.get(place_of(made, job)).status_code == 404
    gone = "SELECT 1 FROM stored_file WHERE file_id = %s AND purged_at IS NOT NULL"
    wait_for(database, gone, job["id"])


def test_what_is_the_same_is_not_built_again(
    admin: Client, server: Server, show: dict[str, Any], shots: list[dict[str, str]]
) -> None:
    made = playlist_of(admin, show, *shots)
    first, second = build(admin, made), build(admin, made)
    assert (second["status"], second["progress"], second["id"] != first["id"]) == ("succeeded", 100, True)
    assert stored(server, "playlists", first["id"]).samefile(stored(server, "playlists", second["id"]))
    # The order counts, and so does how it is made.
    admin.ok_put(f"/data/playlists/{made['id']}", {"shots": [*reversed(shots)]})
    third, fourth = build(admin, made), build(admin, made, full="true")
    files = [stored(server, "playlists", job["id"]) for job in (first, third, fourth)]
    assert len({path.stat().st_ino for path in files}) == 3
    # One that is gone is not taken for another.
    files[2].unlink()
    again = build(admin, made, full="true")
    assert contents(movie_of(admin, made, again)).frames == 60
    assert admin.get(f"{place_of(made, fourth)}/build/mp4").status_code == 404


def test_a_download_is_named_after_the_playlist_and_may_be_resumed(
    admin: Client, show: dict[str, Any], shots: list[dict[str, str]]
) -> None:
    made = playlist_of(admin, show, *shots, name=unique("../Été: Monday"))
    job = build(admin, made)
    path = f"{place_of(made, job)}/build/mp4"
    whole = admin.get(path)
    assert (whole.headers["content-type"], whole.headers["cache-control"]) == ("video/mp4", "no-cache")
    moment = re.sub(r"[-:]", "", job["created_at"]).replace("T", "_")
    words = (show["name"].replace(" ", "_"), made["name"].replace("../Été: Monday ", "ete_monday_"))
    expected = f"{moment}_{'_'.join(words).lower()}.mp4"
    assert whole.headers["content-disposition"] == f"attachment; filename={expected}"
    part = admin.get(path, headers={"range": "bytes=10-19", "if-range": whole.headers["etag"]})
    assert (part.status_code, part.content) == (206, whole.content[10:20])
    assert admin.get(path, headers={"if-none-match": whole.headers["etag"]}).status_code == 304


def test_movies_that_differ_are_encoded_in_the_size_of_the_production(admin: Client) -> None:
    show = factories.production(admin, fps="23.976", resolution="320x180")
    first = movie(admin, show, moving(length=1, rate="24000/1001"))
    admin.ok_put(f"/data/projects/{show['id']}", {"resolution": "200x100"})
    second = movie(admin, show, moving(length=1, rate="24000/1001", sound=True))
    made = playlist_of(admin, show, *[first, second] * 7)
    job = build(admin, made)
    assert job["status"] == "succeeded", job
    name = admin.ok_get(f"/data/entities/{second['entity_id']}")["name"]
    assert f"{name} Animation v1: its size is another (200x100 instead of 320x180)" in job["message"]
    shown = contents(movie_of(admin, made, job))
    assert (shown.kinds, shown.frames, shown.size) == (["audio", "video"], 14 * 24, (200, 100))
    assert shown.rate == Fraction(24000, 1001)
    assert abs(shown.sound - shown.length) < 0.05
    alike = playlist_of(admin, show, second, second)
    plain, full = build(admin, alike), build(admin, alike, full="true")
    assert (plain["message"], full["message"]) == (None, None)
    assert [contents(movie_of(admin, alike, job)).frames for job in (plain, full)] == [48, 48]


def test_movies_without_sound_are_given_silence(admin: Client, show: dict[str, Any]) -> None:
    task = shot(admin, show)
    row = place(admin, task["id"], comment_on(admin, admin, task["id"])["id"])
    assert upload(admin, row["id"], moving(length=1), "a.mp4", normalize="false").json()["status"] == "ready"
    made = playlist_of(admin, show, entry(task, row), entry(task, row))
    for job in (build(admin, made), build(admin, made, titles="true")):
        shown = contents(movie_of(admin, made, job))
        assert (job["message"], shown.kinds, shown.frames) == (None, ["audio", "video"], 48)
        assert abs(shown.sound - 2) < 0.05


def test_titles_are_written_over_the_frames(admin: Client, show: dict[str, Any]) -> None:
    made = playlist_of(admin, show, movie(admin, show, moving(picture=GREY, length=1)))
    plain, titled = (movie_of(admin, made, build(admin, made, titles=wanted)) for wanted in ("false", "true"))
    assert contents(titled).frames == contents(plain).frames == 24
    assert abs(colour_of(titled, 0.5, 0.5)[0] - 128) < 10
    # The ground of the title, in the corner to the left.
    assert colour_of(plain, 0.024, 0.965)[0] - colour_of(titled, 0.024, 0.965)[0] > 30


def test_a_build_that_fails_says_why(
    admin: Client, server: Server, show: dict[str, Any], shots: list[dict[str, str]]
) -> None:
    for shown in ([], [{"entity_id": shots[0]["entity_id"]}], None):
        made = playlist_of(admin, show)
        admin.ok_put(f"/data/playlists/{made['id']}", {"shots": shown})
        job = build(admin, made)
        assert (job["status"], job["message"]) == ("failed", "No entry of the playlist shows a movie.")
        answer = admin.get(f"{place_of(made, job)}/build/mp4")
        assert (answer.status_code, "shows a movie" in answer.json()["message"]) == (400, True)
    cut, lost = movie(admin, show, moving(length=2)), movie(admin, show, moving())
    names = [admin.ok_get(f"/data/entities/{of['entity_id']}")["name"] for of in (cut, lost)]
    file = stored(server, "previews", cut["preview_file_id"])
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    made = playlist_of(admin, show, shots[0], cut)
    for how in ("false", "true"):
        job = build(admin, made, full=how)
        assert (job["status"], job["message"].startswith(f"{names[0]} Animation v1: it is cut off")) == ("failed", True)
    for prefix in ("previews", "lowdef"):
        stored(server, prefix, lost["preview_file_id"]).unlink()
    job = build(admin, playlist_of(admin, show, shots[0], lost))
    assert job["message"] == f"{names[1]} Animation v1: its movie is not stored any more."
    assert not list((server.folder / "tmp").glob("work-*"))


def test_one_movie_of_a_playlist_is_built_at_a_time(
    admin: Client, show: dict[str, Any], shots: list[dict[str, str]], database: psycopg.Connection
) -> None:
    made = playlist_of(admin, show, *shots)
    job = build(admin, made)
    running = "UPDATE build_job SET status = 'running' WHERE id = %s"
    seen = "UPDATE pegbar.playlist_build SET seen_at = timezone('utc', now()) - %s::interval WHERE build_job_id = %s"
    database.execute(running, [job["id"]])
    database.execute(seen, ["0 seconds", job["id"]])
    answer = admin.get(f"/data/playlists/{made['id']}/build/mp4")
    assert (answer.status_code, answer.json()["error"]) == (409, True)
    assert len(admin.ok_get(f"/data/playlists/{made['id']}")["build_jobs"]) == 1
    # Whoever made it is gone.
    database.execute(seen, ["1 hour", job["id"]])
    assert build(admin, made)["status"] == "succeeded"
    left = admin.ok_get(place_of(made, job))
    assert (left["status"], "stopped" in left["message"]) == ("failed", True)


def test_who_builds_downloads_and_deletes(
    admin: Client, show: dict[str, Any], shots: list[dict[str, str]], people: dict[str, Client]
) -> None:
    private, shown = playlist_of(admin, show, *shots), playlist_of(admin, show, *shots, for_client=True)
    jobs = {made["id"]: build(people["manager"], made) for made in (private, shown)}
    for role, (builds, reads, takes, reads_shown) in {
        "manager": (200, 200, 200, 200),
        "supervisor": (403, 403, 200, 403),
        "user": (403, 403, 403, 403),
        "client": (403, 403, 403, 200),
        "vendor": (403, 403, 403, 403),
    }.items():
        who, path = people[role], place_of(private, jobs[private["id"]])
        assert who.get(f"/data/playlists/{private['id']}/build/mp4").status_code == builds, role
        assert who.get(path).status_code == reads, role
        assert who.get(f"{path}/build/mp4").status_code == takes, role
        assert who.get(f"/data/playlists/{private['id']}/download/zip").status_code == takes, role
        assert who.get(place_of(shown, jobs[shown["id"]])).status_code == reads_shown, role
        assert who.get(f"/data/projects/{show['id']}/build-jobs").status_code == 403, role
        if role != "manager":
            assert who.delete(place_of(shown, jobs[shown["id"]])).status_code == 403, role
    assert people["client"].get(f"{place_of(shown, jobs[shown['id']])}/build/mp4").status_code == 200
    # The build of another playlist, and what is no id.
    assert admin.get(place_of(shown, jobs[private["id"]])).status_code == 404
    assert admin.delete(place_of(shown, jobs[private["id"]])).status_code == 404
    assert admin.get(f"/data/playlists/{shown['id']}/jobs/none").status_code == 404
    assert admin.get(f"/data/playlists/{show['id']}/build/mp4").status_code == 404
    people["manager"].ok_delete(place_of(private, jobs[private["id"]]))


def test_previews_of_other_entities_are_in_no_movie(
    admin: Client, show: dict[str, Any], shots: list[dict[str, str]], database: psycopg.Connection
) -> None:
    other = factories.production(admin)
    made = playlist_of(admin, other, {"entity_id": factories.entity(admin, other["id"], "Shot")["id"]})
    # As another server may have stored it.
    stray = "UPDATE playlist SET shots = jsonb_set(shots, '{0,preview_file_id}', to_jsonb(%s::text)) WHERE id = %s"
    database.execute(stray, [shots[0]["preview_file_id"], made["id"]])
    assert build(admin, made)["status"] == "failed"
    assert admin.get(f"/data/playlists/{made['id']}/download/zip").content[:4] == b"PK\x05\x06"


def test_old_builds_go_with_their_movies(
    admin: Client, server: Server, show: dict[str, Any], shots: list[dict[str, str]], database: psycopg.Connection
) -> None:
    made = playlist_of(admin, show, *shots)
    old, recent = build(admin, made), build(admin, made)
    aged = "UPDATE build_job SET ended_at = ended_at - interval '31 days' WHERE id = %s"
    database.execute(aged, [old["id"]])
    # As another server left it: it is none of ours.
    foreign = (
        "INSERT INTO build_job (id, playlist_id, status, job_type, ended_at) "
        "VALUES (gen_random_uuid(), %s, 'failed', 'movie', '2020-01-01') RETURNING id::text"
    )
    (kept,) = database.execute(foreign, [made["id"]]).fetchone() or ("",)
    database.execute(
        """SELECT pegbar.procrastinate_defer_jobs_v1(ARRAY[ROW('default', 'review.tidy_builds', 0, NULL, NULL, '{}',
                  NULL)::pegbar.procrastinate_job_to_defer_v1])"""
    )
    wait_for(database, "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM build_job WHERE id = %s)", old["id"])
    wait_for(database, "SELECT 1 FROM stored_file WHERE file_id = %s AND purged_at IS NOT NULL", old["id"])
    assert set(admin.ok_get(f"/data/playlists/{made['id']}")["build_jobs"]) == {recent["id"], kept}
    assert contents(movie_of(admin, made, recent)).frames == 60

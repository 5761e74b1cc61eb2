"""Movies on a server that is set otherwise."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests import command, factories
from tests.client import Client, sign_in
from tests.media.clips import contents, moving
from tests.media.publishing import comment_on, place, published, size_of, upload
from tests.server import ADMIN, Server


@pytest.fixture(scope="module")
def other() -> Iterator[Server]:
    """A server that keeps uploads, makes low definitions only, and is to use a graphics card that is not there."""
    settings = {
        "PREVIEW_SAVE_SOURCE_FILE": "true",
        "SKIP_NORMALIZATION_HIGHDEF": "true",
        "PEGBAR_MOVIE_ENCODER": "h264_nvenc",
        "PEGBAR_MOVIE_CRF": "28",
    }
    with Server(None, **settings) as running:
        yield running


@pytest.fixture(scope="module")
def boss(other: Server) -> Client:
    return sign_in(other.api, *ADMIN)


@pytest.fixture(scope="module")
def task(boss: Client) -> dict[str, Any]:
    show = factories.production(boss, fps="24", resolution="320x180")
    return factories.task(boss, factories.entity(boss, show["id"], "Shot"), "Animation")


def test_uploads_are_kept_and_hardware_that_fails_is_replaced(
    other: Server, boss: Client, task: dict[str, Any]
) -> None:
    data = moving(sound=True)
    row = published(boss, boss, task["id"], data, "a.mp4")
    assert (row["status"], row["data"]["movie_prefixes"]) == ("ready", ["source", "lowdef"])
    assert (row["width"], row["height"]) == (1280, 720)
    other.wait_for_text("libx264 takes over")
    movie = boss.get(f"/movies/originals/preview-files/{row['id']}.mp4").content
    assert (contents(movie).size, contents(movie).frames) == ((1280, 720), 24)
    assert boss.get(f"/movies/source/preview-files/{row['id']}.mp4").content == data
    assert size_of(boss.get(f"/pictures/originals/preview-files/{row['id']}.png").content) == (1280, 720)


def test_a_kept_upload_that_is_not_encoded_is_stored_once(other: Server, boss: Client, task: dict[str, Any]) -> None:
    data = moving()
    preview = place(boss, task["id"], comment_on(boss, boss, task["id"])["id"])
    row = upload(boss, preview["id"], data, "a.mp4", normalize="false").json()
    assert (row["status"], row["data"]["movie_prefixes"]) == ("ready", ["source"])
    for version in ("originals", "low", "source"):
        assert boss.get(f"/movies/{version}/preview-files/{row['id']}.mp4").content == data


def test_movies_are_made_again_in_another_rate(other: Server, boss: Client) -> None:
    show = factories.production(boss, fps="24", resolution="320x180")
    task = factories.task(boss, factories.entity(boss, show["id"], "Shot"), "Animation")
    row = published(boss, boss, task["id"], moving(), "a.mp4")
    boss.ok_put(f"/data/projects/{show['id']}", {"fps": "12"})
    done = command.pegbar("media", "renormalise", "--database-url", other.database_url, "--project", show["name"])
    assert "Done: 1 ready." in done.stdout, done.stdout + done.stderr
    again = boss.ok_get(f"/data/preview-files/{row['id']}")
    assert (again["status"], again["data"]["movie_prefixes"]) == ("ready", ["source", "lowdef"])
    assert contents(boss.get(f"/movies/low/preview-files/{row['id']}.mp4").content).frames == 12
    assert boss.get(f"/movies/source/preview-files/{row['id']}.mp4").status_code == 200
    # A file that was spoilt since leaves the movie as it was, and says so.
    (source,) = [path for path in (other.folder / "previews/movies/source").rglob(row["id"]) if path.is_file()]
    source.write_bytes(b"no movie")
    command.pegbar("media", "renormalise", "--database-url", other.database_url, "--project", show["name"])
    kept = boss.ok_get(f"/data/preview-files/{row['id']}")
    assert (kept["status"], kept["data"]["movie_prefixes"], kept["width"]) == ("ready", ["source", "lowdef"], 1280)
    assert "not a movie" in kept["data"]["error"]

"""Movies and archives of playlists."""

import io
import threading
import zipfile
from typing import Any

import pytest

from tests import factories
from tests.client import Client, unique
from tests.media.clips import contents, moving
from tests.media.publishing import png, published
from tests.server import Server


@pytest.fixture(scope="module")
def show(admin: Client) -> dict[str, Any]:
    return factories.production(admin, fps="24", resolution="320x180")


def shot(admin: Client, show: dict[str, Any]) -> dict[str, Any]:
    return factories.task(admin, factories.entity(admin, show["id"], "Shot"), "Animation")


def entry(task: dict[str, Any], preview: dict[str, Any]) -> dict[str, str]:
    return {"entity_id": task["entity_id"], "preview_file_id": preview["id"]}


def playlist_of(admin: Client, show: dict[str, Any], *shots: dict[str, str], **more: Any) -> dict[str, Any]:
    body = {"name": unique("Dailies"), "project_id": show["id"], "shots": list(shots), **more}
    return dict(admin.ok_post("/data/playlists", body))


@pytest.fixture(scope="module")
def shots(admin: Client, show: dict[str, Any]) -> list[dict[str, str]]:
    """Two shots with movies, of 24 and 36 frames."""
    tasks = [shot(admin, show) for _ in range(2)]
    movies = [moving(length=1, sound=True), moving(length=1.5)]
    previews = [published(admin, admin, task["id"], data, "a.mp4") for task, data in zip(tasks, movies, strict=True)]
    return [entry(task, preview) for task, preview in zip(tasks, previews, strict=True)]


def build(who: Client, playlist: dict[str, Any], **query: str) -> dict[str, Any]:
    return dict(who.ok_get(f"/data/playlists/{playlist['id']}/build/mp4", params=query))


def movie_of(who: Client, playlist: dict[str, Any], job: dict[str, Any]) -> bytes:
    answer = who.get(f"/data/playlists/{playlist['id']}/jobs/{job['id']}/build/mp4")
    assert answer.status_code == 200, answer.text
    return bytes(answer.content)


def test_movies_are_joined_as_they_are(admin: Client, show: dict[str, Any], shots: list[dict[str, str]]) -> None:
    made = playlist_of(admin, show, *shots, shots[0])
    job = build(admin, made)
    assert (job["status"], job["message"], job["progress"], job["type"]) == ("succeeded", None, 100, "BuildJob"), job
    movie = contents(movie_of(admin, made, job))
    assert (movie.kinds, movie.frames, movie.size, movie.rate) == (["audio", "video"], 84, (320, 180), 24)
    assert abs(movie.sound - 3.5) < 0.05

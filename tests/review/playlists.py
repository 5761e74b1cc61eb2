"""Playlists of shots, and the movies that are built of them."""

from typing import Any

from tests import factories
from tests.client import Client, unique


def shot(admin: Client, show: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The animation of a new shot."""
    return factories.task(admin, factories.entity(admin, show["id"], "Shot", **more), "Animation")


def entry(task: dict[str, Any], preview: dict[str, Any]) -> dict[str, str]:
    return {"entity_id": task["entity_id"], "preview_file_id": preview["id"]}


def playlist_of(admin: Client, show: dict[str, Any], *shots: dict[str, str], **more: Any) -> dict[str, Any]:
    body = {"name": unique("Dailies"), "project_id": show["id"], "shots": list(shots), **more}
    return dict(admin.ok_post("/data/playlists", body))


def build(who: Client, playlist: dict[str, Any], **query: str) -> dict[str, Any]:
    return dict(who.ok_get(f"/data/playlists/{playlist['id']}/build/mp4", params=query))


def place_of(playlist: dict[str, Any], job: dict[str, Any]) -> str:
    return f"/data/playlists/{playlist['id']}/jobs/{job['id']}"


def movie_of(who: Client, playlist: dict[str, Any], job: dict[str, Any]) -> bytes:
    answer = who.get(f"{place_of(playlist, job)}/build/mp4")
    assert answer.status_code == 200, answer.text
    return bytes(answer.content)

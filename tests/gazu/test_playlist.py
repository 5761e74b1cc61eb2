"""Gazu's playlists."""

from typing import Any

import gazu

from tests.client import Client, unique
from tests.gazu.conftest import Show, ids
from tests.media.publishing import published

#: Movies of playlists, and links for guests.
EXCUSED = dict.fromkeys(
    (
        "all_build_jobs_for_project",
        "build_playlist_movie",
        "download_playlist_build",
        "download_playlist_zip",
        "get_build_job",
        "remove_build_job",
    ),
    "tested with the builds",
) | dict.fromkeys(
    ("all_share_links_for_playlist", "new_share_link", "remove_share_link"), "tested with the links that are shared"
)


def shown(playlist: dict[str, Any]) -> list[tuple[str, str | None]]:
    return [(entry["entity_id"], entry.get("preview_file_id")) for entry in playlist["shots"]]


def test_playlists(show: Show, admin: Client) -> None:
    name = unique("Dailies")
    made = gazu.playlist.new_playlist(show.project, name, episode=show.episode)
    assert gazu.playlist.new_playlist(show.project, name)["id"] == made["id"]
    found = gazu.playlist.get_playlist_by_name(show.project, name)
    assert found is not None
    assert found["id"] == made["id"]
    assert made["id"] in ids(gazu.playlist.all_playlists())
    assert made["id"] in ids(gazu.playlist.all_playlists_for_project(show.project))
    assert made["id"] in ids(gazu.playlist.all_playlists_for_episode(show.episode))
    gazu.playlist.update_playlist({"id": made["id"], "for_client": True})
    assert gazu.playlist.get_playlist(made["id"])["for_client"] is True
    gazu.playlist.delete_playlist(made)
    assert gazu.playlist.get_playlist_by_name(show.project, name) is None


def test_entries_of_a_playlist(show: Show, admin: Client) -> None:
    first, second = (published(admin, admin, show.task["id"]) for _ in range(2))
    made = gazu.playlist.new_playlist(show.project, unique("Dailies"))
    made = gazu.playlist.update_playlist({**made, "shots": []})
    previews = gazu.playlist.get_entity_preview_files(show.shot)
    assert ids(previews[show.task["task_type_id"]])[:2] == [second["id"], first["id"]]
    local = gazu.playlist.add_entity_to_playlist(made, show.asset, persist=False)
    assert (len(local["shots"]), gazu.playlist.get_playlist(made["id"])["shots"]) == (1, [])
    playlist = gazu.playlist.add_entity_to_playlist(made, show.shot)
    playlist = gazu.playlist.add_entity_to_playlist(playlist, show.asset)
    assert shown(playlist) == [(show.shot["id"], second["id"]), (show.asset["id"], None)]
    assert len(gazu.playlist.all_shots_for_playlist(playlist)) == 2
    (entry,) = gazu.playlist.generate_temp_playlist(show.project, {"task_ids": [show.task["id"]]})
    assert (entry["id"], entry["preview_file_id"]) == (show.shot["id"], second["id"])
    assert gazu.playlist.notify_clients_playlist_ready(playlist) == {"status": "success"}
    playlist = gazu.playlist.update_entity_preview(playlist, show.shot, first)
    # A copy that is older than what was added meanwhile loses nothing of it, and what it takes out is out.
    gazu.playlist.add_entity_to_playlist(playlist, show.prop)
    gazu.playlist.remove_entity_from_playlist(playlist, show.asset)
    stored = gazu.playlist.get_playlist(made["id"])
    assert shown(stored) == [(show.shot["id"], first["id"]), (show.prop["id"], None)]

"""Archives of playlists."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pegbar.review.builds.plan import archived_name, file_name
from tests import factories
from tests.client import Client, unique
from tests.media.clips import moving
from tests.media.publishing import place, png, published, upload
from tests.review.playlists import entry, playlist_of, shot
from tests.server import Server


@pytest.fixture(scope="module")
def show(admin: Client) -> dict[str, Any]:
    return factories.production(admin, fps="24", resolution="320x180")


def archive_of(who: Client, playlist: dict[str, Any]) -> zipfile.ZipFile:
    answer = who.get(f"/data/playlists/{playlist['id']}/download/zip")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    return archive


def test_an_archive_holds_all_positions_in_order(admin: Client, server: Server, show: dict[str, Any]) -> None:
    first, second, third = (shot(admin, show, name=unique(name)) for name in ("Été 1", "SH02", "SH03"))
    main = published(admin, admin, first["id"], png())
    side = place(admin, first["id"], main["comment_id"], revision=main["revision"])
    assert upload(admin, side["id"], b"notes", "notes.pdf").status_code == 201
    film = published(admin, admin, second["id"], moving(), "a.mp4")
    lost = published(admin, admin, third["id"], b"solid", "box.obj")
    for path in (server.folder / "previews/files").rglob(lost["id"]):
        if path.is_file():
            path.unlink()
    made = playlist_of(
        admin, show, entry(second, film), entry(first, main), entry(third, lost), entry(second, film), name="Ça: 1/2"
    )
    archive = archive_of(admin, made)
    slugs = {
        task["id"]: f"{show['name']} {admin.ok_get('/data/entities/' + task['entity_id'])['name']} animation v1"
        for task in (first, second, third)
    }
    names = {task_id: text.lower().replace("é", "e").replace(" ", "_") for task_id, text in slugs.items()}
    film_name, box = f"{names[second['id']]}.mp4", f"{names[third['id']]}.obj"
    assert archive.namelist() == [
        film_name,
        f"{names[first['id']]}.png",
        f"{names[first['id']]}-2.pdf",
        f"0005_{film_name}",
        "missing.txt",
    ]
    assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
    assert archive.read(film_name) == admin.get(f"/movies/originals/preview-files/{film['id']}.mp4").content
    assert archive.read(f"{names[first['id']]}-2.pdf") == b"notes"
    assert archive.read("missing.txt").decode().splitlines()[1:] == [
        f"{admin.ok_get('/data/entities/' + third['entity_id'])['name']} Animation v1: {box}"
    ]
    head = admin.call("HEAD", f"/data/playlists/{made['id']}/download/zip")
    project = show["name"].lower().replace(" ", "_")
    assert (head.status_code, head.headers["content-disposition"]) == (
        200,
        f"attachment; filename={project}_ca_1_2.zip",
    )


def test_an_empty_playlist_is_an_empty_archive(admin: Client, show: dict[str, Any]) -> None:
    empty: list[list[str] | None] = [[], None]
    for shots in empty:
        made = playlist_of(admin, show)
        admin.ok_put(f"/data/playlists/{made['id']}", {"shots": shots})
        assert archive_of(admin, made).namelist() == []


NAMES = st.one_of(
    st.text(max_size=300), st.sampled_from(["../../etc/passwd", "C:\\x.mp4", "..", ".mp4", "a.", "A.mp4"])
)


@given(st.lists(NAMES, max_size=20))
def test_names_in_an_archive_are_no_paths_and_differ(names: list[str]) -> None:
    taken = {"missing.txt"}
    for index, name in enumerate(names, 1):
        given_name = archived_name(name, index, taken)
        assert given_name == Path(given_name).name
        assert given_name not in ("", ".", "..")
        assert not set(given_name) & set('/\\:*?"<>|\x00\n')
        assert given_name.lower() not in taken
        assert len(given_name.encode("utf-16")) < 500
        given_name.encode()
        taken.add(given_name.lower())


FACTS = {"project_name": "Big Buck", "production_type": "short", "episode_name": None, "for_entity": "shot"}


@pytest.mark.parametrize(
    ("more", "context"),
    [
        ({}, "big_buck"),
        ({"is_for_all": True}, "big_buck"),
        ({"production_type": "tvshow", "episode_name": "E 01"}, "big_buck_e_01"),
        ({"production_type": "tvshow", "episode_name": "E 01", "is_for_all": True}, "big_buck_e_01"),
        ({"production_type": "tvshow", "is_for_all": True}, "big_buck_all_shots"),
        ({"production_type": "tvshow", "is_for_all": True, "for_entity": "asset"}, "big_buck_all_assets"),
        ({"production_type": "tvshow"}, "big_buck_main_pack"),
    ],
)
def test_files_are_named_after_where_a_playlist_belongs(more: dict[str, Any], context: str) -> None:
    facts = {**FACTS, "name": "Monday's!", "is_for_all": False, **more}
    assert file_name(facts, "zip") == f"{context}_monday_s.zip"
    assert file_name({**facts, "name": "!"}, "zip") == f"{context}_playlist.zip"

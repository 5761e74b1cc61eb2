"""Faces of persons, productions and the organisation; backgrounds of 3D previews."""

from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import psutil
import pytest
import requests

from pegbar.media import render
from tests import factories
from tests.client import Client, sign_in, unique
from tests.media.publishing import bomb, png, size_of
from tests.server import ADMIN, Server


def send(who: Client, path: str, data: bytes, name: str = "face.png") -> requests.Response:
    return who.post(path, files={"file": (name, data)}, timeout=600)


def test_a_person_gives_themselves_a_face(admin: Client) -> None:
    artist, other = factories.hire(admin), factories.hire(admin, "manager")
    path = f"/pictures/thumbnails/persons/{artist.id}"
    assert artist.get(f"{path}.png").status_code == 404
    assert send(other, path, png()).status_code == 403
    answer = send(artist, path, png(90, 30))
    assert (answer.status_code, answer.json()) == (201, {"thumbnail_path": f"{path[1:]}.png"})
    for address in (path, f"{path}.png"):
        picture = other.get(address)
        assert (size_of(picture.content), picture.headers["Cache-Control"]) == ((400, 400), "max-age=604800, private")
    before = other.get(path).headers["ETag"]
    assert send(admin, f"{path}.png", png(10, 20)).status_code == 201
    assert other.get(path, headers={"If-None-Match": before}).status_code == 200
    for wrong in (artist.post(path), send(artist, path, b"words")):
        assert (wrong.status_code, "data" in wrong.json()) == (400, True)
    assert send(admin, path.replace(artist.id, other.id[:-4] + "0000"), png()).status_code == 404
    names = {row["name"] for row in admin.ok_get("/data/events", params={"name": "person:%", "user_id": artist.id})}
    assert names == {"person:update", "person:set-thumbnail"}


def test_a_bomb_is_refused_with_its_pixels_and_the_limit(admin: Client) -> None:
    artist = factories.hire(admin)
    answer = send(artist, f"/pictures/thumbnails/persons/{artist.id}", bomb(19000))
    assert answer.status_code == 400
    assert "19000 x 19000 pixels; 134217728 are the most" in answer.json()["message"]


def _makes_pictures(process: psutil.Process) -> bool:
    return any(render.PROGRAM in word for word in process.cmdline())


def _decoding(server: Server) -> int:
    """How many processes make pictures: those that are forked from one that is like them."""
    assert server.process is not None
    number = 0
    for process in psutil.Process(server.process.pid).children(recursive=True):
        try:
            parent = process.parent()
            number += _makes_pictures(process) and parent is not None and _makes_pictures(parent)
        except psutil.NoSuchProcess:
            continue
    return number


def test_an_avatar_waits_for_nobodys_large_pictures() -> None:
    with Server(None, PEGBAR_PICTURE_PROCESSES="2") as server, ThreadPoolExecutor(13) as pool:
        admin = sign_in(server.api, *ADMIN)
        greedy, other = factories.hire(admin, "admin"), factories.hire(admin)
        large, most = bomb(4200), 0
        with_large = [
            pool.submit(send, Client(server.api, greedy.token), f"/pictures/thumbnails/persons/{greedy.id}", large)
            for _ in range(4)
        ]
        avatar = pool.submit(send, other, f"/pictures/thumbnails/persons/{other.id}", png())
        while wait([avatar], timeout=0.05).not_done:
            most = max(most, _decoding(server))
        assert avatar.result().status_code == 201
        assert sum(row.done() for row in with_large) < 4
        while wait(with_large, timeout=0.05).not_done:
            most = max(most, _decoding(server))
        assert {row.result().status_code for row in with_large} == {201}
        assert 1 <= most <= 2


def test_managers_give_a_production_its_poster(admin: Client) -> None:
    boss, artist, stranger = factories.hire(admin, "manager"), factories.hire(admin), factories.hire(admin)
    show, away = factories.production(admin, boss, artist), factories.production(admin)
    path = f"/pictures/thumbnails/projects/{show['id']}"
    assert send(artist, path, png()).status_code == 403
    assert send(boss, path.replace(show["id"], away["id"]), png()).status_code == 403
    assert send(boss, path, png()).status_code == 201
    assert send(boss, f"{path}.png", png()).status_code == 405
    assert artist.get(f"{path}.png").status_code == 200
    assert stranger.get(f"{path}.png").status_code == 403
    assert admin.ok_get(f"/data/projects/{show['id']}")["has_avatar"] is True


def test_administrators_give_the_organisation_its_logo(admin: Client) -> None:
    studio, artist = admin.ok_get("/data/organisations")[0]["id"], factories.hire(admin)
    path = f"/pictures/thumbnails/organisations/{studio}"
    assert send(artist, path, png()).status_code == 403
    assert send(admin, f"{path}.png", png()).status_code == 201
    assert artist.get(path).status_code == 200
    wrong = path.replace(studio, admin.id)
    assert send(admin, wrong, png()).status_code == 404
    assert artist.get(f"{wrong}.png").status_code == 404


def sky(width: int, height: int) -> bytes:
    head = f"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y {height} +X {width}\n".encode()
    return head + bytes((128, 160, 250, 129)) * (width * height)


@pytest.fixture
def background(admin: Client) -> dict[str, Any]:
    return dict(admin.ok_post("/data/preview-background-files", {"name": unique("Sky")}))


def test_a_background_keeps_its_light_when_another_upload_is_refused(admin: Client, background: dict[str, Any]) -> None:
    artist, path = factories.hire(admin), f"/pictures/preview-background-files/{background['id']}"
    assert send(artist, path, sky(6, 3), "Noon.hdr").status_code == 403
    made = send(admin, path, sky(60, 30), "Noon.HDR").json()
    assert (made["extension"], made["original_name"], made["file_size"]) == ("hdr", "Noon", len(sky(60, 30)))
    for data, name in ((png(), "a.png"), (b"words", "a.hdr")):
        assert send(admin, path, data, name).status_code == 400
    answer = artist.get(f"{path}.hdr")
    assert (answer.content, answer.headers["Content-Type"]) == (sky(60, 30), "image/vnd.radiance")
    assert artist.get(f"{path}.png").status_code == 404
    thumbnail = f"/pictures/thumbnails/preview-background-files/{background['id']}.png"
    assert size_of(artist.get(thumbnail).content) == (300, 200)
    assert admin.post(thumbnail).status_code == 405
    admin.ok_delete(f"/data/preview-background-files/{background['id']}")
    assert artist.get(f"{path}.hdr").status_code == 404


def test_one_background_is_the_default(admin: Client, background: dict[str, Any]) -> None:
    rows = [
        admin.ok_post("/data/preview-background-files", {"name": unique("Sky"), "is_default": True}) for _ in range(2)
    ]
    assert admin.ok_get(f"/data/preview-background-files/{rows[0]['id']}")["is_default"] is False
    assert admin.post("/data/preview-background-files", {"name": background["name"]}).status_code == 400

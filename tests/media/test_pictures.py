"""Renders, scans and paintings: kept as they come, and shown by pictures made from them."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import OpenImageIO as oiio
import psycopg
import pytest

from tests import factories
from tests.client import Client, sign_in
from tests.command import pegbar
from tests.media.files import flat, psd, written
from tests.media.publishing import comment_on, place, png, published, size_of, upload
from tests.server import ADMIN, Server
from tests.workers import wait_for

GREY = 89  #: what ACES 2.0 makes of 18% grey


@pytest.fixture(scope="module")
def artist(admin: Client) -> Client:
    return factories.hire(admin)


@pytest.fixture(scope="module")
def show(admin: Client, artist: Client) -> dict[str, Any]:
    return factories.production(admin, artist)


@pytest.fixture
def task(admin: Client, artist: Client, show: dict[str, Any]) -> dict[str, Any]:
    return factories.task(admin, factories.entity(admin, show["id"]), assignees=[artist.id])


def grey_exr(folder: Path, width: int = 60, height: int = 40) -> bytes:
    return written(folder / "grey.exr", flat((0.18, 0.18, 0.18), width, height), "half").read_bytes()


def middle(picture: bytes, folder: Path) -> list[int]:
    """The colour in the middle of a PNG."""
    path = folder / "answer.png"
    path.write_bytes(picture)
    buffer = oiio.ImageBuf(str(path))
    spec = buffer.spec()
    return [round(value * 255) for value in buffer.getpixel(spec.width // 2, spec.height // 2)]


def thumbnail(who: Client, preview_id: str, where: str = "thumbnails") -> Any:
    return who.get(f"/pictures/{where}/preview-files/{preview_id}.png")


def arrives(server: Server, who: Client, preview_id: str) -> None:
    """Wait for the pictures that a job makes of a preview."""
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        stored = "SELECT 1 FROM stored_file WHERE bucket = 'pictures' AND key = %s"
        wait_for(connection, stored, f"previews-{preview_id}")
    assert thumbnail(who, preview_id).status_code == 200


def test_a_render_is_kept_as_it_came_and_shown_in_colour(
    admin: Client, artist: Client, task: dict[str, Any], tmp_path: Path
) -> None:
    content = grey_exr(tmp_path)
    row = published(artist, admin, task["id"], content, "Beauty.v1.EXR")
    # As specified for kinds that are no pictures.
    assert (row["status"], row["extension"], row["original_name"]) == ("ready", "exr", "Beauty.v1")
    assert (row["width"], row["height"], row["file_size"], row["data"]) == (0, 0, len(content), None)
    assert admin.ok_get(f"/data/tasks/{task['id']}")["last_preview_file_id"] is None
    for where, size in {"thumbnails": (150, 100), "thumbnails-square": (100, 100), "previews": (1200, 800)}.items():
        picture = thumbnail(artist, row["id"], where)
        assert (picture.status_code, size_of(picture.content)) == (200, size), where
        assert middle(picture.content, tmp_path) == pytest.approx([GREY, GREY, GREY, 255], abs=2), where
    # The original is the file itself; no picture takes its place.
    assert thumbnail(artist, row["id"], "originals").status_code == 404
    for path in ("originals/preview-files/{}.exr", "originals/preview-files/{}/download"):
        assert artist.get("/pictures/" + path.format(row["id"])).content == content


@pytest.mark.parametrize("extension", ["tif", "tiff", "tga", "webp", "jp2", "jxl", "dpx", "hdr", "gif"])
def test_formats_of_the_field_are_taken_and_shown(
    admin: Client, artist: Client, task: dict[str, Any], tmp_path: Path, extension: str
) -> None:
    kind = "float" if extension == "jxl" else ""  # all that OpenImageIO writes of it
    content = written(tmp_path / f"a.{extension}", flat((0.8, 0.3, 0.1)), kind).read_bytes()
    row = published(artist, admin, task["id"], content, f"a.{extension}")
    assert (row["status"], row["extension"], row["width"]) == ("ready", extension, 0)
    red, _, blue, _ = middle(thumbnail(artist, row["id"]).content, tmp_path)
    assert red > 100 > blue
    assert artist.get(f"/pictures/originals/preview-files/{row['id']}.{extension}").content == content


def test_photoshop_files_are_shown(admin: Client, artist: Client, task: dict[str, Any], tmp_path: Path) -> None:
    for extension, version in (("psd", 1), ("psb", 2)):
        row = published(artist, admin, task["id"], psd((200, 100, 50), version=version), f"a.{extension}")
        assert middle(thumbnail(artist, row["id"]).content, tmp_path) == pytest.approx([200, 100, 50, 255], abs=2)


def test_a_file_of_which_no_picture_can_be_made_is_kept_all_the_same(
    admin: Client, artist: Client, task: dict[str, Any]
) -> None:
    row = published(artist, admin, task["id"], b"no render", "a.exr")
    assert (row["status"], row["data"]) == ("ready", None)
    assert thumbnail(artist, row["id"]).status_code == 404
    assert artist.get(f"/pictures/originals/preview-files/{row['id']}.exr").content == b"no render"
    kept = admin.ok_get(f"/data/preview-files/{row['id']}")
    assert kept["status"] == "ready"
    assert kept["data"]["variants_error"].startswith("The picture cannot be read: it is not a picture")


def test_a_picture_that_is_none_is_refused_with_the_reason(admin: Client, artist: Client, task: dict[str, Any]) -> None:
    preview = place(artist, task["id"], comment_on(artist, admin, task["id"])["id"])
    refused = upload(artist, preview["id"], png()[:40], "a.png")
    assert refused.status_code == 400
    assert refused.json()["message"].startswith("The picture cannot be read: it is")
    assert upload(artist, preview["id"], png(), "a.png").status_code == 201


@pytest.mark.skipif(find_spec("pillow_heif") is not None, reason="the extra photos is installed")
@pytest.mark.parametrize("extension", ["heic", "avif", "cr2", "nef", "dng"])
def test_photographs_need_the_extra_which_the_refusal_names(
    admin: Client, artist: Client, task: dict[str, Any], extension: str
) -> None:
    preview = place(artist, task["id"], comment_on(artist, admin, task["id"])["id"])
    refused = upload(artist, preview["id"], b"photo", f"a.{extension}")
    assert refused.status_code == 400
    assert "pip install 'pegbar[photos]'" in refused.json()["message"]
    assert upload(artist, preview["id"], png(), "a.png").status_code == 201


@pytest.mark.skipif(find_spec("pillow_heif") is None, reason="the extra photos is not installed")
def test_photographs_are_shown_with_the_extra(
    admin: Client, artist: Client, task: dict[str, Any], tmp_path: Path
) -> None:
    import pillow_heif
    from PIL import Image

    pillow_heif.register_heif_opener()
    Image.new("RGB", (60, 40), (200, 100, 50)).save(tmp_path / "a.heic", quality=95)
    row = published(artist, admin, task["id"], (tmp_path / "a.heic").read_bytes(), "a.heic")
    assert middle(thumbnail(artist, row["id"]).content, tmp_path) == pytest.approx([200, 100, 50, 255], abs=8)


def test_a_production_may_have_a_view_of_its_own(admin: Client, tmp_path: Path) -> None:
    artist = factories.hire(admin)
    show = factories.production(admin, artist)
    task = factories.task(admin, factories.entity(admin, show["id"]), assignees=[artist.id])
    admin.ok_put(f"/data/projects/{show['id']}", {"data": {"ocio_view": "Un-tone-mapped"}})
    row = published(artist, admin, task["id"], grey_exr(tmp_path), "a.exr")
    assert middle(thumbnail(artist, row["id"]).content, tmp_path) == pytest.approx([118, 118, 118, 255], abs=2)
    admin.ok_put(f"/data/projects/{show['id']}", {"data": {"ocio_view": "Dreamt"}})
    row = published(artist, admin, task["id"], grey_exr(tmp_path), "a.exr")
    assert thumbnail(artist, row["id"]).status_code == 404
    error = admin.ok_get(f"/data/preview-files/{row['id']}")["data"]["variants_error"]
    assert "has no view 'Dreamt'" in error


def test_outsiders_see_no_picture_made_of_a_render(
    admin: Client, artist: Client, task: dict[str, Any], tmp_path: Path
) -> None:
    row = published(artist, admin, task["id"], grey_exr(tmp_path), "a.exr")
    stranger = factories.hire(admin)
    for where in ("thumbnails", "thumbnails-square", "previews"):
        assert thumbnail(stranger, row["id"], where).status_code == 403


def test_an_avatar_may_be_a_render(admin: Client, artist: Client, tmp_path: Path) -> None:
    files = {"file": ("me.exr", grey_exr(tmp_path))}
    assert artist.post(f"/pictures/thumbnails/persons/{artist.id}", files=files).status_code == 201
    picture = artist.get(f"/pictures/thumbnails/persons/{artist.id}.png").content
    assert middle(picture, tmp_path) == pytest.approx([GREY, GREY, GREY, 255], abs=2)


def _its_thumbnails_are_given_up(server: Server, artist: Client, preview_id: str) -> None:
    """A picture whose storage fails at the last attempt is broken and says so, instead of being made for ever."""
    (original,) = (server.folder / "previews" / "pictures" / "original").rglob(f"*{preview_id}*")
    original.unlink()
    original.mkdir()
    arguments = json.dumps({"preview_id": preview_id})
    job = ("default", "media.derive_pictures", 0, arguments)
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        connection.execute("UPDATE preview_file SET status = 'processing' WHERE id = %s", [preview_id])
        connection.execute(
            "INSERT INTO pegbar.procrastinate_jobs (queue_name, task_name, priority, args, attempts)"
            " VALUES (%s, %s, %s, %s, 5)",
            job,
        )
        wait_for(connection, "SELECT 1 FROM preview_file WHERE id = %s AND status = 'broken'", preview_id)
    assert "log" in artist.ok_get(f"/data/preview-files/{preview_id}")["data"]["error"]


def test_large_renders_and_a_studios_jobs_are_made_after_the_answer_and_again_by_command(tmp_path: Path) -> None:
    with Server(None, ENABLE_JOB_QUEUE="true") as server:
        admin = sign_in(server.api, *ADMIN)
        artist = factories.hire(admin)
        show = factories.production(admin, artist)
        task = factories.task(admin, factories.entity(admin, show["id"]), assignees=[artist.id])
        queued = published(artist, admin, task["id"], grey_exr(tmp_path), "a.exr")
        assert queued["status"] == "ready"
        arrives(server, artist, queued["id"])
        # 17 megapixels: too many for the request, whatever the studio says.
        preview = place(artist, task["id"], comment_on(artist, admin, task["id"])["id"])
        large = upload(artist, preview["id"], grey_exr(tmp_path, 5000, 3500), "large.exr", no_job="true").json()
        assert large["status"] == "ready"
        arrives(server, artist, large["id"])
        picture = published(artist, admin, task["id"], png(), "a.png")
        arrives(server, artist, picture["id"])
        lost = published(artist, admin, task["id"], b"no render", "b.exr")
        for file in (server.folder / "previews" / "pictures" / "thumbnails").rglob("*"):
            if file.is_file():
                file.unlink()
        assert thumbnail(artist, large["id"]).status_code == 404
        done = pegbar("media", "thumbnails", "--data", str(server.folder), "--project", show["name"])
        assert done.returncode == 0, done.stderr
        assert "The pictures of 3 previews are made again; of 1 they cannot be made." in done.stdout
        assert f"{lost['id']}: The picture cannot be read" in done.stderr
        for row in (queued, large, picture):
            assert thumbnail(artist, row["id"]).status_code == 200
        with psycopg.connect(server.database_url) as connection:
            states = connection.execute("SELECT DISTINCT status::text FROM preview_file").fetchall()
        assert states == [("ready",)]
        _its_thumbnails_are_given_up(server, artist, picture["id"])
        unknown = pegbar("media", "thumbnails", "--data", str(server.folder), "--project", "Nowhere")
        assert unknown.returncode == 1
        assert "There is no production 'Nowhere'." in unknown.stderr

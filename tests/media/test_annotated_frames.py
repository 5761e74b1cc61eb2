"""Frames with the annotations over them, as managers take them along: PNG, zip, PDF."""

import io
import zipfile
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from pegbar.core.storage import LocalStore
from pegbar.media import addresses
from tests import factories
from tests.client import Client
from tests.media.publishing import comment_on, place, png, published
from tests.server import Server

RED, GREY = (255, 0, 0), (100, 100, 100)
FORMS = {"": "image/png", "s": "application/zip", "s-pdf": "application/pdf"}


def path(preview: dict[str, Any], form: str = "") -> str:
    return f"/actions/preview-files/{preview['id']}/extract-annotated-frame{form}"


def box(name: str = "a", colour: str = "#ff0000", left: int = 0) -> dict[str, Any]:
    drawn = {"type": "rect", "left": left, "top": 0, "width": 10, "height": 10, "strokeWidth": 0, "fill": colour}
    return {"id": name, **drawn, "canvasWidth": 64, "canvasHeight": 32}


def annotate(who: Client, preview: dict[str, Any], *entries: tuple[Any, list[Any]]) -> None:
    added = [{"time": time, "drawing": {"objects": objects}} for time, objects in entries]
    who.ok_put(f"/actions/preview-files/{preview['id']}/update-annotations", {"additions": added})


def opened(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    assert (picture.format, picture.mode) == ("PNG", "RGB")
    return picture


def files_of(data: bytes) -> dict[str, Image.Image]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert {info.compress_type for info in archive.infolist()} <= {zipfile.ZIP_DEFLATED}
        return {name: opened(archive.read(name)) for name in archive.namelist()}


def movie(frames: int, size: tuple[int, int] = (64, 32), rate: int = 25) -> bytes:
    """Its frame n is of the grey 8 n."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": "1"}
        for n in range(1, frames + 1):
            pixels = np.full((size[1], size[0], 3), 8 * n, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return file.getvalue()


@pytest.fixture(scope="module")
def task(admin: Client) -> dict[str, Any]:
    return factories.task(admin, factories.entity(admin, factories.production(admin)["id"]))


@pytest.fixture(scope="module")
def grey(admin: Client, task: dict[str, Any]) -> dict[str, Any]:
    return published(admin, admin, task["id"], png(64, 32, GREY))


@pytest.fixture
def picture(admin: Client, grey: dict[str, Any]) -> dict[str, Any]:
    """A picture on which nothing is drawn yet."""
    admin.ok_put(f"/data/preview-files/{grey['id']}", {"annotations": [], "original_name": grey["original_name"]})
    return grey


@pytest.fixture
def film(admin: Client, server: Server) -> dict[str, Any]:
    """A movie of 20 frames at 24 a second."""
    production = factories.production(admin, fps="24")
    task = factories.task(admin, factories.entity(admin, production["id"]))
    preview = place(admin, task["id"], comment_on(admin, admin, task["id"])["id"])
    store_movie(server, preview["id"], movie(20, rate=24))
    values = {"extension": "mp4", "status": "ready", "width": 64, "height": 32, "original_name": "shot"}
    return dict(admin.ok_put(f"/data/preview-files/{preview['id']}", values))


def store_movie(server: Server, preview_id: Any, data: bytes) -> None:
    file = LocalStore(server.folder / "previews").path(addresses.movie("previews", preview_id))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


def left_behind(server: Server) -> list[Path]:
    return [file for file in (server.folder / "tmp").glob("work-*") if file.is_dir()]


def test_a_picture_is_drawn_on_with_its_first_annotations(
    admin: Client, picture: dict[str, Any], server: Server
) -> None:
    annotate(admin, picture, (0, [box()]), (1, [box("b", "#00ff00")]))
    answer = admin.get(path(picture), params={"frame_number": "ten"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["content-disposition"].startswith("inline")
    drawn = opened(answer.content)
    # The variant that is looked at is 1200 wide.
    assert drawn.size == (1200, 600)
    assert [drawn.getpixel(at) for at in ((5, 5), (180, 180), (195, 5), (5, 195))] == [RED, RED, GREY, GREY]
    assert left_behind(server) == []


def test_all_annotations_of_a_picture_are_numbered_by_their_entry(admin: Client, picture: dict[str, Any]) -> None:
    annotate(admin, picture, (0, [box()]), (7.5, [box("b", "#00ff00")]))
    answer = admin.get(path(picture, "s"))
    assert answer.status_code == 200, answer.text
    name = answer.headers["content-disposition"].partition("filename=")[2]
    assert name.startswith("show_")
    assert name.endswith("_annotated_frames.zip")
    assert answer.headers["content-disposition"].startswith("attachment;")
    base = name.removesuffix("_annotated_frames.zip")
    files = files_of(answer.content)
    assert list(files) == [f"{base}_frame_1.png", f"{base}_frame_2.png"]
    assert [file.getpixel((9, 9)) for file in files.values()] == [RED, (0, 255, 0)]


def test_a_frame_of_a_movie_is_drawn_on_with_what_is_within_half_a_frame(admin: Client, film: dict[str, Any]) -> None:
    annotate(admin, film, (round(9 / 24, 4), [box()]), (round(9 / 24, 4) + 0.01, [box("b", "#00ff00", 20)]))
    answer = admin.get(path(film), params={"frame_number": 10})
    assert answer.status_code == 200, answer.text
    drawn = opened(answer.content)
    assert drawn.size == (64, 32)
    assert [drawn.getpixel(at) for at in ((5, 5), (25, 5))] == [RED, (0, 255, 0)]
    assert np.allclose(drawn.getpixel((50, 25)), 80, atol=6)  # type: ignore[arg-type]
    assert admin.get(path(film), params={"frame_number": 11}).status_code == 400


def test_the_annotated_frames_of_a_movie_come_in_its_order(admin: Client, film: dict[str, Any]) -> None:
    late, early = round(18 / 24, 4), round(4 / 24, 4)
    annotate(
        admin, film, (late, [box()]), (early, [box("b")]), (early + 0.003, [box("c", "#00ff00", 20)]), (60, [box()])
    )
    files = files_of(admin.get(path(film, "s")).content)
    assert [name.rpartition("_v1_")[2] for name in files] == ["frame_5.png", "frame_19.png"]
    first, second = files.values()
    assert [np.asarray(file)[25, 50].mean() for file in (first, second)] == pytest.approx([40, 152], abs=6)
    assert [first.getpixel(at) for at in ((5, 5), (25, 5))] == [RED, (0, 255, 0)]


def test_the_rate_of_the_entity_counts_before_that_of_the_production(admin: Client, film: dict[str, Any]) -> None:
    task = admin.ok_get(f"/data/tasks/{film['task_id']}")
    admin.ok_put(f"/data/entities/{task['entity_id']}", {"data": {"fps": "12,0"}})
    annotate(admin, film, (0.5, [box()]))
    assert [name.rpartition("_v1_")[2] for name in files_of(admin.get(path(film, "s")).content)] == ["frame_7.png"]
    assert admin.get(path(film), params={"frame_number": 7}).status_code == 200
    assert admin.get(path(film), params={"frame_number": 13}).status_code == 400


def test_times_that_cannot_be_read_are_left_out(admin: Client, film: dict[str, Any]) -> None:
    drawing = {"drawing": {"objects": [box()]}}
    times: list[Any] = ["0.125", "soon", None, 1e300, True, -5]
    admin.ok_put(f"/data/preview-files/{film['id']}", {"annotations": [{"time": time, **drawing} for time in times]})
    files = files_of(admin.get(path(film, "s")).content)
    assert [name.rpartition("_v1_")[2] for name in files] == ["frame_1.png", "frame_4.png"]


@pytest.mark.parametrize("stored", [[], {}, "none", [5], [{"time": 0, "drawing": "none"}]])
def test_annotations_that_are_none_are_none(admin: Client, picture: dict[str, Any], stored: Any) -> None:
    admin.ok_put(f"/data/preview-files/{picture['id']}", {"annotations": stored})
    expected = 200 if stored and isinstance(stored, list) and stored != [5] else 400
    assert [admin.get(path(picture, form)).status_code for form in FORMS] == [expected] * 3


def test_pages_are_in_the_size_of_their_frames_at_150_dots_an_inch(admin: Client, picture: dict[str, Any]) -> None:
    annotate(admin, picture, (0, [box()]), (1, [box("b")]), (2, [box("c")]))
    answer = admin.get(path(picture, "s-pdf"))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"].endswith("_annotated_frames.pdf")
    assert answer.content.startswith(b"%PDF-")
    assert answer.content.count(b"/Type /Page\n") == 3
    # 1200 x 600 dots are 8 x 4 inches.
    assert b"/MediaBox [0 0 576.00 288.00]" in answer.content
    start = answer.content.index(b"\xff\xd8\xff")
    page = Image.open(io.BytesIO(answer.content[start:]))
    assert page.size == (1200, 600)
    assert np.allclose(page.getpixel((50, 50)), RED, atol=8)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("frame", "message"),
    [(None, "frame_number"), ("ten", "frame_number"), ("0", "frame_number"), ("-1", "frame_number"), ("3", "frame 3")],
)
def test_a_movie_wants_a_frame_that_has_annotations(
    admin: Client, film: dict[str, Any], frame: str | None, message: str
) -> None:
    annotate(admin, film, (0, [box()]))
    answer = admin.get(path(film), params={"frame_number": frame})
    assert (answer.status_code, message in answer.json()["message"]) == (400, True), answer.text


def test_frames_after_the_end_are_refused(admin: Client, film: dict[str, Any]) -> None:
    annotate(admin, film, (100, [box()]))
    assert admin.get(path(film), params={"frame_number": 2401}).status_code == 400
    assert [admin.get(path(film, form)).status_code for form in ("s", "s-pdf")] == [400, 400]


@pytest.mark.parametrize("form", FORMS)
def test_previews_without_annotations_or_frames_are_refused(
    admin: Client, task: dict[str, Any], picture: dict[str, Any], form: str
) -> None:
    assert admin.get(path(picture, form)).status_code == 400
    sound = published(admin, admin, task["id"], b"RIFF", "a.wav")
    annotate(admin, sound, (0, [box()]))
    refused = admin.get(path(sound, form))
    assert (refused.status_code, "wav" in refused.json()["message"]) == (400, True)


@pytest.mark.parametrize("form", FORMS)
def test_what_is_not_stored_is_not_found(admin: Client, film: dict[str, Any], form: str, server: Server) -> None:
    annotate(admin, film, (0, [box()]))
    LocalStore(server.folder / "previews").path(addresses.movie("previews", film["id"])).unlink()
    frame = {"frame_number": "1"}
    assert admin.get(path(film, form), params=frame).status_code == 404
    admin.ok_put(f"/data/preview-files/{film['id']}", {"data": {"imported_only": True}})
    answer = admin.get(path(film, form), params=frame)
    assert (answer.status_code, answer.json()["error"]) == (404, "preview file binary is not available")
    assert admin.get(path({"id": "00000000-0000-0000-0000-000000000000"}, form)).status_code == 404
    assert admin.get(path({"id": "nothing"}, form)).status_code == 404


def test_an_answer_holds_so_many_frames(admin: Client, film: dict[str, Any]) -> None:
    annotate(admin, film, *((n / 24, [box()]) for n in range(121)))
    answer = admin.get(path(film, "s"))
    assert (answer.status_code, "121 frames; 120" in answer.json()["message"]) == (400, True), answer.text
    admin.ok_put(f"/data/preview-files/{film['id']}", {"width": 8192, "height": 4096})
    answer = admin.get(path(film, "s-pdf"))
    assert (answer.status_code, "121 frames; 8" in answer.json()["message"]) == (400, True), answer.text


def test_an_object_that_cannot_be_drawn_spares_the_others(
    admin: Client, picture: dict[str, Any], server: Server
) -> None:
    annotate(admin, picture, (0, [box("x") | {"left": "nowhere"}, box()]))
    answer = admin.get(path(picture))
    assert answer.status_code == 200, answer.text
    assert opened(answer.content).getpixel((9, 9)) == RED
    server.wait_for_text("some annotations cannot be drawn")


def test_names_in_a_zip_lead_nowhere(admin: Client, picture: dict[str, Any]) -> None:
    organisation = admin.ok_get("/auth/authenticated")["organisation"]["id"]
    admin.ok_put(f"/data/organisations/{organisation}", {"use_original_file_name": True})
    try:
        admin.ok_put(f"/data/preview-files/{picture['id']}", {"original_name": "../../etc/été"})
        annotate(admin, picture, (0, [box()]))
        answer = admin.get(path(picture, "s"))
    finally:
        admin.ok_put(f"/data/organisations/{organisation}", {"use_original_file_name": False})
    assert list(files_of(answer.content)) == ["été_frame_1.png"]
    assert "filename*=UTF-8''%C3%A9t%C3%A9_annotated_frames.zip" in answer.headers["content-disposition"]


@pytest.mark.parametrize("form", FORMS)
def test_only_managers_take_them_along(admin: Client, picture: dict[str, Any], task: dict[str, Any], form: str) -> None:
    annotate(admin, picture, (0, [box()]))
    for role, status in {"user": 403, "vendor": 403, "client": 403, "supervisor": 403, "manager": 200}.items():
        who = factories.hire(admin, role)
        assert who.get(path(picture, form)).status_code == 403
        factories.join(admin, task["project_id"], who)
        assert who.get(path(picture, form)).status_code == status, role
    assert Client(admin.api).get(path(picture, form)).status_code == 401


def test_a_head_has_the_length_and_nothing_else(admin: Client, picture: dict[str, Any]) -> None:
    annotate(admin, picture, (0, [box()]))
    head = admin.call("HEAD", path(picture))
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) == len(admin.get(path(picture)).content)

"""Movies that are made before the upload is answered."""

from fractions import Fraction
from typing import Any

import pytest

from tests import factories
from tests.client import Client
from tests.media.clips import clip, colour_of, contents, moving, rotated
from tests.media.publishing import comment_on, events_of, place, png, published, size_of, upload
from tests.server import Server


@pytest.fixture(scope="module")
def artist(admin: Client) -> Client:
    return factories.hire(admin)


def shot_of(admin: Client, artist: Client, **more: Any) -> dict[str, Any]:
    """A task of a shot in a production of its own."""
    show = factories.production(admin, artist, **{"fps": "24", "resolution": "320x180", **more})
    return factories.task(admin, factories.entity(admin, show["id"], "Shot"), "Animation", assignees=[artist.id])


@pytest.fixture(scope="module")
def task(admin: Client, artist: Client) -> dict[str, Any]:
    return shot_of(admin, artist)


def movie(who: Client, preview_id: str, version: str = "originals") -> bytes:
    answer = who.get(f"/movies/{version}/preview-files/{preview_id}.mp4")
    assert answer.status_code == 200, answer.text
    return answer.content


def picture(who: Client, preview_id: str, where: str = "pictures/originals") -> bytes:
    answer = who.get(f"/{where}/preview-files/{preview_id}.png")
    assert answer.status_code == 200, answer.text
    return answer.content


#: Those whose frames are all kept have as many of them as their length at the rate of the production.
KINDS: dict[str, tuple[bytes, str, int]] = {
    "23.976": (moving("a.mov", rate="24000/1001", length=1.001), "23.976", 24),
    "29.97": (moving("a.mp4", rate="30000/1001", length=1.001), "29,97", 30),
    "59.94": (moving("a.mp4", rate="60000/1001", length=0.5005), "59.94", 30),
    "with sound": (moving("a.mp4", rate="25", sound=True), "25", 25),
    "odd sides": (moving("a.mkv", picture="testsrc=s=65x37:r={rate}:d={length}"), "24", 24),
    "no square pixels": (moving("a.mp4", filters="setsar=2/1,format=yuv420p"), "24", 24),
    "a varying rate": (moving("a.mp4", "-fps_mode", "vfr", filters="select='lt(mod(n\\,8)\\,5)+eq(n\\,23)'"), "24", 24),
    "transparent": (moving("a.mov", "-c:v", "qtrle", filters="format=argb"), "24", 24),
    "one frame": (moving("a.mp4", length=0.04), "24", 1),
    "webm without duration": (moving("a.webm", "-live", "1", "-c:v", "libvpx-vp9", "-deadline", "realtime"), "24", 24),
    "matroska": (moving("a.mkv", sound=True), "24", 24),
    "windows": (moving("a.wmv"), "24", 24),
    "avi": (moving("a.avi", "-c:v", "mjpeg"), "24", 24),
    "turned": (rotated(), "24", 24),
    "a slower production": (moving("a.mp4", rate="50"), "25", 25),
    "a quicker production": (moving("a.mp4", rate="12"), "24", 24),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_movie_keeps_its_length_frame_by_frame(admin: Client, artist: Client, kind: str) -> None:
    data, fps, frames = KINDS[kind]
    task = shot_of(admin, artist, fps=fps)
    row = published(artist, admin, task["id"], data, "take.mov")
    assert row["status"] == "ready", row["data"]
    assert (row["extension"], row["original_name"]) == ("mp4", "take")
    high, low = contents(movie(artist, row["id"])), contents(movie(artist, row["id"], "low"))
    for version, size in ((high, (320, 180)), (low, (1280, 720))):
        assert (version.kinds, version.frames, version.size) == (["audio", "video"], frames, size)
        # What is concatenated must not drift: the sound is as long as the pictures, but for its last packet.
        assert abs(version.sound - version.length) < 0.05
    assert (row["width"], row["height"], row["file_size"]) == (320, 180, len(movie(artist, row["id"])))
    assert row["duration"] == pytest.approx(high.length, abs=0.001)
    assert (row["data"]["movie_prefixes"], row["data"]["original_file_size"]) == (["previews", "lowdef"], len(data))
    assert size_of(picture(artist, row["id"])) == (320, 180)
    assert size_of(picture(artist, row["id"], "pictures/thumbnails")) == (150, 100)
    assert size_of(picture(artist, row["id"], "movies/tiles")) == (8 * 178, -(-frames // 8) * 100)
    assert artist.get(f"/movies/source/preview-files/{row['id']}.mp4").status_code == 404
    assert artist.ok_get(f"/data/tasks/{task['id']}")["last_preview_file_id"] == row["id"]


@pytest.mark.parametrize("fps", ["25", "48"])
def test_the_encoder_does_not_wait_for_itself(admin: Client, artist: Client, server: Server, fps: str) -> None:
    """Frames that are shown more than once, in two large movies, are more than lie between its threads."""
    task = shot_of(admin, artist, fps=fps, resolution="1920x1080")
    log = len(server.text())
    row = published(artist, admin, task["id"], moving(), "a.mp4")
    assert contents(movie(artist, row["id"])).frames == int(fps)
    assert "begun again" not in server.text()[log:]


def test_named_rates_are_exact(admin: Client, artist: Client) -> None:
    task = shot_of(admin, artist, fps="23.976")
    row = published(artist, admin, task["id"], moving(rate="24000/1001", length=1.001), "a.mp4")
    assert contents(movie(artist, row["id"])).rate == Fraction(24000, 1001)


def test_pictures_are_seen_as_they_are_meant(admin: Client, artist: Client, task: dict[str, Any]) -> None:
    halves = "color=red:s=64x36:r=24:d=0.25,drawbox=w=32:h=36:c=blue:t=fill"
    wide = published(
        artist, admin, task["id"], moving("a.mov", "-c:v", "png", picture=halves, filters="setsar=1/2"), "a.mov"
    )
    # Squeezed to half its width: bars left and right.
    first = picture(artist, wide["id"])
    assert colour_of(first, 0.1, 0.5) == colour_of(first, 0.9, 0.5) == (0, 0, 0)
    assert [max(range(3), key=colour_of(first, x, 0.5).__getitem__) for x in (0.4, 0.6)] == [2, 0]
    # What can be seen through is black, in the movie too.
    hole = "color=white:s=64x36:r=24:d=0.25,format=argb,colorchannelmixer=aa=0"
    clear = published(
        artist, admin, task["id"], moving("a.mov", "-c:v", "qtrle", picture=hole, filters="format=argb"), "a.mov"
    )
    assert max(colour_of(picture(artist, clear["id"]), 0.5, 0.5)) < 8
    frame = admin.get(f"/actions/preview-files/{clear['id']}/extract-frame")
    assert max(colour_of(frame.content, 0.5, 0.5)) < 8
    # A portrait stands upright between bars: its own left is at the bottom.
    upright = published(artist, admin, task["id"], rotated(), "a.mp4")
    assert (upright["data"]["original_width"], upright["data"]["original_height"]) == (64, 36)
    assert colour_of(picture(artist, upright["id"]), 0.1, 0.5) == (0, 0, 0)


BROKEN = {
    "no movie": (b"this is no movie at all" * 40, "not a movie"),
    "sound alone": (clip("a.mp4", "-f", "lavfi", "-i", "sine=d=0.2"), "sound but no pictures"),
    "a list of files": (b"ffconcat version 1.0\nfile '/etc/passwd'\n", "not a movie"),
    "no index": (moving("a.mp4")[:-600], "cut off"),
    "half an index": (moving("a.mp4")[:-1400], "cut off"),
    "cut off": (moving("a.mp4", "-movflags", "+faststart", length=2)[:-2000], "cut off"),
    "a cut off matroska": (moving("a.mkv", length=4)[:-9000], "cut off"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_no_movie_is_broken_for_a_reason(
    admin: Client, artist: Client, task: dict[str, Any], kind: str
) -> None:
    data, reason = BROKEN[kind]
    row = published(artist, admin, task["id"], data, "fake.mp4")
    assert (row["status"], row["width"], row["duration"]) == ("broken", 0, 0)
    assert reason in row["data"]["error"]
    assert "/" not in row["data"]["error"]
    assert artist.ok_get(f"/data/tasks/{task['id']}")["last_preview_file_id"] != row["id"]
    assert artist.get(f"/pictures/thumbnails/preview-files/{row['id']}.png").status_code == 404


def test_a_broken_movie_can_be_uploaded_again(
    server: Server, admin: Client, artist: Client, task: dict[str, Any]
) -> None:
    row = published(artist, admin, task["id"], b"no movie", "take.mov")
    source = f"/movies/source/preview-files/{row['id']}.mp4"
    assert artist.get(source).content == b"no movie"
    again = upload(artist, row["id"], moving(), "Take two.mp4")
    assert (again.status_code, again.json()["status"], again.json()["original_name"]) == (201, "ready", "Take two")
    assert "error" not in again.json()["data"]
    assert upload(artist, row["id"], moving(), "three.mp4").status_code == 400
    other = published(artist, admin, task["id"], b"no movie", "take.mov")
    still = upload(artist, other["id"], png(), "still.png").json()
    assert (still["status"], still["extension"], still["data"]) == ("ready", "png", None)


def test_an_empty_movie_is_refused_and_its_place_stays(admin: Client, artist: Client, task: dict[str, Any]) -> None:
    preview = place(artist, task["id"], comment_on(artist, admin, task["id"])["id"])
    refused = upload(artist, preview["id"], b"", "take.mp4")
    assert (refused.status_code, "empty" in refused.json()["message"]) == (400, True)
    assert upload(artist, preview["id"], moving(), "take.mp4").json()["status"] == "ready"


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_without_normalization_a_movie_stays_as_it_came(
    admin: Client, artist: Client, task: dict[str, Any], name: str
) -> None:
    data = moving(name, rate="25", length=2)
    preview = place(artist, task["id"], comment_on(artist, admin, task["id"])["id"])
    row = upload(artist, preview["id"], data, name, normalize="false").json()
    assert (row["status"], row["width"], row["height"], row["file_size"]) == ("ready", 64, 36, len(data))
    assert row["duration"] == pytest.approx(2, abs=0.01)
    assert row["data"]["movie_prefixes"] == ["previews"]
    assert movie(artist, row["id"]) == movie(artist, row["id"], "low") == data
    assert size_of(picture(artist, row["id"])) == (64, 36)
    assert size_of(picture(artist, row["id"], "movies/tiles")) == (8 * 178, 700)


def test_sizes_and_rates_follow_the_entity_before_its_production(admin: Client, artist: Client) -> None:
    show = factories.production(admin, artist, fps="24", resolution="x120")
    shot = factories.entity(admin, show["id"], "Shot")
    task = factories.task(admin, shot, "Animation", assignees=[artist.id])
    row = published(artist, admin, task["id"], moving(), "a.mp4")
    assert (row["width"], row["height"]) == (214, 120)
    admin.ok_put(f"/data/entities/{shot['id']}", {"data": {"fps": 12, "resolution": "201x100"}})
    row = published(artist, admin, task["id"], moving(), "a.mp4")
    seen = contents(movie(artist, row["id"]))
    assert (seen.size, seen.frames, seen.rate) == ((202, 100), 12, 12)
    for nonsense in ({"fps": "soon", "resolution": "big"}, {"fps": [1], "resolution": {}}):
        admin.ok_put(f"/data/entities/{shot['id']}", {"data": nonsense})
        row = published(artist, admin, task["id"], moving(length=0.25), "a.mp4")
        assert (row["width"], row["height"], row["duration"]) == (214, 120, 0.25)


def test_the_events_of_a_movie_come_in_their_order(admin: Client, artist: Client) -> None:
    task = shot_of(admin, artist, is_set_preview_automated=True)
    whole = published(artist, admin, task["id"], moving(), "a.mp4")
    fake = published(artist, admin, task["id"], b"no movie", "a.mp4")
    rows = events_of(admin, task["project_id"])
    for preview, status in ((whole, "ready"), (fake, "broken")):
        mine = [row for row in rows if row["data"].get("preview_file_id") == preview["id"]]
        told = [(row["name"], row["data"].get("status")) for row in mine]
        new = ("preview-file:new", None)
        main = [("preview-file:set-main", None)] if status == "ready" else []
        update = "preview-file:update"
        added = ("preview-file:add-file", status)
        assert told == [new, (update, status), *main, (update, None), added]


def test_frames_are_taken_out_of_a_movie(admin: Client, artist: Client, task: dict[str, Any]) -> None:
    vendor = factories.hire(admin, "vendor")
    changing = "color=black:s=64x36:r={rate}:d={length},geq=r='255*gte(N,12)':g=0:b=0"
    row = published(artist, admin, task["id"], moving("a.mov", "-c:v", "png", picture=changing), "a.mov")
    path = f"/actions/preview-files/{row['id']}/extract-frame"

    def red(number: int) -> bool:
        answer = admin.get(path, params={"frame_number": number})
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-cache")
        assert size_of(answer.content) == (320, 180)
        return colour_of(answer.content, 0.5, 0.5)[0] > 128

    assert [red(number) for number in (0, 1, 12, 13, 24)] == [False, False, False, True, True]
    for wrong in ("25", "9999999", "ten", "-1", "1.5"):
        assert admin.get(path, params={"frame_number": wrong}).status_code == 400, wrong
    still = published(artist, admin, task["id"])
    assert admin.get(f"/actions/preview-files/{still['id']}/extract-frame").status_code == 404
    assert admin.get(f"/actions/preview-files/{still['id']}/extract-tile").status_code == 400
    empty = place(artist, task["id"], comment_on(artist, admin, task["id"])["id"])
    for what in ("extract-frame", "extract-tile"):
        assert admin.get(f"/actions/preview-files/{empty['id']}/{what}").status_code == 404
        assert vendor.get(f"/actions/preview-files/{row['id']}/{what}").status_code == 403
    assert artist.get(path).status_code == 403
    sheet = artist.get(f"/actions/preview-files/{row['id']}/extract-tile")
    assert (sheet.status_code, sheet.headers["Cache-Control"]) == (200, "no-cache")
    assert size_of(sheet.content) == (8 * 178, 300)
    admin.ok_put(f"/data/preview-files/{row['id']}", {"data": {"imported_only": True}})
    for what in ("extract-frame", "extract-tile"):
        gone = admin.get(f"/actions/preview-files/{row['id']}/{what}")
        assert (gone.status_code, gone.json()) == (404, {"error": "preview file binary is not available"})


def test_a_frame_is_chosen_to_stand_for_a_movie(admin: Client, artist: Client, task: dict[str, Any]) -> None:
    changing = "color=black:s=64x36:r={rate}:d={length},geq=r='255*gte(N,12)':g=0:b=0"
    row = published(artist, admin, task["id"], moving("a.mov", "-c:v", "png", picture=changing), "a.mov")
    path = f"/actions/preview-files/{row['id']}/set-main-preview"
    before = {
        where: picture(artist, row["id"], f"pictures/{where}") for where in ("originals", "thumbnails", "previews")
    }
    for wrong in (25, -1, "last"):
        assert artist.put(path, {"frame_number": wrong}).status_code == 400, wrong
    assert picture(artist, row["id"]) == before["originals"]
    entity = artist.ok_put(path, {"frame_number": 13})
    assert (entity["preview_file_id"], entity["preview_file_status"]) == (row["id"], "ready")
    for where, old in before.items():
        new = picture(artist, row["id"], f"pictures/{where}")
        assert (size_of(new) == size_of(old), colour_of(new, 0.5, 0.5)[0] > 128) == (True, True), where


def test_a_movie_goes_with_all_that_was_made_of_it(
    server: Server, admin: Client, artist: Client, task: dict[str, Any]
) -> None:
    row = published(artist, admin, task["id"], moving(), "a.mp4")

    def stored() -> set[str]:
        files = (server.folder / "previews").rglob(f"*{row['id'][:8]}*")
        return {f"{path.parts[-5]}/{path.parts[-4]}" for path in files if path.is_file()}

    assert {"movies/previews", "movies/lowdef", "pictures/tiles", "pictures/original"} <= stored()
    admin.ok_delete(f"/data/preview-files/{row['id']}?force=true")
    (entry,) = admin.ok_get("/open/v1/trash", params={"thing_id": row["id"]})["entries"]
    assert stored(), "the trash keeps them"
    admin.ok_delete(f"/open/v1/trash/{entry['id']}")
    for _ in range(200):
        if not stored():
            break
        admin.ok_get("/data/user/context")  # the job takes a moment
    assert not stored()

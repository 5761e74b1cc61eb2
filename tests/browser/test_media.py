"""Media in a browser: movies play and are scrubbed frame by frame, thumbnails show and are fetched once."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from tests import factories
from tests.client import Client, sign_in
from tests.media.clips import clip
from tests.media.publishing import comment_on, place, png, published, upload
from tests.server import ADMIN, Server

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="Chromium and its driver are not here (apt-get install chromium chromium-driver)"
)
FRAMES, RATE, BLOCK, BITS = 40, 24, 32, 6
#: A grey block for each bit of the frame's number.
_NUMBERED = (
    f"nullsrc=s={BLOCK * BITS}x{BLOCK}:r={RATE}:d={FRAMES / RATE},format=gray,"
    f"geq=lum='255*mod(floor(N/pow(2,floor(X/{BLOCK}))),2)'"
)

_READ_FRAME = """
const [second, done] = arguments, video = document.querySelector('video');
video.addEventListener('seeked', () => requestAnimationFrame(() => {
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth; canvas.height = video.videoHeight;
  const context = canvas.getContext('2d');
  context.drawImage(video, 0, 0);
  let number = 0;
  for (let bit = 0; bit < 6; bit++) {
    const [x, y] = [(bit + 0.5) * canvas.width / 6, canvas.height / 2];
    if (context.getImageData(x, y, 1, 1).data[0] > 127) number += 2 ** bit;
  }
  done(number);
}), {once: true});
video.currentTime = second;
"""
_LOAD_MOVIE = """
const [address, done] = arguments, video = document.createElement('video');
video.muted = true;
const shape = () => [video.duration, video.videoWidth, video.videoHeight];
video.addEventListener('canplaythrough', () => done(shape()), {once: true});
video.addEventListener('error', () => done(String(video.error.message)), {once: true});
document.body.replaceChildren(video);
video.src = address;
"""
_PLAY = """
const done = arguments[0], video = document.querySelector('video');
video.currentTime = 0;
video.addEventListener('ended', () => done(video.currentTime), {once: true});
video.play().catch(error => done(String(error)));
"""
_LOAD_THUMBNAILS = """
const [ids, done] = arguments;
Promise.all(ids.map(id => new Promise(loaded => {
  const image = new Image();
  image.onload = image.onerror = () => loaded(image.naturalWidth);
  image.src = `/api/pictures/thumbnails/preview-files/${id}.png`;
  document.body.append(image);
}))).then(widths => setTimeout(() => done([widths, performance.getEntriesByType('resource')
  .filter(entry => entry.name.includes('/thumbnails/')).map(entry => entry.transferSize)]), 0));
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a page of its own origin, as a web UI has."""
    ui = tmp_path_factory.mktemp("ui")
    (ui / "index.html").write_text("<!doctype html><title>Review</title><body></body>")
    with Server(None, "--ui", str(ui)) as running:
        yield running


@pytest.fixture(scope="module")
def admin(server: Server) -> Client:
    return sign_in(server.api, *ADMIN)


@pytest.fixture(scope="module")
def shot(admin: Client) -> dict[str, Any]:
    show = factories.production(admin, fps=str(RATE), resolution=f"{BLOCK * BITS}x{BLOCK * 4}")
    return factories.task(admin, factories.entity(admin, show["id"], "Shot"), "Animation")


@pytest.fixture(scope="module")
def browser(server: Server, admin: Client, tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    assert CHROMIUM is not None
    options.binary_location = CHROMIUM
    profile = tmp_path_factory.mktemp("profile")
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.add_argument(f"--user-data-dir={profile}")
    driver = webdriver.Chrome(options, Service(DRIVER))
    driver.set_script_timeout(120)
    driver.get(server.url)
    token = admin.http.headers["Authorization"].removeprefix("Bearer ")
    driver.add_cookie({"name": "access_token_cookie", "value": token, "path": "/"})
    try:
        yield driver
    finally:
        driver.quit()


def test_a_movie_is_scrubbed_frame_by_frame_and_plays(
    browser: webdriver.Chrome, admin: Client, shot: dict[str, Any]
) -> None:
    movie = clip("numbered.mov", "-f", "lavfi", "-i", _NUMBERED, "-c:v", "libx264", "-crf", "10", "-pix_fmt", "yuv420p")
    preview = published(admin, admin, shot["id"], movie, "numbered.mov")
    assert preview["status"] == "ready", preview["data"]
    for version in ("originals", "low"):
        address = f"/api/movies/{version}/preview-files/{preview['id']}.mp4"
        duration, width, height = browser.execute_async_script(_LOAD_MOVIE, address)
        assert duration == pytest.approx(FRAMES / RATE, abs=0.03)
        if version == "originals":
            assert (width, height) == (BLOCK * BITS, BLOCK * 4)
        # There and back, as somebody does who looks for a mistake.
        for frame in (0, 1, 2, 3, 17, 16, 15, 38, 39, 5):
            seen = browser.execute_async_script(_READ_FRAME, (frame + 0.5) / RATE)
            assert seen == frame, version
    assert browser.execute_async_script(_PLAY) == pytest.approx(FRAMES / RATE, abs=0.05)


def test_thumbnails_of_sixty_shots_show_and_are_fetched_once(
    browser: webdriver.Chrome, server: Server, admin: Client, shot: dict[str, Any]
) -> None:
    comment = comment_on(admin, admin, shot["id"])
    previews = [place(admin, shot["id"], comment["id"])["id"] for _ in range(60)]
    for number, preview_id in enumerate(previews):
        assert upload(admin, preview_id, png(150, 4, (number * 4, 80, 120))).status_code == 201
    browser.get(server.url)
    widths, _ = browser.execute_async_script(_LOAD_THUMBNAILS, previews)
    assert widths == [150] * 60
    browser.get(server.url)
    widths, transferred = browser.execute_async_script(_LOAD_THUMBNAILS, previews)
    assert widths == [150] * 60
    assert transferred == [0] * 60, "all come from the browser's cache"

"""Two browsers review a playlist together: what one draws and plays, the other shows."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver import ActionChains
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests import factories
from tests.client import Client, unique
from tests.server import Server

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="Chromium and its driver are not here (apt-get install chromium chromium-driver)"
)
_PAGE = (Path(__file__).parent / "room.js").read_text()
_INK = """
const {data} = document.querySelector('canvas').getContext('2d').getImageData(arguments[0], arguments[1], 1, 1);
return data[3];
"""


@pytest.fixture
def browse(server: Server, tmp_path: Path) -> Iterator[Callable[[Client, str], webdriver.Chrome]]:
    """Opens a browser in which somebody reviews a playlist."""
    browsers: list[webdriver.Chrome] = []

    def start(who: Client, playlist_id: str) -> webdriver.Chrome:
        options = webdriver.ChromeOptions()
        assert CHROMIUM is not None
        options.binary_location = CHROMIUM
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
            options.add_argument(argument)
        options.add_argument(f"--user-data-dir={tmp_path / who.id}")
        driver = webdriver.Chrome(options, Service(DRIVER))
        browsers.append(driver)
        driver.get(server.url)
        driver.add_cookie({"name": "access_token_cookie", "value": str(who.token), "path": "/"})
        driver.execute_script(_PAGE, playlist_id, who.id)
        return driver

    yield start
    for driver in browsers:
        driver.quit()


def shown(driver: webdriver.Chrome, name: str) -> str:
    return str(driver.find_element(By.CSS_SELECTOR, name).text)


def until(driver: webdriver.Chrome, condition: Callable[[webdriver.Chrome], Any]) -> None:
    WebDriverWait(driver, 60, 0.05).until(condition)


def test_two_browsers_draw_and_play_together(browse: Callable[[Client, str], webdriver.Chrome], admin: Client) -> None:
    artist = factories.hire(admin)
    show = factories.production(admin, artist)
    playlist = admin.ok_post("/data/playlists", {"name": unique("Dailies"), "project_id": show["id"]})["id"]
    lead = browse(admin, playlist)
    until(lead, lambda page: shown(page, "#people") == admin.id)
    lead.find_element(By.CSS_SELECTOR, "button").click()
    until(lead, lambda page: int(shown(page, "#frame")) > 3)
    lead.find_element(By.CSS_SELECTOR, "button").click()
    frame = shown(lead, "#frame")

    # Who comes later stands where the others stand.
    other = browse(artist, playlist)
    for page in (lead, other):
        until(page, lambda page: shown(page, "#people") == f"{admin.id} {artist.id}")
    until(other, lambda page: shown(page, "#frame") == frame)

    canvas = lead.find_element(By.CSS_SELECTOR, "canvas")
    line = ActionChains(lead).move_to_element_with_offset(canvas, -50, 0).click_and_hold()
    line.move_by_offset(100, 0).release().perform()
    assert lead.execute_script(_INK, 100, 50) == 255
    until(other, lambda page: page.execute_script(_INK, 100, 50) == 255)
    assert other.execute_script(_INK, 100, 90) == 0

    other.find_element(By.CSS_SELECTOR, "button").click()
    until(lead, lambda page: shown(page, "button") == "pause" and int(shown(page, "#frame")) > int(frame) + 3)
    other.find_element(By.CSS_SELECTOR, "button").click()
    until(lead, lambda page: shown(page, "button") == "play" and shown(page, "#frame") == shown(other, "#frame"))
    other.quit()
    until(lead, lambda page: shown(page, "#people") == admin.id)

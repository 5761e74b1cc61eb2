"""The console in a browser: signing in, each panel, each action, by keyboard, on a phone; and who is refused."""

import shutil
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import psycopg
import pyotp
import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

from tests import factories
from tests.accounts.people import PASSWORD, artist, is_in, signed_in
from tests.client import Client, unique
from tests.server import ADMIN, Server

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="Chromium and its driver are not here (apt-get install chromium chromium-driver)"
)
#: Each panel, and a heading, a term or a column that stands in it.
PANELS = {
    "overview": "Processes",
    "jobs": "Productions being deleted",
    "events": "Payload",
    "sessions": "Last use",
    "storage": "Count now",
    "mails": "Refused in the last 30 days",
    "slow": "By route",
    "settings": "PEGBAR_SLOW_REQUEST",
    "log": "Level",
}


class Page:
    """The console in a browser."""

    def __init__(self, driver: webdriver.Chrome, url: str) -> None:
        self.driver, self.url = driver, url

    def until(self, condition: Callable[[], Any]) -> Any:
        return WebDriverWait(self.driver, 90, 0.05).until(lambda _: condition())

    def open(self, path: str = "") -> None:
        self.driver.get("about:blank")
        self.driver.get(f"{self.url}/console{path}")

    def as_(self, who: Client | None) -> None:
        self.driver.get(f"{self.url}/console/assets/icon.svg")
        self.driver.execute_cdp_cmd("Network.clearBrowserCookies", {})  # those of other paths too
        if who is not None:
            self.driver.add_cookie({"name": "access_token_cookie", "value": str(who.token), "path": "/"})

    def script(self, text: str, *arguments: Any) -> Any:
        return self.driver.execute_script(text, *arguments)

    @property
    def text(self) -> str:
        return str(self.script("return document.getElementById('main').innerText"))

    @property
    def said(self) -> str:
        return str(self.script("return document.getElementById('said').textContent"))

    def shows(self, words: str) -> None:
        self.until(lambda: words in self.text)

    def one(self, selector: str) -> WebElement:
        elements: list[WebElement] = self.until(lambda: self.driver.find_elements(By.CSS_SELECTOR, selector))
        return elements[0]

    def click(self, selector: str) -> None:
        """Click what a panel that is read again and again shows at the moment."""
        self.until(
            lambda: self.script(
                "const one = document.querySelector(arguments[0]); if (!one || one.disabled) return false;"
                "one.click(); return true;",
                selector,
            )
        )

    def panel(self, name: str) -> None:
        self.script("location.hash = arguments[0]", f"#/{name}")
        self.until(lambda: self.driver.find_elements(By.CSS_SELECTOR, f'nav a[href="#/{name}"][aria-current]'))
        self.until(lambda: self.driver.find_elements(By.CSS_SELECTOR, ".at time"))

    def confirm(self) -> None:
        self.until(lambda: self.script("return document.getElementById('ask').open"))
        self.driver.find_element(By.ID, "ask-yes").click()

    def complaints(self) -> list[str]:
        """What the browser complains of, but for answers that refuse."""
        entries = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        return [
            entry["message"] for entry in entries if "the server responded with a status of" not in entry["message"]
        ]


@pytest.fixture(scope="module")
def page(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    options = webdriver.ChromeOptions()
    assert CHROMIUM is not None
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('profile')}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, Service(DRIVER))
    try:
        yield Page(driver, server.url)
    finally:
        driver.quit()


@pytest.fixture(scope="module")
def rows(server: Server) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        yield connection


def add_job(rows: psycopg.Connection, status: str, cause: str = "") -> int:
    (job_id,) = rows.execute(
        "INSERT INTO pegbar.procrastinate_jobs (queue_name, task_name, status, scheduled_at)"
        " VALUES ('default', 'console.sweep', %s::pegbar.procrastinate_job_status, '2131-01-05') RETURNING id",
        [status],
    ).fetchone() or (0,)
    rows.execute(
        "INSERT INTO pegbar.job_failure (job_id, cause, failed_at) VALUES (%s, %s, timezone('utc', now()))",
        [job_id, cause],
    )
    return int(job_id)


def fill(page: Page, **values: str) -> None:
    for name, value in values.items():
        page.one(f"input[name={name}]").send_keys(value)
    page.one("form button.main").click()


def test_signing_in_and_out(page: Page) -> None:
    page.as_(None)
    page.open()
    fill(page, email=ADMIN[0], password="wrong")
    page.shows("The e-mail or the password is wrong.")
    field = page.one("input[name=password]")
    field.clear()
    field.send_keys(ADMIN[1], Keys.ENTER)
    page.shows("Processes")
    page.click("#whose button")
    page.shows("Sign in")
    page.open()
    page.shows("Sign in")


def test_signing_in_with_a_second_factor(page: Page, admin: Client) -> None:
    _, email = artist(admin, "admin")
    boss = signed_in(admin, email)
    secret = boss.ok_put("/auth/totp")["totp_provisionning_uri"].partition("secret=")[2].partition("&")[0]
    enabled = boss.ok_post("/auth/totp", {"totp": pyotp.TOTP(secret).now()})
    page.as_(None)
    page.open()
    fill(page, email=email, password=PASSWORD)
    page.shows("Second factor")
    fill(page, code="000000x")
    page.shows("The second factor is wrong.")
    # The code of the authenticator was used just now, to set it up.
    Select(page.one("select")).select_by_value("recovery_code")
    page.one("input[name=code]").clear()
    fill(page, code=enabled["otp_recovery_codes"][0])
    page.shows("Processes")


@pytest.mark.parametrize("role", ["manager", "client"])
def test_nobody_else_is_let_in(page: Page, admin: Client, role: str) -> None:
    """The other roles: tests/console/test_page.py."""
    page.as_(factories.hire(admin, role))
    page.open()
    page.shows("403: this is for studio managers")
    assert not page.one("nav").is_displayed()


def test_every_panel_is_read(page: Page, admin: Client, rows: psycopg.Connection) -> None:
    factories.production(admin)
    add_job(rows, "failed", "ValueError: odd")
    page.as_(admin)
    page.open("#/log")
    for name, words in PANELS.items():
        page.panel(name)
        page.shows(words)
        assert page.driver.title.endswith("Pegbar console")
        assert page.script("return document.querySelectorAll('h1').length") == 1
        assert page.one(".wrong").text == ""
    assert page.complaints() == []


def test_panels_fit_a_phone_in_the_dark(page: Page, admin: Client) -> None:
    page.as_(admin)
    size = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
    try:
        page.open()
        page.shows("Processes")
        for name, words in PANELS.items():
            page.panel(name)
            page.shows(words)
            assert page.script("return document.documentElement.scrollWidth") <= 390, name
            tall = "return Math.max(0, ...[...document.querySelectorAll('.controls *')].map(e => e.offsetHeight))"
            assert page.script(tall) < 130, name
        ground = page.script("return getComputedStyle(document.body).backgroundColor")
        assert sum(map(int, ground.removeprefix("rgb(").removesuffix(")").split(","))) < 150
    finally:
        page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_jobs_are_tried_again_and_cancelled(page: Page, admin: Client, rows: psycopg.Connection) -> None:
    failed, waiting = add_job(rows, "failed", "ValueError: no such thing"), add_job(rows, "todo")
    page.as_(admin)
    page.open("#/jobs")
    page.shows("ValueError: no such thing")
    # Escape leaves everything as it is.
    page.click(f'[aria-label="Cancel job {waiting}"]')
    page.until(lambda: page.script("return document.getElementById('ask').open"))
    page.driver.switch_to.active_element.send_keys(Keys.ESCAPE)
    page.until(lambda: not page.script("return document.getElementById('ask').open"))
    page.click(f'[aria-label="Cancel job {waiting}"]')
    page.confirm()
    page.until(lambda: page.said == f"Job {waiting} is cancelled.")
    page.click(f'[aria-label="Retry job {failed}"]')
    page.confirm()
    page.until(lambda: page.said == f"Job {failed} is in the queue again.")
    status = "SELECT status::text FROM pegbar.procrastinate_jobs WHERE id = %s"
    page.until(lambda: rows.execute(status, [failed]).fetchone() == ("succeeded",))
    assert rows.execute(status, [waiting]).fetchone() == ("cancelled",)
    states = Select(page.one(".controls select"))
    states.select_by_visible_text("Cancelled")
    page.shows(str(waiting))
    page.click(f'[aria-label="Retry job {waiting}"]')
    rows.execute("DELETE FROM pegbar.procrastinate_jobs WHERE id = %s", [waiting])
    page.confirm()
    page.until(lambda: page.said == f"There is no job {waiting}: ended jobs are kept for a week.")


def test_a_session_is_found_and_ended(page: Page, admin: Client) -> None:
    _, email = artist(admin)
    client = signed_in(admin, email)
    assert is_in(client)
    page.as_(admin)
    page.open("#/sessions")
    page.one('.controls input[type="search"]').send_keys(email)
    page.until(lambda: page.text.count("@") == 1 and email in page.text)
    page.click('[aria-label="End the Session of Ida Lup"]')
    page.confirm()
    page.until(lambda: page.said == "The session of Ida Lup is over.")
    page.shows("Nobody fits.")
    assert not is_in(client)


def test_whoever_ends_their_own_session_is_signed_out(page: Page, admin: Client) -> None:
    _, email = artist(admin, "admin")
    boss = signed_in(admin, email)
    page.as_(boss)
    page.open("#/sessions")
    page.one('.controls input[type="search"]').send_keys(email)
    page.until(lambda: page.text.count("@") == 1 and email in page.text)
    page.click('[aria-label^="End the Session"]')
    page.confirm()
    page.shows("Sign in")
    assert not is_in(boss)


def test_storage_is_counted_when_asked(page: Page, admin: Client, rows: psycopg.Connection) -> None:
    page.as_(admin)
    page.open("#/storage")
    page.until(lambda: page.driver.find_elements(By.CSS_SELECTOR, ".at time"))
    rows.execute("UPDATE pegbar.storage_census SET counted_at = '2020-01-01'")
    page.click(".controls button")
    page.shows("By production")
    counted = "SELECT 1 FROM pegbar.storage_census WHERE counted_at > '2021-01-01'"
    page.until(lambda: rows.execute(counted).fetchone())


def test_events_come_by_themselves_and_are_filtered(page: Page, admin: Client) -> None:
    page.as_(admin)
    page.open("#/events")
    page.until(lambda: page.driver.find_elements(By.CSS_SELECTOR, ".at time"))
    page.one('.controls input[type="search"]').send_keys("project:new")
    show = factories.production(admin)
    newest = "return document.querySelector('tbody pre')?.textContent || ''"
    page.until(lambda: show["id"] in page.script(newest))
    named = "return [...document.querySelectorAll('tbody td:nth-child(2) code')].map(e => e.textContent)"
    page.until(lambda: set(page.script(named)) == {"project:new"})
    # What is open stays open when more comes.
    page.click("tbody summary")
    factories.production(admin)
    page.until(lambda: show["id"] not in page.script(newest))
    opened = "return document.querySelector('tbody details[open] pre')?.textContent || ''"
    assert show["id"] in page.script(opened)


#: What other programs may write as moments: no browser reads some of them.
ODD_MOMENTS = (None, "infinity", "-infinity", "0044-03-15 12:00 BC", "12026-01-05", "294276-12-31 23:59:59")


def test_odd_moments_are_shown_too(page: Page, admin: Client, rows: psycopg.Connection) -> None:
    name, job = unique("odd"), add_job(rows, "todo")
    page.as_(admin)
    try:
        for moment in ODD_MOMENTS:
            first = f"00000000{str(uuid4())[8:]}"  # of those without a moment, which come before all others
            rows.execute("INSERT INTO api_event (id, name, created_at) VALUES (%s, %s, %s)", [first, name, moment])
            rows.execute(
                "INSERT INTO pegbar.mail_refusal (at, recipient, subject, reason) VALUES (%s, %s, '', '')",
                [moment or "infinity", name],
            )
        rows.execute("UPDATE pegbar.procrastinate_jobs SET scheduled_at = '12026-01-05' WHERE id = %s", [job])
        for panel in ("events", "mails", "jobs"):
            page.open(f"#/{panel}")
            page.shows(str(job) if panel == "jobs" else name)
            assert page.one(".wrong").text == ""
        assert page.complaints() == []
    finally:
        rows.execute("DELETE FROM api_event WHERE name = %s", [name])
        rows.execute("DELETE FROM pegbar.mail_refusal WHERE recipient = %s", [name])
        rows.execute("DELETE FROM pegbar.procrastinate_jobs WHERE id = %s", [job])


def test_a_moment_that_cannot_be_read_is_shown_as_it_is_written(page: Page, admin: Client) -> None:
    page.as_(admin)
    page.open("#/settings")
    shown = page.driver.execute_async_script(
        "const [moments, done] = arguments;"
        "const words = (made) => made instanceof Element ? made.textContent : made;"
        "import(new URL('console/assets/dom.js', document.baseURI)).then(({ clock, when, isAhead }) =>"
        "  done(moments.map((each) => [words(clock(each)), words(when(each)), isAhead(each)])));",
        [None, "", "infinity", "-infinity", "12026-01-05T00:00:00", "0044-03-15T12:00:00 BC", "2020-01-05T07:08:09"],
    )
    assert shown[:2] == [["—", None, False]] * 2
    for text, row in zip(("infinity", "-infinity", "12026-01-05T00:00:00"), shown[2:5], strict=True):
        assert row == [text, text, False]
    assert shown[5][:2] == ["0044-03-15T12:00:00 BC"] * 2
    clock, ago, _ = shown[6]
    assert clock.endswith(":08:09")
    assert ago.endswith(" days ago")


def test_settings_and_log_are_searched(page: Page, admin: Client) -> None:
    page.as_(admin)
    page.open("#/settings")
    page.one('.controls input[type="search"]').send_keys("secret_key")
    page.until(lambda: "PEGBAR_PORT" not in page.text and "SECRET_KEY" in page.text)
    assert "••••" in page.text
    page.click('.controls input[type="checkbox"]')
    page.until(lambda: "FS_S3_SECRET_KEY" not in page.text)
    assert "secret.key of the data folder" in page.text
    words = unique("<b>nobody</b>")
    page.open("#/log")
    page.one('.controls input[type="search"]').send_keys(words)
    page.shows("No line fits.")


def test_what_people_write_is_shown_as_text(page: Page, admin: Client, rows: psycopg.Connection) -> None:
    cause = '<img src=x onerror="document.title=1"><b>bold</b>'
    add_job(rows, "failed", cause)
    page.as_(admin)
    page.open("#/jobs")
    page.shows(cause)
    assert page.script("return document.querySelectorAll('main img, main b').length") == 0


def test_behind_a_proxy_that_passes_on_the_api_alone(page: Page, admin: Client) -> None:
    page.as_(admin)
    page.driver.get(f"{page.url}/api/console#/settings")
    page.shows("PEGBAR_SLOW_REQUEST")
    assert page.complaints() == []


def test_a_server_that_is_away_is_told_in_words(page: Page, admin: Client) -> None:
    page.as_(admin)
    page.open("#/settings")
    page.shows("PEGBAR_SLOW_REQUEST")
    page.driver.execute_cdp_cmd("Network.enable", {})
    page.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": [f"*{quote('/console/api/')}*"]})
    try:
        page.click(".controls button")
        page.until(lambda: page.one(".wrong").text == "The server does not answer.")
    finally:
        page.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
    page.click(".controls button")
    page.until(
        lambda: (
            page.one(".content").is_displayed()
            and page.script("return document.querySelector('.wrong').textContent") == ""
        )
    )

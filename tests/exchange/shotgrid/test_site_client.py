"""A ShotGrid site is read, whatever it does."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pegbar.exchange.shotgrid.site import client, downloads
from pegbar.exchange.shotgrid.site.client import Site, SiteError, normalised, plain, resource, retry_after
from tests.exchange.shotgrid.fake_site import KEY, SCRIPT, FakeSite, link

T = TypeVar("T")


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSite]:
    monkeypatch.setattr(client, "waits", lambda _: 0.0)
    monkeypatch.setattr(downloads, "waits", lambda _: 0.0)
    site = FakeSite()
    for number in range(1, 41):
        site.add("Shot", number, code=f"S{number}", sg_secret="x", project=link("Project", 1, "P"))
    with site.running():
        yield site


def on(fake: FakeSite, work: Callable[[Site], Awaitable[T]], key: str = KEY) -> T:
    """What comes of some work on the site."""

    async def run() -> T:
        async with Site.open(fake.url, SCRIPT, key) as site:
            return await work(site)

    return asyncio.run(run())


async def codes(site: Site, *fields: str, size: int = 7) -> list[str]:
    of_project = [["project", "is", {"type": "Project", "id": 1}]]
    return [row["code"] async for page in site.pages("Shot", of_project, ["code", *fields], size=size) for row in page]


ALL = [f"S{number}" for number in range(1, 41)]


def test_all_pages_are_read_in_the_order_of_their_ids(fake: FakeSite) -> None:
    assert on(fake, codes) == ALL
    assert len(fake.searches) == 6


def test_rows_that_go_between_pages_hide_no_others(fake: FakeSite) -> None:
    async def read(site: Site) -> list[str]:
        seen: list[str] = []
        async for page in site.pages("Shot", [], ["code"], size=10):
            seen += [row["code"] for row in page]
            if len(seen) == 10:
                fake.retire("Shot", 3)
        return seen

    assert on(fake, read) == ALL


def test_tokens_that_end_in_the_middle_are_replaced(fake: FakeSite) -> None:
    fake.calls_per_token = 2
    assert on(fake, codes) == ALL
    assert fake.tokens_given == 3


@pytest.mark.parametrize("trouble", [{"too_many_every": 2}, {"breaks": 2}, {"unavailable": 3}])
def test_a_site_that_is_busy_or_breaks_off_is_asked_again(fake: FakeSite, trouble: dict[str, int]) -> None:
    vars(fake).update(trouble)
    assert on(fake, codes) == ALL


def test_a_site_that_stays_away_is_given_up_with_advice(fake: FakeSite) -> None:
    fake.stop_after = 3
    with pytest.raises(SiteError, match=r"503.*Run the same command again"):
        on(fake, codes)


def test_a_field_that_may_not_be_read_is_left_out_and_told(fake: FakeSite) -> None:
    fake.hidden_fields["Shot"] = {"sg_secret"}

    async def read(site: Site) -> tuple[list[str], set[str]]:
        return await codes(site, "sg_secret"), site.hidden["Shot"]

    assert on(fake, read) == (ALL, {"sg_secret"})


def test_a_kind_that_may_not_be_read_is_told_with_advice(fake: FakeSite) -> None:
    fake.forbidden_types = {"Shot"}
    with pytest.raises(SiteError, match=r"may not read Shot.*permission group"):
        on(fake, codes)


def test_a_wrong_key_is_told_with_advice_and_not_shown(fake: FakeSite) -> None:
    with pytest.raises(SiteError, match="Admin > Scripts") as raised:
        on(fake, codes, key="wrong-key")
    assert "wrong-key" not in str(raised.value)


def test_an_address_without_a_site_is_told() -> None:
    for url in ("", "ftp://studio", "http://[", "http://"):
        with pytest.raises(SiteError, match="--url"):
            normalised(url)
    assert normalised("studio.example.com/page/3 ") == "https://studio.example.com"


def test_rows_are_plain() -> None:
    data = {"id": 1, "type": "Shot", "attributes": {"code": "A"}, "relationships": {"project": {"data": {"id": 2}}}}
    assert plain(data) == {"id": 1, "type": "Shot", "code": "A", "project": {"id": 2}}
    assert [resource(name) for name in ("HumanUser", "Status", "Reply", "Shot")] == [
        "human_users",
        "statuses",
        "replies",
        "shots",
    ]


@given(st.text())
def test_any_retry_after_is_no_time_or_a_time_to_wait(value: str) -> None:
    seconds = retry_after({"Retry-After": value})
    assert seconds is None or seconds >= 0


# Files


async def _fetch(site: Site, file: Any) -> tuple[str, bytes]:
    async with downloads.fetched(site.session, file) as upload:
        return upload.name, upload.path.read_bytes()


@pytest.fixture(autouse=True)
def upload_folder(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    from pegbar.config import settings

    monkeypatch.setenv("TMP_DIR", str(tmp_path / "uploads"))
    settings.cache_clear()
    yield tmp_path / "uploads"
    settings.cache_clear()


def test_a_file_that_breaks_off_is_taken_up_where_it_ended(fake: FakeSite, upload_folder: Any) -> None:
    content = bytes(range(256)) * 4000
    file = fake.file("take.mov", content, "video/quicktime")
    fake.breaks_of_files = 2
    assert on(fake, lambda site: _fetch(site, file)) == ("take.mov", content)
    assert fake.signatures_seen_with_tokens == 0
    assert list(upload_folder.iterdir()) == [], "nothing stays behind"


@pytest.mark.parametrize(
    ("content", "content_type", "reason"),
    [(b"", "video/quicktime", "empty"), (b"<!DOCTYPE html><p>Sign in", "text/html", "web page")],
)
def test_what_is_no_file_is_not_taken(fake: FakeSite, content: bytes, content_type: str, reason: str) -> None:
    file = fake.file("take.mov", content, content_type)
    with pytest.raises(downloads.NotFetched, match=reason):
        on(fake, lambda site: _fetch(site, file))


def test_an_address_that_ended_and_a_link_are_no_files(fake: FakeSite) -> None:
    file = fake.file("take.mov", b"movie", "video/quicktime")
    with pytest.raises(downloads.NotFetched, match="403"):
        on(fake, lambda site: _fetch(site, {**file, "url": f"{fake.url}/media/take.mov"}))
    for other in ({**file, "link_type": "web"}, {**file, "link_type": "local", "url": "file:///etc/passwd"}, None):
        with pytest.raises(downloads.NotFetched, match="link"):
            on(fake, lambda site, other=other: _fetch(site, other))


def test_a_file_without_a_kind_in_its_name_has_that_of_its_content(fake: FakeSite) -> None:
    file = fake.file("thumb", b"\x89PNG", "image/png")
    assert on(fake, lambda site: _fetch(site, file["url"]))[0] == "thumb.png"
    assert not downloads.is_upload(f"{fake.url}/images/status/transient/thumbnail_pending.png")


def test_a_file_larger_than_is_taken_is_refused(fake: FakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    from pegbar.config import settings

    monkeypatch.setenv("MAX_CONTENT_LENGTH", "1000")
    settings.cache_clear()
    file = fake.file("take.mov", b"x" * 2000, "video/quicktime")
    with pytest.raises(downloads.NotFetched, match="larger than 1000"):
        on(fake, lambda site: _fetch(site, file))

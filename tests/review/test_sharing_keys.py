"""The secrets of share links: what opens what. Pure."""

import time
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pegbar.config import settings
from pegbar.core.errors import BadRequest
from pegbar.core.http.answers import told_path
from pegbar.review.sharing import keys
from pegbar.review.sharing.actions import last_moment

PROOF = keys.proof_of("$2b$12$abc")


@pytest.fixture(autouse=True, scope="module")
def key() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SECRET_KEY", "a key")
        settings.cache_clear()
        yield
    settings.cache_clear()


@given(st.text(max_size=64))
def test_a_hash_fits_its_column_and_is_no_other_tokens(token: str) -> None:
    assert len(keys.hashed(token)) == 64
    assert keys.hashed(token) != keys.hashed(token + "x")
    assert keys.hashed(keys.hashed(token)) != keys.hashed(token)


def test_a_sealed_token_is_opened_for_its_link_and_by_its_key_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    token, link_id = keys.new_token(), uuid4()
    sealed = keys.seal(token, link_id)
    assert keys.unseal(sealed, link_id) == token
    assert keys.seal(token, link_id) != sealed
    assert keys.unseal(sealed, uuid4()) is None
    assert keys.unseal(sealed[:-1], link_id) is None
    assert keys.unseal(b"", link_id) is None
    with monkeypatch.context() as patch:
        patch.setenv("SECRET_KEY", "another key")
        settings.cache_clear()
        assert keys.unseal(sealed, link_id) is None
        assert keys.proof_in(token, keys.new_pass(token, PROOF)) == PROOF
        assert not keys.is_guest_secret(link_id, "")
    settings.cache_clear()


@given(st.text(max_size=200), st.text(max_size=40))
def test_no_other_text_is_a_pass(forged: str, token: str) -> None:
    assert keys.proof_in(token, forged) is None
    good = keys.new_pass(token, PROOF)
    assert keys.proof_in(token, good) == PROOF
    assert keys.proof_in(token + "x", good) is None
    until, proof, signature = good.split(".")
    assert keys.proof_in(token, f"{int(until) + 1}.{proof}.{signature}") is None
    assert keys.proof_in(token, f"{until}.{proof[:-1]}.{signature}") is None


def test_a_pass_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    good, now = keys.new_pass("token", PROOF), time.time()
    monkeypatch.setattr("pegbar.review.sharing.keys.time.time", lambda: now + keys.PASS_LIFETIME + 1)
    assert keys.proof_in("token", good) is None


@given(st.uuids(), st.uuids(), st.text())
def test_a_guest_is_proved_by_their_own_secret(guest_id: UUID, other_id: UUID, shown: str) -> None:
    assert keys.is_guest_secret(guest_id, keys.guest_secret(guest_id))
    assert not keys.is_guest_secret(guest_id, shown)
    assert (guest_id == other_id) or not keys.is_guest_secret(guest_id, keys.guest_secret(other_id))


@given(st.text() | st.dates().map(str) | st.datetimes(timezones=st.timezones()).map(lambda at: at.isoformat()))
def test_a_date_is_read_or_refused(text: str) -> None:
    try:
        moment = last_moment(text)
    except BadRequest:
        return
    assert (moment is None) == (not text)
    assert moment is None or moment.tzinfo is None


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2030-01-02", "2030-01-02T23:59:59.999999"),
        ("2030-01-02T10:00:00", "2030-01-02T10:00:00"),
        ("2030-01-02T10:00:00Z", "2030-01-02T10:00:00"),
        ("2030-01-02T01:00:00+02:00", "2030-01-01T23:00:00"),
    ],
)
def test_a_day_ends_with_its_last_moment(text: str, moment: str) -> None:
    read = last_moment(text)
    assert read is not None
    assert read.isoformat() == moment


def test_the_log_tells_no_token() -> None:
    path = "/shared/playlists/a-token/comments"
    assert told_path({"path": path, "path_params": {"token": "a-token"}}) == "/shared/playlists/…/comments"
    assert told_path({"path": "/data/shots", "path_params": {}}) == "/data/shots"
    assert told_path({"path": "/data/shots"}) == "/data/shots"

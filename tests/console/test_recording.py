"""What a process sees and logs, before it is written down: no secrets, bounded, measured to the first byte."""

import asyncio
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from litestar.response.base import ASGIResponse

from pegbar.console import ledger as watching
from pegbar.console.ledger import Ledger, Slow, watched
from pegbar.core.http.access import Caller, Token, anyone
from pegbar.core.http.routing import CALLER, Operation
from pegbar.core.messages import mail
from pegbar.core.work import log_lines
from pegbar.core.work.failures import words
from pegbar.core.work.log_lines import MOST_LINES, Line, keep, without_secrets

SECRETS = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", min_size=12, max_size=40)


@pytest.fixture(autouse=True)
def nothing_yet(monkeypatch: pytest.MonkeyPatch) -> Ledger:
    log_lines.forget()
    mail.refusals.clear()
    fresh = Ledger()
    monkeypatch.setattr(watching, "ledger", fresh)
    return fresh


@given(SECRETS)
def test_secrets_in_texts_are_blotted_out(secret: str) -> None:
    for text in (
        f"postgresql://pegbar:{secret}@db.example:5432/pegbar is away",
        f"eyJ{secret}.{secret}.{secret}",
        f"Authorization: Bearer {secret}",
        f"bearer {secret}",
        f"/auth/reset?token={secret}&email=ida@example.com",
        f'{{"password": "{secret}", "email": "ida@example.com"}}',
        f"api_key={secret}",
    ):
        assert secret not in without_secrets(text)
    assert without_secrets("a job failed: person 12") == "a job failed: person 12"


@given(SECRETS)
def test_secrets_beside_a_line_are_not_kept(secret: str) -> None:
    log_lines.forget()
    names = (
        "password",
        "new_password",
        "token",
        "access_token",
        "secret_key",
        "cookie",
        "Authorization",
        "text",
        "code",
    )
    keep(None, "info", {"event": "signed in", "level": "info", "to": "ida", **dict.fromkeys(names, secret)})
    (line,) = log_lines.taken()
    assert line.values == {"to": "ida"}
    assert secret not in repr(line)
    assert log_lines.taken() == []


def test_a_traceback_is_kept_without_values_of_variables() -> None:
    hidden = uuid4().hex
    try:
        raise ValueError(f"wrong: password={hidden}")
    except ValueError as error:
        keep(None, "error", {"event": "a request failed", "level": "error", "exc_info": error})
        keep(None, "error", {"event": "a request failed", "level": "error", "exc_info": True})
    for line in log_lines.taken():
        assert line.trace.startswith("Traceback")
        assert "ValueError: wrong" in line.trace
        assert hidden not in line.trace


def test_every_log_is_kept_and_the_ring_is_bounded() -> None:
    from pegbar.core.work.logs import _SHARED

    assert keep in _SHARED
    for number in range(MOST_LINES + 10):
        keep(None, "info", {"event": str(number)})
    lines = log_lines.taken()
    assert [line.text for line in (lines[0], lines[-1])] == ["10", str(MOST_LINES + 9)]
    keep(None, "info", {"event": "later"})
    log_lines.give_back(lines)
    again = log_lines.taken()
    assert len(again) == MOST_LINES
    assert (again[0].text, again[-1].text) == ("11", "later")


def test_nothing_is_given_back_to_a_full_ring() -> None:
    for number in range(MOST_LINES):
        keep(None, "info", {"event": str(number)})
    log_lines.give_back([Line(datetime(2031, 1, 5), "info", "old", {}, "")])
    assert log_lines.taken()[0].text == "0"


def test_a_structured_logger_can_be_told_anything() -> None:
    with structlog.testing.capture_logs():
        keep(None, "info", {"event": None, "odd": object(), "level": "info", "exc_info": (None, None, None)})
    (line,) = log_lines.taken()
    assert line.text == "None"


def test_why_a_job_failed_is_a_line_without_secrets() -> None:
    assert words(ValueError("no\nsuch  thing")) == "ValueError: no such thing"
    assert words(ValueError()) == "ValueError"
    assert "hunter2" not in words(RuntimeError("postgresql://me:hunter2@db/x is away"))
    assert len(words(ValueError("x" * 5000))) == 1000


def test_a_refused_mail_is_kept() -> None:
    async def send() -> None:
        await mail.Postbox("Studio").send(mail.Mail("ida@", "Hello", "Hello", "<p>secret</p>"))

    asyncio.run(send())
    (refusal,) = mail.refusals
    assert (refusal.to, refusal.subject, refusal.reason) == ("ida@", "Hello", "this is no address")


def _operation(path: str = "/data/boards", *, files: bool = False) -> Operation:
    async def handler() -> None: ...

    return Operation("GET", path, anyone, handler, 200, (), None, "", "", "", files=files)


def _request(**scope: Any) -> Any:
    return SimpleNamespace(scope=scope, headers={"user-agent": "test"}, client=SimpleNamespace(host="192.0.2.7"))


def _answered(operation: Operation, inner: Any, request: Any, threshold: float, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(watching, "settings", lambda: SimpleNamespace(slow_request=threshold))

    async def endpoint(_: Any) -> Any:
        return inner

    async def run() -> None:
        async def send(_: Any) -> None: ...

        async def receive() -> Any: ...

        app = await watched(operation, endpoint)(request)
        if app is not inner:
            await app(request.scope, receive, send)

    asyncio.run(run())


async def _stream(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 206, "headers": []})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def test_slow_answers_are_noted_by_their_route(nothing_yet: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    caller = Caller(id=uuid4(), role="user", token=Token(uuid4(), "jti", "access", "person", 1e9, None, "session"))
    for inner, status in ((ASGIResponse(body=b"", status_code=404), 404), (_stream, 206)):
        _answered(_operation(), inner, _request(**{CALLER: caller}), 1e-9, monkeypatch)
        (slow,) = nothing_yet.slow()
        assert (slow.method, slow.route, slow.status, slow.person_id) == ("GET", "/data/boards", status, caller.id)
    for operation, threshold in ((_operation(), 0.0), (_operation(files=True), 1e-9), (_operation("/uploads"), 1e-9)):
        _answered(operation, _stream, _request(), threshold, monkeypatch)
    _answered(_operation(), _stream, _request(), 3600.0, monkeypatch)
    assert nothing_yet.slow() == []
    use = nothing_yet.uses()["session"]
    assert (use.requests, use.address, use.agent, use.person_id) == (2, "192.0.2.7", "test", caller.id)


def test_of_many_slow_requests_the_slowest_are_kept() -> None:
    book = Ledger()
    for seconds in range(300):
        book.took(Slow(datetime(2031, 1, 5), "GET", "/", 200, float(seconds % 299), None))
    kept = book.slow()
    assert len(kept) == 100
    assert min(slow.seconds for slow in kept) == 199.0
    assert book.slow() == []

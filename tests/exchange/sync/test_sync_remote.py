"""The other server is not trusted and not relied upon."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import pytest

from pegbar.core.errors import CannotRun
from pegbar.exchange.sync import remote as remotes
from pegbar.exchange.sync.remote import Credentials, Refusal, Remote, Unreachable

T = TypeVar("T")
Handle = Callable[[BaseHTTPRequestHandler], None]


def _answer(request: BaseHTTPRequestHandler, status: int, body: Any, **headers: str) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    request.send_response(status)
    request.send_header("Content-Length", str(len(content)))
    for name, value in headers.items():
        request.send_header(name.replace("_", "-"), value)
    request.end_headers()
    request.wfile.write(content)


@contextmanager
def _serving(handle: Handle) -> Iterator[str]:
    """A server that knows how to sign in, and otherwise does what a test says."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            known = {"/api/": {"api": "Zou"}, "/api/auth/authenticated": {"user": {"role": "admin"}}}
            if self.path in known:
                _answer(self, 200, known[self.path])
            elif self.path == "/":
                _answer(self, 404, {})
            else:
                handle(self)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"] or 0))
            _answer(self, 200, {"access_token": "first", "refresh_token": "refresh"})

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()


def _with_remote(url: str, work: Callable[[Remote], Any], patience: float = 30) -> Any:
    async def run() -> Any:
        async with Remote(url, Credentials("a@b.example", "secret password"), patience=patience).opened() as remote:
            return await work(remote)

    return asyncio.run(run())


def test_what_passes_by_itself_is_asked_again() -> None:
    statuses = [429, 503, 502]

    def handle(request: BaseHTTPRequestHandler) -> None:
        if statuses:
            _answer(request, statuses.pop(), {}, Retry_After="0")
        else:
            _answer(request, 200, [1, 2])

    with _serving(handle) as url:
        assert _with_remote(url, lambda remote: remote.get("/data/tasks")) == [1, 2]
    assert statuses == []


def test_a_token_that_is_over_is_made_anew() -> None:
    tokens = []

    def handle(request: BaseHTTPRequestHandler) -> None:
        tokens.append(request.headers["Authorization"])
        if request.path == "/api/auth/refresh-token":
            _answer(request, 200, {"access_token": "second"})
        elif tokens[-1] == "Bearer first":
            _answer(request, 401, {"msg": "Token has expired"})
        else:
            _answer(request, 200, {"fine": True})

    with _serving(handle) as url:
        assert _with_remote(url, lambda remote: remote.get("/data/tasks")) == {"fine": True}
    assert tokens == ["Bearer first", "Bearer refresh", "Bearer second"]


def test_a_server_that_knows_no_token_is_given_up() -> None:
    asked = []

    def handle(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.path)
        _answer(request, 401, {})

    with _serving(handle) as url, pytest.raises(Unreachable) as failed:
        _with_remote(url, lambda remote: remote.get("/data/tasks"))
    assert len(asked) < 30
    assert "secret password" not in str(failed.value)


@pytest.mark.parametrize("body", [b"<html>not json", b"[" * 100_000, b"\xff\xfe"])
def test_an_answer_that_is_no_json_is_told(body: bytes) -> None:
    with _serving(lambda request: _answer(request, 200, body)) as url, pytest.raises(Unreachable, match="no JSON"):
        _with_remote(url, lambda remote: remote.get("/data/tasks"))


def test_an_answer_without_end_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remotes, "_LONGEST", 10_000)
    with _serving(lambda request: _answer(request, 200, b" " * 20_000)) as url, pytest.raises(Unreachable, match="MB"):
        _with_remote(url, lambda remote: remote.get("/data/tasks"))


def test_an_error_is_told_in_one_short_line() -> None:
    message = {"message": "no\n" * 1000}
    with _serving(lambda request: _answer(request, 400, message)) as url, pytest.raises(Refusal) as failed:
        _with_remote(url, lambda remote: remote.get("/data/tasks"))
    assert "\n" not in str(failed.value)
    assert len(str(failed.value)) < 400


def test_a_file_that_breaks_off_goes_on_where_it_broke(tmp_path: Path) -> None:
    content = bytes(range(256)) * 4000
    ranges = []

    def handle(request: BaseHTTPRequestHandler) -> None:
        ranges.append(request.headers["Range"])
        start = int(ranges[-1].removeprefix("bytes=").rstrip("-")) if ranges[-1] else 0
        request.send_response(206 if start else 200)
        request.send_header("Content-Length", str(len(content) - start))
        request.send_header("ETag", '"one"')
        request.end_headers()
        request.wfile.write(content[start : start + 600_000])
        request.wfile.flush()
        request.close_connection = True

    with _serving(handle) as url:
        size = _with_remote(url, lambda remote: remote.download("/movies/x.mp4", tmp_path / "x", 10**9))
    assert size == len(content)
    assert (tmp_path / "x").read_bytes() == content
    assert ranges[0] is None
    assert all(asked for asked in ranges[1:])


def test_a_file_that_is_too_long_is_not_taken(tmp_path: Path) -> None:
    with _serving(lambda request: _answer(request, 200, b"x" * 5000)) as url, pytest.raises(Refusal, match="longer"):
        _with_remote(url, lambda remote: remote.download("/movies/x.mp4", tmp_path / "x", 1000))


@pytest.mark.parametrize(
    "url", ["kitsu.studio", "ftp://kitsu.studio", "https://", "https://me:secret@kitsu.studio", "https://k.studio?x=1"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(CannotRun) as failed:
        Remote(url, Credentials(token="t"))
    assert "--email" in str(failed.value) or "address" in str(failed.value)

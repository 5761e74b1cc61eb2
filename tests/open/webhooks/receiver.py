"""Another server that gets webhooks, played by a test."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook

#: Status, headers and body of an answer.
Answer = tuple[int, dict[str, str], bytes]
TAKEN: Answer = (204, {}, b"")


class Got:
    """A request as it came."""

    def __init__(self, path: str, headers: dict[str, str], body: bytes) -> None:
        self.path, self.headers, self.body = path, headers, body
        self.event: dict[str, Any] = json.loads(body)

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def name(self) -> str:
        return str(self.event["type"])

    @property
    def payload(self) -> dict[str, Any]:
        return dict(self.event["data"]["data"])

    def is_signed_with(self, secret: str) -> bool:
        """As any library of Standard Webhooks has it."""
        try:
            Webhook(secret).verify(self.body, self.headers)
        except Exception:
            return False
        return True


class Receiver:
    """Takes what comes, and answers as `answer` says: from the request, and how many came before."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answer: Callable[[Got], Answer] = lambda _: TAKEN
        self._got: list[Got] = []
        self._news = threading.Condition()

    def take(self, got: Got) -> Answer:
        with self._news:
            self._got.append(got)
            self._news.notify_all()
        return self.answer(got)

    @property
    def got(self) -> list[Got]:
        with self._news:
            return list(self._got)

    def wait_for(self, enough: Callable[[list[Got]], Any], seconds: float = 60) -> list[Got]:
        """All that came, once that is enough."""
        with self._news:
            there = self._news.wait_for(lambda: enough(self._got), seconds)
            assert there, f"there came only {[(got.name, got.payload) for got in self._got]}"
            return list(self._got)


@contextlib.contextmanager
def receiving() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, more, content = receiver.take(Got(self.path, headers, body))
            with contextlib.suppress(OSError):  # who asked may be gone
                self.send_response(status)
                for name, value in {"content-length": str(len(content)), **more}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        served.daemon_threads = True
        receiver = Receiver(f"http://127.0.0.1:{served.server_address[1]}/hook")
        thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            served.shutdown()

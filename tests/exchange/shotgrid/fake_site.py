"""A ShotGrid site for tests: its REST API, as far as the public reference tells, over rows in memory.

It misbehaves when told to: it limits calls, ends tokens, drops connections, hides fields, and is slow with files.
"""

import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Row = dict[str, Any]
SCRIPT, KEY = "pegbar", "k3y-that-nobody-may-read"

# fmt: off
_TYPES = (
    "HumanUser", "ApiUser", "Group", "Project", "ProjectUserConnection", "Status", "Step", "Episode", "Sequence",
    "Scene", "Asset", "Shot", "Task", "Version", "Note", "Reply", "Attachment",
)
# fmt: on
_PLURALS = {"Reply": "replies", "Status": "statuses"}


def resource(entity_type: str) -> str:
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", entity_type).lower()
    return _PLURALS.get(entity_type, snake + "s")


_BY_RESOURCE = {resource(name): name for name in _TYPES}


def link(entity_type: str, id_: int, name: str = "") -> Row:
    """A row as others name it."""
    return {"type": entity_type, "id": id_, "name": name or f"{entity_type} {id_}"}


@dataclass
class Held:
    """A search that is not answered before it is released."""

    entity_type: str
    reached: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)


class FakeSite:
    """The site. `rows` are by kind and id; a relation is `{type, id, name}` or a list of them."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[int, Row]] = {name: {} for name in _TYPES}
        self.fields: dict[str, dict[str, tuple[str, str, list[str]]]] = {}
        self.files: dict[str, tuple[bytes, str]] = {}  #: by name, with their type
        self.missing_types: set[str] = set()
        self.hidden_fields: dict[str, set[str]] = {}
        self.forbidden_types: set[str] = set()
        self.now = "2026-03-02T10:00:00Z"
        # What goes wrong, and how often
        self.calls_per_token = 0  #: 0: tokens do not end
        self.too_many_every = 0  #: each so many calls one is 429
        self.breaks = 0  #: so many next calls are cut off
        self.unavailable = 0  #: so many next calls are 503
        self.breaks_of_files = 0  #: so many next files stop in the middle
        self.stop_after: int | None = None  #: from this call on, everything is 503
        self.away_at = ""  #: a kind whose rows are never answered: the site goes down just then
        self.held: Held | None = None
        # What happened
        self.calls: Counter[str] = Counter()
        self.searches: list[tuple[str, Row]] = []
        self.signatures_seen_with_tokens = 0
        self.tokens_given = 0
        self._calls_with_token: Counter[str] = Counter()
        self._lock = threading.RLock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    # Rows

    def add(self, entity_type: str, id_: int, /, *, updated_at: str | None = None, **columns: Any) -> Row:
        row = {"id": id_, "type": entity_type, "created_at": self.now, **columns, "updated_at": updated_at or self.now}
        if entity_type == "ProjectUserConnection":
            del row["updated_at"]  # links do not say when they were changed
        self.rows[entity_type][id_] = row
        return row

    def change(self, entity_type: str, id_: int, /, **columns: Any) -> None:
        """Change a row now, some time after everything else."""
        self.now = f"2026-03-{int(self.now[8:10]) + 1:02d}T10:00:00Z"
        self.rows[entity_type][id_] |= {**columns, "updated_at": self.now}

    def retire(self, entity_type: str, id_: int) -> None:
        self.change(entity_type, id_, retired=True)

    def file(self, name: str, content: bytes, content_type: str) -> Row:
        """A file of the site, as a field holds it."""
        self.files[name] = (content, content_type)
        url = f"{self.url}/media/{name}?Signature=secret-{len(self.files)}"
        return {"type": "Attachment", "id": len(self.files), "url": url, "name": name, "link_type": "upload"}

    def declare(self, entity_type: str, **fields: tuple[str, str, list[str]]) -> None:
        """Fields of a kind: name = (label, kind, valid values)."""
        self.fields.setdefault(entity_type, {}).update(fields)

    def field_names(self, entity_type: str) -> set[str]:
        of_rows = {name for row in self.rows[entity_type].values() for name in row}
        declared = set(self.fields.get(entity_type, ()))
        return (of_rows | declared | {"id", "project", "entity", "attachment_links"}) - {"type", "retired"}

    def hold(self, entity_type: str) -> Held:
        """Let whoever asks for rows of a kind next wait."""
        self.held = Held(entity_type)
        return self.held

    # Serving

    @contextmanager
    def running(self) -> Iterator["FakeSite"]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()

    def _handler(site) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle(self) -> None:
                with suppress(ConnectionError):  # whoever asked was stopped
                    super().handle()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

            def date_time_string(self, timestamp: float | None = None) -> str:
                """Its clock is an hour after its last change."""
                return format_datetime(datetime.fromisoformat(site.now) + timedelta(hours=1), usegmt=True)

            def do_GET(self) -> None:
                if self.path.startswith("/media/"):
                    site._send_file(self)
                else:
                    self._api("GET")

            def do_POST(self) -> None:
                self._api("POST")

            def _api(self, method: str) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                site._wait(self.path)
                with site._lock:
                    answer = site._answer(self, method, body)
                if answer is None:
                    self.close_connection = True
                    return
                status, document, headers = answer
                content = document if isinstance(document, bytes) else json.dumps(document).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        return Handler

    def _wait(self, path: str) -> None:
        held = self.held
        if held is not None and f"/entity/{resource(held.entity_type)}/_search" in path:
            held.reached.set()
            held.release.wait(60)
            self.held = None

    def _answer(self, request: Any, method: str, body: bytes) -> tuple[int, Any, dict[str, str]] | None:
        parts = urlsplit(request.path)
        if not parts.path.startswith("/api/v1.1/"):
            return 404, b"<html>nothing here</html>", {"Content-Type": "text/html"}
        path = parts.path.removeprefix("/api/v1.1")
        self.calls[path] += 1
        if self.away_at and path == f"/entity/{resource(self.away_at)}/_search":
            return _error(503, "Down for maintenance")
        trouble = self._trouble()
        if trouble is not None:
            return trouble or None
        if path == "/auth/access_token":
            return self._authenticate(parse_qs(body.decode()))
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        self._calls_with_token[token] += 1
        ended = self.calls_per_token and self._calls_with_token[token] > self.calls_per_token
        if not token.startswith("token-") or ended:
            return _error(401, "Unauthorized: the access token has expired")
        return self._read(method, path, parse_qs(parts.query), body)

    def _trouble(self) -> Any:
        number = self.calls.total()
        if self.breaks:
            self.breaks -= 1
            return ()
        if self.unavailable:
            self.unavailable -= 1
            return _error(503, "Down for maintenance")
        if self.stop_after is not None and number > self.stop_after:
            return _error(503, "Down for maintenance", {"Retry-After": "0"})
        if self.too_many_every and number % self.too_many_every == 0:
            return _error(429, "Too many requests", {"Retry-After": "0"})
        return None

    def _authenticate(self, form: dict[str, list[str]]) -> Any:
        sent = [form.get(name, [""])[0] for name in ("client_id", "client_secret", "grant_type")]
        if sent != [SCRIPT, KEY, "client_credentials"]:
            return _error(400, f"Can't authenticate script '{sent[0]}'")
        self.tokens_given += 1
        token = {"token_type": "Bearer", "access_token": f"token-{self.tokens_given}", "expires_in": 600}
        return 200, {**token, "refresh_token": "refresh"}, {}

    def _read(self, method: str, path: str, query: dict[str, list[str]], body: bytes) -> Any:
        if path == "/schema":
            shown = set(_TYPES) - self.missing_types
            return 200, {"data": {name: {"visible": {"value": True}} for name in sorted(shown)}}, {}
        if match := re.fullmatch(r"/schema/(\w+)/fields", path):
            if match[1] in self.missing_types or match[1] not in _TYPES:
                return _error(404, f"{match[1]} does not exist")
            return 200, {"data": self._schema_of(match[1])}, {}
        match = re.fullmatch(r"/entity/(\w+)/_(?:search|summarize)", path)
        entity_type = _BY_RESOURCE.get(match[1]) if match and method == "POST" else None
        if entity_type is None or entity_type in self.missing_types:
            return _error(404, f"{path} does not exist")
        if entity_type in self.forbidden_types:
            return _error(403, f"API read() not allowed on {entity_type}")
        if path.endswith("_summarize"):
            filters = json.loads(body)["filters"]
            return 200, {"data": {"summaries": {"id": len(self._rows(entity_type, filters))}, "groups": []}}, {}
        return self._search(entity_type, query, json.loads(body))

    def _rows(self, entity_type: str, filters: list[Any], *, retired: bool = False) -> list[Row]:
        return [
            row
            for _, row in sorted(self.rows[entity_type].items())
            if bool(row.get("retired")) == retired and all(self._passes(row, test) for test in filters)
        ]

    def _schema_of(self, entity_type: str) -> Row:
        declared = self.fields.get(entity_type, {})
        schema = {}
        for name in sorted(self.field_names(entity_type)):
            label, kind, values = declared.get(name, (name, "text", []))
            schema[name] = {
                "name": {"value": label, "editable": True},
                "data_type": {"value": kind},
                "properties": {"valid_values": {"value": values}} if values else {},
            }
        return schema

    def _search(self, entity_type: str, query: dict[str, list[str]], document: Row) -> Any:
        fields = [name for name in query.get("fields", [""])[0].split(",") if name]
        for name in fields:
            if name in self.hidden_fields.get(entity_type, ()):
                return _error(400, f"API read() {entity_type}.{name} doesn't exist or may not be read")
        for path, *_ in document["filters"]:
            if path.partition(".")[0] not in self.field_names(entity_type):
                return _error(400, f"API read() {entity_type}.{path} doesn't exist")
        self.searches.append((entity_type, {**document, "fields": fields}))
        retired = query.get("options[return_only]") == ["retired"]
        assert query["sort"] == ["id"]
        size, number = int(query["page[size]"][0]), int(query["page[number]"][0])
        rows = self._rows(entity_type, document["filters"], retired=retired)
        page = rows[(number - 1) * size : number * size]
        return 200, {"data": [_shown(row, fields) for row in page], "links": {"self": ""}}, {}

    def _passes(self, row: Row, test: list[Any]) -> bool:
        path, operator, wanted = test
        value = self._value(row, path)
        if operator == "is":
            return _key(value) == _key(wanted)
        if operator == "in":
            keys = [_key(item) for item in wanted]
            return any(_key(item) in keys for item in (value if isinstance(value, list) else [value]))
        if operator == "greater_than":
            return value is not None and value > wanted
        if operator == "type_is":
            return bool(value) and value["type"] == wanted
        raise AssertionError(f"the fake does not know {operator}")

    def _value(self, row: Row, path: str) -> Any:
        name, _, rest = path.partition(".")
        value = row.get(name)
        if not rest:
            return value
        entity_type, _, inner = rest.partition(".")
        if not value or value["type"] != entity_type:
            return None
        return self._value(self.rows[entity_type].get(value["id"], {}), inner)

    def _send_file(self, request: Any) -> None:
        parts = urlsplit(request.path)
        name = parts.path.removeprefix("/media/")
        if "Authorization" in request.headers:
            self.signatures_seen_with_tokens += 1
        if name not in self.files or "Signature=secret" not in parts.query:
            request.send_error(403)
            return
        content, content_type = self.files[name]
        start = 0
        if match := re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", "")):
            start = int(match[1])
        request.send_response(206 if start else 200)
        request.send_header("Content-Type", content_type)
        request.send_header("ETag", f'"{len(content)}"')
        request.send_header("Content-Length", str(len(content) - start))
        request.end_headers()
        with self._lock:
            cut = self.breaks_of_files > 0
            self.breaks_of_files -= cut
        if cut:
            request.wfile.write(content[start : start + (len(content) - start) // 2])
            request.close_connection = True
            return
        for place in range(start, len(content), 64 * 1024):
            request.wfile.write(content[place : place + 64 * 1024])


def _key(value: Any) -> Any:
    return (value["type"], value["id"]) if isinstance(value, dict) else value


def _shown(row: Row, fields: list[str]) -> Row:
    attributes, relationships = {}, {}
    for name in fields:
        if name not in row or name == "id":
            continue
        value = deepcopy(row[name])
        if _is_relation(value):
            relationships[name] = {"data": value}
        else:
            attributes[name] = value
    return {"id": row["id"], "type": row["type"], "attributes": attributes, "relationships": relationships}


def _is_relation(value: Any) -> bool:
    first = value[0] if isinstance(value, list) and value else value
    return isinstance(first, dict) and "id" in first and "url" not in first


def _error(status: int, text: str, headers: dict[str, str] | None = None) -> Any:
    return status, {"errors": [{"status": status, "title": text, "detail": text}]}, headers or {}

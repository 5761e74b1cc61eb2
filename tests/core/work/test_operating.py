"""A node as monitoring sees it: metrics of all its processes, traces, signs of life, and how it takes its leave."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.client import Client, sign_in, unique
from tests.server import ADMIN, Server

_BOARD = Path(__file__).parents[3] / "deploy" / "grafana.json"
_PAGE = Path(__file__).parents[3] / "docs" / "operating.md"


class Collector:
    """Takes in the spans of a server, as OpenTelemetry's collector would."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        spans = self.spans

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    for of_scope in of_resource.scope_spans:
                        spans.extend(of_scope.spans)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.close()


@pytest.fixture(scope="module")
def node(collector: Collector) -> Iterator[Server]:
    with Server(
        None,
        "--workers",
        "2",
        PROMETHEUS_METRICS_ENABLED="true",
        PEGBAR_DRAIN="300",
        PEGBAR_TRACES="true",
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        OTEL_BSP_SCHEDULE_DELAY="100",
    ) as server:
        yield server


@pytest.fixture(scope="module")
def boss(node: Server) -> Client:
    return sign_in(node.api, *ADMIN)


def _eventually(look: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 30
    while not (seen := look()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.1)
    return seen


def _metrics(node: Server) -> str:
    return requests.get(f"{node.api}/metrics", timeout=60).text


def test_metrics_tell_of_all_processes(node: Server, boss: Client) -> None:
    name = unique("Counted")
    boss.ok_post("/data/departments", {"name": name, "color": "#000000"})
    text = _eventually(
        lambda: text if 'outcome="succeeded"' in (text := _metrics(node)) and "pegbar_pool_conn" in text else None
    )
    lines = {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in text.splitlines() if line[0] != "#"}
    assert lines['pegbar_http_request_total{method="POST",path="/data/departments",status="201"}'] == 1
    assert lines["pegbar_database_up"] == 1
    assert lines["pegbar_job_workers"] >= 1
    assert lines["pegbar_database_bytes"] > 2**20
    assert lines['pegbar_disk_free_bytes{of="storage"}'] > 0
    assert lines['pegbar_pool_connections{pool="requests",state="allowed"}'] >= 20, (
        "of both workers, and of the sockets"
    )
    assert lines['pegbar_pool_wait_seconds_count{pool="requests"}'] > 0
    for process in ("api", "worker", "sockets", "postgresql", "supervisor"):
        assert lines[f'pegbar_process_resident_memory_bytes{{process="{process}"}}'] > 2**20, process
    assert not [line for line in lines if line.startswith("zou_") and "http_request" not in line and "info" not in line]
    assert name not in text


def test_the_board_and_the_page_name_metrics_that_there_are(node: Server, boss: Client) -> None:
    import re

    boss.ok_get("/data/departments")
    known = {line.split()[2] for line in _metrics(node).splitlines() if line.startswith("# TYPE pegbar")}
    endings = ("_total", "_bucket", "_sum", "_count", "")
    families = {name + ending for name in known for ending in endings}
    # What was not seen in this short life of a server.
    families |= {f"pegbar_http_request_inflight{ending}" for ending in endings}
    rules = (_BOARD.parent / "prometheus-rules.yml").read_text()
    for text in (json.dumps([p.get("targets") for p in json.loads(_BOARD.read_text())["panels"]]), rules):
        used = set(re.findall(r"\bpegbar_\w+", text))
        assert len(used) > 8
        assert used <= families, used - families
    described = set(re.findall(r"`(pegbar_\w+)", _PAGE.read_text()))
    assert {name for name in known if not name.endswith("_created")} == described


def test_processes_tell_that_they_run_and_which_settings_they_share(node: Server, boss: Client) -> None:
    def rows() -> list[tuple[str, str, dict[str, str]]]:
        with psycopg.connect(node.database_url) as connection:
            return connection.execute("SELECT kind, version, settings FROM pegbar.node ORDER BY kind").fetchall()

    seen = _eventually(lambda: found if len(found := rows()) == 4 else None)
    assert [row[0] for row in seen] == ["api", "api", "sockets", "worker"]
    assert all(row[2] == seen[0][2] for row in seen), "they share one environment"
    text = json.dumps(seen[0][2])
    assert {"SECRET_KEY", "MAIL_PASSWORD", "FS_BACKEND"} <= seen[0][2].keys()
    assert "local" not in text
    assert not {"PEGBAR_PORT", "DATABASE_URL", "TMP_DIR"} & seen[0][2].keys()


def test_requests_and_statements_are_traced_without_what_they_carry(
    node: Server, boss: Client, collector: Collector
) -> None:
    trace, secret = "4bf92f3577b34da6a3ce929d0e0e4736", unique("secret")
    headers = {**boss.http.headers, "traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    requests.get(f"{node.api}/data/persons/{boss.id}?secret={secret}", headers=headers, timeout=60)

    def ours() -> list[Any]:
        return [span for span in list(collector.spans) if span.trace_id.hex() == trace]

    spans = _eventually(lambda: found if len(found := ours()) >= 2 and any(not _sql(s) for s in found) else None)
    (request,) = [span for span in spans if not _sql(span)]
    assert request.name.startswith("GET /data/persons/{")
    assert {item.key: item.value for item in request.attributes}["http.response.status_code"].int_value == 200
    statements = [span for span in spans if _sql(span)]
    assert statements
    assert all(span.parent_span_id == request.span_id for span in statements)
    told = " ".join(str(span) for span in list(collector.spans))
    assert secret not in told
    assert boss.id not in told
    assert ADMIN[0] not in told


def _sql(span: Any) -> str:
    values = {item.key: item.value.string_value for item in span.attributes}
    return str(values.get("db.query.text") or values.get("db.statement", ""))


def test_a_node_that_stops_says_so_and_still_answers(node: Server, boss: Client) -> None:
    """The last one: the node is gone after it."""
    ready = requests.get(f"{node.api}/status/ready", timeout=60)
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    assert node.process is not None
    node.process.terminate()
    _eventually(lambda: requests.get(f"{node.api}/status/ready", timeout=60).status_code == 503)
    answers = [requests.get(f"{node.api}/status/ready", timeout=60) for _ in range(20)]
    assert {answer.json()["status"] for answer in answers if answer.status_code == 503} == {"stopping"}
    assert requests.get(f"{node.api}/status/live", timeout=60).status_code == 200
    assert boss.get("/data/departments").status_code == 200
    node.process.terminate()  # a second signal ends it without waiting for the five minutes
    assert node.process.wait(60) == 0
    assert "other servers may take over" in node.text()

"""Every error has the same keys, whatever went wrong and wherever: `error`, `message` and `data`.

All routes are walked with what no route takes: no token, a broken one, too small a role, ids that are none, ids of
nothing, bodies that do not fit.
"""

import re
from typing import Any
from uuid import uuid4

import pytest
import requests

from pegbar.app import load_domains
from pegbar.core.data.faults import refusal
from pegbar.core.errors import InternalError, Unavailable
from pegbar.core.http.routing import Operation
from tests import factories
from tests.client import Client
from tests.server import ADMIN, Server

OPERATIONS = load_domains()
_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
#: What is sent as a body. A route may take one of them: then nothing is refused.
_BODIES: tuple[dict[str, Any], ...] = (
    {"json": []},
    {"json": {}},
    {"data": b"{not json", "headers": {"Content-Type": "application/json"}},
    {"data": b"words", "headers": {"Content-Type": "text/plain"}},
    {"files": {"other": ("a.txt", b"words")}},
)


def check(answer: requests.Response) -> dict[str, Any]:
    """The body of an error. Its `data` is null, or tells of fields, or is what a route says about itself."""
    where = f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text[:300]}"
    assert answer.headers["content-type"] == "application/json", where
    body: dict[str, Any] = answer.json()
    assert {"error", "message", "data"} <= body.keys(), where
    assert body["error"] is True or body["error"] == body["message"], where
    assert isinstance(body["message"], str), where
    assert body["message"], where
    assert body["data"] is None or isinstance(body["data"], dict), where
    for entry in (body["data"] or {}).get("errors", []):
        assert entry.keys() == {"field", "message"}, where
        assert isinstance(entry["field"], str), where
        assert entry["message"], where
    return body


def _refused(answer: requests.Response) -> bool:
    assert answer.status_code < 500, f"{answer.request.method} {answer.request.url}: {answer.text[:2000]}"
    if answer.status_code >= 400:
        check(answer)
    return answer.status_code >= 400


def _path(operation: Operation, value: str) -> str:
    return _PARAMETER.sub(value, operation.path)


@pytest.fixture(scope="module")
def callers(server: Server, admin: Client) -> dict[str, Client]:
    """Bots: they are not signed out by the routes that do so."""
    return {
        "nobody": Client(server.api),
        "broken": Client(server.api, "broken"),
        "client": factories.hire(admin, "client"),
        "admin": factories.hire(admin, "admin"),
    }


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: f"{each.method} {each.path}")
def test_whatever_a_route_refuses_has_the_same_keys(operation: Operation, callers: dict[str, Client]) -> None:
    nothing = _path(operation, str(uuid4()))
    for name in ("nobody", "broken"):
        assert _refused(callers[name].call(operation.method, nothing)) or operation.access.public, nothing
    _refused(callers["client"].call(operation.method, nothing))
    _refused(callers["admin"].call(operation.method, _path(operation, "none")))
    for body in _BODIES if operation.method in ("POST", "PUT") else ({},):
        _refused(callers["admin"].call(operation.method, nothing, **body))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/data/nowhere", 404),
        ("OPTIONS", "/data/nowhere", 404),
        ("PATCH", "/auth/login", 405),
        ("DELETE", "/data/tasks", 405),
        ("POST", "/pictures/thumbnails/projects/x.png", 405),
    ],
)
def test_what_the_router_refuses_has_them_too(admin: Client, method: str, path: str, status: int) -> None:
    answer = admin.call(method, path)
    assert answer.status_code == status
    assert check(answer)["data"] is None


def test_a_body_over_the_limit_has_them_too(admin: Client) -> None:
    with Server(None, MAX_CONTENT_LENGTH="1000", PEGBAR_MAX_JSON_LENGTH="500") as small:
        who = Client(small.api)
        for size in (700, 2000):
            answer = who.post("/auth/login", {"email": "x" * size})
            assert answer.status_code == 413
            check(answer)


def test_a_fault_and_a_lost_database_have_them_too() -> None:
    for error, status in ((InternalError("Internal server error."), 500), (Unavailable("Wait."), 503)):
        assert (error.status, error.body) == (status, {"error": True, "message": str(error), "data": None})


def test_what_clients_look_for_besides_is_still_there(server: Server, admin: Client) -> None:
    anonymous = Client(server.api)
    assert check(anonymous.get("/auth/saml/login"))["error"].startswith("SAML is not enabled")
    assert check(anonymous.get("/data/persons"))["msg"].startswith("Missing JWT in cookies or headers")
    wrong = check(anonymous.post("/auth/login", {"email": ADMIN[0], "password": "wrong"}))
    assert (wrong["error"], wrong["login"]) == (True, False)
    task = factories.task(admin, factories.entity(admin, factories.production(admin)["id"]))
    unknown = check(admin.put(f"/actions/tasks/{task['id']}/assign", {"person_id": str(uuid4())}))
    assert unknown["error"] == unknown["message"] == unknown["data"]["errors"][0]["message"]


@pytest.mark.parametrize(
    ("path", "document", "field"),
    [
        ("/data/departments", {"color": "#fff"}, "name"),
        ("/data/departments", {"name": "x" * 300}, "name"),
        ("/data/departments", {"name": "Fur", "color": "#fff", "colour": "#000"}, "colour"),
        ("/data/tasks", {"entity_id": "x"}, "entity_id"),
        ("/data/milestones", {"name": "Beta", "project_id": 7}, "project_id"),
    ],
)
def test_a_refused_value_names_its_field(admin: Client, path: str, document: dict[str, Any], field: str) -> None:
    answer = admin.post(path, document)
    assert answer.status_code == 400
    body = check(answer)
    assert body["data"] == {"errors": [{"field": field, "message": body["message"]}]}


def test_a_broken_rule_of_a_table_names_its_columns(admin: Client) -> None:
    document = {"name": factories.unique("Fur"), "color": "#fff"}
    admin.ok_post("/data/departments", document)
    twice = check(admin.post("/data/departments", document))
    assert [each["field"] for each in twice["data"]["errors"]] == ["name"]


def test_a_rule_over_several_columns_names_each() -> None:
    import asyncpg

    error = asyncpg.UniqueViolationError()
    error.detail, error.column_name = "Key (name, project_id)=(a, b) already exists.", None
    errors = (refusal(error).data or {})["errors"]
    assert [each["field"] for each in errors] == ["name", "project_id"]

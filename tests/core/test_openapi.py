"""The OpenAPI document is complete and true to the declarations."""

from typing import Any

import pytest
import requests
from openapi_spec_validator import validate

from pegbar.app import load_domains
from tests.client import Client, unique
from tests.server import Server


@pytest.fixture(scope="module")
def document(server: Server) -> dict[str, Any]:
    found: dict[str, Any] = requests.get(f"{server.api}/openapi.json", timeout=20).json()
    return found


def test_it_is_valid_openapi(document: dict[str, Any]) -> None:
    validate(document)
    assert document["openapi"].startswith("3.1")


def test_it_has_every_route_with_its_access_rule_and_events(document: dict[str, Any]) -> None:
    described = {
        (method.upper(), path): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    operations = [each for each in load_domains() if not each.hidden]
    assert len(described) == len(operations)
    for operation in described.values():
        assert operation["x-access"]
        assert operation["summary"]
        assert operation["x-access"] in operation["description"]
        assert operation["operationId"]
    assert {each.access.text for each in operations} == {each["x-access"] for each in described.values()}
    create = described["POST", "/data/departments"]
    assert create["x-events"] == ["department:new"]
    assert {"201", "400", "401", "403", "413", "415", "422"} <= set(create["responses"])
    assert described["POST", "/auth/login"]["security"] == []
    assert len({each["operationId"] for each in described.values()}) == len(described)


def test_bodies_tell_what_is_needed_and_what_may_be_null(document: dict[str, Any]) -> None:
    body = document["paths"]["/data/departments"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["required"] == ["name", "color"]
    assert body["properties"]["name"] == {"type": "string", "maxLength": 80}
    assert body["properties"]["archived"] == {"type": ["boolean", "null"]}
    persons = document["components"]["schemas"]["Person"]["properties"]
    assert "admin" in persons["role"]["enum"]
    assert "password" not in persons
    login = document["paths"]["/auth/login"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    name = login["$ref"].rpartition("/")[2]
    assert document["components"]["schemas"][name]["required"] == ["email"]


def test_lists_tell_their_filters_and_pages(document: dict[str, Any]) -> None:
    listing = document["paths"]["/data/departments"]["get"]
    names = {each.get("name") or each["$ref"].rpartition("/")[2] for each in listing["parameters"]}
    assert {"page", "limit", "fields", "relations", "name", "color", "archived"} <= names


def test_answers_are_as_described(document: dict[str, Any], admin: Client) -> None:
    made = admin.ok_post("/data/departments", {"name": unique("Doc"), "color": "#102030"})
    assert set(made) == set(document["components"]["schemas"]["Department"]["properties"])
    refused = admin.post("/data/departments", {"name": unique("Doc")})
    error = document["components"]["schemas"]["Error"]
    assert set(error["required"]) <= set(refused.json()) <= set(error["properties"])

"""The OpenAPI document is complete and true to the declarations."""

import re
from typing import Any

import jsonschema
import pytest
import requests
from openapi_spec_validator import validate

from pegbar.app import load_domains
from tests.client import Client, unique
from tests.factories import named, production
from tests.server import Server

#: A row that a schema refers to.
_ROW = re.compile(r"components/schemas/(\w+)")


@pytest.fixture(scope="module")
def document(server: Server) -> dict[str, Any]:
    answer: dict[str, Any] = requests.get(f"{server.api}/openapi.json", timeout=20).json()
    return answer


def test_it_is_valid_openapi(document: dict[str, Any]) -> None:
    validate(document)
    assert document["openapi"].startswith("3.1")


def test_it_has_every_route_with_its_access_rule_and_events(document: dict[str, Any]) -> None:
    described = {
        (method.upper(), path): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    operations = [operation for operation in load_domains() if not operation.hidden]
    assert len(described) == len(operations)
    for operation in described.values():
        assert operation["x-access"]
        assert operation["summary"]
        assert operation["x-access"] in operation["description"]
        assert operation["operationId"]
    assert {operation.access.text for operation in operations} == {
        operation["x-access"] for operation in described.values()
    }
    create = described["POST", "/data/departments"]
    assert create["x-events"] == ["department:new"]
    assert {"201", "400", "401", "403", "413", "415", "422"} <= set(create["responses"])
    assert described["POST", "/auth/login"]["security"] == []
    assert len({operation["operationId"] for operation in described.values()}) == len(described)


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
    names = {parameter.get("name") or parameter["$ref"].rpartition("/")[2] for parameter in listing["parameters"]}
    assert {"page", "limit", "fields", "relations", "name", "color", "archived"} <= names


def test_answers_are_as_described(document: dict[str, Any], admin: Client) -> None:
    department = admin.ok_post("/data/departments", {"name": unique("Doc"), "color": "#102030"})
    assert set(department) == set(document["components"]["schemas"]["Department"]["properties"])
    refused = admin.post("/data/departments", {"name": unique("Doc")})
    error = document["components"]["schemas"]["Error"]
    assert set(error["required"]) <= set(refused.json()) <= set(error["properties"])


def test_answers_about_productions_are_as_described(document: dict[str, Any], admin: Client) -> None:
    modeling, todo = named(admin, "task-types", "Modeling")["id"], named(admin, "task-status", "Todo")["id"]
    prop = named(admin, "entity-types", "Prop")["id"]
    show = production(admin, task_types=[modeling], task_statuses=[todo], asset_types=[prop], team=[admin.id])
    at, known = f"/data/projects/{show['id']}", {"project_id": show["id"]}
    descriptor = admin.ok_post(f"{at}/metadata-descriptors", {"name": "Fur"})
    known["metadata_descriptor_id"] = descriptor["id"]
    known["budget_id"] = admin.ok_post(f"{at}/budgets", {"name": "Quote"})["id"]
    line = {"department_id": named(admin, "departments", "Modeling")["id"], "start_date": "2031-01-01"}
    entry = admin.ok_post(
        f"{at}/budgets/{known['budget_id']}/entries", {**line, "months_duration": 1, "daily_salary": 1}
    )
    name = {"name": unique("Pattern")}
    known |= {
        "entry_id": entry["id"],
        "task_type_id": modeling,
        "project_template_id": admin.ok_post(f"/data/project-templates/from-project/{show['id']}", name)["id"],
    }
    checked = 0
    for operation in load_domains():
        parameters = re.findall(r"{(\w+):\w+}", operation.path)
        ours = operation.handler.__module__.startswith("pegbar.productions.")
        if not (ours and operation.method == "GET" and set(parameters) <= set(known)):
            continue
        path = re.sub(r":\w+}", "}", operation.path)
        described = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        answer = admin.ok_get(path.format(**known))
        rows = {name: document["components"]["schemas"][name] for name in _ROW.findall(str(described))}
        jsonschema.Draft202012Validator({**described, "components": {"schemas": rows}}).validate(answer)
        assert described != {"description": "Any JSON value"}, path
        checked += 1
    assert checked > 15

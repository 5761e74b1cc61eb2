"""Requests generated from the OpenAPI document: whatever is sent, no answer is a server error.

Bounded and repeatable: the limits of each value and one example for every other operation, unless PEGBAR_FUZZ_EXAMPLES
asks for so many for all, on a server of their own. Ids of paths are those of real rows, so that the requests get
further than 404.
"""

import os
import zlib
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.generation.hypothesis.builder import HypothesisTestConfig, HypothesisTestMode, create_test

from pegbar.app import load_domains
from pegbar.core.http.openapi import document
from tests import factories
from tests.client import Client
from tests.server import Server
from tests.whole.rows import Rows

#: Signing out would end the session of the requests that follow.
_LEFT_OUT = "/auth/"


@pytest.fixture(scope="module")
def fuzzed(server: Server, admin: Client) -> Iterator[tuple[Server, Client, Rows]]:
    robot = factories.hire(admin, "admin")
    show = factories.production(admin)
    entity = factories.entity(admin, show["id"])
    task = factories.task(admin, entity)
    given = {"project": show["id"], "entity": entity["id"], "task": task["id"]}
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        yield server, robot, Rows(connection, given)


_EXAMPLES = int(os.environ.get("PEGBAR_FUZZ_EXAMPLES", "0"))
_SETTINGS = settings(
    max_examples=_EXAMPLES or 1,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def _is_sampled(label: str) -> bool:
    """Every other operation, always the same ones; all of them when more examples are asked for."""
    return bool(_EXAMPLES) or zlib.crc32(label.encode()) % 2 == 0


DOCUMENT = document(load_domains())
LABELS = [
    label
    for path, operations in DOCUMENT["paths"].items()
    for label in (f"{method.upper()} {path}" for method in operations)
    if not path.startswith(_LEFT_OUT) and _is_sampled(label)
]


@pytest.fixture(scope="module")
def schema() -> Any:
    """The document as schemathesis reads it. Each test makes its own cases: that takes longer than sending them."""
    config = schemathesis.Config.from_dict(
        # Those that the server has code for; the router refuses all others alike (test_error_bodies.py).
        {"phases": {"coverage": {"unexpected-methods": ["OPTIONS", "PATCH"]}}}
    )
    return schemathesis.openapi.from_dict(DOCUMENT, config=config)


@pytest.mark.parametrize("label", LABELS)
def test_nothing_sent_is_a_server_error(label: str, schema: Any, fuzzed: tuple[Server, Client, Rows]) -> None:
    server, robot, rows = fuzzed

    @_SETTINGS
    def send(case: schemathesis.Case) -> None:
        for name in case.path_parameters or {}:
            row = rows.ids.get(name.removesuffix("_id"))
            if row is not None and case.method != "DELETE":
                case.path_parameters[name] = str(row)
        parts = case.as_transport_kwargs(server.api, {"Authorization": f"Bearer {robot.token}"})
        answer = robot.http.request(**parts, allow_redirects=False, timeout=60)
        assert answer.status_code < 500, f"{case.as_curl_command()}\n{answer.text[:2000]}"

    method, path = label.split(" ", 1)
    modes = list(HypothesisTestMode)
    create_test(
        operation=schema[path][method],
        test_func=send,
        config=HypothesisTestConfig(project=schema.config, modes=modes),
    )()

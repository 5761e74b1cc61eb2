"""Requests generated from the OpenAPI document: whatever is sent, no answer is a server error.

Bounded and repeatable: one example for every other operation, unless PEGBAR_FUZZ_EXAMPLES asks for so many for all, on
a server of their own. Ids of paths are those of real rows, so that the requests get further than 404.
"""

import os
import zlib
from collections.abc import Iterator

import psycopg
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings

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


def _sampled(context: schemathesis.HookContext) -> bool:
    """Every other operation, always the same ones; all of them when more examples are asked for."""
    operation = context.operation
    return bool(_EXAMPLES) or zlib.crc32(f"{operation.method} {operation.path}".encode()) % 2 == 0


schema = schemathesis.openapi.from_dict(document(load_domains())).exclude(path_regex=_LEFT_OUT).include(_sampled)


@schema.parametrize()
@settings(
    max_examples=_EXAMPLES or 1,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_nothing_sent_is_a_server_error(case: schemathesis.Case, fuzzed: tuple[Server, Client, Rows]) -> None:
    server, robot, rows = fuzzed
    for name in case.path_parameters or {}:
        row = rows.ids.get(name.removesuffix("_id"))
        if row is not None and case.method != "DELETE":
            case.path_parameters[name] = str(row)
    answer = case.call(base_url=server.api, headers={"Authorization": f"Bearer {robot.token}"})
    assert answer.status_code < 500, f"{case.as_curl_command()}\n{answer.text[:2000]}"

"""A server of their own: the tests here fill the tables with rows that would puzzle others."""

from collections.abc import Iterator

import pytest

from tests.client import Client, sign_in
from tests.server import ADMIN, Server


@pytest.fixture(scope="package")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture(scope="package")
def admin(server: Server) -> Client:
    return sign_in(server.api, *ADMIN)


@pytest.fixture(scope="package")
def anonymous(server: Server) -> Client:
    return Client(server.api)

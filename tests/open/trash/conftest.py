"""The database behind the server, to look at what no route shows."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.server import Server


@pytest.fixture(scope="module")
def database(server: Server) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        yield connection

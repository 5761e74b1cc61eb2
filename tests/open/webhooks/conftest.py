"""What the tests of webhooks share."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from tests.client import Client
from tests.open.webhooks.receiver import Receiver, receiving
from tests.server import Server

Hook = Callable[..., dict[str, Any]]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture
def hook(receiver: Receiver) -> Iterator[Hook]:
    """Makes webhooks to the receiver, which go with it."""
    owners: list[tuple[Client, str]] = []

    def make(owner: Client, *events: str, **more: Any) -> dict[str, Any]:
        row = {"url": receiver.url, "events": list(events), **more}
        made: dict[str, Any] = owner.ok_post("/open/v1/webhooks", row)
        owners.append((owner, f"/open/v1/webhooks/{made['id']}"))
        return made

    yield make
    for owner, path in owners:
        owner.delete(path)


@pytest.fixture
def database(server: Server) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        yield connection

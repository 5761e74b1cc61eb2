"""Two servers, each with a default data set of its own: the same names, other ids."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client import Client, sign_in
from tests.exchange.sync.worlds import World, command
from tests.server import ADMIN, Server


@pytest.fixture(scope="package")
def source() -> Iterator[Server]:
    with Server() as running:
        yield running


def _fresh() -> Iterator[Server]:
    """A server whose database is made for it: its folder is none of pytest's, which other runs clear away."""
    folder = Path(tempfile.mkdtemp(prefix="pegbar-sync-"))
    try:
        with Server(folder) as running:
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="package")
def target() -> Iterator[Server]:
    yield from _fresh()


@pytest.fixture
def blank() -> Iterator[Server]:
    yield from _fresh()


@pytest.fixture(scope="package")
def there(source: Server) -> Client:
    return sign_in(source.api, *ADMIN)


@pytest.fixture(scope="package")
def world(there: Client) -> World:
    return World.made(there)


@pytest.fixture(scope="package")
def pulled(source: Server, target: Server, world: World) -> str:
    """What the first pull of everything printed."""
    done = command("pull", source, target)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="package")
def here(pulled: str, target: Server) -> Client:
    return sign_in(target.api, *ADMIN)

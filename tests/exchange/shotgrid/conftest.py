"""A ShotGrid site, a studio on it, and the command."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client import Client
from tests.exchange.shotgrid.fake_site import FakeSite
from tests.exchange.shotgrid.mover import Mover
from tests.exchange.shotgrid.studio import Studio
from tests.server import Server


@pytest.fixture
def site() -> Iterator[FakeSite]:
    with FakeSite().running() as running:
        yield running


@pytest.fixture
def studio(site: FakeSite) -> Studio:
    return Studio(site)


@pytest.fixture
def small(site: FakeSite) -> Studio:
    """A studio of a few shots."""
    return Studio(site, shots_each=1)


@pytest.fixture
def mover(server: Server, admin: Client, studio: Studio, tmp_path: Path) -> Mover:
    return Mover(server, admin, studio, tmp_path)


@pytest.fixture
def small_mover(server: Server, admin: Client, small: Studio, tmp_path: Path) -> Mover:
    return Mover(server, admin, small, tmp_path)

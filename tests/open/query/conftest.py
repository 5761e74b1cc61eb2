"""The production that the tests of queries share."""

import pytest

from tests.client import Client
from tests.open.query import show
from tests.open.query.show import Queried


@pytest.fixture(scope="package")
def queried(admin: Client) -> Queried:
    return show.made(admin)

"""The server that most tests share, and the people who call it."""

import os
from collections.abc import Iterator

import pytest

from tests import shared
from tests.client import Client, sign_in
from tests.server import ADMIN, Server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture(scope="session")
def mortal() -> Iterator[Server]:
    """A server whose job worker is killed by tests; the next one takes over soon."""
    with Server(None, PEGBAR_JOB_STALLED_AFTER="1.5") as running:
        yield running


@pytest.fixture(scope="session")
def admin(server: Server) -> Client:
    return sign_in(server.api, *ADMIN)


@pytest.fixture(scope="session")
def anonymous(server: Server) -> Client:
    return Client(server.api)


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: tests wait for jobs, other servers and browsers now and then."""
    return (os.cpu_count() or 1) + 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tests that were skipped for want of the specification are no detail."""
    skipped = [
        report for report in terminalreporter.stats.get("skipped", []) if "PEGBAR_SHARED" in str(report.longrepr)
    ]
    if skipped:
        terminalreporter.section("NOT TESTED AGAINST THE SPECIFICATION", sep="!", red=True, bold=True)
        terminalreporter.line(
            f"{len(skipped)} tests want the folder of the specification, which {shared.FOLDER} is not."
        )
        terminalreporter.line("Set PEGBAR_SHARED to it; PEGBAR_SPECIFICATION=required makes them fail instead.")

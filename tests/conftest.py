"""The server that most tests share, and the people who call it."""

import gc
import os
import time
from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.workermanage import WorkerController

from tests import shared
from tests.again import note_end
from tests.client import Client, sign_in
from tests.server import ADMIN, Server
from tests.shares import Share, Sharing, give_share, put_in_order

# No test depends on how long something takes, for machines are slow at times; and a run tells what the next one will
# do. HYPOTHESIS_PROFILE=explore looks at other examples each time.
settings.register_profile("explore", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("pegbar", settings.get_profile("explore"), derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "pegbar"))

# What is read of the tests is kept: looking in it for garbage takes a third of the reading.
gc.disable()

#: The server that tests share, once one of them wanted it.
_shared: list[Server] = []
_BUSY = """
SELECT FROM pegbar.procrastinate_jobs
 WHERE status = 'doing' OR status = 'todo' AND coalesce(scheduled_at, now()) <= now()
"""


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with Server() as running:
        _shared.append(running)
        yield running
        _shared.clear()


@pytest.fixture(scope="module", autouse=True)
def _settled() -> Iterator[None]:
    """The movies of one file of tests are not still encoded while the next compares what is stored.

    It is a courtesy: jobs that do not end are left to whoever waits for them.
    """
    yield
    for running in _shared:
        with psycopg.connect(running.database_url, autocommit=True) as connection:
            deadline = time.monotonic() + 20
            while connection.execute(_BUSY).fetchone() is not None and time.monotonic() < deadline:
                time.sleep(0.1)


@pytest.fixture(scope="module")
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


def pytest_configure(config: pytest.Config) -> None:
    """A worker reads the files of its share."""
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        config.pluginmanager.register(Share(config, worker["share"], worker["workercount"]))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files run in another order when that is asked for."""
    put_in_order(items)


def pytest_collection_finish() -> None:
    """From here on there is garbage."""
    gc.freeze()
    gc.enable()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """How a run ended is kept, for `tests.again`."""
    note_end(session.config, exitstatus)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerController) -> None:
    """Each worker is told its share."""
    give_share(node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Sharing:
    """Each worker runs its share."""
    gc.enable()  # where workers read, nothing else is read
    return Sharing(config, log)


def pytest_xdist_auto_num_workers() -> int:
    """Two for each processor: tests wait for jobs, other servers and browsers."""
    return 2 * (os.cpu_count() or 1)


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

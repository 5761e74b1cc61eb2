"""The process that runs the jobs of a server, and waiting for what jobs do."""

import threading
from contextlib import suppress

import psutil
import psycopg

from tests.server import Server


def worker_of(server: Server) -> psutil.Process:
    """The process that runs the jobs."""
    assert server.process is not None
    while True:
        for child in psutil.Process(server.process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # it ended meanwhile
                if child.name() == "pegbar worker" and child.status() != psutil.STATUS_ZOMBIE:
                    return child


def wait_for(connection: psycopg.Connection, query: str, *arguments: object) -> tuple[object, ...]:
    """The first row of a query that has none yet."""
    pause = threading.Event()
    for _ in range(10_000):
        found = connection.execute(query, arguments or None).fetchone()
        if found is not None:
            return found
        pause.wait(0.02)  # leave the processor to what is waited for
    raise AssertionError(f"never: {query}")

"""What runs in the worker processes that Granian forks: an ASGI application, with logs and an end of its own."""

import multiprocessing
import os
import signal
import sys

from litestar.types import ASGIApp

from pegbar.core.work import logs
from pegbar.core.work.processes import end_with_parent, loading


def api() -> ASGIApp:
    """The application of an API worker."""
    _settle()
    with loading():
        from pegbar import app

        return app.create()


def sockets() -> ASGIApp:
    """The application of the process that holds the sockets."""
    _settle()
    with loading():
        from pegbar import app

        return app.create_sockets()


def _settle() -> None:
    # Until the event loop handles them, a signal to stop ends the process at once: it has nothing to finish yet.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    end_with_parent()
    parent = multiprocessing.parent_process()
    if parent is not None and os.getppid() != parent.pid:
        sys.exit(1)  # it ended before this process was to hear of it
    logs.configure()

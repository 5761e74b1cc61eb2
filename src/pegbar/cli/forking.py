"""The processes of `pegbar serve` begin as copies of one that has loaded everything (cli/loaded.py).

So nothing is loaded twice, and what no process writes to is in memory once. The loaded process is a fork server of
Python's multiprocessing: it runs no thread and has nothing open.
"""

import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing import forkserver
from multiprocessing.context import ForkServerProcess

from setproctitle import setproctitle

from pegbar.config import settings

#: They reach the processes of a server by the supervisor, in its order, not from the terminal or the system.
_IN_TURN = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SAFE_PATH = "PYTHONSAFEPATH"


def load() -> None:
    """Begin to load everything in a process beside this one, unless that was done."""
    multiprocessing.get_context("forkserver").set_forkserver_preload(["pegbar.cli.loaded"])
    with _apart():
        forkserver.ensure_running()


@contextmanager
def _apart() -> Iterator[None]:
    """What starts within gets no signal meant for all, and imports nothing from the folder it is started in."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _IN_TURN)
    safe_path = os.environ.get(_SAFE_PATH)
    os.environ[_SAFE_PATH] = "1"
    try:
        yield
    finally:
        del os.environ[_SAFE_PATH]
        if safe_path is not None:
            os.environ[_SAFE_PATH] = safe_path
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def fork(words: Sequence[str], environment: Mapping[str, str]) -> ForkServerProcess:
    """Run a command of `pegbar`, given as its words, in a copy of the loaded process and with an environment."""
    load()  # the loaded process may have been killed
    context = multiprocessing.get_context("forkserver")
    process = context.Process(target=_run, args=(tuple(words), dict(environment)), name=" ".join(words))
    process.start()
    return process


def _run(words: tuple[str, ...], environment: dict[str, str]) -> None:
    from pegbar.cli import main

    os.setsid()  # out of reach of the terminal's Ctrl-C
    os.environ.clear()
    os.environ.update(environment)
    settings.cache_clear()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _IN_TURN)
    sys.argv = ["pegbar", *words]
    setproctitle(" ".join(sys.argv))
    main(words)

"""The processes of `pegbar serve` begin as copies of one that has loaded everything (cli/loaded.py).

So nothing is loaded twice, and what no process writes to is in memory once. The loaded process is a fork server of
Python's multiprocessing: it runs no thread and has nothing open.
"""

import multiprocessing
import os
import pickle
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from typing import Any, TypeVar, cast

from setproctitle import setproctitle

from pegbar.config import settings
from pegbar.core.errors import CannotRun
from pegbar.core.work.processes import end_with_parent

Answer = TypeVar("Answer")

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


def call(function: Callable[..., Answer], *arguments: Any) -> Answer:
    """What a function of a loaded module returns in a copy of the loaded process. Raises what it raises."""
    load()
    context = multiprocessing.get_context("forkserver")
    ours, theirs = context.Pipe(duplex=False)
    with ours:
        process = context.Process(target=_answer, args=(theirs, function, arguments, dict(os.environ)))
        process.start()
        theirs.close()
        try:
            answer, error = ours.recv()
        except (EOFError, OSError):
            process.join()
            raise CannotRun(f"A process of this server ended with {process.exitcode}: start it again.") from None
        except BaseException:
            process.kill()  # nobody waits for it any more
            raise
        process.join()
    if error is not None:
        raise error
    return cast("Answer", answer)


def _answer(
    theirs: Connection, function: Callable[..., Any], arguments: tuple[Any, ...], environment: Mapping[str, str]
) -> None:
    _begin(function.__name__, environment)
    try:
        theirs.send((function(*arguments), None))
    except Exception as error:
        theirs.send((None, _portable(error)))


def _portable(error: Exception) -> Exception:
    """An error that can be raised in another process, where its story is printed unless it is the user's to mend."""
    story = traceback.format_exc()
    try:
        same: Exception = pickle.loads(pickle.dumps(error))  # noqa: S301 - it was made here
    except Exception:
        same = RuntimeError(str(error))
    same.add_note(story)
    return same


def _run(words: tuple[str, ...], environment: dict[str, str]) -> None:
    from pegbar.cli import main

    _begin(" ".join(words), environment)
    main(words)


def _begin(title: str, environment: Mapping[str, str]) -> None:
    """Make a process of its own of the copy."""
    end_with_parent()
    supervisor = multiprocessing.parent_process()
    if supervisor is None or not supervisor.is_alive():
        sys.exit(1)  # it ended before this process was to hear of it
    os.setsid()  # out of reach of the terminal's Ctrl-C
    os.environ.clear()
    os.environ.update(environment)
    settings.cache_clear()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _IN_TURN)
    setproctitle(f"pegbar {title}")

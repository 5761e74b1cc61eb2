"""Whether this process is about to stop: it still answers, and asks load balancers for no more requests.

Later it is told to let go of what would never end by itself (sockets, streams), so that it can stop.
"""

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress

from pegbar.core.work.processes import LET_GO

#: Tells a process that answers requests that it is about to be stopped.
DRAIN = signal.SIGUSR2

_stopping = asyncio.Event()
_letting_go = asyncio.Event()
_told: list[Callable[[], None]] = []


def listen() -> None:
    """From now on, take notice of the signals; needs a running event loop."""
    with suppress(NotImplementedError, ValueError):  # where signals cannot be handled here, stopping takes longer
        asyncio.get_running_loop().add_signal_handler(DRAIN, _stopping.set)
        asyncio.get_running_loop().add_signal_handler(LET_GO, _let_go)


def is_stopping() -> bool:
    """Whether the signal came."""
    return _stopping.is_set()


def is_letting_go() -> bool:
    """Whether what would never end by itself is to end now."""
    return _letting_go.is_set()


def when_letting_go(do: Callable[[], None]) -> None:
    """Have something done when what would never end by itself is to end."""
    _told.append(do)


def _let_go() -> None:
    _letting_go.set()
    for do in _told:
        do()

"""Processes of a server: how they begin, what they tell each other (the parent died, it is time to hang up)."""

import ctypes
import gc
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

#: Set in the environment of the processes that `pegbar serve` starts, to its own process id.
SUPERVISED = "PEGBAR_SUPERVISED"
#: Tells a process that holds sockets to close them, for it is about to be stopped.
LET_GO = signal.SIGUSR1
_SET_PARENT_DEATH_SIGNAL = 1
#: Objects that are made between two rounds of the collector. At Python's 700 an import spent an eighth of its time on
#: rounds, nearly all for nothing.
_ROUND = 5000


def end_with_parent(number: signal.Signals = signal.SIGTERM) -> None:
    """Have this process get a signal when its parent dies, even by SIGKILL. Linux has this; elsewhere, nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, number)


@contextmanager
def loading() -> Iterator[None]:
    """Make what a process keeps for its whole life: nothing of it is garbage, now or later.

    Without the collector's rounds over the many declarations, a process loads in two thirds of the time.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(_ROUND)
        gc.enable()

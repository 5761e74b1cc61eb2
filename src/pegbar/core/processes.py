"""What the processes of a server tell each other: that the parent died, that it is time to hang up."""

import ctypes
import signal
import sys

#: Tells a process that holds sockets to close them, for it is about to be stopped.
LET_GO = signal.SIGUSR1
_SET_PARENT_DEATH_SIGNAL = 1


def end_with_parent(number: signal.Signals = signal.SIGTERM) -> None:
    """Have this process get a signal when its parent dies, even by SIGKILL. Linux has this; elsewhere, nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, number)

"""Whether this process is about to stop: it still answers, and asks load balancers for no more requests."""

import asyncio
import signal
from contextlib import suppress

#: Tells a process that answers requests that it is about to be stopped.
DRAIN = signal.SIGUSR2

_stopping = asyncio.Event()


def listen() -> None:
    """From now on, take notice of the signal; needs a running event loop."""
    with suppress(NotImplementedError, ValueError):  # where signals cannot be handled here
        asyncio.get_running_loop().add_signal_handler(DRAIN, _stopping.set)


def is_stopping() -> bool:
    """Whether the signal came."""
    return _stopping.is_set()

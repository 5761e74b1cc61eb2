"""Loads a program once, and forks for each run of it (programs.py). A process of its own, which holds no secret.

    forks MODULE PARENT

Its standard input is a socket. Each message there begins a run: a byte, and the ends of three connections. Over the
first the new process reads its terms, a line of JSON, and confines itself by them (confine.py); the others are its
standard output and error. When it ended, its exit code is written on the first; when the other side writes no more
before that, it is killed. So nothing untrusted is ever read by the process that forks.
"""

import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import NoReturn

from setproctitle import setproctitle

from pegbar.core.work import confine

#: The other side of a connection writes no more (linux/poll.h).
_HUNG_UP = getattr(select, "POLLRDHUP", 0x2000)


@dataclass(frozen=True)
class Terms:
    """How a program is run: its words (the module first), where it works, what it reads, what it may take."""

    words: list[str]
    folder: str
    reads: list[str]
    memory: int
    processor: int
    file_size: int
    niceness: int

    def line(self) -> bytes:
        """As a line of JSON."""
        return json.dumps(asdict(self)).encode() + b"\n"


def main() -> None:
    """Load the program, and fork until nobody wants to know any more."""
    name, parent = sys.argv[1], int(sys.argv[2])
    if not confine.end_with_parent(parent):
        return
    setproctitle(f"pegbar program {name}")
    program = importlib.import_module(name)
    for library in getattr(program, "LOADS", ()):
        with suppress(ImportError):  # some are left out; a run that needs one says so
            importlib.import_module(library)
    gc.freeze()  # what is loaded stays in memory that all runs share
    _Runs(program.main).serve()


class _Runs:
    """The processes that run, by the connection on which each one's end is awaited."""

    def __init__(self, program: Callable[[], None]) -> None:
        self._program = program
        self._channel = socket.socket(fileno=0)
        self._connections: dict[int, int] = {}  #: by process id
        self._ended, ends = os.pipe()
        for end in (self._ended, ends):
            os.set_blocking(end, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(ends, warn_on_full_buffer=False)
        self._poll = select.poll()
        self._poll.register(self._channel, select.POLLIN)
        self._poll.register(self._ended, select.POLLIN)

    def serve(self) -> None:
        """Begin, end and bury runs until the channel is closed; runs that are left then end too."""
        while True:
            ready = {handle for handle, _ in self._poll.poll()}
            # In this order: the number of a connection that is closed may be that of the next one.
            for connection in ready & set(self._connections.values()):
                self._kill(connection)
            if self._ended in ready:
                self._bury()
            if self._channel.fileno() in ready and not self._begin():
                return

    def _begin(self) -> bool:
        """Fork for a run; False when the channel is closed."""
        message, handles, _, _ = socket.recv_fds(self._channel, 1, 3)
        if not message:
            for connection in self._connections.values():
                self._kill(connection)
            return False
        parent = os.getpid()
        try:
            connection, output, complaint = handles
            process = os.fork()
        except (OSError, ValueError):  # too little memory, too many open files
            for handle in handles:
                os.close(handle)  # the other side sees no code, and runs the program by itself
            return True
        if not process:
            _run(self._program, parent, connection, output, complaint)
        os.close(output)
        os.close(complaint)
        self._connections[process] = connection
        self._poll.register(connection, _HUNG_UP)
        return True

    def _bury(self) -> None:
        """Tell the codes of the processes that ended."""
        with suppress(BlockingIOError):
            os.read(self._ended, 4096)
        with suppress(ChildProcessError):
            while (end := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) is not None:
                _kill_group(end.si_pid)  # what it has left behind
                process, status = os.waitpid(end.si_pid, 0)
                connection = self._connections.pop(process)
                with suppress(KeyError):
                    self._poll.unregister(connection)
                with suppress(BrokenPipeError, ConnectionResetError):
                    os.write(connection, b"%d\n" % os.waitstatus_to_exitcode(status))
                os.close(connection)

    def _kill(self, connection: int) -> None:
        """End the process of a connection that hung up. It is not buried yet, so its id is no other's."""
        with suppress(KeyError):
            self._poll.unregister(connection)
        for process, own in self._connections.items():
            if own == connection:
                os.kill(process, signal.SIGKILL)
                _kill_group(process)


def _kill_group(process: int) -> None:
    with suppress(ProcessLookupError):  # it may not have begun
        os.killpg(process, signal.SIGKILL)


def _run(program: Callable[[], None], parent: int, connection: int, output: int, complaint: int) -> NoReturn:
    """Become a confined process that runs the program, and end with its code."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(output, 1)
        os.dup2(complaint, 2)
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        with os.fdopen(connection, "rb", closefd=False) as request:
            terms = Terms(**json.loads(request.readline()))
        for handle in map(int, os.listdir("/proc/self/fd")):  # noqa: PTH208 - names alone
            if handle > 2:
                with suppress(OSError):
                    os.close(handle)
        os.setsid()
        os.environ.update(HOME=terms.folder, TMPDIR=terms.folder)
        sys.argv = terms.words
        confine.confine(
            parent, terms.memory, terms.processor, terms.file_size, terms.niceness, terms.folder, terms.reads, []
        )
        code = _code_of(program)
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(OSError):
            sys.stdout.flush()
        with suppress(OSError):
            sys.stderr.flush()
        os._exit(code)


def _code_of(program: Callable[[], None]) -> int:
    """Run a program; the code that Python ends with after it."""
    try:
        program()
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)  # noqa: T201
        return 1
    return 0

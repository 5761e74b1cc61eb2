"""Keeps the processes of a server running: starts them, starts those again that die, stops all in order."""

import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerProcess
from types import FrameType

import psutil
import structlog

from pegbar.cli.forking import fork
from pegbar.core.data.embedded import CannotStart, EmbeddedPostgres
from pegbar.core.work.draining import DRAIN
from pegbar.core.work.processes import LET_GO, SUPERVISED

log = structlog.get_logger()

_LONGEST_DELAY = 30.0
#: A process that ran this long was healthy: the next restart comes at once again.
_HEALTHY_AFTER = 60.0


@dataclass
class Service:
    """A process to keep running."""

    name: str
    command: Sequence[str]  #: the words of a command of `pegbar`
    stop_timeout: float  #: seconds it may take to finish what it is doing
    never_ends: bool = False  #: holds sockets or streams, which it must let go of
    drains: bool = False  #: answers requests, which go elsewhere once it says that it stops
    process: ForkServerProcess | None = None
    started: float = 0.0
    failures: int = 0
    restart_at: float | None = field(default=None)

    def start(self) -> None:
        """Start it, out of reach of the terminal's Ctrl-C: it is told to stop in its turn."""
        self.restart_at = None
        self.started = time.monotonic()
        self.process = fork(self.command, {**os.environ, SUPERVISED: str(os.getpid())})

    def tend(self) -> None:
        """Plan its restart if it died, and start it again when its time has come."""
        if self.restart_at is not None and time.monotonic() >= self.restart_at:
            self.start()
        if self.restart_at is not None or self.process is None or (code := self.process.exitcode) is None:
            return
        if time.monotonic() - self.started > _HEALTHY_AFTER:
            self.failures = 0
        delay = min(0.5 * 2**self.failures, _LONGEST_DELAY)
        self.failures += 1
        self.restart_at = time.monotonic() + delay
        log.error("a process died and is started again", process=self.name, exit_code=code, seconds=delay)

    def hurry(self) -> None:
        """Start it now if it waits to be started again: what it died of is over."""
        if self.restart_at is not None:
            self.restart_at, self.failures = time.monotonic(), 0

    @property
    def alive(self) -> ForkServerProcess | None:
        """Its process, if it runs."""
        return self.process if self.process is not None and self.process.exitcode is None else None

    def drain(self) -> None:
        """Have it say that it is about to stop; it goes on answering."""
        if (process := self.alive) is not None:
            with suppress(psutil.NoSuchProcess):
                for worker in psutil.Process(process.pid).children():
                    with suppress(psutil.NoSuchProcess):
                        worker.send_signal(DRAIN)

    def ask_to_stop(self) -> None:
        """Tell it to finish and end."""
        self.restart_at = None
        if (process := self.alive) is not None:
            if self.never_ends:
                self._tell(LET_GO)
            process.terminate()

    def wait(self) -> None:
        """Wait for its end; kill it when it takes too long."""
        if self.process is None:
            return
        self.process.join(self.stop_timeout)
        if self.alive is not None:
            log.warning("a process did not stop in time and was killed", process=self.name)
            self.kill()
            self.process.join()

    def kill(self) -> None:
        """End it and its children at once."""
        self._tell(signal.SIGKILL)

    def _tell(self, number: signal.Signals) -> None:
        """Send a signal to the process and its children, which are a group once it has begun."""
        if (process := self.alive) is not None and process.pid is not None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)


class Supervisor:
    """Runs services until SIGINT or SIGTERM."""

    def __init__(self, services: Sequence[Service], database: EmbeddedPostgres | None, *, drain: float = 0.0) -> None:
        self._services, self._database, self._drain = services, database, drain
        self._stopping = 0
        self._revive_at: float | None = None
        self._revivals_failed = 0
        self._wakeup, self._waker = os.pipe()
        os.set_blocking(self._wakeup, False)
        os.set_blocking(self._waker, False)

    def run(self, first: Service, is_ready: Callable[[], bool], ready: Callable[[], None]) -> None:
        """Keep everything running until told to stop. Raises CannotStart if `first` dies before it is ready."""
        signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._on_signal)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        try:
            for service in self._services:
                service.start()
            waiting = True
            while not self._stopping:
                if waiting and is_ready():
                    waiting = False
                    ready()
                if waiting and first.alive is None:
                    raise CannotStart(f"The {first.name} process could not start; the lines above say why.")
                for service in self._services:
                    service.tend()
                self._tend_database()
                self._sleep(0.05 if waiting else self._until_next_restart(), self._services)
        finally:
            self._stop()

    def _tend_database(self) -> None:
        """Start PostgreSQL again if it died. What keeps it from starting may pass: a disk gets room again."""
        if self._database is None or self._database.alive or time.monotonic() < (self._revive_at or 0.0):
            return
        log.error("PostgreSQL died and is started again", log=str(self._database.log))
        try:
            self._database.revive()
            self._revive_at, self._revivals_failed = None, 0
            for service in self._services:
                service.hurry()
        except CannotStart as error:
            delay = min(2.0**self._revivals_failed, _LONGEST_DELAY)
            self._revivals_failed += 1
            self._revive_at = time.monotonic() + delay
            log.error("PostgreSQL cannot start; it is tried again", reason=str(error), seconds=delay)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping += 1
        if self._stopping > 1:
            # Impatience: nothing answered is lost, what is under way is rolled back or done again.
            for service in self._services:
                service.kill()

    def _until_next_restart(self) -> float | None:
        plans = [self._revive_at, *(service.restart_at for service in self._services)]
        times = [moment for moment in plans if moment is not None]
        return max(min(times) - time.monotonic(), 0.0) if times else None

    def _sleep(self, seconds: float | None, services: Sequence[Service] = ()) -> None:
        """Until a signal arrives (the death of PostgreSQL is one), one of these ended untended, or this long."""
        ends = [service.process.sentinel for service in services if service.process and service.restart_at is None]
        if self._wakeup in wait([self._wakeup, *ends], seconds):
            os.read(self._wakeup, 4096)

    def _let_others_take_over(self) -> None:
        """Go on answering for a while as one that is about to stop; a second signal ends it."""
        for service in self._services:
            if service.drains:
                service.drain()
        log.info("stopping: other servers may take over", seconds=self._drain)
        until = time.monotonic() + self._drain
        while self._stopping == 1 and (left := until - time.monotonic()) > 0:
            self._sleep(left)

    def _stop(self) -> None:
        if self._drain and self._stopping == 1:
            self._let_others_take_over()
        for service in self._services:
            service.ask_to_stop()
        for service in self._services:
            service.wait()
        if self._database is not None:
            self._database.stop()

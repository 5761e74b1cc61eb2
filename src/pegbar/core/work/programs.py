"""Python programs on untrusted files: modules of Pegbar with a `main`, each run in a confined process (confined.py).

A program is loaded once, by a process that then forks for each run of it (forks.py): to load the libraries that read
pictures takes longer than to make one. It ends when it was not needed for a while. Where processes are not forked well
(outside of Linux), or when it ended, a run begins as a program of its own.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, contextmanager, suppress
from pathlib import Path

import pegbar
from pegbar.core.work import forks
from pegbar.core.work.confined import (
    LONGEST_LINE,
    PYTHON,
    Limits,
    Outcome,
    TookTooLong,
    bare_environment,
    complained,
    confined,
    said,
)

#: Seconds that a loaded program waits for its next run, and in which it ends one.
_PATIENCE, _DEAF = 300, 10
#: Where packages like this one lie: an isolated Python knows those that are installed, and this one may be run from its
#: sources.
_PACKAGES = Path(pegbar.__file__).parents[1]
_START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from {module} import main; main()"


def command(module: str, *arguments: str) -> list[str]:
    """The command that runs a program in a Python of its own."""
    return [sys.executable, "-I", "-c", _START.format(module=module), str(_PACKAGES), *arguments]


async def run(
    module: str,
    *arguments: str,
    folder: Path,
    reads: Sequence[Path] = (),
    limits: Limits,
    on_line: Callable[[str], None] | None = None,
) -> Outcome:
    """Run a program in a confined process: as `confined`, which says what it may and what is raised.

    The program is a module whose `main` reads `sys.argv`. Libraries that it imports where it uses them it names in
    `LOADS`, so that they are there when it begins. One that must not stand still has a Python of its own.
    """
    reads = [_PACKAGES, *reads]
    if sys.platform == "linux" and limits.still is None:
        terms = forks.Terms(
            words=[module, *arguments],
            folder=str(folder),
            reads=[*PYTHON, *map(str, reads)],
            memory=limits.memory,
            processor=limits.processor,
            file_size=limits.file_size,
            niceness=limits.niceness,
        )
        outcome = await _forked(module, terms, limits.longest, on_line)
        if outcome is not None:
            return outcome
    return await confined(command(module, *arguments), folder=folder, reads=reads, limits=limits, on_line=on_line)


class _Loaded:
    """A process that has loaded a program. It ends when its channel is closed, so also when this process ends."""

    def __init__(self, module: str) -> None:
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._channel.setblocking(False)
        with theirs:
            self._process = subprocess.Popen(
                [*command(forks.__name__), module, str(os.getpid())],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                env=bare_environment(),
                start_new_session=True,
            )
        self._runs = 0
        self._end: asyncio.TimerHandle | None = None

    @property
    def ended(self) -> bool:
        """Whether it can fork no more."""
        return self._process.poll() is not None

    @contextmanager
    def wanted(self) -> Iterator[None]:
        """It stays while a run is under way; after the last, it waits for a while."""
        self._runs += 1
        if self._end is not None:
            self._end.cancel()
        try:
            yield
        finally:
            self._runs -= 1
            if not self._runs:
                self._end = asyncio.get_running_loop().call_later(_PATIENCE, self.close)

    def fork(self) -> list[socket.socket]:
        """The near ends of the three connections that a new process has (forks.py). Raises OSError."""
        with ExitStack() as near, ExitStack() as far:
            pairs = [socket.socketpair() for _ in range(3)]
            for ours, theirs in pairs:
                near.enter_context(ours)
                far.enter_context(theirs)
            socket.send_fds(self._channel, [b"\n"], [theirs.fileno() for _, theirs in pairs])
            near.pop_all()
        return [ours for ours, _ in pairs]

    def kill(self) -> None:
        """End it now, with all its runs."""
        self._process.kill()
        self.close()

    def close(self) -> None:
        """Let it end."""
        for module, loaded in list(_loaded.items()):
            if loaded is self:
                del _loaded[module]
        self._channel.close()
        asyncio.get_running_loop().run_in_executor(None, self._process.wait)


#: By the name of their module, the programs that are loaded.
_loaded: dict[str, _Loaded] = {}


async def _forked(
    module: str, terms: forks.Terms, longest: float, on_line: Callable[[str], None] | None
) -> Outcome | None:
    """How a run ended; None when it did not begin, or its loaded process ended before it had said anything."""
    if module in _loaded and _loaded[module].ended:
        _loaded[module].close()
    if module not in _loaded:
        _loaded[module] = _Loaded(module)
    loaded = _loaded[module]
    lines = 0

    def pass_on(line: str) -> None:
        nonlocal lines
        lines += 1
        assert on_line is not None
        on_line(line)

    with loaded.wanted():
        try:
            connections = loaded.fork()
        except OSError:
            return None
        async with AsyncExitStack() as stack:
            (reader, writer), (output, _), (complaint, _) = [await _opened(stack, end) for end in connections]
            code = asyncio.create_task(_code(reader))
            try:
                writer.write(terms.line())
                async with asyncio.timeout(longest):
                    texts = await asyncio.gather(said(output, on_line and pass_on), complained(complaint))
                    exit_code = await asyncio.shield(code)
            except TimeoutError:
                raise TookTooLong(f"it takes more than {longest:.0f} seconds") from None
            finally:
                await _end(loaded, writer, code)
    if exit_code is None and lines:
        exit_code = -signal.SIGKILL
    return None if exit_code is None else Outcome(exit_code, *texts)


async def _opened(stack: AsyncExitStack, end: socket.socket) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    with ExitStack() as unopened:
        unopened.enter_context(end)
        reader, writer = await asyncio.open_unix_connection(sock=end, limit=LONGEST_LINE)
        unopened.pop_all()
    stack.callback(writer.close)
    return reader, writer


async def _end(loaded: _Loaded, writer: asyncio.StreamWriter, code: asyncio.Task[int | None]) -> None:
    """Have a process ended that has not: by the one that it was forked from, or with it when that does not listen."""
    if code.done():
        return
    with suppress(RuntimeError, OSError):  # the connection may be closed
        writer.write_eof()
    if not (await asyncio.wait([code], timeout=_DEAF))[0]:
        loaded.kill()
        await code


async def _code(reader: asyncio.StreamReader) -> int | None:
    """What a process ended with; None when the one that it was forked from ended first."""
    try:
        line = await reader.readline()
    except ConnectionError:
        return None
    return int(line) if line else None

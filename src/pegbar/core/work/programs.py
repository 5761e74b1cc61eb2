"""Python programs on untrusted files: modules of Pegbar with a `main`, each run in a confined process (confined.py).

A program is loaded once, by a process that then forks for each run of it (forks.py): to load the libraries that read
pictures takes longer than to make one. It ends when it was not needed for a while. Where processes are not forked well
(outside of Linux), or when it ended, a run begins as a program of its own.
"""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import BinaryIO

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

#: Seconds that a loaded program waits for its next run.
_PATIENCE = 300
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

    def fork(self) -> tuple[socket.socket, BinaryIO, BinaryIO]:
        """The near ends of the connection and of the pipes that a new process has. Raises OSError."""
        with ExitStack() as near, ExitStack() as far:
            ours, theirs = socket.socketpair()
            near.enter_context(ours)
            ends = [far.enter_context(theirs).fileno()]
            pipes: list[BinaryIO] = []
            for _ in range(2):
                reading, writing = os.pipe()
                pipes.append(near.enter_context(os.fdopen(reading, "rb")))
                ends.append(far.enter_context(os.fdopen(writing, "wb")).fileno())
            socket.send_fds(self._channel, [b"\n"], ends)
            near.pop_all()
        output, complaint = pipes
        return ours, output, complaint

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
    """How a run ended; None when it could not begin, or ended with the process it was forked from."""
    if module in _loaded and _loaded[module].ended:
        _loaded[module].close()
    if module not in _loaded:
        _loaded[module] = _Loaded(module)
    loaded = _loaded[module]
    with loaded.wanted():
        try:
            connection, *pipes = loaded.fork()
        except OSError:
            return None
        async with _ending(connection, terms) as code, _reader(pipes[0]) as output, _reader(pipes[1]) as complaint:
            try:
                async with asyncio.timeout(longest):
                    texts = await asyncio.gather(said(output, on_line), complained(complaint))
                    exit_code = await asyncio.shield(code)
            except TimeoutError:
                raise TookTooLong(f"it takes more than {longest:.0f} seconds") from None
    return None if exit_code is None else Outcome(exit_code, *texts)


@asynccontextmanager
async def _ending(connection: socket.socket, terms: forks.Terms) -> AsyncIterator[asyncio.Task[int | None]]:
    """Begin a process by its terms; its exit code, which is there afterwards, since the process is killed."""
    reader, writer = await asyncio.open_unix_connection(sock=connection)
    writer.write(terms.line())
    code = asyncio.create_task(_code(reader))
    try:
        yield code
    finally:
        if not code.done():
            writer.write_eof()
            await code
        writer.close()


async def _code(reader: asyncio.StreamReader) -> int | None:
    """What a process ended with; None when the one that it was forked from ended first."""
    try:
        line = await reader.readline()
    except ConnectionError:
        return None
    return int(line) if line else None


@asynccontextmanager
async def _reader(pipe: BinaryIO) -> AsyncIterator[asyncio.StreamReader]:
    reader = asyncio.StreamReader(limit=LONGEST_LINE)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), pipe
    )
    try:
        yield reader
    finally:
        transport.close()

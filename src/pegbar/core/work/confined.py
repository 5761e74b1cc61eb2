"""Programs on untrusted files: decoders and encoders, each run in a process that can do little else (`confine.py`).

Memory, processor time and the size of files are limited everywhere. On Linux the process also reads nothing but its
input and the system's libraries, writes into one folder only (Landlock, from Linux 5.13), opens no socket (seccomp) and
ends with the server.
"""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from pegbar.core.work import confine

#: Bytes kept of what a program prints: of its output from the start, of its complaints from the end.
_MOST_OUTPUT, _MOST_COMPLAINT = 16 * 2**20, 4096
#: Bytes of a line that is passed on.
LONGEST_LINE = 2**20
#: Threads reserve address space, of which the process has little.
_FRUGAL = {"OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
#: Where Python's own files lie, and those of the packages that are installed.
PYTHON = sorted({sys.prefix, sys.base_prefix, sys.base_exec_prefix, str(Path(sys.executable).resolve().parent)})


@dataclass(frozen=True)
class Limits:
    """What a program may take: bytes of address space, seconds of processor, seconds until its end, bytes of a file.

    `still`: seconds that it may take next to no processor.
    """

    memory: int
    processor: int
    longest: float
    file_size: int
    niceness: int = 0
    still: float | None = None


@dataclass(frozen=True)
class Outcome:
    """How a program ended: its exit code (negative: a signal), its output, the end of its complaints."""

    code: int
    output: bytes
    complaint: str


class TookTooLong(Exception):
    """A program had not ended after `Limits.longest`, and was ended."""


class StoodStill(TookTooLong):
    """A program took next to no processor for `Limits.still`, and was ended."""


async def confined(
    command: Sequence[str],
    *,
    folder: Path,
    reads: Sequence[Path] = (),
    devices: Sequence[Path] = (),
    limits: Limits,
    on_line: Callable[[str], None] | None = None,
) -> Outcome:
    """Run a program that may write only into `folder`, its working directory, and read only `reads` besides.

    It may use the `devices` too, such as a hardware encoder. With `on_line` the lines of its output are passed on as
    they come, and `output` is empty. Raises TookTooLong and StoodStill; it is ended then, and when the caller is
    cancelled.
    """
    executable = shutil.which(command[0])
    if executable is None:
        raise FileNotFoundError(f"there is no program {command[0]!r}")
    terms = (os.getpid(), limits.memory, limits.processor, limits.file_size, limits.niceness)
    readable = [*PYTHON, *_around(executable), *map(str, reads)]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", confine.__file__, *map(str, terms)),
        *(str(folder), str(len(readable)), *readable, str(len(devices)), *map(str, devices)),
        *(executable, *command[1:]),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**bare_environment(), "HOME": str(folder), "TMPDIR": str(folder)},
        start_new_session=True,  # a server that stops lets the requests under way finish
        limit=LONGEST_LINE,
    )
    watch = asyncio.create_task(_end_if_still(process.pid, limits.still))
    try:
        async with asyncio.timeout(limits.longest):
            output, complaint = await asyncio.gather(said(process.stdout, on_line), complained(process.stderr))
            await process.wait()
    except TimeoutError:
        raise TookTooLong(f"it takes more than {limits.longest:.0f} seconds") from None
    finally:
        watch.cancel()
        _kill(process.pid)  # or what it has left behind
        if process.returncode is None:
            await process.wait()
    assert process.returncode is not None
    if watch.done() and not watch.cancelled() and watch.result():
        raise StoodStill(f"it stood still for {limits.still:.0f} seconds")
    return Outcome(process.returncode, output, complaint)


def bare_environment() -> dict[str, str]:
    """The environment of a program, which knows nothing of the server's."""
    return {"PATH": os.environ.get("PATH", ""), **_FRUGAL}


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


async def _end_if_still(pid: int, seconds: float | None) -> bool:
    """Kill a process once it took less than a hundredth of a processor for so long; False if it ended before."""
    if seconds is None:
        return False
    clock = asyncio.get_running_loop().time
    taken, since = 0.0, clock()
    try:
        process = psutil.Process(pid)
        while clock() - since < seconds:
            await asyncio.sleep(seconds / 10)
            now = sum(process.cpu_times()[:2])
            if now - taken > seconds / 100:
                taken, since = now, clock()
    except psutil.Error:
        return False
    _kill(pid)
    return True


def _around(executable: str) -> list[str]:
    """The folder of a program and that of its libraries."""
    folder = Path(os.path.realpath(executable)).parent
    return [str(folder), str(folder.parent / "lib")]


async def said(stream: asyncio.StreamReader | None, on_line: Callable[[str], None] | None) -> bytes:
    """The start of a program's output; nothing, when its lines are passed on."""
    assert stream is not None
    if on_line is not None:
        async for line in stream:
            on_line(line.decode(errors="replace").rstrip("\n"))
        return b""
    output = bytearray()
    while piece := await stream.read(2**16):
        output += piece[: _MOST_OUTPUT - len(output)]
    return bytes(output)


async def complained(stream: asyncio.StreamReader | None) -> str:
    """The end of a program's complaints."""
    assert stream is not None
    tail = b""
    while piece := await stream.read(2**14):
        tail = (tail + piece)[-_MOST_COMPLAINT:]
    return tail.decode(errors="replace")


__all__ = [
    "LONGEST_LINE",
    "PYTHON",
    "Limits",
    "Outcome",
    "StoodStill",
    "TookTooLong",
    "bare_environment",
    "complained",
    "confined",
    "said",
]

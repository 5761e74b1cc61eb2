"""Programs on untrusted files can do little else, whether they begin by themselves or are forked from a loaded one."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import uvloop

from pegbar.core.work import programs
from pegbar.core.work.confined import Limits, Outcome, StoodStill, TookTooLong, confined

MEMORY = 512 * 2**20
LIMITS = Limits(memory=MEMORY, processor=20, longest=60, file_size=2**20)
linux = pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp are Linux's")


Runner = Callable[..., Outcome]
Run = Callable[..., Coroutine[None, None, Outcome]]
#: A program that does what its argument says.
PROGRAM = "import sys\n\ndef main():\n    exec(sys.argv[1], {})\n"


def alone(code: str, **options: Any) -> Coroutine[None, None, Outcome]:
    """What becomes of a Python of its own."""
    return confined([sys.executable, "-I", "-c", code], **options)


def forked(code: str, **options: Any) -> Coroutine[None, None, Outcome]:
    """What becomes of a program that is loaded."""
    return programs.run("does_it", code, **options)


def loop_of(begin: Run) -> Any:
    """The event loop that a program runs on: servers have uvloop."""
    return uvloop if begin is forked else asyncio


@pytest.fixture(params=[alone, pytest.param(forked, marks=linux)])
def begin(request: pytest.FixtureRequest) -> Run:
    way: Run = request.param
    return way


@pytest.fixture
def run(begin: Run) -> Runner:
    """What becomes of code."""

    def run(folder: Path, code: str, limits: Limits = LIMITS, **options: Any) -> Outcome:
        return loop_of(begin).run(begin(code, folder=folder, limits=limits, **options))

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "work"
    path.mkdir()
    return path


@pytest.fixture(autouse=True)
def _program(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    packages = tmp_path_factory.mktemp("packages")
    (packages / "does_it.py").write_text(PROGRAM)
    monkeypatch.setattr(programs, "_PACKAGES", packages)
    monkeypatch.setattr(programs, "_loaded", {})


def test_a_program_reads_its_input_and_writes_into_its_folder(run: Runner, tmp_path: Path, folder: Path) -> None:
    source = tmp_path / "source"
    source.write_text("pixels")
    outcome = run(folder, f"open('out', 'w').write(open({str(source)!r}).read()); print('done')", reads=[source])
    assert (outcome.code, outcome.output) == (0, b"done\n")
    assert (folder / "out").read_text() == "pixels"


@linux
def test_neighbouring_files_can_be_neither_read_nor_written(run: Runner, tmp_path: Path, folder: Path) -> None:
    neighbour = tmp_path / "neighbour"
    neighbour.write_text("secret")
    outcome = run(folder, f"print(open({str(neighbour)!r}).read())")
    assert outcome.code == 1
    assert "PermissionError" in outcome.complaint
    assert b"secret" not in outcome.output
    outcome = run(folder, f"open({str(neighbour)!r}, 'w')", reads=[neighbour])
    assert "PermissionError" in outcome.complaint
    assert neighbour.read_text() == "secret"


@linux
def test_only_named_devices_can_be_used(run: Runner, folder: Path) -> None:
    code = "open('/dev/full', 'wb', 0).write(b'pixels')"
    assert "PermissionError" in run(folder, code).complaint
    command = [sys.executable, "-I", "-c", code]
    outcome = asyncio.run(confined(command, folder=folder, devices=[Path("/dev/full")], limits=LIMITS))
    assert "No space left on device" in outcome.complaint


@linux
@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6", "AF_UNIX"])
def test_no_socket_can_be_opened(run: Runner, folder: Path, family: str) -> None:
    outcome = run(folder, f"import socket; socket.socket(socket.{family})")
    assert outcome.code == 1
    assert "PermissionError" in outcome.complaint


@linux
def test_memory_is_limited(run: Runner, folder: Path) -> None:
    outcome = run(folder, f"bytearray({MEMORY})")
    assert "MemoryError" in outcome.complaint


def test_files_are_limited(run: Runner, folder: Path) -> None:
    outcome = run(folder, "open('out', 'wb').write(bytes(2 ** 21))")
    assert outcome.code != 0
    assert (folder / "out").stat().st_size <= LIMITS.file_size


def test_a_program_that_does_not_end_is_ended(run: Runner, folder: Path) -> None:
    limits = Limits(memory=MEMORY, processor=20, longest=0.5, file_size=2**20)
    with pytest.raises(TookTooLong):
        run(folder, "import time; time.sleep(100)", limits=limits)


def test_a_program_that_stands_still_is_ended_and_one_that_works_is_not(folder: Path) -> None:
    def run(folder: Path, code: str, limits: Limits) -> Outcome:
        return asyncio.run(alone(code, folder=folder, limits=limits))

    limits = Limits(memory=MEMORY, processor=20, longest=60, file_size=2**20, still=1.0)
    with pytest.raises(StoodStill):
        run(folder, "import time; time.sleep(100)", limits=limits)
    code = "import time\nwhile time.process_time() < 2: pass\nprint('done')"
    assert run(folder, code, limits=limits).output == b"done\n"


def test_processor_time_is_limited(run: Runner, folder: Path) -> None:
    limits = Limits(memory=MEMORY, processor=1, longest=60, file_size=2**20)
    assert run(folder, "while True: pass", limits=limits).code < 0


def test_lines_are_passed_on_as_they_come(begin: Run, folder: Path) -> None:
    """The program waits for a file that is made when its first line has come."""

    async def read() -> list[str]:
        lines: list[str] = []

        def heard(line: str) -> None:
            lines.append(line)
            (folder / "go").touch()

        code = "import os\nprint('first', flush=True)\nwhile not os.path.exists('go'): pass\nprint('second')"
        await begin(code, folder=folder, limits=LIMITS, on_line=heard)
        return lines

    assert loop_of(begin).run(read()) == ["first", "second"]


def test_only_the_end_of_complaints_is_kept(run: Runner, folder: Path) -> None:
    outcome = run(folder, "import sys; sys.stderr.write('x' * 10 ** 6 + 'the end'); sys.exit(3)")
    assert outcome.code == 3
    assert outcome.complaint.endswith("the end")
    assert len(outcome.complaint) <= 4096


def test_a_program_that_is_not_there_is_said(folder: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no-such-program"):
        asyncio.run(confined(["no-such-program"], folder=folder, limits=LIMITS))


#: What a run says of itself: its own process, and the one that it was forked from.
WHO = "import os; print(os.getpid(), os.getppid(), flush=True)"


def said(outcome: Outcome) -> list[int]:
    return [int(word) for word in outcome.output.split()]


@linux
def test_a_program_is_loaded_once_and_each_run_has_a_process_of_its_own(folder: Path) -> None:
    async def twice() -> list[list[int]]:
        return [said(await forked(WHO, folder=folder, limits=LIMITS)) for _ in range(2)]

    (one, loaded), (other, same) = uvloop.run(twice())
    assert loaded == same
    assert one != other


@linux
def test_what_a_run_changes_is_seen_by_no_other(folder: Path) -> None:
    async def twice() -> list[bytes]:
        code = (
            "import sys, os; print(hasattr(sys, 'seen'), os.environ.get('SEEN')); sys.seen = os.environ['SEEN'] = '1'"
        )
        return [(await forked(code, folder=folder, limits=LIMITS)).output for _ in range(2)]

    assert uvloop.run(twice()) == [b"False None\n"] * 2


@linux
def test_a_run_holds_nothing_of_those_beside_it(folder: Path) -> None:
    async def beside() -> tuple[Outcome, Outcome]:
        waiting = "import os\nprint(flush=True)\nwhile not os.path.exists('go'): pass"
        lines: asyncio.Queue[str] = asyncio.Queue()
        first = asyncio.create_task(forked(waiting, folder=folder, limits=LIMITS, on_line=lines.put_nowait))
        await lines.get()
        code = "import os; print(sorted(os.listdir('/proc/self/fd'))); open('go', 'w')"
        second = await forked(code, folder=folder, limits=LIMITS)
        return await first, second

    first, second = uvloop.run(beside())
    assert first.code == 0
    assert second.output == b"['0', '1', '2', '3']\n"  # the last is the folder that is listed


#: Sleeps the first time that it runs in a folder.
ONCE = "import os, time; again = os.path.exists('begun'); open('begun', 'w'); print(again, flush=True)\n"
ONCE += "if not again: time.sleep(100)"


@linux
def test_a_run_whose_loaded_process_is_killed_begins_by_itself(folder: Path) -> None:
    async def killed() -> Outcome:
        running = asyncio.create_task(forked(ONCE, folder=folder, limits=LIMITS))
        while not (folder / "begun").exists():
            await asyncio.sleep(0)
        programs._loaded["does_it"].kill()
        return await running

    outcome = uvloop.run(killed())
    assert (outcome.code, outcome.output) == (0, b"True\n")
    assert uvloop.run(forked(WHO, folder=folder, limits=LIMITS)).code == 0, "it is loaded anew"


@linux
def test_what_was_passed_on_is_not_said_a_second_time(folder: Path) -> None:
    async def killed() -> Outcome:
        lines: asyncio.Queue[str] = asyncio.Queue()
        running = asyncio.create_task(forked(ONCE, folder=folder, limits=LIMITS, on_line=lines.put_nowait))
        assert await lines.get() == "False"
        programs._loaded["does_it"].kill()
        outcome = await running
        assert lines.empty()
        return outcome

    assert uvloop.run(killed()).code == -signal.SIGKILL


def gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


@linux
def test_a_run_that_nobody_waits_for_any_more_is_ended(folder: Path) -> None:
    async def cancelled() -> int:
        lines: asyncio.Queue[str] = asyncio.Queue()
        code = f"{WHO}\nimport time; time.sleep(100)"
        running = asyncio.create_task(forked(code, folder=folder, limits=LIMITS, on_line=lines.put_nowait))
        process = int((await lines.get()).split()[0])
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        return process

    assert gone(uvloop.run(cancelled()))


@linux
def test_runs_end_with_the_process_that_wants_them(folder: Path) -> None:
    code = f"{WHO}\nimport time; time.sleep(100)"
    wants = f"""
import asyncio, pathlib
from pegbar.core.work import programs
from pegbar.core.work.confined import Limits
programs._PACKAGES = pathlib.Path({str(programs._PACKAGES)!r})
limits = Limits(memory=2**29, processor=20, longest=60, file_size=2**20)
say = lambda line: print(line, flush=True)
uvloop.run(programs.run("does_it", {code!r}, folder=pathlib.Path({str(folder)!r}), limits=limits, on_line=say))
"""
    with subprocess.Popen([sys.executable, "-c", wants], stdout=subprocess.PIPE) as wanting:
        assert wanting.stdout is not None
        processes = [psutil.Process(int(word)) for word in wanting.stdout.readline().split()]
        wanting.kill()
    assert not psutil.wait_procs(processes, timeout=20)[1]


@linux
def test_a_program_that_lacks_a_library_says_so_when_it_needs_it(folder: Path) -> None:
    (programs._PACKAGES / "does_it.py").write_text(f"LOADS = ('no_such_library', 'json')\n{PROGRAM}")
    assert uvloop.run(forked(WHO, folder=folder, limits=LIMITS)).code == 0
    outcome = uvloop.run(forked("import no_such_library", folder=folder, limits=LIMITS))
    assert outcome.code == 1
    assert "No module named 'no_such_library'" in outcome.complaint


@linux
def test_a_program_that_cannot_be_loaded_says_so(folder: Path) -> None:
    (programs._PACKAGES / "does_it.py").write_text("import no_such_library")
    outcome = uvloop.run(forked(WHO, folder=folder, limits=LIMITS))
    assert outcome.code == 1
    assert "No module named 'no_such_library'" in outcome.complaint


@linux
def test_a_loaded_program_that_does_not_listen_is_ended_with_its_runs(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "_DEAF", 0.2)

    async def stopped() -> None:
        loaded = said(await forked(WHO, folder=folder, limits=LIMITS))[1]
        process = psutil.Process(loaded)
        process.suspend()
        with pytest.raises(TookTooLong):
            await forked(WHO, folder=folder, limits=Limits(MEMORY, processor=20, longest=0.2, file_size=2**20))
        await asyncio.to_thread(process.wait, 20)
        assert said(await forked(WHO, folder=folder, limits=LIMITS))[1] != loaded

    uvloop.run(stopped())


@linux
def test_a_run_knows_nothing_of_the_servers_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "of the server")
    code = "import os; print(dict(os.environ), open('/proc/self/environ').read())"
    outcome = uvloop.run(forked(code, folder=folder, limits=LIMITS))
    assert outcome.code == 0
    assert b"of the server" not in outcome.output


@linux
def test_what_a_run_leaves_behind_ends_with_it(folder: Path) -> None:
    code = "import os, time\nif os.fork(): print(os.getpid(), flush=True); os._exit(0)\ntime.sleep(100)"
    limits = Limits(MEMORY, processor=20, longest=60, file_size=2**20)
    group: list[int] = []
    uvloop.run(forked(code, folder=folder, limits=limits, on_line=lambda line: group.append(int(line))))
    deadline = time.monotonic() + 20  # it is killed, and ends when the system comes to it
    while any(_is_of_group(process, group[0]) for process in psutil.process_iter()):
        assert time.monotonic() < deadline


def _is_of_group(process: psutil.Process, group: int) -> bool:
    try:
        return os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, psutil.NoSuchProcess):
        return False


@linux
def test_a_program_that_is_not_needed_for_a_while_is_unloaded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "_PATIENCE", 0)

    async def unloaded() -> list[int]:
        _, loaded = said(await forked(WHO, folder=folder, limits=LIMITS))
        await asyncio.to_thread(psutil.Process(loaded).wait, 20)
        return said(await forked(WHO, folder=folder, limits=LIMITS))

    assert uvloop.run(unloaded())

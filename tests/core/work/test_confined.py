"""Programs on untrusted files can do little else."""

import asyncio
import sys
from pathlib import Path

import pytest

from pegbar.core.work.confined import Limits, Outcome, StoodStill, TookTooLong, confined

MEMORY = 512 * 2**20
LIMITS = Limits(memory=MEMORY, processor=20, longest=60, file_size=2**20)
linux = pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp are Linux's")


def run(
    folder: Path,
    code: str,
    *,
    reads: tuple[Path, ...] = (),
    devices: tuple[Path, ...] = (),
    limits: Limits = LIMITS,
) -> Outcome:
    """What becomes of a Python program."""
    command = [sys.executable, "-I", "-c", code]
    return asyncio.run(confined(command, folder=folder, reads=reads, devices=devices, limits=limits))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "work"
    path.mkdir()
    return path


def test_a_program_reads_its_input_and_writes_into_its_folder(tmp_path: Path, folder: Path) -> None:
    source = tmp_path / "source"
    source.write_text("pixels")
    outcome = run(folder, f"open('out', 'w').write(open({str(source)!r}).read()); print('done')", reads=(source,))
    assert (outcome.code, outcome.output) == (0, b"done\n")
    assert (folder / "out").read_text() == "pixels"


@linux
def test_neighbouring_files_can_be_neither_read_nor_written(tmp_path: Path, folder: Path) -> None:
    neighbour = tmp_path / "neighbour"
    neighbour.write_text("secret")
    outcome = run(folder, f"print(open({str(neighbour)!r}).read())")
    assert outcome.code == 1
    assert "PermissionError" in outcome.complaint
    assert b"secret" not in outcome.output
    outcome = run(folder, f"open({str(neighbour)!r}, 'w')", reads=(neighbour,))
    assert "PermissionError" in outcome.complaint
    assert neighbour.read_text() == "secret"


@linux
def test_only_named_devices_can_be_used(folder: Path) -> None:
    code = "open('/dev/full', 'wb', 0).write(b'pixels')"
    assert "PermissionError" in run(folder, code).complaint
    assert "No space left on device" in run(folder, code, devices=(Path("/dev/full"),)).complaint


@linux
@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6", "AF_UNIX"])
def test_no_socket_can_be_opened(folder: Path, family: str) -> None:
    outcome = run(folder, f"import socket; socket.socket(socket.{family})")
    assert outcome.code == 1
    assert "PermissionError" in outcome.complaint


@linux
def test_memory_is_limited(folder: Path) -> None:
    outcome = run(folder, f"bytearray({MEMORY})")
    assert "MemoryError" in outcome.complaint


def test_files_are_limited(folder: Path) -> None:
    outcome = run(folder, "open('out', 'wb').write(bytes(2 ** 21))")
    assert outcome.code != 0
    assert (folder / "out").stat().st_size <= LIMITS.file_size


def test_a_program_that_does_not_end_is_ended(folder: Path) -> None:
    limits = Limits(memory=MEMORY, processor=20, longest=0.5, file_size=2**20)
    with pytest.raises(TookTooLong):
        run(folder, "import time; time.sleep(100)", limits=limits)


def test_a_program_that_stands_still_is_ended_and_one_that_works_is_not(folder: Path) -> None:
    limits = Limits(memory=MEMORY, processor=20, longest=60, file_size=2**20, still=2.0)
    with pytest.raises(StoodStill):
        run(folder, "import time; time.sleep(100)", limits=limits)
    code = "import time\nwhile time.process_time() < 4: pass\nprint('done')"
    assert run(folder, code, limits=limits).output == b"done\n"


def test_processor_time_is_limited(folder: Path) -> None:
    limits = Limits(memory=MEMORY, processor=1, longest=60, file_size=2**20)
    assert run(folder, "while True: pass", limits=limits).code < 0


def test_lines_are_passed_on_as_they_come(folder: Path) -> None:
    """The program waits for a file that is made when its first line has come."""

    async def read() -> list[str]:
        lines: list[str] = []

        def heard(line: str) -> None:
            lines.append(line)
            (folder / "go").touch()

        code = "import os\nprint('first', flush=True)\nwhile not os.path.exists('go'): pass\nprint('second')"
        await confined([sys.executable, "-I", "-c", code], folder=folder, limits=LIMITS, on_line=heard)
        return lines

    assert asyncio.run(read()) == ["first", "second"]


def test_only_the_end_of_complaints_is_kept(folder: Path) -> None:
    outcome = run(folder, "import sys; sys.stderr.write('x' * 10 ** 6 + 'the end'); sys.exit(3)")
    assert outcome.code == 3
    assert outcome.complaint.endswith("the end")
    assert len(outcome.complaint) <= 4096


def test_a_program_that_is_not_there_is_said(folder: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no-such-program"):
        asyncio.run(confined(["no-such-program"], folder=folder, limits=LIMITS))

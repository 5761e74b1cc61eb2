"""The processes that Granian forks."""

import subprocess
import sys

import pytest

#: Forks a worker and ends before the worker begins.
ORPHAN = """
import multiprocessing, os

def late(parent):
    while os.getppid() == parent:
        pass
    from pegbar.cli import workers
    print("it begins", flush=True)
    workers._settle()
    print("it serves", flush=True)

multiprocessing.get_context("fork").Process(target=late, args=(os.getpid(),)).start()
os._exit(0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="processes outlive their parents elsewhere")
def test_a_worker_whose_parent_has_died_does_not_serve() -> None:
    ran = subprocess.run([sys.executable, "-c", ORPHAN], capture_output=True, text=True, check=True, timeout=60)
    assert (ran.stdout, ran.stderr) == ("it begins\n", "")


def called(arguments: str) -> str:
    """How a call in a copy of the loaded process ends."""
    code = f"""
from pegbar.cli import forking
try:
    print("answer", forking.call({arguments}))
except Exception as error:
    print(type(error).__name__, error, *getattr(error, "__notes__", ()))
"""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


def test_a_copy_of_the_loaded_process_answers_or_says_why_not() -> None:
    assert called("int, '7'") == "answer 7\n"
    said = called("int, 'seven'")
    assert said.startswith("ValueError invalid literal for int()")
    assert "Traceback" in said, "the story of the other process is told"
    assert called("__import__('os')._exit, 3") == "CannotRun A process of this server ended with 3: start it again.\n"
    assert called("__import__('json').loads, '{'").startswith("JSONDecodeError Expecting property name")

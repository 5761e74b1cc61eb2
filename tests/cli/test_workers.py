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


#: What is called in copies of the loaded process.
CALLS = """
import json, os
from pegbar.cli import forking
for function, argument in ((int, "7"), (int, "seven"), (json.loads, "{"), (os._exit, 3)):
    try:
        print("answer", forking.call(function, argument))
    except Exception as error:
        print(type(error).__name__, error, *getattr(error, "__notes__", ()))
"""


def test_a_copy_of_the_loaded_process_answers_or_says_why_not() -> None:
    ran = subprocess.run([sys.executable, "-c", CALLS], capture_output=True, text=True, check=True, timeout=120)
    lines = ran.stdout.splitlines()
    assert lines[0] == "answer 7"
    assert lines[1].startswith("ValueError invalid literal for int()")
    assert "Traceback" in lines[1], "the story of the other process is told"
    assert any(line.startswith("JSONDecodeError Expecting property name") for line in lines)
    assert lines[-1] == "CannotRun A process of this server ended with 3: start it again."

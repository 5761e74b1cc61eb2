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
    workers._settle()
    print("it serves", flush=True)

multiprocessing.get_context("fork").Process(target=late, args=(os.getpid(),)).start()
os._exit(0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="processes outlive their parents elsewhere")
def test_a_worker_whose_parent_has_died_does_not_serve() -> None:
    ran = subprocess.run([sys.executable, "-c", ORPHAN], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout == ""

"""Runs the files of tests that failed once more, each by itself: `python -m tests.again`, after a run of pytest.

In a whole run tests share servers with others and meet their rows, and several runs share the processors. What passes
by itself has tripped over that: it is named, and to be mended, but says nothing against the program. What fails again
fails, and so does a run of which more failed than that explains, or that was broken off.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.shares import file_of

_ROOT = Path(__file__).parent.parent
_CACHE = _ROOT / ".pytest_cache" / "v"
#: How the last run ended, in the cache of pytest.
_ENDED = "pegbar/ended"
#: More files than these do not fail by chance.
_MOST = 4


def note_end(config: pytest.Config, status: int) -> None:
    """Keep how a run ended."""
    cache: pytest.Cache | None = getattr(config, "cache", None)
    if cache is not None and not hasattr(config, "workerinput"):
        cache.set(_ENDED, int(status))


def _passes(name: str) -> bool:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", name]
    return subprocess.run(command, cwd=_ROOT, check=False).returncode == 0


def main() -> int:
    """Run them; 0 when all passed."""
    ended = json.loads((_CACHE / _ENDED).read_text())
    tests = sorted(json.loads((_CACHE / "cache" / "lastfailed").read_text()))
    files = sorted(set(map(file_of, tests)))
    if ended != pytest.ExitCode.TESTS_FAILED or not 0 < len(files) <= _MOST:
        print(f"The run ended with {ended}, tests of {len(files)} files failed: that is no chance.")
        return 1
    if [name for name in files if not _passes(name)]:
        return 1
    print("These failed beside others and passed by themselves. They depend on others: mend them.")
    print("\n".join(f"  {name}" for name in tests))
    return 0


if __name__ == "__main__":
    sys.exit(main())

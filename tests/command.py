"""The `pegbar` command, run in the process of the tests: quicker than a process of its own."""

import io
import os
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any

from pegbar import cli
from pegbar.config import settings
from pegbar.core.storage.choice import store
from tests.server import FAST


@dataclass
class Done:
    """A command that ended."""

    returncode: int
    stdout: str
    stderr: str


def _forget() -> None:
    """A process of its own would have neither the settings nor the store of the one before."""
    settings.cache_clear()
    store.cache_clear()


def pegbar(*arguments: str, stdin: str = "", **environment: str) -> Done:
    """Run a command to its end, with the settings of test servers."""
    before = dict(os.environ)
    out, err = io.StringIO(), io.StringIO()
    os.environ.update({**FAST, **environment, "COLUMNS": "200"})
    _forget()
    code: Any = 0
    try:
        with redirect_stdout(out), redirect_stderr(err), _stdin(stdin):
            cli.main(arguments)
    except SystemExit as exit_:
        code = exit_.code or 0
    finally:
        os.environ.clear()
        os.environ.update(before)
        _forget()
    return Done(code, out.getvalue(), err.getvalue())


class _stdin:
    def __init__(self, text: str) -> None:
        self._text = text

    def __enter__(self) -> None:
        import sys

        self._before, sys.stdin = sys.stdin, io.StringIO(self._text)

    def __exit__(self, *_: object) -> None:
        import sys

        sys.stdin = self._before

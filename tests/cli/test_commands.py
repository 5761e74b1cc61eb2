"""The modules that a command loads."""

import subprocess
import sys

import pytest

from pegbar.cli import MODULES, app, load

_DECLARED = "from pegbar.cli import app, load; load({command!r}); print(*[name for name in app if name[0] != '-'])"


@pytest.mark.parametrize("module", MODULES)
def test_a_command_loads_its_module_alone(module: str) -> None:
    script = _DECLARED.format(command=MODULES[module][0])
    printed = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    assert sorted(printed.split()) == sorted(MODULES[module])


def test_what_is_no_command_loads_all_of_them() -> None:
    load("--help")
    assert {name for name in app if not name.startswith("-")} == {name for names in MODULES.values() for name in names}

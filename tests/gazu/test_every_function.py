"""Each `test_<module>.py` of this folder calls every public function of that module of Gazu.

A module of tests may excuse some in `EXCUSED`, each with its reason.
"""

import ast
import importlib
import inspect
from pathlib import Path

import gazu
import pytest

FOLDER = Path(__file__).parent
MODULES = sorted(name for file in FOLDER.glob("test_*.py") if hasattr(gazu, name := file.stem.removeprefix("test_")))


def public(module: str) -> set[str]:
    """The functions that Gazu offers in a module."""
    found = inspect.getmembers(getattr(gazu, module), inspect.isfunction)
    return {name for name, function in found if function.__module__ == f"gazu.{module}" and not name.startswith("_")}


def called(module: str) -> set[str]:
    """The functions of the module that the tests of this folder call, as `gazu.<module>.<function>(…)`."""
    prefix = f"gazu.{module}."
    calls = set()
    for file in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and (name := ast.unparse(node.func)).startswith(prefix):
                calls.add(name.removeprefix(prefix))
    return calls


@pytest.mark.parametrize("module", MODULES)
def test_every_function_of_a_module_is_called(module: str) -> None:
    excused = getattr(importlib.import_module(f"tests.gazu.test_{module}"), "EXCUSED", {})
    assert public(module) - called(module) == set(excused)

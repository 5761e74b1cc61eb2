"""Runs the program: makes a package of this folder, wherever it lies, without the ones around it."""

import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

_FOLDER = Path(__file__).parent


def main() -> None:
    """Do what the request says (`program.py`)."""
    spec = spec_from_file_location("render", _FOLDER / "__init__.py", submodule_search_locations=[str(_FOLDER)])
    assert spec is not None
    assert spec.loader is not None
    package = module_from_spec(spec)
    sys.modules["render"] = package
    spec.loader.exec_module(package)
    import_module("render.program").main()


if __name__ == "__main__":
    main()

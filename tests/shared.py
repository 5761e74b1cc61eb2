"""What the project's specification ships beside the repository; tests that need it are skipped without it."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(os.environ.get("PEGBAR_SHARED") or Path(__file__).parents[2] / "shared")


def path(name: str) -> Path:
    """A file of it."""
    found = FOLDER / name
    if not found.exists():
        pytest.skip(f"{found} is not there (set PEGBAR_SHARED to the folder of the specification)")
    return found


def contract_tables() -> dict[str, Any]:
    """The tables of a Kitsu database, by name."""
    found: dict[str, Any] = json.loads(path("contract/tables.json").read_text())
    return found

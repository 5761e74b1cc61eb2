"""What the project's specification ships beside the repository.

Tests that need it are skipped without it, which the end of the run says; with PEGBAR_SPECIFICATION=required they fail.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(os.environ.get("PEGBAR_SHARED") or Path(__file__).parents[2] / "shared")


def path(name: str) -> Path:
    """A file of it."""
    file = FOLDER / name
    if not file.exists():
        reason = f"{file} is not there (set PEGBAR_SHARED to the folder of the specification)"
        if os.environ.get("PEGBAR_SPECIFICATION") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    return file


def contract_tables() -> dict[str, Any]:
    """The tables of a Kitsu database, by name."""
    tables: dict[str, Any] = json.loads(path("contract/tables.json").read_text())
    return tables

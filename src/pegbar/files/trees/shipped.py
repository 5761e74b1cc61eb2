"""The trees that come with the server. Source: spec media, "Shipped trees"."""

import json
import re
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent
_NAME = re.compile(r"[A-Za-z0-9_-]+")
NAMES = tuple(sorted(file.stem for file in _FOLDER.glob("*.json")))


def shipped_tree(name: str) -> dict[str, Any] | None:
    """The tree of that name; None when there is none."""
    if not _NAME.fullmatch(name) or name not in NAMES:
        return None
    tree: dict[str, Any] = json.loads((_FOLDER / f"{name}.json").read_text())
    return tree

"""docs/architecture.md names what is there: its paths exist, and its table leads to what it says."""

import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_SOURCE = _ROOT / "src" / "pegbar"
_PAGE = (_ROOT / "docs" / "architecture.md").read_text()
_PATH = re.compile(r"`((?:[a-z_]+/)+[a-z_]*(?:\.(?:py|sql))?)`|`([a-z_]+\.py)`")
_TABLE = _PAGE.partition("## Where a new thing goes")[2].partition("\n\nAll modules")[0]
_ROWS = [line for line in _TABLE.splitlines() if line.startswith("| ") and "---" not in line][1:]


_CORE = [file.read_text() for file in (_SOURCE / "core").rglob("*.py")]


def _exists(path: str) -> bool:
    return (_ROOT / path).exists() or any(_SOURCE.rglob(path.rstrip("/")))


def test_every_path_it_names_exists() -> None:
    paths = {match[1] or match[2] for match in _PATH.finditer(_PAGE)}
    assert len(paths) > 30
    assert sorted(path for path in paths if not _exists(path)) == []


@pytest.mark.parametrize("row", _ROWS, ids=lambda row: row.split("|")[1].strip())
def test_the_table_leads_to_what_it_says(row: str) -> None:
    """Each name in a row stands in a file of a kind that the row names."""
    _, thing, place, _ = row.split("|")
    files = [match[1] or match[2] for match in _PATH.finditer(place)]
    assert files, f"{thing} has no place"
    texts = [
        file.read_text()
        for path in files
        for file in (_SOURCE.rglob(Path(path).name) if path.endswith(".py") else (_SOURCE / path).rglob("*.py"))
    ]
    for name in re.findall(r"`@?(?:tx\.)?([A-Za-z_]+)[(=`]", _PATH.sub("", place)):
        assert any(re.search(rf"\b{name}\b", text) for text in [*texts, *_CORE]), f"{thing}: {name}"
